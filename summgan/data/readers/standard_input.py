"""Reading of lines from a pipe or terminal as they arrive, without waiting for more than one.

Documents on standard input are summarized one by one as they arrive, and in batches if they arrive faster.
"""

from __future__ import annotations

import io
import os
import select
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO

from summgan.errors import SummGANError

_CHUNK = 2**16


def standard_input() -> LineStream:
    """Return the stream of lines of standard input, the same one in each call.

    Raises:
        SummGANError: Standard input is closed.
    """
    if sys.stdin is None:
        raise SummGANError("Standard input is closed; name a file.")
    return _stream_of(sys.stdin.buffer)


class LineStream:
    """Iterates over the lines of a binary file, each with its final line feed.

    Args:
        file: Binary file. One without a file descriptor, such as a file in memory, is read without polling.
    """

    def __init__(self, file: BinaryIO):
        self._file = file
        try:
            self._descriptor: int | None = file.fileno()
        except (OSError, io.UnsupportedOperation):
            self._descriptor = None
        self._rest, self._searched, self._ended = bytearray(), 0, False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while (end := self._line_end()) is None:
            self._read()
        line = bytes(self._rest[:end])
        del self._rest[:end]
        self._searched = 0
        if not line:
            raise StopIteration
        return line

    def ready(self) -> bool:
        """Tell whether the next line, or the end of the file, can be read without waiting."""
        while self._line_end() is None:
            if self._descriptor is not None and not select.select([self._descriptor], [], [], 0)[0]:
                return False
            self._read()
        return True

    def _line_end(self) -> int | None:
        """Index of the end of the next line in the bytes read so far; None if it is not complete."""
        found = self._rest.find(b"\n", self._searched)
        if found >= 0:
            return found + 1
        self._searched = len(self._rest)
        return len(self._rest) if self._ended else None

    def _read(self) -> None:
        data = self._file.read(_CHUNK) if self._descriptor is None else os.read(self._descriptor, _CHUNK)
        self._rest += data
        self._ended = not data


@lru_cache(maxsize=1)
def _stream_of(file: BinaryIO) -> LineStream:
    return LineStream(file)
