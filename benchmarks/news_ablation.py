"""Ablation of the path generator on English news, with the same small budget for every row.

    python benchmarks/news_ablation.py DATA --backbone FOLDER --language_model FOLDER --output results.json

DATA is a folder with `news-en` (train.documents, train.sentences and valid.jsonl.gz). All rows have the
batches and weights of `news-en-fluent.yaml` and differ in the part that their name says. `prior` has only
counted scores and learns nothing. There are three regimes: `scratch-` rows have new encoders and a
reconstructor as the judge of content; `encoder-` rows start from the sentence encoder of --backbone, which
also judges content; in `critics-` rows, the language model judges too. ROUGE is F1 with stemming at ten words
on the first 500 validation pairs, which no training sees; ``free_`` is at the length that the model chooses.
`score` is fluency x content, without references. The texts are written beside the results for blind reading
(``summgan compare``).
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

from rows import mean_table, measure, new_parser, read_rows, say

from summgan import Summarizer, train
from summgan.evaluation.baselines import lead, rule
from summgan.evaluation.content import ContentScorer, reference_free_score
from summgan.evaluation.fluency import NgramLanguageModel
from summgan.evaluation.metrics import describe
from summgan.evaluation.rouge import rouge_scores
from summgan.files import write_text
from summgan.options.configuration import Options
from summgan.options.parsing import load_options

CONFIGURATION = Path(__file__).parents[1] / "configs" / "news-en-fluent.yaml"
WORDS, DOCUMENTS = 10, 500
SCRATCH = {"backbone": None, "language_model": None, "hidden_size": 256, "attention_heads": 4}
ENCODER = {"language_model": None}
ALONE = {"discriminator": 0.0}
# Changes of each row, by block of the configuration.
GAMES: dict[str, dict[str, dict]] = {
    "prior": {"model": ENCODER, "training": {"warm_start_steps": 1, "adversarial_steps": 0}},
    "scratch": {"model": SCRATCH},
    "scratch-no-discriminator": {"model": SCRATCH, "critics": ALONE},
    "encoder": {"model": ENCODER},
    "encoder-no-discriminator": {"model": ENCODER, "critics": ALONE},
    "encoder-no-likeness": {"model": ENCODER, "critics": {"likeness": 0.0}},
    "encoder-no-forms": {"model": ENCODER | {"forms": 0}},
    "encoder-no-inserted-words": {"model": ENCODER | {"inserted_words": 0}},
    "critics": {},
    "critics-no-discriminator": {"critics": ALONE},
}
BASELINES = {"lead": lead, "rule": rule}
ALL = (*BASELINES, *GAMES)
ROUGES = ("rouge1", "rouge2", "rougeL")
COLUMNS = (
    "rouge1 rouge2 rougeL free_rouge1 free_rouge2 free_words score fluency content lead_copy4 novel_words "
    "repeated_words seconds"
).split()


def options_of(
    data: Path, pretrained: dict[str, str], folder: Path, row: str, steps: int, seed: int
) -> Options:
    """Options of a row with the budget of this benchmark.

    Args:
        data: Folder with `news-en`.
        pretrained: Folders or hub names by option of ``model``.
        folder: Where models and caches are written.
        row: Name of the row.
        steps: Steps of the game.
        seed: Seed of the run.
    """
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
        output_dir=str(folder / row),
        warm_start_steps=steps // 4,
        adversarial_steps=steps,
        seed=seed,
        eval_steps=0,
        eval_documents=20,
        sample_steps=0,
    )
    changes = GAMES[row]
    critics = replace(training.critics, **changes.get("critics", {}))
    training = replace(training, critics=critics, **changes.get("training", {}))
    model = replace(options.model, **pretrained | changes.get("model", {}))
    return replace(options, data=piles, model=model, training=training)


def texts_of(arguments: argparse.Namespace, row: str, seed: int, documents: list[str]) -> dict:
    """Summaries of a row at ten words and at the length that it chooses; its model is trained if missing."""
    if row in BASELINES:
        texts = [BASELINES[row](document, WORDS) for document in documents]
        return {"ten": texts, "free": texts}
    folder = arguments.work / f"seed-{seed}"
    if not (folder / row / "model.safetensors").is_file():
        names = ("backbone", "language_model")
        pretrained = {name: value for name in names if (value := getattr(arguments, name))}
        train(options_of(arguments.data, pretrained, folder, row, arguments.steps, seed), say=say)
    summarizer = Summarizer.from_pretrained(folder / row)
    ten, free = summarizer(documents, min_words=WORDS, max_words=WORDS), summarizer(documents)
    return {"ten": [s.summary_text for s in ten], "free": [s.summary_text for s in free]}


def main() -> None:
    """Train and score all rows."""
    parser = new_parser(__doc__, ALL, "runs/news-ablation", work=True)
    parser.add_argument("data", type=Path, help="folder with news-en")
    parser.add_argument("--backbone", help="folder or hub name of a sentence encoder")
    parser.add_argument("--language_model", help="folder or hub name of a causal language model")
    parser.add_argument(
        "--steps", type=int, default=200, help="steps of the game, after a quarter as many before"
    )
    arguments = parser.parse_args()
    if not (arguments.data / "news-en" / "valid.jsonl.gz").is_file():
        parser.error(f"{arguments.data} has no news-en/valid.jsonl.gz; give the folder with news-en")
    pairs = read_rows(arguments.data / "news-en" / "valid.jsonl.gz")[:DOCUMENTS]
    documents, references = [p["document"] for p in pairs], [[p["summary"]] for p in pairs]
    human = [row["text"] for row in read_rows(arguments.data / "news-en" / "train.sentences.jsonl.gz")]
    fluency, content = NgramLanguageModel.fit(human), ContentScorer.fit(documents)

    def figures_of(row: str, seed: int) -> dict:
        began = time.perf_counter()
        written = texts_of(arguments, row, seed, documents)
        lines = "\n".join(json.dumps({"summary": text}, ensure_ascii=False) for text in written["free"])
        write_text(arguments.output.with_name(f"{row}-{seed}.jsonl"), lines + "\n")
        texts = written["ten"]
        rouge, free = (rouge_scores(written[how], references, stemmer=True) for how in ("ten", "free"))
        figures = {"n": len(texts)} | {name: float(rouge[name].mean()) for name in ROUGES}
        figures |= {f"free_{name}": float(free[name].mean()) for name in ROUGES}
        figures["free_words"] = sum(len(text.split()) for text in written["free"]) / len(texts)
        figures |= reference_free_score(fluency, content, documents, texts) | describe(documents, texts)
        return figures | {"seconds": time.perf_counter() - began}

    results = measure(arguments.rows, range(arguments.seeds), arguments.output, figures_of, ROUGES)
    say("\n" + mean_table(results, COLUMNS))


if __name__ == "__main__":
    main()
