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
from pathlib import Path

import torch
from tqdm.auto import tqdm

from summgan import Summarizer
from summgan.data.batches import BatchStream
from summgan.data.corpora import prepare_corpora
from summgan.evaluation.scoring import format_table
from summgan.files import write_text
from summgan.networks.estimators import ESTIMATORS
from summgan.options.configuration import DataOptions, LossWeights, Options, TokenizerOptions, TrainingOptions
from summgan.randomness import RandomStream
from summgan.text.boundaries import UnitBoundaries
from summgan.training.losses import AutoencoderObjective, make_judge

TERMS = ("reconstruction", "adversarial")
ROWS = tuple(name for name in ESTIMATORS if name != "hybrid")
_REFERENCE = 8  # times as many draws for the unbiased gradient


def gradient(model, batch, estimator: str, term: str, temperature: float, draw: int) -> torch.Tensor:
    """The decoder's gradient of one term for one draw of summaries, flat."""
    weights = LossWeights(**{name: float(name == term) for name in (*TERMS, "back_cycle", "denoising")})
    objective = AutoencoderObjective(
        model, TrainingOptions(estimator=estimator, loss_weights=weights, word_dropout=0.0)
    )
    stream = RandomStream.of(batch.rows, "draw", draw)
    total = objective.adversarial(batch, stream, temperature, make_judge(model.discriminator)).total
    bottleneck = model.generator.bottleneck
    parameters = [*bottleneck.decoder.stack.parameters(), *bottleneck.pointer.parameters()]
    found = torch.autograd.grad(total, parameters, allow_unused=True)
    return torch.cat([part.flatten() for part in found if part is not None])


def measure(
    model, batch, estimator: str, term: str, temperature: float, draws: int, first: int, progress: tqdm
):
    """Mean gradient and the total variance of a single draw around it."""
    mean, square = 0.0, 0.0
    for draw in range(first, first + draws):
        one = gradient(model, batch, estimator, term, temperature, draw)
        mean, square = mean + one / draws, square + one.square().sum() / draws
        progress.update()
    return mean, max(0.0, float(square - mean.square().sum())) * draws / (draws - 1)


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
        training=TrainingOptions(eval_documents=1),
    )
    corpora = prepare_corpora(options, print)
    stream = BatchStream(
        corpora.documents,
        corpora.sentences,
        UnitBoundaries(model.generator.bottleneck),
        corpora.word_weights,
        seed=0,
        batch_size=32,
        steps=arguments.seeds,
    )
    results = []
    steps = arguments.seeds * len(TERMS) * arguments.draws * (len(arguments.rows) + _REFERENCE)
    with tqdm(total=steps, disable=None) as progress:
        for seed in range(arguments.seeds):
            for term in TERMS:
                more, first = _REFERENCE * arguments.draws, arguments.draws
                common = (model, stream[seed])
                exact, _ = measure(*common, "reinforce", term, arguments.temperature, more, first, progress)
                for row in arguments.rows:
                    mean, variance = measure(
                        *common, row, term, arguments.temperature, arguments.draws, 0, progress
                    )
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
