"""Abbreviates Chinese names without pairs, to compare estimators and loss terms.

    python benchmarks/abbreviations.py DATA --seeds 3 --output results.json

DATA is a folder with {train,dev,test}.jsonl.gz and rows {"full", "abbreviation" or null, "words"}, as in
Zhang & Sun's corpus (2017). The human sentences are the abbreviations of one half of train; the documents are
the names of the other half and all names without an abbreviation. No pair is seen. Six well-known names are
removed from both. Rows named paths train the path generator (`ShortTextTask`) from scratch. All other rows
train the decoder, with the steps of configs/abbreviations-zh.yaml and, per seed, one shared warm start.
`supervised` trains on the pairs of the first half with early stopping on dev, as a ceiling.
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch
from rows import mean_table, measure, new_parser, read_rows, say
from torch.utils.data import Dataset

from summgan import Summarizer, SummaryTask, train
from summgan.data.batches import Batch
from summgan.data.order import IndexOrder, Share
from summgan.data.padding import Texts
from summgan.data.piles import load_pairs
from summgan.evaluation.rouge import rouge_scores
from summgan.files import write_text
from summgan.options.configuration import Options
from summgan.options.parsing import load_options
from summgan.randomness import derive_seed
from summgan.training.checkpoint import TrainerState
from summgan.training.short_text_task import ShortTextTask

CONFIGS = Path(__file__).parents[1] / "configs"
KNOWN = {
    "台湾大学": ("台大",),
    "北京大学": ("北大",),
    "清华大学": ("清华",),
    "厦门大学": ("厦大",),
    "世界贸易组织": ("世贸", "世贸组织"),
    "奥林匹克运动会": ("奥运", "奥运会"),
}
ALONE = {"adversarial": 0.0, "back_cycle": 0.0, "denoising": 0.0}
# Changes of each row of the path generator: options of training, and weights of critics.
PATHS: dict[str, tuple[dict, dict]] = {
    "paths": ({}, {}),
    "paths-reinforce": ({"estimator": "reinforce"}, {}),
    "paths-straight-through": ({"estimator": "straight-through"}, {}),
    "paths-no-discriminator": ({}, {"discriminator": 0.0}),
    "paths-no-reconstruction": ({}, {"reconstruction": 0.0}),
    "paths-likelihood": ({"adversarial_steps": 0}, {}),
}
# Changes of each row of the decoder: options of training, and weights of losses.
DECODER: dict[str, tuple[dict, dict]] = {
    "plain": ({"warm_start": "content"}, ALONE),
    "plain+discriminator": ({"warm_start": "content"}, {"back_cycle": 0.0, "denoising": 0.0}),
    "warm-start": ({}, {}),
    "gumbel": ({}, {}),
    "soft-gumbel": ({"estimator": "soft-gumbel"}, {}),
    "gumbel-rao": ({"estimator": "gumbel-rao"}, {}),
    "reinmax": ({"estimator": "reinmax", "temperature_end": 1.0}, {}),
    "reinforce": ({"estimator": "reinforce"}, {}),
    "hybrid": ({"estimator": "hybrid"}, {}),
    "no-back-cycle": ({}, {"back_cycle": 0.0}),
    "no-anchor": ({}, {"denoising": 0.0}),
    "no-discriminator": ({}, {"adversarial": 0.0}),
    "no-reconstruction": ({}, {"reconstruction": 0.0}),
}
RULES = ("first-character", "first-two")
ALL = (*RULES, *PATHS, *DECODER, "supervised")
COLUMNS = (
    "exact_match rouge1 rouge2 rougeL length human_length accuracy reconstruction steps seconds known"
).split()


def write_piles(data: Path, folder: Path, seed: int) -> None:
    """Write documents.txt and sentences.txt, and the pairs that `SupervisedTask` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [row for row in read_rows(data / "train.jsonl.gz") if row["full"] not in KNOWN]
    pairs = [(row["full"], row["abbreviation"]) for row in rows if row["abbreviation"]]
    random.Random(seed).shuffle(pairs)
    first, second = pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]
    names = [full for full, _ in first] + [row["full"] for row in rows if not row["abbreviation"]]
    known = {short for shorts in KNOWN.values() for short in shorts}
    human = [short for _, short in second if short not in known]
    write_text(folder / "documents.txt", "\n".join(names) + "\n")
    write_text(folder / "sentences.txt", "\n".join(human) + "\n")
    write_pairs(folder / "pairs.jsonl", first)
    write_pairs(folder / "dev.jsonl", [(row["full"], row["abbreviation"]) for row in pairs_of(data, "dev")])


def write_pairs(file: Path, pairs: list[tuple[str, str]]) -> None:
    """Write pairs of names and abbreviations as JSON lines."""
    rows = (json.dumps({"document": full, "summary": short}, ensure_ascii=False) for full, short in pairs)
    write_text(file, "\n".join(rows) + "\n")


class PairBatches(Dataset):
    """Micro-batches of names with their abbreviations, in shuffled order.

    Args:
        names: Pieces of each name.
        shorts: Pieces of each abbreviation.
        seed: Seed of the order.
        share: The part of each batch that this process reads.
    """

    def __init__(self, names: list[list[int]], shorts: list[list[int]], seed: int, share: Share):
        self.names, self.shorts, self.share = names, shorts, share
        self.order = IndexOrder(len(names), derive_seed(seed, "pairs"))

    def __getitem__(self, number: int) -> Batch:
        """Return the texts that a warm start reads."""
        positions = self.share.rows(number)
        names, shorts = (
            Texts.of([pile[self.order[place]] for place in positions]) for pile in (self.names, self.shorts)
        )
        texts = {"documents": names, "noised": names, "targets": shorts, "content": shorts}
        return Batch(torch.tensor(positions), texts)


class SupervisedTask(SummaryTask):
    """A warm start on the true pairs of pairs.jsonl, beside the documents, instead of made-up pairs."""

    def batches(self, share: Share) -> PairBatches:
        """Micro-batches of names and abbreviations."""
        pairs = load_pairs([str(Path(self.options.data.documents[0]).with_name("pairs.jsonl"))])
        longest = self.options.data.max_document_length
        names, shorts = (
            self.corpora.vocabulary.encode_documents(texts, longest)
            for texts in (pairs.documents, [short for (short,) in pairs.references or []])
        )
        return PairBatches(names, shorts, self.training.seed, share)

    def validate(self) -> dict[str, float]:
        """Share of the names of dev that are abbreviated exactly as by people."""
        pairs = self.corpora.validation
        summaries = Summarizer(self.model, self.corpora.vocabulary)(pairs.documents, batch_size=128)
        hits = [[s.summary_text] == short for s, short in zip(summaries, pairs.references or [], strict=True)]
        return {"eval_score": statistics.mean(hits)}


def options_of(folder: Path, row: str, seed: int) -> Options:
    """Options of a row."""
    paths = row in PATHS
    options, _ = load_options([str(CONFIGS / ("short-paths.yaml" if paths else "abbreviations-zh.yaml"))])
    changes, weights = PATHS[row] if paths else DECODER.get(row, ({}, {}))
    data = replace(
        options.data,
        documents=[str(folder / "documents.txt")],
        sentences=[str(folder / "sentences.txt")],
        cache_dir=str(folder / "cache"),
    )
    group = "critics" if paths else "loss_weights"
    training = replace(
        options.training,
        output_dir=str(folder / row),
        seed=seed,
        use_cpu=True,
        eval_steps=0,
        eval_documents=20,
        sample_steps=0,
        save_steps=options.training.warm_start_steps,
        **{group: replace(getattr(options.training, group), **weights)},
        **changes,
    )
    if row == "warm-start":
        training = replace(training, adversarial_steps=0)
    return replace(options, data=data, training=training)


def supervised_options(folder: Path, seed: int) -> Options:
    """Options of `SupervisedTask`: the same number of steps in one stage, with the best model on dev kept."""
    options = options_of(folder, "supervised", seed)
    training = replace(
        options.training,
        warm_start_steps=SupervisedTask.count_steps(options),
        adversarial_steps=0,
        eval_steps=200,
        eval_documents=100_000,
        load_best_model_at_end=True,
        loss_weights=replace(options.training.loss_weights, adversarial=0.0),
    )
    return replace(
        options, training=training, data=replace(options.data, validation=[str(folder / "dev.jsonl")])
    )


def train_from_scratch(options: Options, task: type[SummaryTask] | type[ShortTextTask]) -> TrainerState:
    """Delete the output folder and train."""
    shutil.rmtree(options.training.output_dir, ignore_errors=True)
    return train(options, task=task, say=say)


def train_decoder(options: Options) -> None:
    """Train from the warm start that rows share; the first row trains it."""
    training, target = options.training, Path(options.training.output_dir)
    start = target.with_name("content-start" if training.warm_start == "content" else "warm-start")
    if not (start / "model.safetensors").is_file():
        first = replace(training, output_dir=str(start), adversarial_steps=0)
        train_from_scratch(replace(options, training=first), SummaryTask)
    if start != target:
        shutil.rmtree(target, ignore_errors=True)
        name = f"checkpoint-{training.warm_start_steps}"
        shutil.copytree(start / name, target / name)
        train(options, resume=True, say=say)


def train_row(folder: Path, row: str, seed: int) -> dict:
    """Train a row, and return the discriminator's last accuracy, the steps and the seconds."""
    began = time.perf_counter()
    if row in PATHS:
        steps = train_from_scratch(options_of(folder, row, seed), ShortTextTask).step
    elif row == "supervised":
        steps = train_from_scratch(supervised_options(folder, seed), SupervisedTask).best_step
    else:
        options = options_of(folder, row, seed)
        steps = SummaryTask.count_steps(options)
        train_decoder(options)
    log = [json.loads(line) for line in (folder / row / "log.jsonl").read_text().splitlines()]
    seen = [line["accuracy"] for line in log if "accuracy" in line][-5:]
    return {
        "accuracy": statistics.mean(seen) if seen else None,
        "steps": steps,
        "seconds": time.perf_counter() - began,
    }


def pairs_of(data: Path, split: str) -> list[dict]:
    """Read the rows of a split that have an abbreviation."""
    return [row for row in read_rows(data / f"{split}.jsonl.gz") if row["abbreviation"]]


def score(texts: list[str], rows: list[dict]) -> dict:
    """Score texts against the human abbreviations."""
    golds = [row["abbreviation"] for row in rows]
    rouge = rouge_scores(texts, [[gold] for gold in golds])
    return {
        "exact_match": 100 * statistics.mean(text == gold for text, gold in zip(texts, golds, strict=True)),
        **{name: float(rouge[name].mean()) for name in ("rouge1", "rouge2", "rougeL")},
        "length": statistics.mean(map(len, texts)),
        "human_length": statistics.mean(map(len, golds)),
    }


def evaluate(folder: Path, rows: list[dict]) -> dict:
    """Score a trained row, and record what it writes for the six well-known names."""
    summarizer = Summarizer.from_pretrained(folder, device="cpu")
    summaries = summarizer([row["full"] for row in rows], reconstruct=False, batch_size=128)
    figures = score([summary.summary_text for summary in summaries], rows)
    losses = [summary.reconstruction_loss for summary in summaries]
    figures["reconstruction"] = None if None in losses else statistics.mean(losses)
    written = [summary.summary_text for summary in summarizer(list(KNOWN), reconstruct=False)]
    figures["known"] = sum(text in KNOWN[name] for name, text in zip(KNOWN, written, strict=True))
    figures["known_written"] = dict(zip(KNOWN, written, strict=True))
    return figures


def by_rule(rule: str, row: dict) -> str:
    """Abbreviate a name to the first character of each word, or to its first two characters."""
    return "".join(word[0] for word in row["words"]) if rule == RULES[0] else row["full"][:2]


def main() -> None:
    """Train and score all rows."""
    parser = new_parser(__doc__, ALL, "runs/abbreviations", work=True)
    parser.add_argument("data", type=Path, help="folder with train, dev and test.jsonl.gz")
    parser.add_argument("--split", choices=("dev", "test"), default="dev", help="split to score")
    arguments = parser.parse_args()
    if not (arguments.data / "train.jsonl.gz").is_file():
        parser.error(f"{arguments.data} has no train.jsonl.gz; give the folder of the corpus")
    scored = pairs_of(arguments.data, arguments.split)
    folders = [arguments.work / f"seed-{seed}" for seed in range(arguments.seeds)]
    for seed, folder in enumerate(folders):
        write_piles(arguments.data, folder, seed)

    def figures_of(row: str, seed: int) -> dict:
        if row in RULES:
            return score([by_rule(row, name) for name in scored], scored)
        figures = train_row(folders[seed], row, seed) | evaluate(folders[seed] / row, scored)
        say(f"{row}: {figures['known_written']}")
        return figures

    results = measure(
        arguments.rows,
        range(arguments.seeds),
        arguments.output,
        figures_of,
        ["exact_match"],
        resume=True,
        split=arguments.split,
    )
    table = mean_table(results, COLUMNS, ["exact_match"])
    say(f"\n{table}\n{arguments.seeds} seeds, {arguments.split}, n = {len(scored)}")


if __name__ == "__main__":
    main()
