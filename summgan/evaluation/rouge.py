"""ROUGE (Lin 2004) for any script, offline, as arrays with a score for each item.

The package `rouge-score` counts, or `rouge-score-rs` if it is installed (the extra ``fast``), with the same
results. Tokens are those of `summgan.text.script.split_words`: in scripts without blanks single characters,
where the usual tokenizer would find none. `rouge_metric.py` offers ROUGE as an `evaluate.Metric`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from summgan.errors import SummGANError
from summgan.text.script import normalize_lines, split_sentences, split_words

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


class _Tokenizer:
    """Tokenizer for any script with the interface that rouge-score expects."""

    def __init__(self, stemmer: bool):
        self._stem = None
        if stemmer:
            from nltk.stem.porter import PorterStemmer

            self._stem = lru_cache(maxsize=100_000)(PorterStemmer().stem)

    def tokenize(self, text: str) -> list[str]:
        words = split_words(text)
        if self._stem is None:
            return words
        return [self._stem(word) if len(word) > 3 else word for word in words]


def _scorer(stemmer: bool):
    tokenizer = _Tokenizer(stemmer)
    try:
        from rouge_score_rs import rouge_scorer
    except ImportError:
        from rouge_score import rouge_scorer
    return rouge_scorer.RougeScorer(list(TYPES), tokenizer=tokenizer)


def rouge_scores(
    predictions: Sequence[str],
    references: Sequence[str | Sequence[str]],
    *,
    stemmer: bool = False,
    measure: str = "fmeasure",
    byte_limit: int | None = None,
    aggregate: str = "max",
) -> dict[str, np.ndarray]:
    """Compute the scores of each item, from 0 to 100.

    Texts need no normalization: those that `summgan.text.script.fold` makes equal are equal here. In
    ROUGE-Lsum, each line ends a sentence.

    Args:
        predictions: Summaries.
        references: One text or several texts for each summary.
        stemmer: Whether to compare Porter stems, for English.
        measure: ``fmeasure``, ``precision`` or ``recall``.
        byte_limit: Number of UTF-8 bytes after which predictions are cut (75 for DUC task 1).
        aggregate: How several references are combined: ``max`` of the measure, or ``mean`` as in DUC.

    Returns:
        ``{"rouge1": [items], "rouge2": ..., "rougeL": ..., "rougeLsum": ...}``.

    Raises:
        SummGANError: There is nothing to score, or the numbers of predictions and references differ.
    """
    check_counts(predictions, references)
    scorer = _scorer(stemmer)
    scores = np.zeros((len(TYPES), len(predictions)))
    for index, (prediction, wanted) in enumerate(zip(predictions, references, strict=True)):
        prediction = normalize_lines(prediction)
        if byte_limit is not None:
            prediction = prediction.encode()[:byte_limit].decode("utf-8", "ignore")
        prediction = _sentence_lines(prediction)
        wanted = [wanted] if isinstance(wanted, str) else wanted
        rows = [scorer.score(_sentence_lines(text), prediction) for text in wanted]
        values = np.array([[getattr(row[name], measure) for name in TYPES] for row in rows])
        scores[:, index] = {"max": values.max(0), "mean": values.mean(0)}[aggregate]
    return dict(zip(TYPES, 100 * scores, strict=True))


def check_counts(predictions: Sequence, references: Sequence) -> None:
    """Check that there are as many references as predictions, and at least one.

    Raises:
        SummGANError: There are no predictions, or the two numbers differ.
    """
    if len(predictions) != len(references):
        raise SummGANError(
            f"There are {len(predictions)} predictions but {len(references)} references; "
            "give one line or row of each for every document."
        )
    if not len(predictions):
        raise SummGANError("There are no predictions to score; give at least one.")


def _sentence_lines(text: str) -> str:
    """Split a text into lines of one sentence, as ROUGE-Lsum requires; existing line breaks stay."""
    lines = normalize_lines(text).split("\n")
    return "\n".join(sentence for line in lines for sentence in split_sentences(line))
