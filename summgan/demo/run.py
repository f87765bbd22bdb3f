"""``summgan demo``: trains a plain auto-encoder and summgan on the built-in corpus, and compares them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from summgan.demo.corpus import DemoCorpus, build_corpus, write_corpus
from summgan.errors import SummGANError
from summgan.evaluation.baselines import lead, rule
from summgan.evaluation.fluency import NgramLanguageModel
from summgan.evaluation.metrics import describe
from summgan.evaluation.report import Sample, write_report
from summgan.evaluation.rouge import TYPES, rouge_scores
from summgan.evaluation.scoring import format_table
from summgan.evaluation.significance import bootstrap_interval
from summgan.files import check_folder, locked, write_folder, write_text, writing
from summgan.options.configuration import LossWeights, Options
from summgan.options.parsing import load_options
from summgan.text.script import count_units
from summgan.training.run_folder import RunFolder, check_parents
from summgan.training.trainer import train
from summgan.writing.summarizer import Summarizer
from summgan.writing.summary import Summary

_SHOWN = 6
_COLUMNS = ("rouge1", "rouge2", "rougeL", "words", "novel_words", "lead_copy4", "fluency")
_NOTES = (
    "Both models read the same unlabelled documents for the same number of steps. The plain auto-encoder "
    "only learns to rebuild them; summgan also reads headlines of other events.",
    "Fluency is the likelihood per word under a trigram model, relative to human headlines, and at most 1.",
    "For each document, lead and rule are as long as summgan's summary.",
)


@dataclass(frozen=True)
class _System:
    """Summaries of the test documents by one system, with scores and reconstructions of a model."""

    texts: list[str]
    summaries: list[Summary] | None = None


def demo_options(folder: Path, seed: int) -> Options:
    """Load ``configs/demo.yaml`` with its texts and results under ``folder``."""
    options, _ = load_options([str(_configuration_file())])
    options.data.documents = [str(folder / "corpus" / "documents.txt")]
    options.data.sentences = [str(folder / "corpus" / "sentences.txt")]
    options.data.validation = [str(folder / "corpus" / "validation.txt")]
    options.data.cache_dir = str(folder / "cache")
    options.training.output_dir = str(folder / "summgan")
    options.training.seed = seed
    return options


def plain_options(options: Options) -> Options:
    """Change the options of a run to reconstruction alone, without discriminator and human sentences."""
    training = options.training
    return replace(
        options,
        training=replace(
            training,
            output_dir=str(Path(training.output_dir).with_name("plain_autoencoder")),
            warm_start="content",
            loss_weights=LossWeights(1.0, adversarial=0.0, back_cycle=0.0, denoising=0.0),
            load_best_model_at_end=False,
        ),
    )


def run_demo(folder: Path, seed: int, say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Train both models, summarize unseen documents, score, and write scores.json and report.html.

    Args:
        folder: Folder for all files.
        seed: Seed of the corpus and of training.
        say: Receives messages about the progress.

    Returns:
        Figures of each system, as in scores.json.

    Raises:
        SummGANError: A file that no demo has made would be replaced, or a file cannot be written.
    """
    _check_results(folder)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        return _compare(folder, seed, say)


def _check_results(folder: Path) -> None:
    """Check that only files of an earlier demo are replaced."""
    check_parents(folder, "--output_dir")
    check_folder(folder / "corpus")
    for name, sign in (
        ("scores.json", '"plain_autoencoder"'),
        ("report.html", "<title>summgan demo</title>"),
    ):
        file = folder / name
        if file.exists() and not (file.is_file() and sign in file.read_text("utf-8", errors="replace")):
            raise SummGANError(
                f"{file} was not made by a demo, which would replace it; move it away, or name another "
                "--output_dir."
            )


def _compare(folder: Path, seed: int, say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    say("Writing 20,000 made-up news documents and 10,000 headlines of other events ...")
    corpus = build_corpus(seed=seed)
    write_folder(folder / "corpus", lambda path: write_corpus(path, corpus))
    options = demo_options(folder, seed)
    systems: dict[str, _System] = {}
    curves: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for number, (name, run) in enumerate(
        {"plain_autoencoder": plain_options(options), "summgan": options}.items(), 1
    ):
        say(f"\n{number}/2 Training {name.replace('_', ' ')} from scratch.")
        RunFolder(run.training.output_dir).discard()
        state = train(run, say=say)
        _add_curves(curves, name, state.history)
        say(f"Summarizing {len(corpus.test_documents)} unseen documents ...")
        systems[name] = _summarize(Path(run.training.output_dir), corpus.test_documents)
    lengths = [count_units(text) for text in systems["summgan"].texts]
    pairs = list(zip(corpus.test_documents, lengths, strict=True))
    systems = {
        "lead": _System([lead(*pair) for pair in pairs]),
        "rule": _System([rule(*pair) for pair in pairs]),
        **systems,
    }
    scores = _score(systems, corpus)
    write_text(folder / "scores.json", json.dumps(scores, indent=1) + "\n")
    samples = _samples(systems, corpus)
    rows = [{"": name} | {c: figures[c] for c in _COLUMNS} for name, figures in scores.items()]
    write_report(
        folder / "report.html",
        title="summgan demo",
        curves=curves,
        samples=samples,
        table=rows,
        notes=_NOTES,
    )
    _show(scores, samples, folder)
    return scores


def _configuration_file() -> Path:
    """Path of demo.yaml: in this folder of a wheel, and in ``configs/`` of a checkout."""
    packaged = Path(str(resources.files("summgan.demo") / "demo.yaml"))
    return packaged if packaged.is_file() else Path(__file__).parents[2] / "configs" / "demo.yaml"


def _summarize(folder: Path, documents: list[str]) -> _System:
    summarizer = Summarizer.from_pretrained(folder, device="cpu")
    shown = summarizer(documents[:_SHOWN], reconstruct=True)
    rest = summarizer(documents[_SHOWN:], batch_size=64)
    summaries = [*shown, *rest]
    return _System([summary.summary_text for summary in summaries], summaries)


def _add_curves(curves: dict, system: str, history: list[dict]) -> None:
    for row in history:
        for name, value in row.items():
            if name != "step" and not name.endswith("grad_norm"):
                curves.setdefault(name, {}).setdefault(system, []).append((row["step"], value))


def _score(systems: dict[str, _System], corpus: DemoCorpus) -> dict[str, dict[str, float]]:
    model = NgramLanguageModel.fit(corpus.sentences)
    scores = {}
    for name, system in systems.items():
        figures: dict[str, float] = {}
        for kind, values in rouge_scores(system.texts, corpus.test_summaries).items():
            figures[kind] = float(values.mean())
            if kind in TYPES[:3]:
                figures[f"{kind}_low"], figures[f"{kind}_high"] = bootstrap_interval(values)
        figures |= describe(corpus.test_documents, system.texts)
        figures["fluency"] = sum(map(model.fluency, system.texts)) / len(system.texts)
        figures["perplexity"] = model.perplexity(system.texts)
        if system.summaries is not None:
            found = (summary.reconstruction_loss for summary in system.summaries)
            losses = [loss for loss in found if loss is not None]
            figures["reconstruction_loss"] = sum(losses) / len(losses)
        scores[name] = figures
    return scores


def _samples(systems: dict[str, _System], corpus: DemoCorpus) -> list[Sample]:
    return [
        Sample(
            corpus.test_documents[index],
            system.texts[index],
            system.summaries[index].reconstruction,
            corpus.test_summaries[index],
            name.replace("_", " "),
        )
        for index in range(_SHOWN)
        for name, system in systems.items()
        if system.summaries is not None
    ]


def _show(scores: dict[str, dict[str, float]], samples: list[Sample], folder: Path) -> None:
    """Print the samples and the table."""
    documents = None
    for sample in samples:
        if sample.document != documents:
            documents = sample.document
            print(f"\n{sample.document}\n  human headline: {sample.reference}")
        print(f"  {sample.system}: {sample.summary}\n      rebuilt: {sample.reconstruction}")
    print(f"\n{format_table(scores, [*_COLUMNS, 'reconstruction_loss'])}\n")
    print(f"All figures are in {folder / 'scores.json'}, curves and samples in {folder / 'report.html'}.")
