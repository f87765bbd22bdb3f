"""Names to abbreviations without a pair: which estimator and which terms of the loss work.

    python benchmarks/abbreviations.py DATA --seeds 3 --output results.json

DATA is a folder with {train,dev,test}.jsonl.gz and rows {"full", "abbreviation" or null, "words"}, as in
Zhang & Sun's corpus (2017). The abbreviations of one half of train are the human sentences, the names of
the other half and all names without abbreviation the documents; no pair is seen. Six well-known names are
taken out of both. Rows called paths are of the path generator (`ShortTextTask`), from nothing. Every other
row is of the decoder, with the steps of configs/abbreviations-zh.yaml and, per seed, the same warm start.
`supervised` sees the pairs of the first half, and stops where it is best on dev: a ceiling.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import random
import shutil
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch

from summgan import Summarizer, train
from summgan.data.corpora import measure_lengths, prepare_corpora
from summgan.data.padding import pad
from summgan.evaluation.rouge import rouge_scores
from summgan.evaluation.scoring import format_table
from summgan.files import write_text
from summgan.networks.modeling import SummGAN
from summgan.options.configuration import Options
from summgan.options.parsing import load_options
from summgan.randomness import RandomStream
from summgan.training.schedules import learning_rate_factor
from summgan.training.short_text_task import ShortTextTask

CONFIGURATION = Path(__file__).parents[1] / "configs" / "abbreviations-zh.yaml"
KNOWN = {
    "台湾大学": ("台大",),
    "北京大学": ("北大",),
    "清华大学": ("清华",),
    "厦门大学": ("厦大",),
    "世界贸易组织": ("世贸", "世贸组织"),
    "奥林匹克运动会": ("奥运", "奥运会"),
}
ALONE = {"adversarial": 0.0, "back_cycle": 0.0, "denoising": 0.0}
PATH_STEPS = (200, 400)
# What a row of the path generator changes: options of training, and weights of critics.
PATHS: dict[str, tuple[dict, dict]] = {
    "paths": ({}, {}),
    "paths-reinforce": ({"estimator": "reinforce"}, {}),
    "paths-no-discriminator": ({}, {"discriminator": 0.0}),
    "paths-no-reconstruction": ({}, {"reconstruction": 0.0}),
    "paths-likelihood": ({"adversarial_steps": 0}, {}),
}
# What a row of the decoder changes in the configuration: options of training, and weights.
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
COLUMNS = "exact_match rouge1 rouge2 rougeL length human_length accuracy reconstruction steps seconds".split()


def read(path: Path) -> list[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_piles(data: Path, folder: Path, seed: int) -> list[tuple[str, str]]:
    """Write documents.txt and sentences.txt; the pairs that were taken apart, for `supervised`."""
    rows = read(data / "train.jsonl.gz")
    rows = [row for row in rows if row["full"] not in KNOWN]
    pairs = [(row["full"], row["abbreviation"]) for row in rows if row["abbreviation"]]
    random.Random(seed).shuffle(pairs)
    first, second = pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :]
    names = [full for full, _ in first] + [row["full"] for row in rows if not row["abbreviation"]]
    known = {short for shorts in KNOWN.values() for short in shorts}
    human = [short for _, short in second if short not in known]
    write_text(folder / "documents.txt", "\n".join(names) + "\n")
    write_text(folder / "sentences.txt", "\n".join(human) + "\n")
    return first


def options_of(folder: Path, row: str, seed: int) -> Options:
    """The configuration with what the row changes."""
    options, _ = load_options([str(CONFIGURATION)])
    changes, weights = DECODER.get(row, ({}, {}))
    data = replace(
        options.data,
        documents=[str(folder / "documents.txt")],
        sentences=[str(folder / "sentences.txt")],
        cache_dir=str(folder / "cache"),
    )
    training = replace(
        options.training,
        output_dir=str(folder / row),
        seed=seed,
        use_cpu=True,
        eval_steps=0,
        eval_documents=20,
        sample_steps=0,
        save_steps=options.training.warm_start_steps,
        loss_weights=replace(options.training.loss_weights, **weights),
        **changes,
    )
    if row == "warm-start":
        training = replace(training, adversarial_steps=0)
    return replace(options, data=data, training=training)


def run_row(folder: Path, row: str, seed: int, say) -> dict:
    """Train a row, from the warm start that it shares with others, and say what it cost."""
    options = options_of(folder, row, seed)
    training, target = options.training, Path(options.training.output_dir)
    if training.adversarial_steps == 0:
        start = target
    else:
        start = folder / ("content-start" if training.warm_start == "content" else "warm-start")
    first = replace(training, output_dir=str(start), adversarial_steps=0)
    began = time.perf_counter()
    if not (start / "model.safetensors").is_file():
        shutil.rmtree(start, ignore_errors=True)
        train(replace(options, training=first), say=say)
    if start != target:
        shutil.rmtree(target, ignore_errors=True)
        name = f"checkpoint-{training.warm_start_steps}"
        shutil.copytree(start / name, target / name)
        train(options, resume=True, say=say)
    log = [json.loads(line) for line in (target / "log.jsonl").read_text().splitlines()]
    seen = [line["accuracy"] for line in log if "accuracy" in line][-5:]
    return {
        "accuracy": statistics.mean(seen) if seen else None,
        "steps": training.warm_start_steps + training.adversarial_steps,
        "seconds": time.perf_counter() - began,
    }


def path_options(folder: Path, row: str, seed: int) -> Options:
    """Options of the path generator with what the row changes."""
    options, (changes, critics) = options_of(folder, row, seed), PATHS[row]
    weights = {"discriminator": 2.0, "reconstruction": 0.3} | critics
    settings = {
        "warm_start_steps": PATH_STEPS[0],
        "adversarial_steps": PATH_STEPS[1],
        "per_device_train_batch_size": 32,
        "samples_per_document": 6,
        "learning_rate": 1e-3,
        "adversarial_learning_rate": 1e-3,
        "discriminator_learning_rate": 5e-4,
        "save_steps": sum(PATH_STEPS),
        "critics": replace(options.training.critics, **weights),
    }
    training = replace(options.training, **(settings | changes))
    model = replace(options.model, generator="paths", forms=0, inserted_words=0, dropout=0.2)
    return replace(
        options, model=model, training=training, data=replace(options.data, max_document_length=12)
    )


def run_paths(folder: Path, row: str, seed: int, say) -> dict:
    """Train the path generator from nothing, and say what it cost."""
    options, began = path_options(folder, row, seed), time.perf_counter()
    shutil.rmtree(options.training.output_dir, ignore_errors=True)
    state = train(options, task=ShortTextTask, say=say)
    return {"accuracy": None, "steps": state.step, "seconds": time.perf_counter() - began}


def run_supervised(folder: Path, pairs: list[tuple[str, str]], data: Path, seed: int, say) -> dict:
    """The same networks trained on pairs, stopped where exact match on dev is highest."""
    options = options_of(folder, "supervised", seed)
    training, began = options.training, time.perf_counter()
    corpora = prepare_corpora(options, say)
    torch.manual_seed(seed)
    fields = {"max_document_length": 24, "has_discriminator": False}
    model = SummGAN.from_options(options.model, corpora.vocabulary.tokenizer, **fields)
    model.set_human_lengths(measure_lengths(corpora.sentences, corpora.vocabulary))
    names, shorts = (corpora.vocabulary.encode_documents(texts, 24) for texts in zip(*pairs, strict=True))
    steps = training.warm_start_steps + training.adversarial_steps
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=training.weight_decay, betas=(0.9, 0.98))
    rng, best, kept, kept_step = random.Random(seed), -1.0, None, 0
    for step in range(steps):
        model.train()
        chosen = rng.sample(range(len(names)), training.per_device_train_batch_size)
        document, document_mask = pad([names[index] for index in chosen])
        words, words_mask = pad([shorts[index] for index in chosen])
        stream = RandomStream.of(torch.arange(len(chosen)), seed, step)
        code = model.reconstructor.code_of(words, words_mask)
        loss = model.generator.imitation_loss(document, document_mask, words, words_mask).mean()
        loss = loss + model.reconstructor(code, document, document_mask, stream).mean()
        for group in optimizer.param_groups:
            factor = learning_rate_factor(step, steps, training.warmup_steps, training.lr_scheduler_type)
            group["lr"] = training.learning_rate * factor
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), training.max_grad_norm)
        optimizer.step()
        if (step + 1) % 200 == 0:
            score = exact_match(Summarizer(model, corpora.vocabulary), pairs_of(data, "dev"))
            say(f"supervised step {step + 1} of {steps}: {score:.1f} % on dev")
            if score > best:
                best, kept, kept_step = score, copy.deepcopy(model.state_dict()), step + 1
    model.load_state_dict(kept)
    model.save_pretrained(folder / "supervised")
    corpora.vocabulary.save_pretrained(folder / "supervised")
    return {"accuracy": None, "steps": kept_step, "seconds": time.perf_counter() - began}


def pairs_of(data: Path, split: str) -> list[dict]:
    return [row for row in read(data / f"{split}.jsonl.gz") if row["abbreviation"]]


def exact_match(summarizer: Summarizer, rows: list[dict]) -> float:
    summaries = summarizer([row["full"] for row in rows], reconstruct=False, batch_size=128)
    hits = [s.summary_text == row["abbreviation"] for s, row in zip(summaries, rows, strict=True)]
    return 100 * statistics.mean(hits)


def score(texts: list[str], rows: list[dict]) -> dict:
    golds = [row["abbreviation"] for row in rows]
    rouge = rouge_scores(texts, [[gold] for gold in golds])
    return {
        "exact_match": 100 * statistics.mean(text == gold for text, gold in zip(texts, golds, strict=True)),
        **{name: float(rouge[name].mean()) for name in ("rouge1", "rouge2", "rougeL")},
        "length": statistics.mean(map(len, texts)),
        "human_length": statistics.mean(map(len, golds)),
    }


def evaluate(folder: Path, rows: list[dict]) -> dict:
    """Figures of a trained row, with what it writes for the six names."""
    summarizer = Summarizer.from_pretrained(folder, device="cpu")
    summaries = summarizer([row["full"] for row in rows], reconstruct=False, batch_size=128)
    figures = score([summary.summary_text for summary in summaries], rows)
    losses = [summary.reconstruction_loss for summary in summaries]
    figures["reconstruction"] = None if None in losses else statistics.mean(losses)
    written = [summary.summary_text for summary in summarizer(list(KNOWN), reconstruct=False)]
    figures["known"] = sum(text in KNOWN[name] for name, text in zip(KNOWN, written, strict=True))
    figures["known_written"] = dict(zip(KNOWN, written, strict=True))
    return figures


def summary_table(results: list[dict], seeds: int) -> str:
    """Mean ± standard deviation over seeds of every row."""
    table = {}
    for name in dict.fromkeys(result["row"] for result in results):
        mine = [result for result in results if result["row"] == name]
        table[name] = {}
        for column in [*COLUMNS, "known"]:
            values = [result[column] for result in mine if result.get(column) is not None]
            table[name][column] = statistics.mean(values) if values else None
            if column == "exact_match":
                table[name]["±"] = statistics.stdev(values) if len(values) > 1 else 0.0
    return format_table(table, ["exact_match", "±", *COLUMNS[1:], "known"]) + f"\n{seeds} seeds"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with train, dev and test.jsonl.gz")
    parser.add_argument("--rows", nargs="+", choices=ALL, default=ALL, metavar="NAME", help=" ".join(ALL))
    parser.add_argument("--seeds", type=int, default=1, help="runs of every row")
    parser.add_argument("--split", choices=("dev", "test"), default="dev", help="what is scored")
    parser.add_argument("--work", type=Path, default=Path("runs/abbreviations"), help="for models")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("runs/abbreviations/results.json"),
        help="figures of every row and seed; those already in it are kept",
    )
    arguments = parser.parse_args()
    if not (arguments.data / "train.jsonl.gz").is_file():
        parser.error(f"{arguments.data} has no train.jsonl.gz")

    def say(text: str) -> None:
        print(text, flush=True)

    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    rows, results = pairs_of(arguments.data, arguments.split), []
    if arguments.output.is_file():
        results = json.loads(arguments.output.read_text(encoding="utf-8"))
    done = {(result["row"], result["seed"], result["split"]) for result in results}
    for seed in range(arguments.seeds):
        folder = arguments.work / f"seed-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        pairs = write_piles(arguments.data, folder, seed)
        for name in arguments.rows:
            if (name, seed, arguments.split) in done:
                say(f"\n== {name}, seed {seed}: kept from {arguments.output}")
                continue
            say(f"\n== {name}, seed {seed}")
            if name in RULES:
                texts = [
                    "".join(word[0] for word in row["words"]) if name == RULES[0] else row["full"][:2]
                    for row in rows
                ]
                figures = score(texts, rows)
            else:
                if name == "supervised":
                    figures = run_supervised(folder, pairs, arguments.data, seed, say)
                elif name in PATHS:
                    figures = run_paths(folder, name, seed, say)
                else:
                    figures = run_row(folder, name, seed, say)
                figures |= evaluate(folder / name, rows)
            say(f"{name}: {figures['exact_match']:.1f} % exact {figures.get('known_written', '')}")
            results.append({"row": name, "seed": seed, "split": arguments.split, **figures})
            write_text(arguments.output, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    say("\n" + summary_table(results, arguments.seeds) + f", {arguments.split}, n = {len(rows)}")


if __name__ == "__main__":
    main()
