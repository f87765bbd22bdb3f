"""What each part is worth on English news: the same small budget for every row.

    python benchmarks/news_ablation.py DATA --seeds 1 --output results.json

DATA is a folder with `news-en` (train.documents, train.sentences and valid.jsonl.gz). Rows named after a
part leave it out, and those named after an idea of `news_ideas.py` have it. Those of the warm start train one
of their own; those of the adversarial stage go on from the common warm start; the last write with the common
model in another way. With ``/decoder`` after its name the model of a row writes with four beams. ROUGE is F1
with stemming at ten words on (the first 500) validation pairs, which no training sees; `score` is
fluency x content, without references.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from news_ideas import IDEAS

from summgan import Summarizer, SummaryTask, Task, train
from summgan.evaluation.baselines import lead, rule
from summgan.evaluation.content import ContentScorer, reference_free_score
from summgan.evaluation.fluency import NgramLanguageModel
from summgan.evaluation.metrics import describe
from summgan.evaluation.rouge import rouge_scores
from summgan.evaluation.scoring import format_table
from summgan.files import write_text
from summgan.networks.modeling import SummGAN, SummGANConfig
from summgan.options.configuration import Options
from summgan.options.parsing import load_options
from summgan.text.vocabulary import Vocabulary

CONFIGURATION = Path(__file__).parents[1] / "configs" / "news-en.yaml"
WORDS, DOCUMENTS = 10, 500
# What a row changes, by block of the configuration.
WARM_STARTS: dict[str, dict[str, dict]] = {
    "warm-start": {},
    "no-stemming": {"data": {"stemming": None}},
    "no-search": {"model": {"writer": "decoder"}},
    "no-omitted-words": {"data": {"omitted_words": []}},
    "no-neighbours": {"training": {"neighbour_share": 0.0}},
    "no-word-copying": {"model": {"copy": "pieces"}},
    "cased": {"tokenizer": {"do_lower_case": False}},
}
PLAYS: dict[str, dict[str, dict]] = {
    "gumbel": {},
    "reinforce": {"training": {"estimator": "reinforce"}},
    "no-content": {"loss_weights": {"content": 0.0}},
    "no-reconstruction": {"loss_weights": {"reconstruction": 0.0}},
    "no-discriminator": {"loss_weights": {"adversarial": 0.0}},
    "no-anchor": {"loss_weights": {"denoising": 0.0}},
    "back-cycle": {"loss_weights": {"back_cycle": 1.0}},
}


def forget(*names: str) -> Callable[[Path], Summarizer]:
    """Load a model with zeros for the tensors whose names begin so."""

    def load(folder: Path) -> Summarizer:
        summarizer = Summarizer.from_pretrained(folder)
        for name, tensor in summarizer.model.state_dict().items():
            if name.startswith(names):
                tensor.zero_()
        return summarizer

    return load


def decoder(folder: Path) -> Summarizer:
    """Load a model that searches as one whose decoder writes."""
    config = SummGANConfig.from_pretrained(folder)
    config.writer = "decoder"
    return Summarizer(SummGAN.from_pretrained(folder, config=config), Vocabulary.from_pretrained(folder))


# Ways in which the model of row "gumbel" writes: how it is loaded, and options of the call.
WRITING: dict[str, tuple[Callable[[Path], Summarizer], dict]] = {
    "no-selection": (forget("generator.bottleneck.copy_bias.keep"), {}),
    "no-salience": (forget("generator.bottleneck.salience"), {}),
    "no-succession": (forget("generator.succession.word_gains", "generator.succession.pair_gains"), {}),
    "decoder-greedy": (decoder, {"num_beams": 1, "num_candidates": 1}),
    "decoder-8-beams": (decoder, {"num_beams": 8, "num_candidates": 8}),
    "decoder-no-preference": (decoder, {"salience_weight": 0.0}),
    "decoder-with-channel": (decoder, {"channel_weight": 0.2}),
}
BASELINES = {"lead": lead, "rule": rule}
WITH_DECODER = [f"{row}/decoder" for row in ("warm-start", "gumbel", *IDEAS) if row != "foreign-words"]
ALL = (*BASELINES, *WARM_STARTS, *PLAYS, *WRITING, *IDEAS, *WITH_DECODER)
COLUMNS = "rouge1 rouge2 rougeL score fluency content lead_copy4 novel_words repeated_words seconds".split()


def read(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def options_of(data: Path, folder: Path, steps: tuple[int, int], seed: int) -> Options:
    """The configuration at the budget of this benchmark."""
    options, _ = load_options([str(CONFIGURATION)])
    piles = replace(
        options.data,
        documents=[str(data / "news-en" / "train.documents.jsonl.gz")],
        sentences=[str(data / "news-en" / "train.sentences.jsonl.gz")],
        validation=[str(data / "news-en" / "valid.jsonl.gz")],
        cache_dir=str(folder / "cache"),
    )
    training = replace(
        options.training,
        warm_start_steps=steps[0],
        adversarial_steps=steps[1],
        seed=seed,
        eval_steps=0,
        eval_documents=20,
        sample_steps=0,
        save_steps=steps[0],
    )
    return replace(options, data=piles, training=training)


def changed(options: Options, changes: dict[str, dict]) -> Options:
    """Options with some fields of some blocks replaced."""
    weights = replace(options.training.loss_weights, **changes.get("loss_weights", {}))
    return replace(
        options,
        data=replace(options.data, **changes.get("data", {})),
        tokenizer=replace(options.tokenizer, **changes.get("tokenizer", {})),
        model=replace(options.model, **changes.get("model", {})),
        training=replace(options.training, loss_weights=weights, **changes.get("training", {})),
    )


def run_row(options: Options, folder: Path, row: str, say) -> Path:
    """The folder of a row's model, trained unless it is there."""
    task, changes = SummaryTask, WARM_STARTS.get(row, PLAYS.get(row, {}))
    if row in IDEAS:
        task, changes = IDEAS[row].task, IDEAS[row].options
    if row in WARM_STARTS or (row in IDEAS and IDEAS[row].warm_start):
        return warm_start(options, folder, row, changes, task, say)
    warm_start(options, folder, "warm-start", {}, SummaryTask, say)
    return play(options, folder, row, changes, task, say)


def warm_start(options: Options, folder: Path, row: str, changes: dict, task: type[Task], say) -> Path:
    """The folder of a warm start, trained unless it is there."""
    target = folder / row
    if not (target / "model.safetensors").is_file():
        shutil.rmtree(target, ignore_errors=True)
        alone = {"training": {"output_dir": str(target), "adversarial_steps": 0}}
        train(changed(changed(options, changes), alone), say=say, task=task)
    return target


def play(options: Options, folder: Path, row: str, changes: dict, task: type[Task], say) -> Path:
    """The folder of an adversarial stage after the common warm start, trained unless it is there."""
    target, name = folder / row, f"checkpoint-{options.training.warm_start_steps}"
    if not (target / "model.safetensors").is_file():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(folder / "warm-start" / name, target / name)
        there = {"training": {"output_dir": str(target)}}
        train(changed(changed(options, changes), there), resume=True, say=say, task=task)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with news-en")
    parser.add_argument("--rows", nargs="+", choices=ALL, default=ALL, metavar="NAME", help=" ".join(ALL))
    parser.add_argument("--seeds", type=int, default=1, help="runs of every row")
    parser.add_argument("--warm_start_steps", type=int, default=500)
    parser.add_argument("--adversarial_steps", type=int, default=100)
    parser.add_argument("--work", type=Path, default=Path("runs/news-ablation"), help="for models")
    parser.add_argument("--output", type=Path, default=Path("runs/news-ablation/results.json"))
    arguments = parser.parse_args()
    if not (arguments.data / "news-en" / "valid.jsonl.gz").is_file():
        parser.error(f"{arguments.data} has no news-en/valid.jsonl.gz")

    def say(text: str) -> None:
        print(text, flush=True)

    pairs = read(arguments.data / "news-en" / "valid.jsonl.gz")[:DOCUMENTS]
    documents, references = [p["document"] for p in pairs], [[p["summary"]] for p in pairs]
    human = [row["text"] for row in read(arguments.data / "news-en" / "train.sentences.jsonl.gz")]
    fluency, content = NgramLanguageModel.fit(human), ContentScorer.fit(documents)
    steps, results = (arguments.warm_start_steps, arguments.adversarial_steps), []
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    for seed in range(arguments.seeds):
        folder = arguments.work / f"seed-{seed}"
        options = options_of(arguments.data, folder, steps, seed)
        for row in arguments.rows:
            began = time.perf_counter()
            if row in BASELINES:
                texts = [BASELINES[row](document, WORDS) for document in documents]
            else:
                name, _, writer = row.partition("/")
                model = "gumbel" if name in WRITING else name
                load, options_of_call = WRITING.get(name, (Summarizer.from_pretrained, {}))
                summarizer = (decoder if writer else load)(run_row(options, folder, model, say))
                how = {"min_words": WORDS, "max_words": WORDS, "reconstruct": False} | options_of_call
                texts = [summary.summary_text for summary in summarizer(documents, **how)]
            rouge = rouge_scores(texts, references, stemmer=True)
            figures = {name: float(rouge[name].mean()) for name in ("rouge1", "rouge2", "rougeL")}
            figures |= reference_free_score(fluency, content, documents, texts) | describe(documents, texts)
            figures["seconds"] = time.perf_counter() - began
            say(f"{row}, seed {seed}: ROUGE-1 {figures['rouge1']:.1f}")
            results.append({"row": row, "seed": seed, "n": len(texts), **figures})
            write_text(arguments.output, json.dumps(results, indent=1) + "\n")
    table: dict[str, dict[str, float]] = {}
    for result in results:
        figures = table.setdefault(result["row"], dict.fromkeys(COLUMNS, 0.0))
        for column in COLUMNS:
            figures[column] += result[column] / arguments.seeds
    say("\n" + format_table(table, COLUMNS))


if __name__ == "__main__":
    main()
