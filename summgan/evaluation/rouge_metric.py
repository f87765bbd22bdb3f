"""ROUGE as an `evaluate.Metric` that needs no download, computed by `rouge.py`; `summgan score` uses it.

`evaluate` loads this file by its path::

    from summgan.evaluation import rouge_metric

    rouge = evaluate.load(rouge_metric.__file__)
    rouge.compute(predictions=["the port is closed"], references=["the port closes"])
"""

from __future__ import annotations

from typing import Any

import datasets
import evaluate

from summgan.evaluation.rouge import rouge_scores

_CITATION = "Lin (2004). ROUGE: A Package for Automatic Evaluation of Summaries."
_INPUTS = """
Args:
    predictions: Summaries.
    references: A text or a list of texts for each summary.
    use_aggregator: Whether to return means; otherwise arrays with the scores of all items.
    **options: Keyword arguments of `summgan.evaluation.rouge.rouge_scores`, such as stemmer.
"""


class Rouge(evaluate.Metric):
    """ROUGE-1/2/L/Lsum F1 times 100, for any script and several references.

    Args:
        **kwargs: Arguments of `evaluate.Metric`. Texts stay in memory unless ``keep_in_memory`` is False.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**{"keep_in_memory": True} | kwargs)

    def _info(self) -> evaluate.MetricInfo:
        text, texts = datasets.Value("string"), datasets.List(datasets.Value("string"))
        return evaluate.MetricInfo(
            description="ROUGE for any script, offline.",
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=[
                datasets.Features({"predictions": text, "references": texts}),
                datasets.Features({"predictions": text, "references": text}),
            ],
        )

    def _compute(
        self, predictions: list[str], references: list, use_aggregator: bool = True, **options: Any
    ) -> dict[str, Any]:
        scores = rouge_scores(predictions, references, **options)
        return {name: float(values.mean()) for name, values in scores.items()} if use_aggregator else scores
