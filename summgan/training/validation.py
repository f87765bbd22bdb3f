"""Validation during the training of a decoder, without references.

If enough validation documents are near a human sentence (`neighbours.py`), the score is the ROUGE-1 of their
summaries against these sentences. They are about similar events, if not the same ones, and rank models as
true references do. Otherwise the score is fluency x content: fluency by a small n-gram model of the human
sentences (the discriminator changes along with the generator), content by the TF-IDF similarity of summary
and document. If a validation file has references, ROUGE is logged too, but does not choose the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import islice

import torch
from torch import Tensor

from summgan.data.corpora import Corpora
from summgan.data.padding import pad
from summgan.data.piles import Pairs
from summgan.evaluation.content import ContentScorer, reference_free_score
from summgan.evaluation.fluency import NgramLanguageModel
from summgan.evaluation.report import Sample
from summgan.evaluation.rouge import rouge_scores
from summgan.networks.modeling import SummGAN
from summgan.text.script import count_units

LEAST_NEIGHBOURS = 30
"""Fewest validation documents near a human sentence for which the score is their ROUGE-1."""
_BATCH = 64
_SAMPLES = 12


class ReferenceFreeScorer:
    """Scores summaries of the validation documents. Its models are fitted when they are first needed.

    Args:
        pairs: The documents, with or without references.
        human_sentences: Sentences that the fluency model is fitted to.
    """

    def __init__(self, pairs: Pairs, human_sentences: Sequence[str]):
        self.pairs, self.human_sentences = pairs, human_sentences

    @cached_property
    def _fluency(self) -> NgramLanguageModel:
        return NgramLanguageModel.fit(self.human_sentences)

    @cached_property
    def _content(self) -> ContentScorer:
        return ContentScorer.fit(self.pairs.documents)

    def score(self, summaries: Sequence[str]) -> dict[str, float]:
        """Compute ``eval_score`` (fluency x content) and its factors, between 0 and 1."""
        found = reference_free_score(self._fluency, self._content, self.pairs.documents, summaries)
        return {f"eval_{name}": float(value) for name, value in found.items()}

    def rouge(self, summaries: Sequence[str]) -> dict[str, float]:
        """Compute ROUGE against the references, F1 in percent; empty without references."""
        if self.pairs.references is None:
            return {}
        found = rouge_scores(summaries, self.pairs.references)
        return {f"eval_{name}": float(values.mean()) for name, values in found.items()}


class Validator:
    """Summarizes the validation documents, with one candidate each, and scores the summaries.

    Args:
        model: The model in training.
        corpora: Text of the run, with the validation documents.

    Attributes:
        samples: First documents of the last evaluation, with summaries and reconstructions.
    """

    def __init__(self, model: SummGAN, corpora: Corpora):
        self.model, self.corpora = model, corpora
        self.samples: list[Sample] = []

    @cached_property
    def _scorer(self) -> ReferenceFreeScorer:
        return ReferenceFreeScorer(self.corpora.validation, self.corpora.human_sentences)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Compute ``eval_score`` and its parts, the reconstruction loss, and ROUGE if there are references.

        ROUGE is F1 in percent, the reconstruction loss in nats per piece; the other scores are between 0 and
        1.
        """
        pairs = self.corpora.validation
        summaries, losses, rebuilt = self._run(pairs.documents)
        figures = self._scorer.score(summaries)
        beside = self.corpora.validation_neighbours
        if len(beside) >= LEAST_NEIGHBOURS:
            scores = rouge_scores([summaries[row] for row in beside], [[text] for text in beside.values()])
            figures["eval_neighbour_rouge1"] = float(scores["rouge1"].mean())
            figures["eval_score"] = figures["eval_neighbour_rouge1"] / 100
        figures["eval_reconstruction"] = sum(losses) / len(losses)
        figures |= self._scorer.rouge(summaries)
        references: list = pairs.references or [[None]] * len(pairs.documents)
        self.samples = [
            Sample(document, summary, text, reference[0])
            for document, summary, text, reference in islice(
                zip(pairs.documents, summaries, rebuilt, references, strict=False), _SAMPLES
            )
        ]
        return figures

    @torch.no_grad()
    def sample_text(self, step: int) -> str:
        """Return a document, chosen by the step, with its summary and reconstruction as text."""
        documents = self.corpora.validation.documents
        document = documents[step % len(documents)]
        (summary,), _, (rebuilt,) = self._run([document], rebuild=1)
        return f"[{step}] {document[:200]}\n   summary: {summary}\n   rebuilt: {rebuilt[:200]}"

    def _run(self, documents: list[str], rebuild: int = _SAMPLES) -> tuple[list[str], list[float], list[str]]:
        """Compute summaries, reconstruction losses, and the first reconstructions as text."""
        self.model.eval()
        summaries: list[str] = []
        losses: list[float] = []
        rebuilt: list[str] = []
        for start in range(0, len(documents), _BATCH):
            texts = documents[start : start + _BATCH]
            ids, mask = self._tokenize(texts)
            lengths = [[self._length(text)] for text in texts]
            reconstructor = self.model.reconstructor
            source = self.model.encode(ids, mask)
            written = self.model.generator.write(source, lengths)
            words = written.words
            code = reconstructor.code_of(words, written.mask)
            losses += reconstructor(code, ids, mask).tolist()
            summaries += self._texts(words, texts)
            if len(rebuilt) < rebuild:
                longest = self.model.config.max_document_length
                rebuilt += self._texts(reconstructor.sample(code, longest), [""] * len(texts))
        return summaries, losses, rebuilt

    def _length(self, text: str) -> int:
        return max(1, min(self.model.config.summary_length, count_units(text)))

    def _tokenize(self, texts: list[str]) -> tuple[Tensor, Tensor]:
        longest = self.model.config.max_document_length
        ids, mask = pad(self.corpora.vocabulary.encode_documents(texts, longest))
        return ids.to(self.model.device), mask.to(self.model.device)

    def _texts(self, words: Tensor, documents: list[str]) -> list[str]:
        """Decode pieces into finished texts."""
        vocabulary = self.corpora.vocabulary
        texts = vocabulary.decode_all(words)
        return [vocabulary.finish(*pair) for pair in zip(texts, documents, strict=True)]
