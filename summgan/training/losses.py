"""The terms of the objectives as functions; `summary_task.py` puts them together.

A term has a value for each row, so that its mean over micro-batches, or over processes, is the mean over the
global batch. Terms are entries of a dict, and the weight of each has the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.data.batches import Batch
from summgan.errors import SummGANError
from summgan.networks.backbone import embed_words
from summgan.networks.code import Code
from summgan.networks.discriminator import Discriminator, Judgement
from summgan.networks.generator import Generator
from summgan.networks.reconstructor import Reconstructor
from summgan.networks.words import first_places
from summgan.randomness import RandomStream

Judge = Callable[[Tensor, Tensor], Judgement]


def weigh(terms: Mapping[str, Tensor], weights: Mapping[str, float], start: Tensor | float = 0.0) -> Tensor:
    """Weighted sum of named terms of one shape.

    Args:
        terms: Values by name.
        weights: Weights by name; there may be more of them than terms.
        start: Value from which the sum starts.

    Raises:
        SummGANError: A term has no weight.
    """
    total = torch.as_tensor(start)
    for name, values in terms.items():
        if name not in weights:
            raise SummGANError(
                f"The loss term {name!r} has no weight; there are weights for {', '.join(weights)}."
            )
        total = total + weights[name] * values
    return total


def means(terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Detached means of the terms, for the log."""
    return {name: values.detach().mean() for name, values in terms.items()}


# Generator and reconstructor ---------------------------------------------------------------------


def denoising(generator: Generator, batch: Batch) -> Tensor:
    """Loss ``[batch]`` of writing the sentence that is hidden in a text, as far as the text says it."""
    noised, targets = batch["noised"], batch["targets"]
    return generator.imitation_loss(noised.ids, noised.mask, targets.ids, targets.mask, targets.labels)


def extraction(generator: Generator, batch: Batch) -> Tensor:
    """Loss ``[batch]`` of writing the picked content words of a document."""
    documents, picked = batch["documents"], batch["content"]
    return generator.imitation_loss(documents.ids, documents.mask, picked.ids, picked.mask)


def reconstruction_inputs(
    batch: Batch, stream: RandomStream, samples: int = 1
) -> tuple[Tensor, Tensor, RandomStream]:
    """Documents ``[batch * samples, document]``, their mask, and the noise of rebuilding them.

    Samples of one document get the same noise, so that only their words make their losses differ.
    """
    documents = batch["documents"].repeat(samples)
    noise = RandomStream.of(batch.rows.repeat_interleave(samples), stream.seed, "dropout")
    return documents.ids, documents.mask, noise


def content(salience: Callable[[Tensor], Tensor], code: Code, batch: Batch, samples: int = 1) -> Tensor:
    """Loss ``[batch * samples]``, minus the salience of the document's said pieces, per piece of the summary.

    It depends only on which words are said, so the straight-through gradient is nearly exact. A piece that is
    said twice counts for nothing.
    """
    documents = batch["documents"].repeat(samples)
    said = code.given("one_hot").gather(2, documents.ids[:, None].expand(-1, code.mask.shape[1], -1))
    said = said * code.mask[..., None]
    by_others = said.detach().sum(1, keepdim=True) - said.detach()
    once = (said * (by_others < 0.5)).sum(1) * documents.mask * first_places(documents.ids)
    return -(once * salience(documents.ids)).sum(1) / code.mask.sum(1)


def back_cycle(
    generator: Generator, reconstructor: Reconstructor, batch: Batch, stream: RandomStream
) -> Tensor:
    """Loss ``[batch]`` of writing a human sentence for the document that the reconstructor makes of it.

    As in unsupervised translation (Lample 2018), people have written the answer and the other network writes
    the input, which is a sample and carries no gradient.
    """
    sentences, longest = batch["sentences"], batch["documents"].mask
    with torch.no_grad():
        code = reconstructor.code_of(sentences.ids, sentences.mask)
        documents = reconstructor.sample(code, longest.shape[1], stream)
        # At most as long as the row's own document, whatever length its batch is padded to.
        places = torch.arange(documents.shape[1], device=documents.device)
        mask = reconstructor.mask_of(documents) * (places < longest.sum(1, keepdim=True))
    return generator.imitation_loss(documents, mask, sentences.ids, sentences.mask)


def make_judge(discriminator: Discriminator) -> Judge:
    """Turn the discriminator into a fixed function: words get gradient from it, its parameters get none.

    Otherwise its parameters would collect gradient in the generator's step, and accumulation would carry that
    into the discriminator's own step.
    """
    frozen = {name: value.detach() for name, value in discriminator.named_parameters()}

    def judge(words: Tensor, mask: Tensor) -> Judgement:
        vectors = embed_words(words, frozen["embedding.weight"])
        return torch.func.functional_call(discriminator, frozen, (vectors, mask))

    return judge


def adversarial(
    judge: Judge, words: Tensor, code: Code, batch: Batch, samples: int, hard: bool = True
) -> Tensor:
    """Loss ``[batch * samples]`` of not reading as human: relativistic per sentence, plus per word.

    Args:
        judge: What `make_judge` answers.
        words: ``[batch * samples, length, vocabulary]``, one-hot or nearly.
        code: The summaries that consist of these words.
        batch: Texts with the human sentences that summaries are compared with.
        samples: Number of summaries of each row of the batch.
        hard: Whether the words are one-hot; soft ones are made one-hot in the forward pass, since a judge of
            human words would recognize them at once.
    """
    if not hard:
        words = F.one_hot(code.given("words"), words.shape[-1]).to(words.dtype) + words - words.detach()
    fake = judge(words, code.mask)
    with torch.no_grad():
        real = judge(batch["sentences"].ids, batch["sentences"].mask)
    sentence = F.softplus(real.sentence.repeat_interleave(samples) - fake.sentence)
    per_word = (F.softplus(-fake.words) * code.mask).sum(1) / code.mask.sum(1)
    return (sentence + per_word) / 2


# Discriminator -----------------------------------------------------------------------------------


def discriminator_terms(
    discriminator: Discriminator, batch: Batch, fakes: tuple[Tensor, Tensor] | None, penalized: bool
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Losses of telling human sentences from damaged ones and, when there are any, from summaries.

    Per sentence the loss is relativistic (Jolicoeur-Martineau 2019) with zero-centred gradient penalties on
    both sides (Huang 2024, R3GAN); per word it is a cross-entropy as in ELECTRA (Clark 2020).

    Args:
        discriminator: The network.
        batch: Texts with human and with damaged sentences.
        fakes: Summaries ``[batch, length]`` and their mask; None in the warm start.
        penalized: Whether the gradient penalty is computed.

    Returns:
        Scalar terms, and shares of pairs told apart.
    """
    sentences, spoiled = batch["sentences"], batch["damaged"]
    real_vectors, real = _look(discriminator, sentences.ids, sentences.mask)
    damaged_vectors, damaged = _look(discriminator, spoiled.ids, spoiled.mask)
    right = spoiled.mask if spoiled.labels is None else spoiled.labels
    relativistic = [F.softplus(damaged.sentence - real.sentence).mean()]
    per_word = [
        _word_loss(real.words, torch.ones_like(real.words), sentences.mask),
        _word_loss(damaged.words, right.float(), spoiled.mask),
    ]
    accuracies = {"damaged_accuracy": (real.sentence > damaged.sentence).float().mean()}
    judged = [(real_vectors, real), (damaged_vectors, damaged)]
    if fakes is not None:
        fake_vectors, fake = _look(discriminator, *fakes)
        relativistic.append(F.softplus(fake.sentence - real.sentence).mean())
        per_word.append(_word_loss(fake.words, torch.zeros_like(fake.words), fakes[1]))
        accuracies["accuracy"] = (real.sentence > fake.sentence).float().mean()
        judged[1] = (fake_vectors, fake)
    terms = {
        "discriminator": _sum(relativistic) / len(relativistic),
        "discriminator_words": _sum(per_word) / len(per_word),
    }
    if penalized:
        terms["gradient_penalty"] = _sum([_penalty(*pair) for pair in judged])
    return terms, accuracies


def _sum(values: list[Tensor]) -> Tensor:
    return torch.as_tensor(sum(values))


def _look(discriminator: Discriminator, words: Tensor, mask: Tensor) -> tuple[Tensor, Judgement]:
    vectors = discriminator.embed(words)
    return vectors, discriminator(vectors, mask)


def _word_loss(logits: Tensor, human: Tensor, mask: Tensor) -> Tensor:
    losses = F.binary_cross_entropy_with_logits(logits, human, reduction="none")
    return ((losses * mask).sum(1) / mask.sum(1)).mean()


def _penalty(vectors: Tensor, judgement: Judgement) -> Tensor:
    """Mean squared norm of the gradient of the sentence score with respect to the word vectors."""
    (gradient,) = torch.autograd.grad(judgement.sentence.sum(), vectors, create_graph=True)
    return gradient.square().sum((1, 2)).mean()
