"""The loss terms of decoders as functions; `summary_task.py` combines them.

A term has one value per row, so that its mean over micro-batches or processes is its mean over the global
batch. Terms are entries of a dict; the weight of each has the same name.
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
        terms: Values by name, all of one shape.
        weights: Weights by name; names without a term are ignored.
        start: Value to which the terms are added.

    Raises:
        SummGANError: A term has no weight.
    """
    total = torch.as_tensor(start)
    for name, values in terms.items():
        if name not in weights:
            raise SummGANError(
                f"The loss term {name!r} has no weight; there are weights for {', '.join(weights)}. Add one."
            )
        total = total + weights[name] * values
    return total


def means(terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Detached mean of each term, for the log."""
    return {name: values.detach().mean() for name, values in terms.items()}


# Generator and reconstructor ---------------------------------------------------------------------


def denoising(generator: Generator, batch: Batch) -> Tensor:
    """Loss ``[batch]`` of writing the human sentence that is hidden in a text, in nats per piece.

    Pieces that the text does not contain do not count.
    """
    noised, targets = batch["noised"], batch["targets"]
    return generator.imitation_loss(noised.ids, noised.mask, targets.ids, targets.mask, targets.labels)


def extraction(generator: Generator, batch: Batch) -> Tensor:
    """Loss ``[batch]`` of writing content words picked from a document, in nats per piece."""
    documents, picked = batch["documents"], batch["content"]
    return generator.imitation_loss(documents.ids, documents.mask, picked.ids, picked.mask)


def reconstruction_inputs(
    batch: Batch, stream: RandomStream, samples: int = 1
) -> tuple[Tensor, Tensor, RandomStream]:
    """Documents and their mask, both ``[batch * samples, document]``, and the noise of rebuilding them.

    All samples of a document get the same noise, so that their losses differ only by their words.
    """
    documents = batch["documents"].repeat(samples)
    noise = RandomStream.of(batch.rows.repeat_interleave(samples), stream.seed, "dropout")
    return documents.ids, documents.mask, noise


def content(salience: Callable[[Tensor], Tensor], code: Code, batch: Batch, samples: int = 1) -> Tensor:
    """Loss ``[batch * samples]``: minus the salience of what a summary says, in nats per piece it has.

    The loss depends only on which pieces are said, so the straight-through gradient is nearly exact. A piece
    that is said twice does not count.

    Args:
        salience: Salience ``[rows, document]`` of each place of documents of that shape.
        code: The summaries.
        batch: Texts with the documents.
        samples: Number of summaries of each document.
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
    """Loss ``[batch]`` of writing a human sentence from the document that the reconstructor makes of it.

    This is the back-translation of unsupervised translation (Lample 2018): the target is human, the input is
    a sample of the other network, without a gradient. In nats per piece.
    """
    sentences, longest = batch["sentences"], batch["documents"].mask
    with torch.no_grad():
        code = reconstructor.code_of(sentences.ids, sentences.mask)
        documents = reconstructor.sample(code, longest.shape[1], stream)
        # At most as long as the row's own document, whatever the padding of its batch.
        places = torch.arange(documents.shape[1], device=documents.device)
        mask = reconstructor.mask_of(documents) * (places < longest.sum(1, keepdim=True))
    return generator.imitation_loss(documents, mask, sentences.ids, sentences.mask)


def make_judge(discriminator: Discriminator) -> Judge:
    """Make a fixed function of the discriminator: words get a gradient through it, its parameters do not.

    Otherwise its parameters would collect gradients in the generator's step, and gradient accumulation would
    carry them into the discriminator's own step.
    """
    frozen = {name: value.detach() for name, value in discriminator.named_parameters()}

    def judge(words: Tensor, mask: Tensor) -> Judgement:
        vectors = embed_words(words, frozen["embedding.weight"])
        return torch.func.functional_call(discriminator, frozen, (vectors, mask))

    return judge


def adversarial(
    judge: Judge, words: Tensor, code: Code, batch: Batch, samples: int, hard: bool = True
) -> Tensor:
    """Adversarial loss ``[batch * samples]``: the mean of a relativistic loss per sentence and one per word.

    Args:
        judge: From `make_judge`.
        words: ``[batch * samples, length, vocabulary]``, one-hot or relaxed.
        code: The summaries that consist of these words.
        batch: Texts with the human sentences with which summaries are compared.
        samples: Number of summaries of each row of the batch.
        hard: Whether the words are one-hot. Relaxed words are made one-hot in the forward pass, since the
            discriminator, which reads one-hot words, would recognize them at once.
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
    """Losses of distinguishing human sentences from damaged ones and, if there are any, from summaries.

    The loss of a sentence is relativistic (Jolicoeur-Martineau 2019) with zero-centred gradient penalties on
    both sides (Huang 2024, R3GAN); that of a word is a cross-entropy as in ELECTRA (Clark 2020).

    Args:
        discriminator: The network.
        batch: Texts with human and damaged sentences.
        fakes: Summaries ``[batch, length]`` and their mask; None in the warm start.
        penalized: Whether to compute the gradient penalty.

    Returns:
        Scalar terms, and accuracies: shares of pairs in which the human sentence scores higher.
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
