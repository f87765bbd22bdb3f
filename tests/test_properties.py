"""Properties that hold for any text and any rows: of readers, outputs, units, words and summary lengths."""

import csv
import gzip
import io
import json
import unicodedata

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from summgan import Summarizer
from summgan.data.readers import read_rows
from summgan.text.script import (
    count_units,
    join_units,
    normalize,
    split_sentences,
    split_units,
    split_words,
)
from summgan.writing.output import RecordFile


def checked(count):
    """Settings for ``count`` examples that are the same in each run and are not stored."""
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=quiet
    )


CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")  # not allowed in texts
SCRIPTS = (
    "abc XYZ 019 .,!?'\"()-_@#%&*/\\:;<>[]{}|~^`+=$ \t",
    "äßİıĞéñœÅ\u0301\u0308",
    "台湾大学今天开放。，「」",
    "こんにちはカタカナーがぱ",
    "नमस्तेक्षत्रिदुनिया।",
    "বাংলাভাষা ",
    "தமிழ்மொழி ",
    "ภาษาไทยน้ำที่",
    "اللُّغَةُ؟ ،",
    "שָׁלוֹם ",
    "한국어\u1112\u1161\u11ab ",
    "👩‍👩‍👧🇩🇪👍🏽❤️",
    "\u2581<s></s><pad><0x0A>",
    "\u00a0\u3000\u2009\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\u200b\u200d\ufeff\u00ad",
)
TEXT = st.text(CHARACTERS, max_size=40) | st.lists(
    st.sampled_from(SCRIPTS).flatmap(lambda script: st.text(st.sampled_from(script), max_size=12)), max_size=5
).map("".join)
FULL = TEXT.filter(normalize)
WORDS = st.text(st.sampled_from("abcdefghij"), min_size=1, max_size=6)


# Text --------------------------------------------------------------------------------------------


@checked(300)
@given(TEXT)
@example("e\u0301")
@example("\u0958")
@example("a\u200b\u0301")
def test_normalizing_twice_is_normalizing_once(text):
    once = normalize(text)
    assert normalize(once) == once and once == once.strip() and "  " not in once


@checked(300)
@given(TEXT)
@example("今 \u0301b")
@example("नमस्ते दुनिया")
@example("こんにちはTuesday")
def test_units_are_the_text_without_its_blanks(text):
    text = normalize(text)
    units = split_units(text)
    assert "".join(units) == "".join(text.split()) and all(units)
    assert count_units(text) == len(units)
    again = join_units(units)
    assert "".join(again.split()) == "".join(units)
    assert join_units(split_units(again)) == again


@checked(200)
@given(st.lists(WORDS | st.text(st.sampled_from("台湾大学今天开放"), min_size=1, max_size=1), max_size=12))
def test_units_that_are_joined_are_the_units_that_are_split(units):
    assert split_units(join_units(units)) == units


@checked(300)
@given(TEXT)
@example("İstanbul")
@example("ǅ ﬁ ß ẞ")
def test_words_are_the_same_in_every_form_of_a_text(text):
    words = split_words(text)
    assert split_words(unicodedata.normalize("NFD", text)) == words
    assert split_words(" ".join(words)) == words
    assert all(any(character.isalnum() for character in word) for word in words)


@checked(200)
@given(TEXT)
@example("He met Dr. Who on 31. August. She left!")
def test_sentences_are_the_whole_text(text):
    sentences = split_sentences(text)
    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(sentence.strip() for sentence in sentences)


# Files -------------------------------------------------------------------------------------------


def _table(rows, delimiter):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n" if len(rows) % 2 else "\n")
    writer.writerows([["id", "document"], *rows])
    return buffer.getvalue().encode()


def _parquet(rows):
    buffer = io.BytesIO()
    ids, texts = zip(*rows, strict=True)
    pyarrow.parquet.write_table(pyarrow.table({"id": ids, "document": texts}), buffer)
    return buffer.getvalue()


def _objects(rows):
    return [{"id": key, "document": text} for key, text in rows]


WRITERS = {
    "jsonl": lambda rows: "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in _objects(rows)).encode(),
    "json": lambda rows: json.dumps(_objects(rows), indent=1).encode(),
    "csv": lambda rows: _table(rows, ","),
    "tsv": lambda rows: _table(rows, "\t"),
    "parquet": _parquet,
}


@pytest.mark.parametrize("name", WRITERS)
@checked(60)
@given(rows=st.lists(st.tuples(TEXT, FULL), min_size=1, max_size=5), zipped=st.booleans())
def test_rows_are_read_as_they_were_written(name, rows, zipped, tmp_path):
    path = tmp_path / f"a.{name}{'.gz' * zipped}"
    data = WRITERS[name](rows)
    path.write_bytes(gzip.compress(data, 1) if zipped else data)
    found = [(row.fields["id"], row.text) for row in read_rows(path)]
    if name in ("csv", "tsv"):  # where \r alone does not end a line
        rows = [(key.replace("\r\n", "\n").replace("\r", " "), text) for key, text in rows]
    assert found == [(key, normalize(text)) for key, text in rows]


@checked(100)
@given(texts=st.lists(FULL, min_size=1, max_size=5), end=st.sampled_from(["\n", "\r\n"]))
def test_lines_are_read_as_they_were_written(texts, end, tmp_path):
    lines = [text.replace("\n", " ").replace("\r", " ") for text in texts]
    (tmp_path / "a.txt").write_bytes(end.join(lines).encode())
    rows = list(read_rows(tmp_path / "a.txt"))
    expected = [(n, normalize(line)) for n, line in enumerate(lines, 1) if normalize(line)]
    assert [(row.line, row.text) for row in rows] == expected


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet", ".txt"])
@checked(40)
@given(rows=st.lists(st.tuples(TEXT, FULL), min_size=1, max_size=5))
def test_outputs_are_read_as_they_were_written(suffix, rows, tmp_path):
    path = tmp_path / f"out{suffix}"
    path.unlink(missing_ok=True)
    records = [
        {"file": "a.txt", "line": line, "id": key, "summary_text": normalize(text)}
        for line, (key, text) in enumerate(rows, 1)
    ]
    with RecordFile(path, {}) as output:
        output.extend(records)
        output.finish()
    found = list(read_rows(path, role="summary"))
    texts = [made["summary_text"] for made in records]
    if suffix == ".csv":  # a text that a spreadsheet would take for a formula gets an apostrophe
        texts = [f"'{text}" if text[0] in "=+-@" else text for text in texts]
    assert [row.text for row in found] == [normalize(text) for text in texts]
    if suffix in (".jsonl", ".parquet"):
        assert [row.fields["id"] for row in found] == [made["id"] for made in records]


# Lengths -----------------------------------------------------------------------------------------


@pytest.fixture
def summarizer(tokenizer, tiny_model):
    return Summarizer(tiny_model(tokenizer), tokenizer)


@checked(12)
@given(data=st.data())
def test_summaries_are_as_long_as_asked(summarizer, documents, data):
    words = data.draw(st.lists(WORDS | st.sampled_from(documents[0].split()), min_size=8, max_size=30))
    wanted = data.draw(st.integers(1, 8))
    (summary,) = summarizer([" ".join(words)], max_words=wanted, min_words=wanted, reconstruct=False)
    assert count_units(summary.summary_text) == wanted
