import os
import subprocess
import sys
from pathlib import Path

import evaluate
import numpy as np
import pytest

from summgan.evaluation import rouge_metric
from summgan.evaluation.rouge import rouge_scores
from summgan.evaluation.rouge_metric import Rouge

PREDICTIONS = ["the cat sat on the mat", "police kill gunman", "", "a b c d. e f"]
REFERENCES = ["the cat was on the mat", "police killed the gunman", "something", "a b x d. e g"]


def test_the_metric_answers_with_means_of_the_same_scores():
    expected = rouge_scores(PREDICTIONS, REFERENCES)
    metric = Rouge()
    result = metric.compute(predictions=PREDICTIONS, references=REFERENCES)
    assert result == pytest.approx({name: values.mean() for name, values in expected.items()})
    metric.add_batch(predictions=["a b"], references=[["a b", "c"]])
    metric.add_batch(predictions=["a b"], references=[["x"]])
    assert metric.compute()["rouge1"] == pytest.approx(50)


def test_all_items_are_scored_where_no_means_are_wanted():
    expected = rouge_scores(PREDICTIONS, REFERENCES, stemmer=True)
    scores = Rouge().compute(
        predictions=PREDICTIONS, references=REFERENCES, stemmer=True, use_aggregator=False
    )
    assert scores.keys() == expected.keys()
    assert all(np.array_equal(scores[name], expected[name]) for name in expected)


def test_it_is_loaded_by_its_path():
    metric = evaluate.load(rouge_metric.__file__)
    result = metric.compute(predictions=PREDICTIONS, references=REFERENCES)
    assert result == Rouge().compute(predictions=PREDICTIONS, references=REFERENCES)
    assert "use_aggregator" in metric.inputs_description


def test_scores_need_no_folder_of_hugging_face(tmp_path):
    (tmp_path / "p.txt").write_text("the cat sat\n")
    nowhere = {name: str(tmp_path / "p.txt" / "x") for name in ("HF_HOME", "HF_EVALUATE_CACHE")}
    command = [sys.executable, "-m", "summgan", "score"]
    done = subprocess.run(
        [*command, "--predictions", tmp_path / "p.txt", "--references", tmp_path / "p.txt"],
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0 and "100.0" in done.stdout, done.stderr
