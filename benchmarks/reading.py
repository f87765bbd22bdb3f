"""Makes blind reading sheets of models, people and published systems on English news.

    python benchmarks/reading.py DATA --models new=runs/news-en --rows gigaword --output sheets
    summgan compare --key sheets/gigaword/0/key.json --marks reader1.tsv reader2.tsv

DATA is the folder of `news.py`. A row is one of its test sets, or `valid` (validation news). For each row and
seed, a sheet samples `--count` documents. It shows the human headline, the summary of each of `--models`
(NAME=FOLDER; `package` is the model in the package) at the length that the model chooses, and the outputs of
the set's published systems. Readers get only ``sheet.html`` or ``sheet.tsv``; ``key.json`` says who wrote
what.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from news import SETS, as_running_text, read_lines, read_pairs
from rows import new_parser, say

from summgan import Summarizer
from summgan.cli.main import main as command
from summgan.files import write_text

VALID = "news-en/valid.jsonl.gz"


def texts_of(data: Path, row: str) -> tuple[list[str], dict[str, list[str]]]:
    """Documents of a row, with the human and published summaries by system, all as running text."""
    test = SETS.get(row)
    documents, references = read_pairs(data / (test.path if test else VALID))
    systems = {"human": [found[0] for found in references]}
    for name, file in (test.systems if test else {}).items():
        path = data / "sentence-summarization" / "systems" / file
        if path.is_file():
            systems[name] = read_lines(path)
        else:
            say(f"{path} is missing; {name} is not on the sheet.")
    if test and test.tokenized:
        documents = [as_running_text(text) for text in documents]
        systems = {name: [as_running_text(text) for text in texts] for name, texts in systems.items()}
    return documents, systems


def write_rows(path: Path, column: str, texts: list[str]) -> str:
    """Write a JSON lines file of one column, and return its path."""
    write_text(path, "".join(json.dumps({column: text}, ensure_ascii=False) + "\n" for text in texts))
    return str(path)


def main() -> None:
    """Make the sheets."""
    parser = new_parser(__doc__, ("valid", *SETS), "runs/reading", chosen=["valid"], seeds="sheets per row")
    parser.add_argument("data", type=Path, help="folder with the test sets")
    parser.add_argument(
        "--models", nargs="+", default=["package=package"], metavar="NAME=FOLDER", help="models to read"
    )
    parser.add_argument("--count", type=int, default=50, help="documents per sheet")
    arguments = parser.parse_args()
    models = {}
    for given in arguments.models:
        name, found, folder = given.partition("=")
        if not name or not found:
            parser.error(f"--models {given}: give NAME=FOLDER")
        models[name] = Summarizer() if folder == "package" else Summarizer.from_pretrained(folder)
    for row in arguments.rows:
        documents, systems = texts_of(arguments.data, row)
        masked = row in SETS and SETS[row].tokenized
        for name, model in models.items():
            written = [
                s.summary_text for s in model([t.replace("#", "0") if masked else t for t in documents])
            ]
            systems[name] = [re.sub(r"\d", "#", text).lower() if masked else text for text in written]
        folder = arguments.output / row
        folder.mkdir(parents=True, exist_ok=True)
        files = [f"{n}={write_rows(folder / f'{n}.jsonl', 'summary', t)}" for n, t in systems.items()]
        written = write_rows(folder / "documents.jsonl", "document", documents)
        for seed in range(arguments.seeds):
            how = ["--count", str(arguments.count), "--seed", str(seed), "--output", str(folder / f"{seed}")]
            command(["compare", "--documents", written, "--summaries", *files, *how])


if __name__ == "__main__":
    main()
