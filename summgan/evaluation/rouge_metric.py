"""ROUGE as an `evaluate.Metric` that needs no download; `rouge.py` does the counting."""

from __future__ import annotations

import datasets
import evaluate

from summgan.evaluation.rouge import rouge_scores

_CITATION = "Lin (2004). ROUGE: A Package for Automatic Evaluation of Summaries."


class Rouge(evaluate.Metric):
    """ROUGE-1/2/L/Lsum F1 times 100, for any script and several references.

    ``Rouge().compute(predictions=[...], references=[...], stemmer=False)`` answers with means; all
    keyword arguments of `rouge_scores` may be given.
    """

    def __init__(self, **kwargs):
        # Without this evaluate keeps what it is given in files under HF_HOME.
        super().__init__(**{"keep_in_memory": True} | kwargs)

    def _info(self) -> evaluate.MetricInfo:
        text, texts = datasets.Value("string"), datasets.List(datasets.Value("string"))
        return evaluate.MetricInfo(
            description="ROUGE for any script, offline.",
            citation=_CITATION,
            inputs_description="predictions: texts; references: a text or texts for each.",
            features=[
                datasets.Features({"predictions": text, "references": texts}),
                datasets.Features({"predictions": text, "references": text}),
            ],
        )

    def _compute(self, predictions, references, **options) -> dict[str, float]:
        scores = rouge_scores(predictions, references, **options)
        return {name: float(values.mean()) for name, values in scores.items()}
