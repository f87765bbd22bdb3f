"""Ideas from the literature that are not in the package, as rows of `news_ablation.py`.

Each is a small change of the objective, or of what the warm start learns from, put in place of the package's
own for one training run. What they gained on news is in `docs/method.md`.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.data.batches import Batch, pad
from summgan.networks.code import Code
from summgan.networks.compression import Compressor
from summgan.networks.reconstructor import weighted_loss
from summgan.networks.words import first_places
from summgan.randomness import RandomStream
from summgan.text.boundaries import Unit, join, split_into_units
from summgan.training.losses import AutoencoderObjective, Judge, Objective
from summgan.training.trainer import Trainer

_FRESH_EVERY = 20
_BATCH_SIZE = 512  # documents told from each other
_HIDDEN_POSITIONS = 0.5
_SIMILARITY, _PRIOR = 3.0, 1.0  # weights of the terms that these ideas add
_DROPPED, _SHUFFLED = 0.1, 0.1  # shares of a sentence's words, as MSRP has them


class GainObjective(AutoencoderObjective):
    """Reconstruction counts where the words help: by how much likelier a piece is with them than without."""

    def reconstruct(self, code: Code, batch: Batch, stream: RandomStream, samples: int = 1) -> Tensor:
        """``[batch * samples]``: and all pieces without any words, so that this is known."""
        rebuilt = self.rebuilt(batch, stream, samples)
        ends = torch.full_like(rebuilt[0][:, :1], self.reconstructor.end_id)
        nothing = self.reconstructor.code_of(ends, torch.ones_like(ends))
        scores, weights = self.reconstructor.scores(code, *rebuilt)
        without, _ = self.reconstructor.scores(nothing, *rebuilt)
        gain = (scores - without).detach().clamp_min(0) * weights
        return weighted_loss(without, weights) - (scores * gain).sum(1) / gain.sum(1).clamp_min(1e-6)


class FreshReconstructorObjective(AutoencoderObjective):
    """Every twenty steps the reconstructor is again the one that no summary has taught, so that no private
    code can last.
    """

    calls, first = 0, None

    def adversarial(
        self, batch: Batch, stream: RandomStream, temperature: float, judge: Judge | None
    ) -> Objective:
        """As ever, with another reconstructor from time to time."""
        if self.first is None:
            self.first = copy.deepcopy(self.reconstructor.state_dict())
        if self.calls % _FRESH_EVERY == 0:
            # The table of embeddings is the generator's too and stays.
            own = {k: v for k, v in self.first.items() if not k.endswith("embedding.weight")}
            self.reconstructor.load_state_dict(own, strict=False)
        self.calls += 1
        return super().adversarial(batch, stream, temperature, judge)


class PriorObjective(AutoencoderObjective):
    """The anchor is the Kullback-Leibler divergence, per word drawn, from the generator of the warm start."""

    def adversarial(
        self, batch: Batch, stream: RandomStream, temperature: float, judge: Judge | None
    ) -> Objective:
        """Both generators score the words that the present one has drawn."""
        if not hasattr(self, "prior"):
            # A list hides it from the parameters of the module.
            self.prior = [copy.deepcopy(self.generator).eval().requires_grad_(False)]
        objective = super().adversarial(batch, stream, temperature, judge)
        ours = self.word_log_probs(self.generator, batch, objective.words, objective.words_mask)
        with torch.no_grad():
            theirs = self.word_log_probs(self.prior[0], batch, objective.words, objective.words_mask)
        mask = objective.words_mask
        divergence = ((ours.exp() * (ours - theirs)).sum(-1) * mask).sum() / mask.sum()
        terms = objective.terms | {"prior": divergence.detach()}
        return replace(objective, total=objective.total + _PRIOR * divergence, terms=terms)

    @staticmethod
    def word_log_probs(generator: nn.Module, batch: Batch, words: Tensor, mask: Tensor) -> Tensor:
        """``[batch, length, vocabulary]`` before every word drawn."""
        source, bottleneck = generator.encode(batch.documents, batch.documents_mask), generator.bottleneck
        vectors, _, _ = bottleneck.inputs(words, bottleneck.length_of(words, mask))
        hidden = bottleneck.decoder(vectors, source.states, source.mask)
        return bottleneck.log_probs(hidden, bottleneck.keys(source), source, bottleneck.fed(words))


class SimilarityObjective(AutoencoderObjective):
    """The bag of the words drawn shall be like that of the document, to an encoder that knows documents from
    each other by their halves (`word_vectors`); the reward that helped MSRP (Liu 2022) most.
    """

    vectors: Tensor

    def content(self, code: Code, batch: Batch, samples: int = 1) -> Tensor:
        """``[batch * samples]``: salience as ever, and minus the cosine."""
        documents = batch.documents.repeat_interleave(samples, dim=0)
        mask = batch.documents_mask.repeat_interleave(samples, dim=0)
        said = (code.one_hot * code.mask[..., None]).sum(1) @ self.vectors
        once = mask * first_places(documents)
        whole = (self.vectors[documents] * once[..., None]).sum(1)
        return super().content(code, batch, samples) - _SIMILARITY * F.cosine_similarity(said, whole)


class SimilarityTrainer(Trainer):
    """Trains the encoder of `SimilarityObjective` before all."""

    def __init__(self, model, corpora, options, *args, **kwargs):
        super().__init__(model, corpora, options, *args, **kwargs)
        found = word_vectors(corpora.documents, model.config.vocab_size, options.training.seed)
        found[corpora.vocabulary.end_id] = 0  # which no half has
        self.autoencoder.vectors = found.to(self.accelerator.device)


def word_vectors(documents: Dataset, vocabulary: int, seed: int, steps: int = 1500) -> Tensor:
    """``[vocabulary, 128]``: vectors whose sum over half of a document's words is nearer to that over the
    other half than to those of other documents (InfoNCE, van den Oord 2018).
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    texts = [np.unique(ids[:-1]) for ids in documents["input_ids"] if len(ids) > 12]
    table = nn.EmbeddingBag(vocabulary, 128, mode="sum")
    nn.init.normal_(table.weight, std=0.1)
    sharpness = nn.Parameter(torch.tensor(2.5))
    optimizer = torch.optim.Adam([*table.parameters(), sharpness])

    def bags(rows: list[np.ndarray]) -> Tensor:
        offsets = np.cumsum([0, *map(len, rows[:-1])])
        return F.normalize(table(torch.as_tensor(np.concatenate(rows)), torch.as_tensor(offsets)), dim=1)

    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 5e-3 * (1 - step / steps)
        drawn = [rng.permutation(texts[row]) for row in rng.integers(0, len(texts), _BATCH_SIZE)]
        first, second = (bags([row[half::2] for row in drawn]) for half in (0, 1))
        scores, own = first @ second.T * sharpness.exp(), torch.arange(_BATCH_SIZE)
        loss = F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return table.weight.detach()


class HiddenPositionsObjective(AutoencoderObjective):
    """Of half of the texts the generator is not told where a word stands, so that it cannot copy the lead."""

    def denoising(self, batch: Batch) -> Tensor:
        """``[batch]``, as ever but for that."""
        hidden = RandomStream.of(batch.rows, 0, "positions").uniform(1) < _HIDDEN_POSITIONS

        def hide(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            return output.expand(len(hidden), *output.shape[-2:]) * ~hidden[..., None]

        handle = self.generator.encoder.stack.embed_positions.register_forward_hook(hide)
        try:
            return super().denoising(batch)
        finally:
            handle.remove()


class ShuffledSentencesObjective(AutoencoderObjective):
    """The sentences of what is summarized stand in any order."""

    stops: frozenset[int]

    def denoising(self, batch: Batch) -> Tensor:
        """``[batch]``, as ever but for that."""
        texts = []
        for row, ids, mask in zip(batch.rows.tolist(), batch.noised, batch.noised_mask, strict=True):
            *inside, end = ids[mask.bool()].tolist()
            texts.append([*self.shuffled(inside, row), end])
        noised, noised_mask = (tensor.to(batch.noised.device) for tensor in pad(texts))
        return super().denoising(replace(batch, noised=noised, noised_mask=noised_mask))

    def shuffled(self, ids: list[int], seed: int) -> list[int]:
        """Pieces with their sentences in another order."""
        sentences: list[list[int]] = [[]]
        for piece in ids:
            sentences[-1].append(piece)
            if piece in self.stops:
                sentences.append([])
        random.Random(seed).shuffle(sentences)
        return join(sentences)


class ShuffledSentencesTrainer(Trainer):
    """Knows what ends a sentence."""

    def __init__(self, model, corpora, *args, **kwargs):
        super().__init__(model, corpora, *args, **kwargs)
        pieces = enumerate(
            corpora.vocabulary.tokenizer.convert_ids_to_tokens(range(len(corpora.vocabulary.tokenizer)))
        )
        self.autoencoder.stops = frozenset(i for i, piece in pieces if piece in (".", "!", "?", "。"))


class SpanCompressor(Compressor):
    """What is learned of a document is a span of it, and not its best words."""

    def __call__(self, documents, worth: Tensor, lengths) -> list[Unit]:
        """A span of so many units of every document, from a place that follows from its pieces."""
        spans = []
        for ids, length in zip(documents, lengths, strict=True):
            units = split_into_units(ids[:-1], self.boundaries)
            start = random.Random(str(ids)).randint(0, max(0, len(units) - length))
            spans.append(join(units[start : start + length]))
        return spans


def among_foreign_words(sentence, contexts, foreign, length, rng: random.Random, *_) -> list[Unit]:
    """In place of `bury` the noise of MSRP: a tenth of the words dropped, a tenth exchanged with a neighbour,
    and as many foreign ones among them.
    """
    kept = [unit for unit in sentence if rng.random() >= _DROPPED] or list(sentence)
    for place in range(len(kept) - 1):
        if rng.random() < _SHUFFLED:
            kept[place], kept[place + 1] = kept[place + 1], kept[place]
    words = [unit for document in foreign for unit in document]
    for _ in range(len(sentence)):
        kept.insert(rng.randint(0, len(kept)), rng.choice(words))
    return kept


@dataclass(frozen=True)
class Idea:
    """What stands in place of what in a training run.

    Attributes:
        replaced: New objects by the names that they take the place of.
        options: Fields of the configuration that change, by block.
        warm_start: Whether the warm start is another one; else the common one goes on.
    """

    replaced: dict[str, Callable]
    options: dict[str, dict] = field(default_factory=dict)
    warm_start: bool = False

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Training inside of this follows the idea."""
        with ExitStack() as stack:
            for name, new in self.replaced.items():
                stack.enter_context(patch(name, new))
            yield


_OBJECTIVE, _TRAINER = "summgan.training.trainer.AutoencoderObjective", "summgan.training.trainer.Trainer"
IDEAS = {
    "foreign-words": Idea(
        {"summgan.data.batches.bury": among_foreign_words}, {"model": {"writer": "decoder"}}, warm_start=True
    ),
    "document-spans": Idea({"summgan.training.trainer.Compressor": SpanCompressor}, warm_start=True),
    "hidden-positions": Idea({_OBJECTIVE: HiddenPositionsObjective}, warm_start=True),
    "shuffled-sentences": Idea(
        {_OBJECTIVE: ShuffledSentencesObjective, _TRAINER: ShuffledSentencesTrainer}, warm_start=True
    ),
    "gain": Idea({_OBJECTIVE: GainObjective}),
    "fresh-reconstructors": Idea({_OBJECTIVE: FreshReconstructorObjective}),
    "prior": Idea({_OBJECTIVE: PriorObjective}, {"loss_weights": {"denoising": 0.0}}),
    "similarity": Idea({_OBJECTIVE: SimilarityObjective, _TRAINER: SimilarityTrainer}),
}
