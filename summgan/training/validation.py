"""How good the model is while it trains, without any reference.

Where enough of the watched documents are near some human sentence (`neighbours.py`) the score is the ROUGE-1
of their summaries with these sentences, which are written about such events, if not about these: it ranks
models as true references do. Else it is fluency x content: fluency by a small n-gram model of the human
sentences, not by the discriminator, which moves along with the generator; content by the TF-IDF similarity of
summary and document. References, where a validation file has them, add ROUGE, and choose nothing.
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
"""Watched documents near a human sentence without which the score is fluency x content."""
_BATCH = 64
_SAMPLES = 12


class ReferenceFreeScorer:
    """Scores summaries of the validation documents; what that takes is counted when it is first asked for.

    Args:
        pairs: The documents, perhaps with references.
        human_sentences: Sentences that say what is fluent.
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
        """``eval_score`` (fluency x content) and its parts, between 0 and 1."""
        found = reference_free_score(self._fluency, self._content, self.pairs.documents, summaries)
        return {f"eval_{name}": float(value) for name, value in found.items()}

    def rouge(self, summaries: Sequence[str]) -> dict[str, float]:
        """ROUGE with the references, F1 in percent; empty where there are none."""
        if self.pairs.references is None:
            return {}
        found = rouge_scores(summaries, self.pairs.references)
        return {f"eval_{name}": float(values.mean()) for name, values in found.items()}


class Validator:
    """Summarizes the validation documents, one candidate of each, and scores the result.

    Args:
        model: In training; used as it stands.
        corpora: Text of the run, with the documents to watch.
    """

    def __init__(self, model: SummGAN, corpora: Corpora):
        self.model, self.corpora = model, corpora
        self.samples: list[Sample] = []

    @cached_property
    def _scorer(self) -> ReferenceFreeScorer:
        return ReferenceFreeScorer(self.corpora.validation, self.corpora.human_sentences)

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """``eval_score`` and its parts, the reconstruction loss, and ROUGE if there are references.

        ROUGE, with neighbours too, is an F1 in percent; the other scores are between 0 and 1.
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
        """One document, another at every call, with its summary and reconstruction."""
        documents = self.corpora.validation.documents
        document = documents[step % len(documents)]
        (summary,), _, (rebuilt,) = self._run([document], rebuild=1)
        return f"[{step}] {document[:200]}\n   summary: {summary}\n   rebuilt: {rebuilt[:200]}"

    def _run(self, documents: list[str], rebuild: int = _SAMPLES) -> tuple[list[str], list[float], list[str]]:
        """Summaries, reconstruction losses, and the first reconstructions as text."""
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
        """Pieces as texts, as a reader gets them."""
        vocabulary = self.corpora.vocabulary
        texts = vocabulary.decode_all(words)
        return [vocabulary.finish(*pair) for pair in zip(texts, documents, strict=True)]
