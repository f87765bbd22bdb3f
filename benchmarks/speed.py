"""Measures how many documents per second a model summarizes on one core, beside other systems.

    python benchmarks/speed.py DATA --model runs/news-en --seeds 3 --output results.json

DATA is a *.jsonl.gz file of rows with `document`. Each seed samples other documents, the same for all rows.
Time is processor time of one thread, without loading, so that other processes hardly matter. `ratio` is the
speed of `summgan` divided by that of the row. Rows:

- `summgan`: the model in float32; `summgan-bfloat16`: with its encoder in bfloat16.
- `bart-base`: a transformer of the size of BART-base that writes 15 pieces greedily. Speed does not depend on
  the weights, so weights and input pieces are random; their number is that of the model's tokenizer.
- `sumy-lexrank`, `sumy-lsa`: one sentence of each document by sumy, if it is installed; a document of one
  sentence costs it nothing.
"""

from __future__ import annotations

import importlib.util
import random
import re
import time
from collections.abc import Callable, Sequence
from functools import cache

import torch
from rows import mean_table, measure, new_parser, read_rows, say
from transformers import BartConfig, BartForConditionalGeneration

from summgan import Summarizer
from summgan.text.script import split_sentences

ROWS = ("summgan", "summgan-bfloat16", "bart-base", "sumy-lexrank", "sumy-lsa")
COLUMNS = ("documents_per_second", "load_seconds", "ratio", "words")
BART_BASE = dict(
    vocab_size=50265,
    d_model=768,
    encoder_layers=6,
    decoder_layers=6,
    encoder_ffn_dim=3072,
    decoder_ffn_dim=3072,
    encoder_attention_heads=12,
    decoder_attention_heads=12,
)
NEW_PIECES = 15

System = Callable[[Sequence[str]], object]


class Clock:
    """Measures the processor time of a ``with`` block, in seconds."""

    def __enter__(self) -> Clock:
        self.start = time.process_time()
        return self

    def __exit__(self, *_) -> None:
        self.seconds = time.process_time() - self.start


def ours(model: str, batch_size: int, dtype: str) -> System:
    """Load a summgan model."""
    summarizer = Summarizer.from_pretrained(model, device="cpu", dtype=dtype)
    return lambda documents: summarizer(documents, batch_size=batch_size)


def transformer(model: str, batch_size: int, sizes: dict[str, int]) -> System:
    """Make an encoder-decoder of given sizes with random weights."""
    tokenizer = Summarizer.from_pretrained(model, device="cpu").tokenizer
    network = BartForConditionalGeneration(BartConfig(**sizes)).eval()

    def write(documents: Sequence[str]) -> None:
        lengths = sorted(len(tokenizer(text, verbose=False)["input_ids"]) for text in documents)
        for start in range(0, len(lengths), batch_size):
            part = torch.tensor(lengths[start : start + batch_size])
            mask = (torch.arange(int(part.max())) < part[:, None]).long()
            ids = torch.randint(10, network.config.vocab_size, mask.shape)
            network.generate(
                input_ids=ids,
                attention_mask=mask,
                num_beams=1,
                do_sample=False,
                max_new_tokens=NEW_PIECES,
                min_new_tokens=NEW_PIECES,
            )

    return write


class _Tokenizer:
    """A tokenizer for sumy that needs no language data."""

    def to_sentences(self, text: str) -> list[str]:
        return split_sentences(text)

    def to_words(self, text: str) -> list[str]:
        return re.findall(r"\w+", text)


def extractor(method: str) -> System:
    """Make an extractor of one sentence per document, by sumy."""
    from sumy.parsers.plaintext import PlaintextParser
    from sumy.summarizers.lex_rank import LexRankSummarizer
    from sumy.summarizers.lsa import LsaSummarizer

    summarize = {"lexrank": LexRankSummarizer, "lsa": LsaSummarizer}[method]()
    return lambda documents: [
        summarize(PlaintextParser.from_string(text, _Tokenizer()).document, 1) for text in documents
    ]


def system(row: str, model: str, batch_size: int) -> System:
    """Load the system of a row."""
    if row.startswith("sumy-"):
        return extractor(row.removeprefix("sumy-"))
    if row == "bart-base":
        return transformer(model, batch_size, BART_BASE)
    return ours(model, batch_size, "bfloat16" if row == "summgan-bfloat16" else "float32")


def main() -> None:
    """Measure all rows and print them as a table."""
    parser = new_parser(__doc__, ROWS, "runs/speed", seeds="samples of documents")
    parser.add_argument("data", help="*.jsonl.gz file of rows with document")
    parser.add_argument("--model", required=True, help="folder of the model")
    parser.add_argument("--documents", type=int, default=128, help="documents of each sample")
    parser.add_argument("--batch-size", type=int, default=16, help="documents in a batch")
    arguments = parser.parse_args()
    rows = ["summgan", *(row for row in ROWS if row in arguments.rows and row != "summgan")]
    if importlib.util.find_spec("sumy") is None and any(row.startswith("sumy-") for row in rows):
        say("sumy is not installed, so its rows are left out; to include them, pip install sumy.")
        rows = [row for row in rows if not row.startswith("sumy-")]
    torch.set_num_threads(1)
    documents = [row["document"] for row in read_rows(arguments.data)]
    ours: dict[int, float] = {}

    @cache
    def loaded(row: str) -> tuple[System, float]:
        with Clock() as loading:
            write = system(row, arguments.model, arguments.batch_size)
        return write, loading.seconds

    def figures_of(row: str, seed: int) -> dict:
        chosen = random.Random(seed).sample(documents, min(arguments.documents, len(documents)))
        write, load = loaded(row)
        write(chosen[: arguments.batch_size])  # warm-up: some parts are built at first use
        with Clock() as writing:
            write(chosen)
        speed = len(chosen) / writing.seconds
        words = sum(len(text.split()) for text in chosen) / len(chosen)
        ratio = ours.setdefault(seed, speed) / speed  # summgan is the first row
        return {"documents_per_second": speed, "load_seconds": load, "ratio": ratio, "words": words}

    results = measure(rows, range(arguments.seeds), arguments.output, figures_of, COLUMNS)
    say("\n" + mean_table(results, COLUMNS, ["documents_per_second"]))


if __name__ == "__main__":
    main()
