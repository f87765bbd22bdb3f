"""The named terms of the objective, and the two modules that compute them.

`AutoencoderObjective` is one forward pass of generator and reconstructor, `DiscriminatorObjective`
one of the discriminator. Each is a single module, so that several processes exchange gradients once.
All terms are means over rows, so that the mean over processes is the mean over the global batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.data.batches import Batch
from summgan.networks.backbone import embed_words
from summgan.networks.code import Code
from summgan.networks.discriminator import Discriminator, Judgement
from summgan.networks.estimators import REWARDED, leave_one_out
from summgan.networks.modeling import SummGAN
from summgan.networks.words import first_places
from summgan.options.configuration import TrainingOptions
from summgan.randomness import RandomStream

Judge = Callable[[Tensor, Tensor], Judgement]


@dataclass(frozen=True)
class Objective:
    """What one forward pass amounts to.

    Attributes:
        total: The scalar to differentiate.
        terms: Named, unweighted, detached scalars for the log.
        words: ``[batch, length]`` the summaries drawn, for the discriminator; None in the warm start.
        words_mask: Their mask.
    """

    total: Tensor
    terms: dict[str, Tensor]
    words: Tensor | None = None
    words_mask: Tensor | None = None


class AutoencoderObjective(nn.Module):
    """Loss of generator and reconstructor in either stage.

    Args:
        model: Whose networks are trained.
        options: Weights, estimator, dropout.
    """

    def __init__(self, model: SummGAN, options: TrainingOptions):
        super().__init__()
        self.generator, self.reconstructor = model.generator, model.reconstructor
        self.options = options

    def forward(
        self, batch: Batch, stream: RandomStream, temperature: float | None, judge: Judge | None
    ) -> Objective:
        """The warm start when there is no ``temperature``, else the adversarial stage."""
        if temperature is None:
            return self.warm_start(batch, stream)
        return self.adversarial(batch, stream, temperature, judge)

    def warm_start(self, batch: Batch, stream: RandomStream) -> Objective:
        """Each network learns alone what can be learned without the other.

        The generator finds human sentences among foreign words (or picks content words, where no
        human sentence may be seen), the reconstructor writes documents from some of their words.
        """
        if self.options.warm_start == "sentences":
            name, imitation = "denoising", self.denoising(batch).mean()
        else:
            name, imitation = "extraction", self.extraction(batch).mean()
        code = self.reconstructor.code_of(batch.content, batch.content_mask)
        reconstruction = self.reconstruct(code, batch, stream).mean()
        terms = {name: imitation.detach(), "reconstruction": reconstruction.detach()}
        return Objective(imitation + reconstruction, terms)

    def adversarial(
        self, batch: Batch, stream: RandomStream, temperature: float, judge: Judge | None
    ) -> Objective:
        """Document to words to document, with every other term that has a weight."""
        options, weights = self.options, asdict(self.options.loss_weights)
        rewarded = REWARDED.get(options.estimator, ())
        samples = options.samples_per_document if rewarded else 1
        source = self.generator.encode(batch.documents, batch.documents_mask)
        units = self.generator.draw_units(source, stream.fork("units")).repeat_interleave(samples)
        source = source.repeat(samples)
        draws = stream.fork("draw").repeat(samples)
        code = self.generator(source, units, draws, options.estimator, temperature)
        per_row = {"reconstruction": self.reconstruct(code, batch, stream, samples)}
        if judge is not None:
            words = code.one_hot.detach() if "adversarial" in rewarded else code.one_hot
            per_row["adversarial"] = generator_loss(
                judge, words, code, batch, samples, hard=options.estimator != "soft-gumbel"
            )
        if weights["content"]:
            per_row["content"] = self.content(code, batch, samples)
        total = sum(weights[name] * values for name, values in per_row.items()).mean()
        if rewarded:
            cost = sum(weights[name] * per_row[name] for name in rewarded if name in per_row)
            advantage = leave_one_out(cost.view(-1, samples)).flatten()
            total = total + (advantage * (code.log_probs * code.mask).sum(1)).mean()
        if weights["back_cycle"]:
            per_row["back_cycle"] = self.back_cycle(batch, stream.fork("back"))
            total = total + weights["back_cycle"] * per_row["back_cycle"].mean()
        if weights["denoising"]:
            per_row["denoising"] = self.denoising(batch)
            total = total + weights["denoising"] * per_row["denoising"].mean()
        terms = {name: values.detach().mean() for name, values in per_row.items()}
        first = slice(None, None, samples)
        return Objective(total, terms | code.metrics, code.words[first], code.mask[first])

    def denoising(self, batch: Batch) -> Tensor:
        """``[batch]``: write the sentence that is hidden in a text, as far as it is."""
        return self.generator.imitation_loss(
            batch.noised, batch.noised_mask, batch.targets, batch.targets_mask, batch.supported
        )

    def extraction(self, batch: Batch) -> Tensor:
        """``[batch]``: write the picked content words of a document."""
        return self.generator.imitation_loss(
            batch.documents, batch.documents_mask, batch.content, batch.content_mask
        )

    def content(self, code: Code, batch: Batch, samples: int = 1) -> Tensor:
        """``[batch * samples]``: minus the salience per piece of what is said of the document.

        A function of which words are said and nothing else, so the straight-through gradient is nearly
        exact; a piece that is said twice counts for nothing.
        """
        documents = batch.documents.repeat_interleave(samples, dim=0)
        mask = batch.documents_mask.repeat_interleave(samples, dim=0)
        said = code.one_hot.gather(2, documents[:, None].expand(-1, code.mask.shape[1], -1))
        said = said * code.mask[..., None]
        by_others = said.detach().sum(1, keepdim=True) - said.detach()
        once = (said * (by_others < 0.5)).sum(1) * mask * first_places(documents)
        salience = self.generator.bottleneck.salience(documents)
        return -(once * salience).sum(1) / code.mask.sum(1)

    def reconstruct(self, code: Code, batch: Batch, stream: RandomStream, samples: int = 1) -> Tensor:
        """``[batch * samples]``: write the document from the code."""
        return self.reconstructor(code, *self.rebuilt(batch, stream, samples))

    def rebuilt(self, batch: Batch, stream: RandomStream, samples: int = 1) -> tuple:
        """What `Reconstructor` is asked for, besides a code: documents, mask, noise, dropout and stride."""
        documents = batch.documents.repeat_interleave(samples, dim=0)
        mask = batch.documents_mask.repeat_interleave(samples, dim=0)
        # Siblings get the same noise: their difference must come from their words.
        noise = RandomStream.of(batch.rows.repeat_interleave(samples), stream.seed, "dropout")
        return documents, mask, noise, self.options.word_dropout, self.options.reconstruction_stride

    def back_cycle(self, batch: Batch, stream: RandomStream) -> Tensor:
        """``[batch]``: summarize what the reconstructor makes of a human sentence to the sentence.

        The unsupervised translation of Lample 2018: an answer written by people to an input written
        by the other network. The input is a sample and carries no gradient.
        """
        with torch.no_grad():
            code = self.reconstructor.code_of(batch.sentences, batch.sentences_mask)
            documents = self.reconstructor.sample(code, batch.documents.shape[1], stream)
            # As long as the row's own document at most, whatever its batch was padded to.
            places = torch.arange(documents.shape[1], device=documents.device)
            own = places < batch.documents_mask.sum(1, keepdim=True)
            mask = self.reconstructor.mask_of(documents) * own
        return self.generator.imitation_loss(documents, mask, batch.sentences, batch.sentences_mask)


class DiscriminatorObjective(nn.Module):
    """Loss of the discriminator.

    Args:
        discriminator: The network.
        gradient_penalty: Weight of R1 and R2.
    """

    def __init__(self, discriminator: Discriminator, gradient_penalty: float):
        super().__init__()
        self.discriminator, self.gradient_penalty = discriminator, gradient_penalty

    def forward(self, batch: Batch, words: Tensor | None, words_mask: Tensor | None) -> Objective:
        """Tell human sentences from damaged ones and, once there are any, from summaries.

        Per sentence a relativistic loss (Jolicoeur-Martineau 2019) with zero-centred gradient
        penalties on both sides (Huang 2024, R3GAN); per word a cross-entropy as in ELECTRA.
        """
        real_vectors, real = self._look(batch.sentences, batch.sentences_mask)
        damaged_vectors, damaged = self._look(batch.damaged, batch.damaged_mask)
        relativistic = [F.softplus(damaged.sentence - real.sentence).mean()]
        per_word = [
            _word_loss(real.words, torch.ones_like(real.words), batch.sentences_mask),
            _word_loss(damaged.words, batch.damaged_human.float(), batch.damaged_mask),
        ]
        accuracy = (real.sentence > damaged.sentence).float().mean()
        terms = {"damaged_accuracy": accuracy}
        judged = [(real_vectors, real), (damaged_vectors, damaged)]
        if words is not None:
            fake_vectors, fake = self._look(words, words_mask)
            relativistic.append(F.softplus(fake.sentence - real.sentence).mean())
            per_word.append(_word_loss(fake.words, torch.zeros_like(fake.words), words_mask))
            terms["accuracy"] = (real.sentence > fake.sentence).float().mean()
            judged[1] = (fake_vectors, fake)
        terms["discriminator"] = sum(relativistic) / len(relativistic)
        terms["discriminator_words"] = sum(per_word) / len(per_word)
        total = terms["discriminator"] + terms["discriminator_words"]
        if self.gradient_penalty:
            terms["gradient_penalty"] = sum(_penalty(*pair) for pair in judged)
            total = total + self.gradient_penalty / 2 * terms["gradient_penalty"]
        return Objective(total, {name: value.detach() for name, value in terms.items()})

    def _look(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Judgement]:
        vectors = self.discriminator.embed(words)
        return vectors, self.discriminator(vectors, mask)


def make_judge(discriminator: Discriminator) -> Judge:
    """The discriminator as a fixed function: it gives gradient to words and takes none itself.

    Without this its parameters would collect gradient in the generator's step, which accumulation
    then carries into its own.
    """
    frozen = {name: value.detach() for name, value in discriminator.named_parameters()}

    def judge(words: Tensor, mask: Tensor) -> Judgement:
        vectors = embed_words(words, frozen["embedding.weight"])
        return torch.func.functional_call(discriminator, frozen, (vectors, mask))

    return judge


def generator_loss(
    judge: Judge, words: Tensor, code: Code, batch: Batch, samples: int, hard: bool = True
) -> Tensor:
    """How far words are from human, ``[batch * samples]``: relativistic per sentence, plus per word.

    Args:
        judge: From `make_judge`.
        words: ``[batch * samples, length, vocabulary]``, one-hot or nearly.
        code: The summaries that they are of.
        batch: Its human sentences are what a summary is compared with.
        samples: Summaries per row of the batch.
        hard: Whether the code's words are one-hot; soft ones are made so, since a judge of human
            words would know them at once.
    """
    if not hard:
        words = F.one_hot(code.words, words.shape[-1]).to(words.dtype) + words - words.detach()
    fake = judge(words, code.mask)
    with torch.no_grad():
        real = judge(batch.sentences, batch.sentences_mask)
    sentence = F.softplus(real.sentence.repeat_interleave(samples) - fake.sentence)
    per_word = (F.softplus(-fake.words) * code.mask).sum(1) / code.mask.sum(1)
    return (sentence + per_word) / 2


def _word_loss(logits: Tensor, human: Tensor, mask: Tensor) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(logits, human, reduction="none")
    return ((losses * mask).sum(1) / mask.sum(1)).mean()


def _penalty(vectors: Tensor, judgement: Judgement) -> Tensor:
    """Mean squared norm of the sentence score's gradient to the word vectors."""
    (gradient,) = torch.autograd.grad(judgement.sentence.sum(), vectors, create_graph=True)
    return gradient.square().sum((1, 2)).mean()
