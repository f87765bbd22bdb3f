r"""Bytes to lines of text.

Only ``\n`` and ``\r\n`` end a line, as U+2028, NEL and similar characters occur within texts. Bytes are
UTF-8; a line that is not UTF-8 is an error of its own and spoils no other.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from summgan.errors import RowError, SummGANError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_OTHER_UNICODE = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_NOT_TEXT = {
    b"\x1f\x8b": "compressed with gzip; give its name the ending .gz",
    b"BZh91AY&SY": "compressed with bzip2; unpack it",
    b"\xfd7zXZ\0": "compressed with xz; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; unpack it",
    b"PK\x03\x04": "a zip archive (or an Office file); unpack it, or save it as text",
    b"PAR1\x15": "a parquet file; give its name the ending .parquet",
    b"ARROW1\0\0": "an Arrow file; save it as parquet",
    b"%PDF-": "a PDF; save its text as UTF-8",
    b"\x89PNG": "an image, not text",
    b"\xff\xd8\xff": "an image, not text",
    b"\x7fELF": "a program, not text",
    b"SQLite format 3\0": "a database; save its rows as csv, jsonl or parquet",
}
_NUL_SHARE = 0.3
"""Share of NUL bytes above which a text is taken for UTF-16 or UTF-32.

In these encodings of Latin letters, not every position modulo 4 has NULs; if every position has some, a
complete line is a damaged row."""


class Broken(Exception):
    """The rest of a file cannot be read; the message says why."""


UNREADABLE = (Broken, EOFError, OSError, zlib.error)
"""Exceptions that mean that the rest of a file cannot be read: ours, and those of `gzip` and the system."""


def open_bytes(path: Path) -> io.BufferedIOBase:
    """Open a file of bytes, and unpack it if its name ends in .gz.

    Raises:
        Broken: A .gz file has no bytes, not even the header of an empty one.
    """
    if not path.name.lower().endswith(".gz"):
        return path.open("rb")
    if not path.stat().st_size:
        raise Broken("the gzip file is damaged or cut off (it has no bytes).")
    return gzip.open(path)


def other_unicode(start: bytes) -> str | None:
    """Return ``UTF-16`` or ``UTF-32`` if the first bytes of a file are such a byte order mark."""
    return next((name for mark, name in _OTHER_UNICODE.items() if start.startswith(mark)), None)


def check_start(file: str, start: bytes) -> None:
    """Refuse a file whose first bytes show that it is not UTF-8 text.

    Raises:
        SummGANError: The file has another encoding, is compressed, or is not text.
    """
    if encoding := other_unicode(start):
        raise SummGANError(f"{file}: is {encoding}; save it as UTF-8.")
    for mark, name in _NOT_TEXT.items():
        if start.startswith(mark):
            raise SummGANError(f"{file}: is {name}.")
    shares = [start[place::4].count(0) for place in range(4)]
    is_damaged_row = start.endswith(b"\n") and (all(shares) or not start.strip(b"\0\r\n"))
    if sum(shares) > _NUL_SHARE * len(start) and not is_damaged_row:
        raise SummGANError(f"{file}: is UTF-16 without a byte order mark, or not text; save it as UTF-8.")


def decoded_lines(file: str, lines: Iterable[bytes]) -> Iterator[tuple[int, str | RowError]]:
    """Decode lines one by one; each comes with its number and without its end.

    Raises:
        SummGANError: The first line shows that this is not UTF-8 text.
    """
    for number, data in enumerate(lines, 1):
        if number == 1:
            check_start(file, data)
            if not data.endswith(b"\n") and b"\r" in data.strip(b"\r"):
                raise SummGANError(rf"{file}: its lines end with \r alone; save it with \n or \r\n.")
        try:
            text = data.removeprefix(BYTE_ORDER_MARK).decode("utf-8")
        except UnicodeDecodeError as error:
            problem = f"byte {error.start + 1} is not UTF-8; save the file as UTF-8."
            yield number, RowError(problem, file, number)
        else:
            yield number, text.removesuffix("\n").removesuffix("\r")
