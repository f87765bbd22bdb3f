"""Bias and variance of every estimator's gradient on a trained model, term by term.

    python benchmarks/gradients.py runs/abbreviations/seed-0 --model runs/abbreviations/seed-0/warm-start

DATA is a folder with documents.txt and sentences.txt. Each row draws summaries of the same documents again
and again and looks at the gradient that the generator's decoder gets: its norm, its standard deviation as
a multiple of that, and its cosine with the unbiased one (REINFORCE with leave-one-out, averaged over
several times as many draws; `reinforce` itself is compared with it through draws of its own).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch
from tqdm.auto import tqdm

from summgan import Summarizer, SummaryTask
from summgan.data.batches import Batch
from summgan.data.corpora import prepare_corpora
from summgan.data.order import Share
from summgan.evaluation.scoring import format_table
from summgan.files import write_text
from summgan.networks.estimators import ESTIMATORS
from summgan.options.configuration import DataOptions, LossWeights, Options, TokenizerOptions, TrainingOptions
from summgan.randomness import RandomStream

TERMS = ("reconstruction", "adversarial")
ROWS = tuple(name for name in ESTIMATORS if name != "hybrid")
_REFERENCE = 8  # times as many draws for the unbiased gradient


def gradient(task: SummaryTask, batch: Batch, temperature: float, draw: int) -> torch.Tensor:
    """The decoder's gradient of a task's terms for one draw of summaries, flat."""
    stream = RandomStream.of(batch.rows, "draw", draw)
    total = task.adversarial(batch, stream, temperature).total
    bottleneck = task.model.generator.bottleneck
    parameters = [*bottleneck.decoder.stack.parameters(), *bottleneck.pointer.parameters()]
    found = torch.autograd.grad(total, parameters, allow_unused=True)
    return torch.cat([part.flatten() for part in found if part is not None])


def measure(task: SummaryTask, batch: Batch, temperature: float, draws: range, progress: tqdm):
    """Mean gradient and the total variance of a single draw around it."""
    mean, square, count = 0.0, 0.0, len(draws)
    for draw in draws:
        one = gradient(task, batch, temperature, draw)
        mean, square = mean + one / count, square + one.square().sum() / count
        progress.update()
    return mean, max(0.0, float(square - mean.square().sum())) * count / (count - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with documents.txt and sentences.txt")
    parser.add_argument("--model", type=Path, required=True, help="folder of a trained model")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS, metavar="NAME", help=" ".join(ROWS))
    parser.add_argument("--seeds", type=int, default=1, help="batches of 32 documents")
    parser.add_argument("--draws", type=int, default=100, help="draws per estimator and batch")
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--output", type=Path, default=Path("runs/gradients.json"))
    arguments = parser.parse_args()
    summarizer = Summarizer.from_pretrained(arguments.model, device="cpu")
    model = summarizer.model.eval()
    options = Options(
        data=DataOptions(
            documents=str(arguments.data / "documents.txt"),
            sentences=str(arguments.data / "sentences.txt"),
            max_document_length=model.config.max_document_length,
        ),
        tokenizer=TokenizerOptions(path=str(arguments.model)),
        training=TrainingOptions(eval_documents=1, neighbour_share=0.0),
    )
    corpora = prepare_corpora(options, print)

    def task(estimator: str, term: str) -> SummaryTask:
        weights = LossWeights(**{name: float(name == term) for name in (*TERMS, "back_cycle", "denoising")})
        training = replace(options.training, estimator=estimator, loss_weights=weights)
        return SummaryTask(replace(options, training=training), model, corpora)

    # Only what is judged needs human sentences, and its batches do for all terms.
    batches = task("reinforce", "adversarial").batches(Share(batch_size=32))
    few = range(arguments.draws)
    many = range(arguments.draws, (1 + _REFERENCE) * arguments.draws)
    steps = arguments.seeds * len(TERMS) * (len(arguments.rows) * len(few) + len(many))
    results = []
    with tqdm(total=steps, disable=None) as progress:
        for seed, term in product(range(arguments.seeds), TERMS):
            how = (batches[seed], arguments.temperature)
            exact, _ = measure(task("reinforce", term), *how, many, progress)
            for row in arguments.rows:
                mean, variance = measure(task(row, term), *how, few, progress)
                norm = float(mean.norm())
                results.append(
                    {
                        "row": row,
                        "seed": seed,
                        "term": term,
                        "norm": norm,
                        "relative_norm": norm / float(exact.norm()),
                        "relative_deviation": variance**0.5 / norm,
                        "cosine": float(torch.cosine_similarity(mean, exact, dim=0)),
                    }
                )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    write_text(arguments.output, json.dumps(results, indent=1) + "\n")
    columns = ("norm", "relative_norm", "relative_deviation", "cosine")
    table: dict[str, dict[str, float]] = {}
    for result in results:
        figures = table.setdefault(f"{result['term']}/{result['row']}", dict.fromkeys(columns, 0.0))
        for column in columns:
            figures[column] += result[column] / arguments.seeds
    print(format_table(table, list(columns)))


if __name__ == "__main__":
    main()
