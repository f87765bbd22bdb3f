"""The benchmarks run on small data; their figures are checked by eye."""

import gzip
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from summgan.demo.institutions import NAMES

ROOT = Path(__file__).parents[1]


def script(name, monkeypatch, *arguments):
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    return module


@pytest.fixture
def data(tmp_path):
    rows = [
        {"full": name, "abbreviation": short, "words": [name[:2], name[2:]]} for name, short in NAMES.items()
    ]
    rows.append({"full": "无简称的名字", "abbreviation": None, "words": ["无", "简称的名字"]})
    for split, part in (("train", rows), ("dev", rows[:12]), ("test", rows[:12])):
        with gzip.open(tmp_path / f"{split}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in part)
    return tmp_path


def test_abbreviations_and_gradients(data, tmp_path, monkeypatch, capsys):
    work, output = tmp_path / "work", tmp_path / "results.json"
    rows = ("first-character", "plain+discriminator", "gumbel", "supervised")
    benchmark = script(
        "abbreviations", monkeypatch, data, "--rows", *rows, "--work", work, "--output", output
    )
    small = (ROOT / "configs" / "abbreviations-zh.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("warm_start_steps: 800", "warm_start_steps: 3"),
        ("adversarial_steps: 400", "adversarial_steps: 197"),  # 200 in all: supervised looks once
        ("hidden_size: 128", "hidden_size: 16"),
        ("per_device_train_batch_size: 64", "per_device_train_batch_size: 4"),
    ):
        assert old in small
        small = small.replace(old, new)
    (tmp_path / "small.yaml").write_text(small, encoding="utf-8")
    monkeypatch.setattr(benchmark, "CONFIGURATION", tmp_path / "small.yaml")
    benchmark.main()
    results = {result["row"]: result for result in json.loads(output.read_text(encoding="utf-8"))}
    assert tuple(results) == rows
    assert results["gumbel"]["steps"] == 200 and 0 <= results["gumbel"]["exact_match"] <= 100
    piles = [
        set((work / "seed-0" / f"{name}.txt").read_text().split()) for name in ("documents", "sentences")
    ]
    assert not any(
        NAMES.get(name) in piles[1] for name in piles[0] if list(NAMES.values()).count(NAMES.get(name)) == 1
    )
    assert not piles[0] & set(benchmark.KNOWN) and "台大" not in piles[1]
    assert "supervised" in capsys.readouterr().out
    found = tmp_path / "gradients.json"
    model = work / "seed-0" / "gumbel"
    script(
        "gradients", monkeypatch, work / "seed-0", "--model", model, "--draws", 2, "--output", found
    ).main()
    figures = json.loads(found.read_text())
    assert {row["row"] for row in figures} >= {"straight-through", "reinmax", "reinforce"}
    assert all(-1.001 <= row["cosine"] <= 1.001 and row["norm"] > 0 for row in figures)
