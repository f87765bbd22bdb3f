"""The benchmarks run on small data; only their structure is checked, not the values of their figures."""

import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

from summgan.demo.institutions import NAMES
from summgan.networks.estimators import ESTIMATORS
from summgan.text.vocabulary import Vocabulary

ROOT = Path(__file__).parents[1]


def script(name, monkeypatch, *arguments):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)  # dataclasses look the module up there
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
    rows = ("first-character", "paths", "paths-reinforce", "paths-no-discriminator", "plain+discriminator")
    rows += ("gumbel", "supervised")
    benchmark = script(
        "abbreviations", monkeypatch, data, "--rows", *rows, "--work", work, "--output", output
    )
    for name, steps, batch in (("abbreviations-zh", (800, 400, 3), 64), ("short-paths", (200, 400, 2), 32)):
        small = (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
        for old, new in (
            (f"warm_start_steps: {steps[0]}", f"warm_start_steps: {steps[2]}"),
            (f"adversarial_steps: {steps[1]}", f"adversarial_steps: {steps[2]}"),
            ("hidden_size: 128", "hidden_size: 16"),
            (f"per_device_train_batch_size: {batch}", "per_device_train_batch_size: 4"),
        ):
            assert old in small
            small = small.replace(old, new)
        (tmp_path / f"{name}.yaml").write_text(small, encoding="utf-8")
    monkeypatch.setattr(benchmark, "CONFIGS", tmp_path)
    benchmark.main()
    results = {result["row"]: result for result in json.loads(output.read_text(encoding="utf-8"))}
    assert tuple(results) == rows
    assert results["paths"]["steps"] == 4 and results["paths"]["reconstruction"] is None
    assert (
        results["gumbel"]["steps"] == results["supervised"]["steps"] == 6
        and 0 <= results["gumbel"]["exact_match"] <= 100
    )
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
    names = {f"{term}/{name}" for term in ("reconstruction", "adversarial") for name in ESTIMATORS}
    assert {row["row"] for row in figures} == {name for name in names if not name.endswith("/hybrid")}
    assert all(-1.001 <= row["cosine"] <= 1.001 and row["norm"] > 0 for row in figures)


def write_rows(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


@pytest.fixture
def news(tmp_path, documents, sentences):
    """A folder of data for `news.py` and `news_ablation.py`."""
    pairs = [{"document": d, "summary": s} for d, s in zip(documents, sentences, strict=True)]
    several = [{"document": d, "references": [s] * 4} for d, s in zip(documents, sentences, strict=True)]
    single = tmp_path / "sentence-summarization"
    write_rows(tmp_path / "news-en" / "train.documents.jsonl.gz", [{"text": d} for d in documents])
    write_rows(tmp_path / "news-en" / "train.sentences.jsonl.gz", [{"text": s} for s in sentences])
    write_rows(tmp_path / "news-en" / "valid.jsonl.gz", pairs[:6])
    write_rows(tmp_path / "news-en" / "test.jsonl.gz", pairs[:6])
    write_rows(single / "gigaword.test.jsonl.gz", pairs[:6])
    write_rows(single / "duc2003.jsonl.gz", several[:6])
    write_rows(single / "systems" / "gigaword.test.zhou-rush-single.txt.gz", sentences[:6])
    return tmp_path


def test_news(news, tokenizer, tiny_model, tmp_path, monkeypatch, capsys):
    tiny_model(tokenizer).save_pretrained(tmp_path / "model")
    Vocabulary(tokenizer).save_pretrained(tmp_path / "model")
    output = tmp_path / "results.json"
    rows = ["news-en/lead@8", "news-en/summgan@8", "gigaword/zhou-rush", "duc2003/rule@10"]
    script(
        "news", monkeypatch, news, "--model", tmp_path / "model", "--rows", *rows, "--output", output
    ).main()
    results = {result["row"]: result for result in json.loads(output.read_text(encoding="utf-8"))}
    assert list(results) == rows and all(result["n"] == 6 for result in results.values())
    # The published outputs are the references here; the rule equals itself.
    assert results["gigaword/zhou-rush"]["rouge1"] == pytest.approx(100)
    assert results["gigaword/zhou-rush"]["perplexity"] == pytest.approx(1)
    assert results["duc2003/rule@10"]["difference"] == 0
    assert results["news-en/lead@8"]["lead_copy4"] == 1
    assert results["news-en/summgan@8"]["parameters"] > 0
    assert "zhou-rush" in capsys.readouterr().out


def test_news_says_what_is_missing(news, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        script("news", monkeypatch, news, "--rows", "google").main()
    assert "google.jsonl.gz is missing" in capsys.readouterr().err


def test_news_reads_tokens_as_text_and_writes_tokens(monkeypatch):
    news = script("news", monkeypatch)
    tokens = "japan 's nec -lrb- computers -rrb- said it did n't matter , and u.s. sales rose $ #.# ."
    text = "japan's nec (computers) said it didn't matter, and u.s. sales rose $#.#."
    assert news.as_running_text(tokens) == text
    assert news.as_treebank("japan's nec, said u.s.") == "japan 's nec , said u.s."
    assert news.as_treebank("it didn't (all) matter.") == "it did n't ( all ) matter"


def test_reading(news, tiny_paths, tmp_path, monkeypatch):
    tiny_paths.save(tmp_path / "model")
    rows, output = ("valid", "gigaword"), tmp_path / "sheets"
    arguments = ("--models", f"new={tmp_path / 'model'}", "--rows", *rows, "--count", 4, "--output", output)
    script("news", monkeypatch, news)
    script("reading", monkeypatch, news, *arguments).main()
    for row, systems in (("valid", {"human", "new"}), ("gigaword", {"human", "new", "zhou-rush"})):
        sheet = json.loads((output / row / "0" / "key.json").read_text(encoding="utf-8"))["sheet"]
        assert {name for line in sheet for name in line["systems"]} == systems
        assert len({line["item"] for line in sheet}) == 4
        assert (output / row / "0" / "sheet.html").is_file()


def test_news_ablation(news, tokenizer, tmp_path, monkeypatch, capsys):
    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
    encoder = BertModel(BertConfig(vocab_size=len(tokenizer), **sizes))
    encoder.save_pretrained(tmp_path / "encoder")
    tokenizer.save_pretrained(tmp_path / "encoder")
    causal = LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), num_key_value_heads=2, **sizes))
    causal.save_pretrained(tmp_path / "causal")
    tokenizer.save_pretrained(tmp_path / "causal")
    rows = ("rule", "prior", "encoder", "encoder-no-forms", "critics-no-discriminator", "scratch")
    benchmark = script(
        "news_ablation",
        monkeypatch,
        news,
        *("--backbone", tmp_path / "encoder", "--language_model", tmp_path / "causal"),
        *("--rows", *rows, "--work", tmp_path / "work"),
        *("--steps", 2, "--output", tmp_path / "results.json"),
    )
    small = (ROOT / "configs" / "news-en-fluent.yaml").read_text(encoding="utf-8")
    assert "device_train_batch_size: 8" in small
    small = small.replace("device_train_batch_size: 8", "device_train_batch_size: 4")
    (tmp_path / "small.yaml").write_text(small, encoding="utf-8")
    monkeypatch.setattr(benchmark, "CONFIGURATION", tmp_path / "small.yaml")
    benchmark.main()
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [row["row"] for row in found] == [*rows]
    assert "critics-no-discriminator" in capsys.readouterr().out
    texts = (tmp_path / "encoder-0.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(texts) == 6 and all(json.loads(line)["summary"] for line in texts)
    saved = {row: load_file(tmp_path / f"work/seed-0/{row}/model.safetensors") for row in rows[2:]}
    parts = {row: {name.split(".")[0] for name in weights} for row, weights in saved.items()}
    assert all("discriminator" in parts[row] for row in ("encoder", "scratch"))
    assert "discriminator" not in parts["critics-no-discriminator"]
    reranked = {row for row, weights in saved.items() if any("reranker" in name for name in weights)}
    assert reranked == {"critics-no-discriminator"}


def test_codes(tmp_path, monkeypatch, capsys, documents):
    for part in ("train", "test"):
        with gzip.open(tmp_path / f"bbc.{part}.jsonl.gz", "wt", encoding="utf-8") as file:
            rows = [{"text": text, "label": text.split()[2]} for text in documents[:120]]
            file.writelines(json.dumps(row) + "\n" for row in rows)
    configs = tmp_path / "configs"
    configs.mkdir()
    for name in ("onehot", "binary", "vq", "tree"):
        text = (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
        text = text.replace("steps: 600  ", "steps: 3  ")
        text = text.replace("max_document_frequency: 0.03", "")
        text = text.replace("kind: ", "max_document_frequency: 0.5\n  kind: ", 1)
        (configs / f"{name}.yaml").write_text(text, encoding="utf-8")
    output = tmp_path / "results.json"
    methods = (
        "onehot kmeans kmeans-same lda cosine binary-16 svd-sign-16 lsh-16".split()
        + "vq vq-8 units-onehot-2 pq leave-out-binary".split()
        + "tree hierarchical-kmeans-same agglomerative".split()
    )
    rows = [f"bbc/{method}" for method in methods]
    arguments = ("--rows", *rows, "--work", tmp_path / "work", "--output", output)
    benchmark = script("codes", monkeypatch, tmp_path, *arguments)
    monkeypatch.setattr(benchmark, "CONFIGS", configs)
    monkeypatch.setattr(benchmark, "DEPTH", 3)
    benchmark.main()
    results = {result["row"]: result for result in json.loads(output.read_text(encoding="utf-8"))}
    assert list(results) == rows
    for row in rows[-3:]:
        assert 0 <= results[row]["dendrogram_purity"] <= 100
    for name in ("nmi", "purity", "precision"):
        assert len(results["bbc/tree"][f"{name}_by_depth"]) == 3
    for row, depth in (("bbc/tree", 3), ("bbc/binary-16", 16), ("bbc/vq", 8), ("bbc/vq-8", 8)):
        for name, whole in (("reconstruction", "reconstruction"), ("precision", "precision_at_100")):
            assert len(results[row][f"{name}_by_depth"]) == depth
            assert results[row][f"{name}_by_depth"][-1] == pytest.approx(results[row][whole], abs=1e-4)
    for row in rows[4:-1]:
        assert 0 <= results[row]["precision_at_100"] <= 100
    assert "1 seeds; bbc: 120 train" in capsys.readouterr().out
    labels = benchmark.np.array([0, 0, 1, 1])
    perfect = benchmark.retrieval(
        benchmark.hamming(benchmark.np.eye(2)[[0, 1]], benchmark.np.eye(2)[labels]), labels[[0, 2]], labels, 2
    )
    assert perfect == {"precision_at_100": 100, "map": 100}


def test_figures_of_codes(tmp_path, monkeypatch):
    rows = [
        {"row": f"{name}/{row}", "precision_by_depth": [seed, 50 + seed], "reconstruction_by_depth": [9, 8]}
        for name in ("bbc", "agnews")
        for row in ("tree", "binary-8", "vq-8")
        for seed in (10, 20)
    ]
    flat = [{"row": "bbc/units-onehot-4", "precision_at_100": 30, "reconstruction": 8.5}]
    files = [tmp_path / "three.json", tmp_path / "one.json"]
    for file, results in zip(files, (rows, flat), strict=True):
        file.write_text(json.dumps(results), encoding="utf-8")
    benchmark = script("code_figures", monkeypatch, *files, "--output", tmp_path)
    benchmark.main()
    curves = benchmark.curves_of(rows + flat, "bbc", *benchmark.FIGURES["precision"][:2])
    assert curves["tree"] == [(1, 15), (2, 65)] and curves["one-hot"] == [(2, 30)]
    for name in ("precision", "loss"):
        drawn = ElementTree.parse(tmp_path / f"codes-{name}.svg").getroot()
        assert len(drawn.findall(".//{*}polyline")) == 7  # four codes on bbc, three on agnews


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    """Figures of all rows, from one run with few repetitions."""
    folder = tmp_path_factory.mktemp("faults")
    command = [sys.executable, ROOT / "benchmarks" / "faults.py", "--kills", 1, "--inputs", 60, "--jobs", 1]
    command += ["--work", folder / "work", "--output", folder / "results.json"]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert (folder / "results.json").is_file(), done.stderr
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return {result["row"]: result for result in results}


@pytest.mark.parametrize("row", ["kill-train", "kill-summarize", "kill-encode"])
def test_a_killed_run_ends_as_one_that_nobody_killed(row, faults):
    assert faults[row]["wrong"] == [] and faults[row]["bit_equal"] == faults[row]["tried"] == 1


@pytest.mark.parametrize(("row", "tried"), [("inputs", 60), ("texts", 3), ("options", 3), ("folders", 2)])
def test_nothing_odd_loses_or_fails_anything(row, tried, faults):
    assert faults[row]["wrong"] == [] and faults[row]["tried"] == tried


def test_trees(monkeypatch):
    trees = script("trees", monkeypatch)
    rng = np.random.default_rng(0)
    paths, labels = rng.integers(0, 2, (40, 4)), rng.integers(0, 3, 40)
    common = trees.shared(paths, paths)
    purities = [
        (labels[common[a] >= common[a, b]] == labels[a]).mean()
        for a in range(40)
        for b in range(a)
        if labels[a] == labels[b]
    ]
    assert trees.dendrogram_purity(paths, labels) == pytest.approx(100 * np.mean(purities))
    assert trees.dendrogram_purity(np.stack([labels, labels], 1), labels) == pytest.approx(100)
    found = trees.depths(np.stack([labels, paths[:, 0]], 1), labels)
    assert found["purity_by_depth"] == pytest.approx([100, 100])
    assert found["nmi_by_depth"][0] == pytest.approx(100) and found["nmi_by_depth"][1] < 99
    # Four groups in two pairs: both methods split the pairs first, then the groups.
    centres = np.array([[0, 0], [0, 1], [9, 0], [9, 1]])[np.arange(40) % 4]
    points = centres + 0.01 * rng.normal(size=(40, 2))
    train, test = trees.hierarchical_kmeans(points, points[:20], 2, 2, 0)
    assert np.array_equal(train[:20], test)
    for tree in (train, trees.agglomerative(points)):
        assert trees.dendrogram_purity(tree, np.arange(40) % 4) == pytest.approx(100)
        assert trees.dendrogram_purity(tree, np.arange(40) % 4 // 2) == pytest.approx(100)
    assert len(np.unique(trees.agglomerative(points), axis=0)) == 40


def test_speed(tmp_path, monkeypatch, capsys):
    with gzip.open(tmp_path / "news.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(
            json.dumps({"document": f"The old bridge in {place} opens."}) + "\n" for place in NAMES
        )
    output = tmp_path / "results.json"
    speed = script(
        *("speed", monkeypatch, tmp_path / "news.jsonl.gz", "--model", "news-en", "--output", output),
        *("--rows", "bart-base", "sumy-lsa", "--seeds", 2, "--documents", 3),
    )
    monkeypatch.setattr(
        speed, "BART_BASE", dict(d_model=16, encoder_layers=1, decoder_layers=1, vocab_size=99)
    )
    monkeypatch.setattr(speed.importlib.util, "find_spec", lambda name: None)
    threads = torch.get_num_threads()
    speed.main()
    torch.set_num_threads(threads)
    assert "sumy is not installed" in capsys.readouterr().out
    results = json.loads(output.read_text())
    assert [(row["row"], row["seed"]) for row in results] == [
        (row, seed) for seed in (0, 1) for row in ("summgan", "bart-base")
    ]
    for own, other in zip(results[::2], results[1::2], strict=True):
        assert own["ratio"] == 1 and own["words"] == 6
        assert other["ratio"] == pytest.approx(own["documents_per_second"] / other["documents_per_second"])
