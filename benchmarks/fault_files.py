"""A generator of unusual and damaged input files, for every reader.

`make_case` writes a file or folder with rows of known documents, some of them damaged, and records for every
row its line and whether it must be read correctly. There are three levels of damage: the value or bytes of a
row, the form of the whole file, and bytes anywhere. Only the last two may cause a whole file to be refused.
"""

from __future__ import annotations

import datetime
import decimal
import gzip
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pyarrow
import pyarrow.parquet
from fault_values import ODD_IDS, ODD_LINES, ODD_NAMES, ODD_TEXTS, ODD_VALUES

TEXT_COLUMNS = ("text", "document", "article", "content", "body")
FORMATS = ("jsonl", "txt", "csv", "tsv", "json", "parquet", "folder", "saved")
WEIGHTS = (30, 20, 20, 6, 6, 12, 4, 2)


@dataclass
class Entry:
    """A row of an input file.

    Attributes:
        document: Index of its document in the pool.
        intact: Whether the row must be read correctly.
        line: Number of the row, as its format numbers rows.
        id: Its id; None if it cannot be compared.
    """

    document: int
    intact: bool = True
    line: int = 0
    id: Any = None


@dataclass
class Case:
    """An input file with its expected rows.

    Attributes:
        path: File or folder.
        entries: Its rows, in order.
        refusable: Whether the whole file may be refused.
        known: Whether the expected rows are known; if not, only their order is checked.
        notes: Descriptions of the damage, for people.
    """

    path: Path
    entries: list[Entry]
    refusable: bool = False
    known: bool = True
    notes: list[str] = field(default_factory=list)


def make_case(rng: Random, folder: Path, texts: Sequence[str], column: str | None = None) -> Case:
    """Write a case into an empty folder.

    Args:
        rng: Random generator of all choices.
        folder: Folder to write into.
        texts: The pool of documents, each of one line.
        column: Name of the column of texts; a random usual name if None.
    """
    kind = rng.choices(FORMATS, WEIGHTS)[0]
    case = Case(folder, [Entry(n) for n in rng.sample(range(len(texts)), rng.randint(1, 8))], notes=[kind])
    for number, entry in enumerate(case.entries):
        entry.id = rng.choice(ODD_IDS).format(number) if rng.random() < 0.5 else f"row {number}"
        entry.intact = rng.random() > 0.2 or len(case.entries) == 1
    column = column or rng.choice(TEXT_COLUMNS)
    if kind in ("folder", "saved"):
        (_write_folder if kind == "folder" else _write_saved)(rng, case, texts, column)
        return case
    data = _WRITERS[kind](rng, case, texts, column)
    if rng.random() < 0.15:
        data = _spoil(rng, case, data, kind)
    name = rng.choice(ODD_NAMES) + "." + (kind if rng.random() < 0.97 else kind.upper())
    if rng.random() < 0.25:
        data, name = _zip(rng, case, data), f"{name}.gz"
    if rng.random() < 0.01:
        name, case.known, case.refusable = f"other.{rng.choice(FORMATS[:6])}", False, True
        case.notes.append("another extension")
    case.path = folder / name
    case.notes.append(ascii(name[:20]))
    case.path.write_bytes(data)
    return case


# Formats -----------------------------------------------------------------------------------------


def _spaced(rng: Random, text: str) -> str:
    """Replace some blanks by other white space."""
    return text.replace(" ", rng.choice((" ", "  ", "\n", "\t", "\r\n")), 2)


def _number(case: Case, first: int = 1) -> None:
    for line, entry in enumerate(case.entries, first):
        entry.line = line


def _write_txt(rng: Random, case: Case, texts: Sequence[str], column: str) -> bytes:
    lines: list[bytes] = []
    for entry in case.entries:
        if rng.random() < 0.1:
            lines.append(rng.choice((b"", b"  ", b"\t")))
        odd = rng.choice((b"caf\xe9", b"\xed\xa0\x80 x", *(t.encode() for t in ODD_TEXTS)))
        lines.append(texts[entry.document].encode() if entry.intact else odd)
        entry.line, entry.id = len(lines), None
    return _end_lines(rng, case, lines)


def _write_jsonl(rng: Random, case: Case, texts: Sequence[str], column: str) -> bytes:
    lines: list[bytes] = []
    for entry in case.entries:
        if rng.random() < 0.05:
            lines.append(b"")
        if entry.intact or rng.random() < 0.5:
            text = _spaced(rng, texts[entry.document]) if entry.intact else rng.choice(ODD_TEXTS + ODD_VALUES)
            values = {"id": entry.id, column: text, "title" if column in TEXT_COLUMNS else "note": "x"}
            lines.append(json.dumps(values, ensure_ascii=rng.random() < 0.5).encode("utf-8"))
        else:
            lines.append(rng.choice(ODD_LINES))
        entry.line = len(lines)
    case.refusable = lines[0].startswith(b"[")
    return _end_lines(rng, case, lines)


def _write_json(rng: Random, case: Case, texts: Sequence[str], column: str) -> bytes:
    values: list[Any] = []
    for entry in case.entries:
        odd = rng.choice(({"id": 1}, 3, None, [], *({column: value} for value in ODD_TEXTS + ODD_VALUES)))
        values.append({"id": entry.id, column: texts[entry.document]} if entry.intact else odd)
    _number(case)
    text = json.dumps(values, indent=rng.choice((None, 1)))
    if rng.random() < 0.1:
        text = rng.choice(
            (text[:-1], text + "]", text.replace(",", ",,", 1), "[" * 100_000 + text, "[]", text * 2)
        )
        case.refusable, case.known = True, False
        case.notes.append("broken array")
    return text.encode()


def _write_table(rng: Random, case: Case, texts: Sequence[str], column: str, delimiter: str = ",") -> bytes:
    if rng.random() < 0.1:
        delimiter = rng.choice(";\t|,")
        case.refusable = True
        case.notes.append(f"delimiter {delimiter!r}")
    names = ["id", column, "note"]
    if (form := rng.random()) < 0.06:
        names = rng.choice((["id", column, column], ["id", column, ""], ["id", column.upper(), "note"], None))
        case.refusable = True
        case.notes.append(f"header {names}")
    lines: list[bytes] = []
    count = 0
    for cells in [names] if names else []:
        lines.append(_cells(cells, delimiter))
        count += 1
    for entry in case.entries:
        entry.line = count + 1
        text = _spaced(rng, texts[entry.document]) if entry.intact else rng.choice(ODD_TEXTS)
        row = [entry.id, text, rng.choice(("", "x", 'say "x"', "two\nlines"))]
        line = _cells(row, delimiter)
        if not entry.intact and rng.random() < 0.5:
            word = texts[entry.document].split()[0]
            odd = (
                f"{entry.id}",
                f"1{delimiter}caf\xe9{delimiter}2",
                delimiter * 5,
                f'1{delimiter}{word} "x" y{delimiter}2',
            )
            line = rng.choice(odd).encode("latin-1", "replace")
        lines.append(line)
        count += line.count(b"\n") + 1
    if 0.06 < form < 0.1:
        place = rng.randrange(len(case.entries))
        lines[place - len(case.entries)] = f'9{delimiter}"unclosed{delimiter}x'.encode()
        case.entries[place].intact, case.refusable = False, True
        case.notes.append(f"unclosed quote in row {place}")
    return _end_lines(rng, case, lines)


def _cells(values: Sequence[Any], delimiter: str) -> bytes:
    """Format a row, quoted where necessary; the csv module of Python 3.10 cannot write NUL."""
    cells = ("" if value is None else str(value) for value in values)
    quoted = ('"' + c.replace('"', '""') + '"' if {delimiter, '"', "\n", "\r"} & {*c} else c for c in cells)
    return delimiter.join(quoted).encode("utf-8", "surrogatepass")


def _end_lines(rng: Random, case: Case, lines: list[bytes]) -> bytes:
    """Join lines with the line ends and encodings of various systems and editors."""
    end, form = b"\n", rng.random()
    # Readers recognize a file by its first bytes.
    case.refusable = case.refusable or lines[0].startswith(b"\xff\xfe") or b"\x00" in lines[0]
    if form < 0.1:
        end = b"\r\n"
        case.notes.append("CRLF")
    data = end.join(lines) + (end if rng.random() < 0.7 else b"") + (end * 3 if rng.random() < 0.1 else b"")
    if form > 0.94:
        data = b"\xef\xbb\xbf" + data
        case.notes.append("BOM")
    elif form > 0.91:
        name = rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32"))
        data = data.decode("utf-8", "replace").encode(name)
        case.refusable = True
        case.known = name == "utf-16"
        case.notes.append(name)
    elif form > 0.9:
        data, case.refusable, case.known = data.replace(b"\n", b"\r"), True, False
        case.notes.append("CR")
    return data


def _write_parquet(rng: Random, case: Case, texts: Sequence[str], column: str) -> bytes:
    _number(case)
    numbers = range(len(case.entries))
    texts = [texts[e.document] if e.intact else rng.choice((None, *ODD_TEXTS)) for e in case.entries]
    arrays = [None if text is None else text.encode("utf-8", "replace") for text in texts]
    if rng.random() < 0.3:
        arrays = [a if e.intact else b"caf\xe9 \xff" for a, e in zip(arrays, case.entries, strict=True)]
    values = pyarrow.array(arrays, pyarrow.binary())
    kind = rng.choice((pyarrow.string(), pyarrow.large_string(), pyarrow.string(), pyarrow.binary()))
    if kind == pyarrow.binary():
        case.refusable = True
    values = values.cast(kind, safe=False) if kind != pyarrow.large_string() else _large(values)
    if rng.random() < 0.1 and kind == pyarrow.string():
        values = values.dictionary_encode()
    ids = {
        "text": [entry.id for entry in case.entries],
        "int": [*numbers],
        "date": [datetime.date(2020, 1, 1 + n) for n in numbers],
        "time": [datetime.datetime(2020, 1, 1, n) for n in numbers],
        "bytes": [bytes([n, 255]) for n in numbers],
        "decimal": [decimal.Decimal(n) / 4 for n in numbers],
        "struct": [{"a": n} for n in numbers],
        "list": [[n] for n in numbers],
        "float": [float("nan") if n else 0.5 for n in numbers],
        "duration": [datetime.timedelta(n) for n in numbers],
        "null": [None for _ in numbers],
    }
    name = rng.choice(("text", "int", *ids))
    for entry, value in zip(case.entries, ids[name], strict=True):
        entry.id = value if name in ("text", "int") else None
    table = pyarrow.table({"id": ids[name], column: values})
    case.notes.append(f"{name} ids, {kind}")
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, row_group_size=rng.choice((1, 2, 100)))
    return buffer.getvalue()


def _large(values: pyarrow.Array) -> pyarrow.Array:
    return values.cast(pyarrow.large_binary()).cast(pyarrow.large_string(), safe=False)


def _write_folder(rng: Random, case: Case, texts: Sequence[str], column: str) -> None:
    case.path = case.path / rng.choice(("texts", "a b", "x\u2028", "caf\udce9"))
    case.path.mkdir()
    for number, entry in enumerate(case.entries):
        name = f"{number}{rng.choice(('', ' ', chr(0x2028), 'é'))}.txt"
        odd = rng.choice((b"caf\xe9", b"", *(t.encode() for t in ODD_TEXTS)))
        data = _spaced(rng, texts[entry.document]).encode() if entry.intact else odd
        (case.path / name).write_bytes(data)
        entry.line, entry.id = number + 1, name


def _write_saved(rng: Random, case: Case, texts: Sequence[str], column: str) -> None:
    from datasets import Dataset

    _number(case)
    rows = [texts[e.document] if e.intact else rng.choice(("", None, "=" * 3000)) for e in case.entries]
    case.path = case.path / "saved"
    Dataset.from_dict({"id": [e.id for e in case.entries], column: rows}).save_to_disk(case.path)
    if rng.random() < 0.5:
        case.known, case.refusable = False, True
        file = rng.choice(sorted(case.path.iterdir()))
        data = file.read_bytes()
        file.write_bytes(rng.choice((data[: len(data) // 2], b"", b"{}", b"\x00" * len(data))))
        case.notes.append(f"damaged {file.name}")


_WRITERS = {
    "txt": _write_txt,
    "jsonl": _write_jsonl,
    "json": _write_json,
    "csv": _write_table,
    "tsv": lambda *arguments: _write_table(*arguments, delimiter="\t"),
    "parquet": _write_parquet,
}


# Bytes -------------------------------------------------------------------------------------------


def _spoil(rng: Random, case: Case, data: bytes, kind: str) -> bytes:
    """Damage bytes anywhere; in formats of lines, unchanged rows must still be read correctly."""
    place, length = rng.randrange(len(data) + 1), rng.randint(1, 40)
    ways = {
        "cut": data[:place],
        "flip": data[:place]
        + bytes(b ^ (1 << rng.randrange(8)) for b in data[place : place + length])
        + data[place + length :],
        "delete": data[:place] + data[place + length :],
        "insert": data[:place] + rng.randbytes(length) + data[place:],
        "double": data[:place] + data[max(0, place - length) :],
        "zeros": data[:place] + bytes(length) + data[place + length :],
        "empty": b"",
        "quotes": data[:place]
        + rng.choice((b'"', b"''", b'""', b"\\", b",", b"\r", b"\n", b"{"))
        + data[place:],
    }
    way = rng.choice(sorted(ways))
    case.notes.append(f"{way} at {place}")
    case.refusable = True
    before, after = data.split(b"\n"), ways[way].split(b"\n")
    same = {line + 1 for line, (a, b) in enumerate(zip(before, after, strict=False)) if a == b}
    plain = kind in ("txt", "jsonl") and not {"CR", "utf-16", "utf-16-le", "utf-16-be", "utf-32"} & {
        *case.notes
    }
    emptied = any(a.strip() and not b.strip() for a, b in zip(before, after, strict=False))
    case.known = case.known and plain and len(before) == len(after) and not emptied
    for entry in case.entries:
        entry.intact = entry.intact and case.known and entry.line in same
    # In formats of lines, a damaged row is no reason to refuse the file, unless it is the first, by which
    # readers recognize the file.
    case.refusable = not case.known or 1 not in same or not any(entry.intact for entry in case.entries)
    return ways[way]


def _zip(rng: Random, case: Case, data: bytes) -> bytes:
    packed = gzip.compress(data, 1, mtime=0)
    form = rng.random()
    if form < 0.1:
        half = len(data) // 2
        return gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0)
    if form < 0.25:
        place = rng.randrange(len(packed))
        flipped = packed[:place] + bytes([packed[place] ^ 255]) + packed[place + 1 :]
        packed = rng.choice((packed[:place], packed + b"\x00\x01junk", flipped, data, b"", packed[:10]))
        case.refusable, case.known = True, False
        case.notes.append("damaged gzip")
    return packed
