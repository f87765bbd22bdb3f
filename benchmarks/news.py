"""Compares a model with lead, rule and published outputs of other systems, on English news and sentences.

    python benchmarks/news.py DATA --model runs/news-en --output results.json

DATA is a folder with `news-open-en`, `news-en` and `sentence-summarization`: test sets as *.jsonl.gz with
`document` and `summary` or `references`, outputs of other systems in `sentence-summarization/systems`, and
headlines in `news-en/train.sentences.jsonl.gz`. A row is SET/SYSTEM@WORDS, SET/summgan at the lengths that
the model chooses, or SET/outline@WORDS for a level of an outline; `--rows` takes names of rows or sets.

ROUGE is F1 with stemming (DUC 2003: recall at 75 bytes, mean over four references). `p` is that of the paired
bootstrap test against the rule at the same number of words. `perplexity` is by a word trigram model of
headlines, as a multiple of the references' perplexity. Tokenized sets are given to our model as running text.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rows import mean_table, measure, new_parser, read_rows, say
from tqdm.auto import tqdm

from summgan import Summarizer
from summgan.evaluation.baselines import lead, rule
from summgan.evaluation.fluency import NgramLanguageModel
from summgan.evaluation.metrics import describe
from summgan.evaluation.rouge import rouge_scores
from summgan.evaluation.significance import bootstrap_interval, paired_bootstrap
from summgan.text.script import count_units

LENGTHS = (8, 10, 13)
OUTLINE = (6, 10, 13)
OWN = ("lead", "rule", "summgan")
ROUGES = ("rouge1", "rouge2", "rougeL")
COLUMNS = (
    "rouge1 rouge1_low rouge1_high rouge2 rougeL difference p words novel_words lead_copy4 lead_copy8 "
    "repeated_words repeated_bigrams perplexity"
).split()


@dataclass(frozen=True)
class TestSet:
    """A test set and how it is scored.

    Attributes:
        path: Path under DATA.
        systems: Outputs of other systems by name, files under ``sentence-summarization/systems``.
        tokenized: Whether the set is in lower case, with blanks before punctuation and ``#`` for digits; all
            compared texts get this form.
        rouge: Options of `rouge_scores`.
    """

    path: str
    systems: dict[str, str] = field(default_factory=dict)
    tokenized: bool = True
    rouge: dict = field(default_factory=dict)


_SINGLE = "sentence-summarization/{}.jsonl.gz".format
_NAUS = {f"naus-{k}-{how}": f"naus-hc-{k}-{how}" for k in (8, 10) for how in ("length-control", "truncating")}
_ZHOU_RUSH = {"zhou-rush": "zhou-rush-single", "zhou-rush-oracle": "zhou-rush-oracle"}
SETS = {
    "news-open-en": TestSet("news-open-en/test.jsonl.gz", tokenized=False),
    "news-en": TestSet("news-en/test.jsonl.gz", tokenized=False),
    "gigaword": TestSet(
        _SINGLE("gigaword.test"),
        {name: f"gigaword.test.{file}.txt.gz" for name, file in {**_NAUS, **_ZHOU_RUSH}.items()},
    ),
    "gigaword-min8": TestSet(_SINGLE("gigaword.test-min8"), {"seq3": "gigaword.test-min8.seq3.txt.gz"}),
    "duc2003": TestSet(
        _SINGLE("duc2003"),
        {"seq3": "duc2003.seq3.txt.gz"},
        rouge={"measure": "recall", "byte_limit": 75, "aggregate": "mean"},
    ),
    "google": TestSet(
        _SINGLE("google"),
        {name: f"google.{file}.txt.gz" for name, file in _ZHOU_RUSH.items()},
        tokenized=False,
    ),
}


def row_names() -> list[str]:
    """List the names of all rows; published outputs have no WORDS, as their length is given."""
    names = []
    for name, test in SETS.items():
        names += [f"{name}/{system}@{words}" for words in LENGTHS for system in OWN]
        names += [f"{name}/outline@{words}" for words in OUTLINE]
        names += [f"{name}/{system}" for system in (f"summgan@{OUTLINE[0]}", "summgan", *test.systems)]
    return names


def read_lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return file.read().splitlines()


def read_pairs(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read documents and their references."""
    rows = read_rows(path)
    return [row["document"] for row in rows], [row.get("references") or [row["summary"]] for row in rows]


def as_running_text(text: str) -> str:
    """Turn Penn Treebank tokens into running text, which our models read."""
    text = re.sub(r"-l[rcs]b-", "(", text).replace("`` ", '"').replace(" ''", '"')
    text = re.sub(r"-r[rcs]b-", ")", text)
    text = re.sub(r" (n't|'(?:s|re|ve|ll|d|m)?)(?= |$)", r"\1", text)
    text = re.sub(r" ([,;:.!?%)])", r"\1", text)
    return re.sub(r"([$(]) ", r"\1", text)


def as_treebank(text: str) -> str:
    """Turn running text into Penn Treebank tokens, without a final full stop, as headlines have none."""
    text = re.sub(r"(\w)(n't|'(?:s|re|ve|ll|d|m))(?!\w)", r"\1 \2", text)
    return (
        re.sub(r'([,;:!?%()"]|(?<![.]\w)[.]$)', r" \1 ", text).replace("  ", " ").strip().removesuffix(" .")
    )


def as_tokens(text: str) -> str:
    """Tokenize as in Gigaword: lower case, ``#`` for digits, and blanks around punctuation."""
    return " ".join(re.findall(r"[\w#]+|[^\w\s]", re.sub(r"\d", "#", text.lower())))


class Perplexity:
    """Perplexity by a trigram model of headlines, on texts in Gigaword's form."""

    def __init__(self, headlines: list[str]):
        self.model = NgramLanguageModel.fit([as_tokens(text) for text in headlines])

    def ratio(self, texts: list[str], references: list[list[str]]) -> float:
        """Perplexity of texts divided by that of the first references."""
        human = self.model.perplexity(as_tokens(row[0]) for row in references)
        return self.model.perplexity(as_tokens(text) for text in texts) / human


def figures_of(test: TestSet, texts, against, documents, references, perplexity: Perplexity) -> dict:
    """Compute all figures of one row; ``against`` are the rule's summaries at the same lengths."""
    if test.tokenized:
        texts, against = ([text.lower() for text in rows] for rows in (texts, against))
    # With stemming, as in the published tables; case never counts.
    scores = rouge_scores(texts, references, stemmer=True, **test.rouge)
    base = rouge_scores(against, references, stemmer=True, **test.rouge)
    figures = {name: float(scores[name].mean()) for name in ROUGES}
    for name in ROUGES:
        figures[f"{name}_low"], figures[f"{name}_high"] = bootstrap_interval(scores[name])
    compared = paired_bootstrap(scores["rouge1"], base["rouge1"])
    figures |= {"difference": compared.difference, "p": compared.p_value}
    return figures | describe(documents, texts) | {"perplexity": perplexity.ratio(texts, references)}


class Writer:
    """Writes summaries, each document of the test sets only once per length."""

    def __init__(self, summarizer: Summarizer):
        self.summarizer = summarizer
        self.written: dict[tuple[str, int | None], str] = {}

    def __call__(self, documents: list[str], words: int | None, name: str) -> list[str]:
        """Summarize documents, in order.

        Args:
            documents: The documents.
            words: Exact length (or that of a shorter document); None lets the model choose.
            name: Label of the progress bar.
        """
        new = [text for text in dict.fromkeys(documents) if (text, words) not in self.written]
        with tqdm(total=len(new), desc=name, disable=None, leave=False) as bar:
            for start in range(0, len(new), 200):
                part = new[start : start + 200]
                summaries = self.summarizer(part, min_words=words, max_words=words)
                for text, summary in zip(part, summaries, strict=True):
                    self.written[text, words] = summary.summary_text
                bar.update(len(part))
        return [self.written[text, words] for text in documents]


def outputs(row: str, data: Path, documents: list[str], write: Writer | None) -> list[str]:
    """Return the summaries of a row."""
    name, system = row.split("/")
    test = SETS[name]
    if system in test.systems:
        return read_lines(data / "sentence-summarization" / "systems" / test.systems[system])
    system, _, number = system.partition("@")
    words = int(number) if number else None
    if system in ("summgan", "outline"):
        # The model reads words and numbers; "#" alone is neither.
        texts = [as_running_text(t).replace("#", "0") for t in documents] if test.tokenized else documents
        if system == "outline":
            levels = [write.summarizer.outline(text, OUTLINE) for text in texts]
            found = [each[min(OUTLINE.index(words), len(each) - 1)].summary_text for each in levels]
        else:
            found = write(texts, words, row)
        return [as_treebank(re.sub(r"\d", "#", t.lower())) for t in found] if test.tokenized else found
    return [{"lead": lead, "rule": rule}[system](text, words) for text in documents]


def size_of(summarizer: Summarizer, model: str | None) -> dict:
    """Count the parameters of our model."""
    generator = sum(p.numel() for p in {*summarizer.model.generator.parameters()})
    return {
        "model": str(model or "news-en"),
        "parameters": summarizer.model.num_parameters(),
        "generator_parameters": generator,
    }


def main() -> None:
    """Score all rows."""
    names = row_names()
    parser = new_parser(
        __doc__, [*SETS, *names], "runs/news", chosen=[*SETS], seeds="equal runs: nothing is drawn"
    )
    parser.add_argument("data", type=Path, help="folder with the test sets")
    parser.add_argument("--model", help="model folder; by default the one in the package")
    parser.add_argument("--limit", type=int, help="only the first rows of every set")
    arguments = parser.parse_args()
    wanted = [row for row in names if row in arguments.rows or row.split("/")[0] in arguments.rows]
    missing = [p for row in wanted if not (p := arguments.data / SETS[row.split("/")[0]].path).is_file()]
    if missing:
        parser.error(f"{missing[0]} is missing; give the folder of the test sets")
    write = None
    if any("/summgan" in row or "/outline" in row for row in wanted):
        torch.manual_seed(0)
        write = Writer(Summarizer.from_pretrained(*([arguments.model] if arguments.model else [])))
    headlines = read_rows(arguments.data / "news-en" / "train.sentences.jsonl.gz")
    perplexity = Perplexity([row["text"] for row in headlines])

    def figures(row: str, seed: int) -> dict:
        test = SETS[row.split("/")[0]]
        documents, references = (part[: arguments.limit] for part in read_pairs(arguments.data / test.path))
        texts = outputs(row, arguments.data, documents, write)[: arguments.limit]
        lengths = [max(1, count_units(text)) for text in texts]
        against = [rule(*pair) for pair in zip(documents, lengths, strict=True)]
        found = {"n": len(texts)} | figures_of(test, texts, against, documents, references, perplexity)
        return found | (size_of(write.summarizer, arguments.model) if "/summgan" in row else {})

    shown = ["rouge1", "difference"]
    results = measure(wanted, range(arguments.seeds), arguments.output, figures, shown)
    say("\n" + mean_table(results, COLUMNS))


if __name__ == "__main__":
    main()
