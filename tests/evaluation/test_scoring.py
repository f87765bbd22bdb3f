import json

import pytest

from summgan.errors import SummGANError
from summgan.evaluation.scoring import describe_report, evaluate_summaries, format_table
from summgan.text.script import count_units

DOCUMENTS = [
    "On Monday the mayor of Porto closed a bridge",
    "Rain fell in Lyon, officials said today",
]
REFERENCES = [["Porto mayor closes bridge"], ["Rain in Lyon", "Lyon wet"]]
PREDICTIONS = ["Porto mayor closed bridge", "Rain in Lyon"]


def test_baselines_have_the_length_of_the_predictions():
    report = evaluate_summaries(PREDICTIONS, REFERENCES, DOCUMENTS)
    assert report.systems.keys() == {"predictions", "lead", "rule"}
    assert report.systems["lead"]["words"] == sum(map(count_units, PREDICTIONS)) / 2
    assert report.systems["lead"]["lead_copy4"] == 0.5
    assert report.systems["predictions"]["rouge1"] == pytest.approx((75 + 100) / 2)
    figures = report.systems["predictions"]
    assert figures["rouge1_low"] <= figures["rouge1"] <= figures["rouge1_high"]


def test_another_system_is_compared_and_all_goes_into_json():
    report = evaluate_summaries(PREDICTIONS, REFERENCES, compare={"other": ["no", "none"]})
    assert report.tests["other"]["rouge1"].difference > 80
    assert json.loads(json.dumps(report.to_dict()))["items"] == 2
    text = describe_report(report)
    assert "ROUGE-1 against other: +87.50" in text and "novel_words" not in text


def test_the_table_is_aligned():
    lines = format_table({"a": {"x": 1.0}, "longer": {"x": 12.34, "y": 2}}, ["x", "y"]).split("\n")
    assert lines[1].split() == ["a", "1.00", "-"]
    assert lines[2].split() == ["longer", "12.3", "2.00"]
    assert len({len(line) for line in lines}) == 1


def test_texts_are_scored_alike_as_read_and_normalized():
    raw = ["Porto\x0bmayor\u00a0closed bri\u00addge", "\ufeffRain in\u200b Lyon\n"]
    documents = [text.replace(" ", "\x1c") for text in DOCUMENTS]
    report = evaluate_summaries(raw, REFERENCES, documents, compare={"other": raw})
    assert report.systems["predictions"] == report.systems["other"]
    clean = evaluate_summaries(PREDICTIONS, REFERENCES, DOCUMENTS)
    for name in ("predictions", "lead", "rule"):
        assert report.systems[name] == clean.systems[name]


def test_counts_that_differ_are_named():
    for given, name in (({"documents": ["a"]}, "documents"), ({"compare": {"other": ["a"]}}, "other")):
        with pytest.raises(SummGANError, match=f"2 predictions but 1 {name}"):
            evaluate_summaries(PREDICTIONS, REFERENCES, **given)
