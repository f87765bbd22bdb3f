"""ROUGE (Lin 2004) for any script, offline, as plain arrays of per-item scores.

`rouge-score` counts, or `rouge-score-rs` if it is installed (the extra ``fast``), with the same numbers.
Tokens are those of `summgan.text.script.split_words`: single characters in scripts without blanks, where the
usual tokenizer would find nothing. `rouge_metric.py` makes an `evaluate.Metric` of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from summgan.errors import SummGANError
from summgan.text.script import normalize_lines, split_sentences, split_words

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")


class _Tokenizer:
    """Words of any script in the shape that rouge-score asks for."""

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
    """Scores of every item, times 100.

    Texts may be as they were read: what `summgan.text.script.fold` holds equal is equal here. Lines count as
    sentences in ROUGE-Lsum.

    Args:
        predictions: Summaries.
        references: One text or several for each.
        stemmer: Compare Porter stems (English).
        measure: ``fmeasure``, ``precision`` or ``recall``.
        byte_limit: Cut predictions after so many UTF-8 bytes (75 for DUC task 1).
        aggregate: Over several references the ``max`` (by the measure) or the ``mean`` (as DUC does).

    Returns:
        ``{"rouge1": [items], "rouge2": ..., "rougeL": ..., "rougeLsum": ...}``.

    Raises:
        SummGANError: There is nothing to score, or the counts differ.
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
    """Refuse to score nothing, or columns of different lengths.

    Raises:
        SummGANError: With both counts.
    """
    if len(predictions) != len(references):
        raise SummGANError(
            f"There are {len(predictions)} predictions but {len(references)} references; "
            "give one line or row of each for every document."
        )
    if not len(predictions):
        raise SummGANError("There are no predictions to score.")


def _sentence_lines(text: str) -> str:
    """One sentence a line, as ROUGE-Lsum is defined; the other types do not care. Lines end sentences too."""
    lines = normalize_lines(text).split("\n")
    return "\n".join(sentence for line in lines for sentence in split_sentences(line))
