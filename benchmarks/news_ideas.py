"""Ideas from the literature that are not in the package, as tasks for `news_ablation.py`.

Each is a `SummaryTask` with another term, or with other texts to learn from in the warm start. What they
gained on news is in `docs/results.md`.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn import functional as F

from summgan import SummaryTask
from summgan.data.batches import Batch, SummaryBatches
from summgan.data.order import Share
from summgan.data.padding import Texts
from summgan.networks.code import Code
from summgan.networks.reconstructor import weighted_loss
from summgan.networks.words import first_places
from summgan.randomness import RandomStream
from summgan.text.boundaries import Unit, UnitBoundaries, join, split_into_units
from summgan.training.losses import reconstruction_inputs

_FRESH_EVERY = 20
_BATCH_SIZE = 512  # documents told from each other
_HIDDEN_POSITIONS = 0.5
_SIMILARITY = 3.0  # weight of the term "similarity"
_DROPPED, _SHUFFLED = 0.1, 0.1  # shares of a sentence's words, as MSRP has them


class GainTask(SummaryTask):
    """Reconstruction counts where the words help: by how much likelier a piece is with them than without."""

    def reconstruction(self, code: Code, batch: Batch, stream: RandomStream, samples: int = 1) -> Tensor:
        """``[batch * samples]``: and all pieces without any words, so that this is known."""
        rebuilt = (
            *reconstruction_inputs(batch, stream, samples),
            self.training.word_dropout,
            self.training.reconstruction_stride,
        )
        reconstructor, documents = self.model.reconstructor, rebuilt[0]
        ends = torch.full_like(documents[:, :1], reconstructor.end_id)
        nothing = reconstructor.code_of(ends, torch.ones_like(ends))
        scores, weights = reconstructor.scores(code, *rebuilt)
        without, _ = reconstructor.scores(nothing, *rebuilt)
        gain = (scores - without).detach().clamp_min(0) * weights
        return weighted_loss(without, weights) - (scores * gain).sum(1) / gain.sum(1).clamp_min(1e-6)


class FreshReconstructorTask(SummaryTask):
    """Every twenty steps the reconstructor is again the one that no summary has taught, so that no private
    code can last.
    """

    calls = 0
    first: dict[str, Tensor] | None = None

    def draw(self, batch: Batch, stream: RandomStream, temperature: float, samples: int) -> Code:
        """As ever, for another reconstructor from time to time."""
        reconstructor = self.model.reconstructor
        if self.first is None:
            self.first = copy.deepcopy(reconstructor.state_dict())
        if self.calls % _FRESH_EVERY == 0:
            # The table of embeddings is the generator's too and stays.
            own = {k: v for k, v in self.first.items() if not k.endswith("embedding.weight")}
            reconstructor.load_state_dict(own, strict=False)
        self.calls += 1
        return super().draw(batch, stream, temperature, samples)


class PriorTask(SummaryTask):
    """The anchor is the Kullback-Leibler divergence, per word drawn, from the generator of the warm start."""

    prior: nn.Module | None = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.weights["prior"] = 1.0

    def draw(self, batch: Batch, stream: RandomStream, temperature: float, samples: int) -> Code:
        """As ever, and at the first call the generator is kept as it is."""
        if self.prior is None:
            self.prior = copy.deepcopy(self.model.generator).eval().requires_grad_(False)
        return super().draw(batch, stream, temperature, samples)

    def summary_terms(
        self, code: Code, batch: Batch, stream: RandomStream, samples: int
    ) -> dict[str, Tensor]:
        """Both generators score the words that the present one has drawn."""
        terms = super().summary_terms(code, batch, stream, samples)
        ours = self.word_log_probs(self.model.generator, batch, code, samples)
        with torch.no_grad():
            theirs = self.word_log_probs(self.prior, batch, code, samples)
        divergence = (ours.exp() * (ours - theirs)).sum(-1) * code.mask
        return terms | {"prior": divergence.sum(1) / code.mask.sum(1)}

    @staticmethod
    def word_log_probs(generator: nn.Module, batch: Batch, code: Code, samples: int) -> Tensor:
        """``[batch * samples, length, vocabulary]`` before every word drawn."""
        documents, bottleneck, words = batch["documents"], generator.bottleneck, code.words
        source = generator.encode(documents.ids, documents.mask).repeat(samples)
        vectors, _, _ = bottleneck.inputs(words, bottleneck.length_of(words, code.mask))
        hidden = bottleneck.decoder(vectors, source.states, source.mask)
        return bottleneck.log_probs(hidden, bottleneck.keys(source), source, bottleneck.fed(words))


class SimilarityTask(SummaryTask):
    """The bag of the words drawn shall be like that of the document, to an encoder that knows documents from
    each other by their halves (`word_vectors`); the reward that helped MSRP (Liu 2022) most.
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.weights["similarity"] = _SIMILARITY
        found = word_vectors(self.corpora.documents, self.model.config.vocab_size, self.training.seed)
        found[self.corpora.vocabulary.end_id] = 0  # which no half has
        self.vectors = found

    def summary_terms(
        self, code: Code, batch: Batch, stream: RandomStream, samples: int
    ) -> dict[str, Tensor]:
        """All terms, and minus the cosine."""
        terms = super().summary_terms(code, batch, stream, samples)
        vectors = self.vectors.to(code.mask.device)
        documents = batch["documents"].repeat(samples)
        said = (code.one_hot * code.mask[..., None]).sum(1) @ vectors
        once = documents.mask * first_places(documents.ids)
        whole = (vectors[documents.ids] * once[..., None]).sum(1)
        return terms | {"similarity": -F.cosine_similarity(said, whole)}


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


class HiddenPositionsTask(SummaryTask):
    """Of half of the texts the generator is not told where a word stands, so that it cannot copy the lead."""

    def denoising(self, batch: Batch) -> Tensor:
        """``[batch]``, as ever but for that."""
        hidden = RandomStream.of(batch.rows, 0, "positions").uniform(1) < _HIDDEN_POSITIONS

        def hide(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            return output.expand(len(hidden), *output.shape[-2:]) * ~hidden[..., None]

        positions = self.model.generator.encoder.stack.embed_positions
        handle = positions.register_forward_hook(hide)
        try:
            return super().denoising(batch)
        finally:
            handle.remove()


class ShuffledSentencesTask(SummaryTask):
    """The sentences of what is summarized stand in any order."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        tokenizer = self.corpora.vocabulary.tokenizer
        pieces = enumerate(tokenizer.convert_ids_to_tokens(range(len(tokenizer))))
        self.stops = frozenset(i for i, piece in pieces if piece in (".", "!", "?", "。"))

    def denoising(self, batch: Batch) -> Tensor:
        """``[batch]``, as ever but for that."""
        noised, texts = batch["noised"], []
        for row, ids, mask in zip(batch.rows.tolist(), noised.ids, noised.mask, strict=True):
            *inside, end = ids[mask.bool()].tolist()
            texts.append([*self.shuffled(inside, row), end])
        shuffled = Texts.of(texts).to(noised.ids.device)
        return super().denoising(Batch(batch.rows, {**batch.texts, "noised": shuffled}))

    def shuffled(self, ids: list[int], seed: int) -> list[int]:
        """Pieces with their sentences in another order."""
        sentences: list[list[int]] = [[]]
        for piece in ids:
            sentences[-1].append(piece)
            if piece in self.stops:
                sentences.append([])
        random.Random(seed).shuffle(sentences)
        return join(sentences)


class DocumentSpansTask(SummaryTask):
    """What is learned of a document is a span of it, and not its best words."""

    def batches(self, share: Share) -> SummaryBatches:
        """As ever but for that."""
        stream = super().batches(share)
        stream.teacher = partial(spans, stream.boundaries)
        return stream


def spans(boundaries: UnitBoundaries, documents, worth: Tensor, lengths) -> list[Unit]:
    """A span of so many units of every document, from a place that follows from its pieces."""
    found = []
    for ids, length in zip(documents, lengths, strict=True):
        units = split_into_units(ids[:-1], boundaries)
        start = random.Random(str(ids)).randint(0, max(0, len(units) - length))
        found.append(join(units[start : start + length]))
    return found


class ForeignWordsTask(SummaryTask):
    """Sentences are hidden as in MSRP."""

    def batches(self, share: Share) -> SummaryBatches:
        """As ever but for that."""
        stream = super().batches(share)
        stream.hide = among_foreign_words
        return stream


def among_foreign_words(sentence, contexts, foreign, length, rng: random.Random, *_) -> list[Unit]:
    """The noise of MSRP: a tenth of the words dropped, a tenth exchanged with the next one, and as many
    foreign ones among them.
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
    """A row of the ablation.

    Attributes:
        task: What is learned.
        options: Fields of the configuration that change, by block.
        warm_start: Whether the warm start is another one; else the common one goes on.
    """

    task: type[SummaryTask]
    options: dict[str, dict] = field(default_factory=dict)
    warm_start: bool = False


IDEAS = {
    "foreign-words": Idea(ForeignWordsTask, {"model": {"writer": "decoder"}}, warm_start=True),
    "document-spans": Idea(DocumentSpansTask, warm_start=True),
    "hidden-positions": Idea(HiddenPositionsTask, warm_start=True),
    "shuffled-sentences": Idea(ShuffledSentencesTask, warm_start=True),
    "gain": Idea(GainTask),
    "fresh-reconstructors": Idea(FreshReconstructorTask),
    "prior": Idea(PriorTask, {"loss_weights": {"denoising": 0.0}}),
    "similarity": Idea(SimilarityTask),
}
