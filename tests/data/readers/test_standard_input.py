import io
import os
import random

import pytest

from summgan.data.readers.standard_input import LineStream

TEXTS = [b"", b"\n", b"one", b"one\n", b"one\ntwo", b"\n\none\r\n\x0c\x85two\n", b"x" * 200_000 + b"\ny\n"]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:12]))
def test_lines_are_those_of_a_file(text, tmp_path):
    (tmp_path / "file").write_bytes(text)
    wanted = list(io.BytesIO(text))
    assert list(LineStream(io.BytesIO(text))) == wanted
    with (tmp_path / "file").open("rb") as file:
        assert list(LineStream(file)) == wanted


def test_a_line_is_had_as_soon_as_it_is_there():
    read, write = os.pipe()
    with open(read, "rb") as file, open(write, "wb", buffering=0) as other:
        lines = LineStream(file)
        assert not lines.ready()
        other.write(b"one\ntwo\nhal")
        assert lines.ready() and next(lines) == b"one\n"
        assert lines.ready() and next(lines) == b"two\n"
        assert not lines.ready()
        other.write(b"f\n")
        assert lines.ready() and next(lines) == b"half\n"
        other.write(b"end")
        assert not lines.ready()
        other.close()
        assert lines.ready() and next(lines) == b"end"
        assert lines.ready() and not list(lines)


def test_however_a_pipe_is_written_its_lines_are_the_same():
    rng = random.Random(0)
    for _ in range(50):
        text = bytes(rng.choices(b"ab\n", k=rng.randrange(60)))
        read, write = os.pipe()
        with open(read, "rb") as file, open(write, "wb", buffering=0) as other:
            lines, found, rest = LineStream(file), [], text
            while rest:
                size = rng.randrange(1, 9)
                other.write(rest[:size])
                rest = rest[size:]
                while lines.ready() and rng.random() < 0.7:
                    found.append(next(lines))
            other.close()
            assert [*found, *lines] == list(io.BytesIO(text))
