"""Measures bias and variance of each estimator's gradient on a trained model, for each loss term.

    python benchmarks/gradients.py runs/abbreviations/seed-0 --model runs/abbreviations/seed-0/warm-start

DATA is a folder with documents.txt and sentences.txt. A row, TERM/ESTIMATOR, draws summaries of the same
documents many times and reports the gradient of the generator's decoder: the norm of the mean, the standard
deviation as a multiple of the norm, and the cosine with an unbiased gradient (REINFORCE with leave-one-out,
averaged over eight times as many other draws).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import torch
from rows import mean_table, measure, new_parser, say
from tqdm.auto import tqdm

from summgan import Summarizer, SummaryTask
from summgan.data.batches import Batch
from summgan.data.corpora import prepare_corpora
from summgan.data.order import Share
from summgan.networks.estimators import ESTIMATORS
from summgan.options.configuration import DataOptions, LossWeights, Options, TokenizerOptions, TrainingOptions
from summgan.randomness import RandomStream

TERMS = ("reconstruction", "adversarial")
ROWS = tuple(f"{term}/{name}" for term in TERMS for name in ESTIMATORS if name != "hybrid")
COLUMNS = ("norm", "relative_norm", "relative_deviation", "cosine")
_REFERENCE = 8  # number of draws for the unbiased gradient, as a multiple of --draws


def gradient(task: SummaryTask, batch: Batch, temperature: float, draw: int) -> torch.Tensor:
    """Gradient of a task's loss in the decoder's parameters for one draw of summaries, flattened."""
    stream = RandomStream.of(batch.rows, "draw", draw)
    total = task.adversarial(batch, stream, temperature).total
    bottleneck = task.model.generator.bottleneck
    parameters = [*bottleneck.decoder.stack.parameters(), *bottleneck.pointer.parameters()]
    found = torch.autograd.grad(total, parameters, allow_unused=True)
    return torch.cat([part.flatten() for part in found if part is not None])


def moments(task: SummaryTask, batch: Batch, temperature: float, draws: range) -> tuple[torch.Tensor, float]:
    """Mean gradient, and total variance of a single draw."""
    mean, square, count = torch.zeros(()), torch.zeros(()), len(draws)
    for draw in tqdm(draws, disable=None, leave=False):
        one = gradient(task, batch, temperature, draw)
        mean, square = mean + one / count, square + one.square().sum() / count
    return mean, max(0.0, float(square - mean.square().sum())) * count / (count - 1)


def main() -> None:
    """Compare all rows with the unbiased gradient of their term."""
    parser = new_parser(__doc__, ROWS, "runs/gradients", seeds="batches of 32 documents")
    parser.add_argument("data", type=Path, help="folder with documents.txt and sentences.txt")
    parser.add_argument("--model", type=Path, required=True, help="folder of a trained model")
    parser.add_argument("--draws", type=int, default=100, help="draws per row and batch")
    parser.add_argument("--temperature", type=float, default=0.7, help="temperature of the Gumbel-softmax")
    arguments = parser.parse_args()
    model = Summarizer.from_pretrained(arguments.model, device="cpu").model.eval()
    options = Options(
        data=DataOptions(
            documents=str(arguments.data / "documents.txt"),
            sentences=str(arguments.data / "sentences.txt"),
            max_document_length=model.config.max_document_length,
        ),
        tokenizer=TokenizerOptions(path=str(arguments.model)),
        training=TrainingOptions(eval_documents=1, neighbour_share=0.0),
    )
    corpora = prepare_corpora(options, say)

    def task(estimator: str, term: str) -> SummaryTask:
        weights = LossWeights(**{name: float(name == term) for name in (*TERMS, "back_cycle", "denoising")})
        training = replace(options.training, estimator=estimator, loss_weights=weights)
        return SummaryTask(replace(options, training=training), model, corpora)

    # Only the adversarial term needs human sentences; its batches serve all terms.
    batches = task("reinforce", "adversarial").batches(Share(batch_size=32))
    few = range(arguments.draws)
    many = range(arguments.draws, (1 + _REFERENCE) * arguments.draws)

    @cache
    def unbiased(term: str, seed: int) -> torch.Tensor:
        return moments(task("reinforce", term), batches[seed], arguments.temperature, many)[0]

    def figures_of(row: str, seed: int) -> dict[str, float]:
        term, estimator = row.split("/")
        exact = unbiased(term, seed)
        mean, variance = moments(task(estimator, term), batches[seed], arguments.temperature, few)
        norm = float(mean.norm())
        return {
            "norm": norm,
            "relative_norm": norm / float(exact.norm()),
            "relative_deviation": variance**0.5 / norm,
            "cosine": float(torch.cosine_similarity(mean, exact, dim=0)),
        }

    results = measure(arguments.rows, range(arguments.seeds), arguments.output, figures_of, COLUMNS)
    say("\n" + mean_table(results, COLUMNS))


if __name__ == "__main__":
    main()
