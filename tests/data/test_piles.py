import gzip
import json
import logging
from pathlib import Path

import pytest
from datasets import Dataset

from summgan.data.piles import corpus_fingerprint, find_overlap, load_pairs, load_texts
from summgan.errors import RowError, SummGANError


@pytest.fixture
def load(tmp_path):
    return lambda path, **options: load_texts(path, cache_dir=str(tmp_path / "cache"), **options)


def test_a_pile_is_memory_mapped(write, load):
    data = load(write("a.txt", ["one", "two", "three"]))
    assert data["text"][:] == ["one", "two", "three"]
    assert data.cache_files and data.column_names == ["text"]


def test_several_files_are_one_pile_with_one_report(write, load, caplog):
    first = write("a.jsonl", ['{"text": "one"}', "{"])
    second = write("b.jsonl", ["{", '{"text": "two"}'])
    third = write("c.txt", ["three"])
    data = load([first, second, third], skip_bad_rows=True)
    assert data["text"][:] == ["one", "two", "three"]
    assert "Bad rows that were skipped: 2" in caplog.text
    with pytest.raises(SummGANError, match="There are no documents in .*a.txt.*b.txt"):
        load([write("a.txt", [""]), write("b.txt", [""])])


def test_a_changed_file_is_read_again(write, load):
    assert load(write("a.txt", ["old"]))["text"][:] == ["old"]
    assert load(write("a.txt", ["newer"]))["text"][:] == ["newer"]


def test_errors_of_rows_come_out_unchanged(write, load):
    path = write("a.jsonl", ['{"text": "x"}', "{", '{"text": "y"}'])
    with pytest.raises(SummGANError, match="a.jsonl:2: broken JSON"):
        load(path)


def test_skipped_rows_are_reported_also_from_the_cache(write, load, caplog):
    path = write("a.jsonl", ['{"text": "x"}', "{", '{"text": "y"}'])
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert load(path, skip_bad_rows=True)["text"][:] == ["x", "y"]
        assert "Bad rows that were skipped: 1" in caplog.text and "a.jsonl:2" in caplog.text


def test_an_empty_pile_is_an_error(write, load):
    with pytest.raises(SummGANError, match="There are no documents in"):
        load(write("a.txt", ["", " "]))


def test_pairs_take_one_reference_or_several(write):
    one = load_pairs(write("a.jsonl", ['{"document": "d", "summary": "s", "id": "x"}']))
    assert (one.documents, one.references, one.ids) == (["d"], [["s"]], ["x"])
    more = load_pairs(write("b.jsonl", ['{"document": "d", "references": ["s", "t"]}']))
    assert more.references == [["s", "t"]] and more.ids == ["1"]
    none = load_pairs(write("c.txt", ["d", "e"]))
    assert none.documents == ["d", "e"] and none.references is None
    with pytest.raises(SummGANError, match="d.jsonl:1: summary has an int .3. instead of a text"):
        load_pairs(write("d.jsonl", ['{"document": "d", "summary": 3}']))


def test_the_fingerprint_follows_the_text():
    data = [Dataset.from_dict({"text": texts}) for texts in (["a", "b"], ["a", "c"], ["a", "b"])]
    first, second, third = map(corpus_fingerprint, data)
    assert first == third != second


def test_sentences_that_stand_in_documents_are_found():
    documents = Dataset.from_dict({"text": ["Rain falls. Bridge closes! People wait.", "今天下雨。"]})
    sentences = Dataset.from_dict({"text": ["bridge closes", "Sun shines", "今天下雨", "rain"]})
    overlap = find_overlap(documents, sentences)
    assert overlap.count == 2 and overlap.share == 0.5
    assert overlap.examples == ["bridge closes", "今天下雨"]


def gzipped(tmp_path, kept):
    rows = "".join(json.dumps({"text": f"text {number} {'x' * number}"}) + "\n" for number in range(500))
    data = gzip.compress(rows.encode())
    (tmp_path / "a.jsonl.gz").write_bytes(data[: int(len(data) * kept)])
    return str(tmp_path / "a.jsonl.gz")


@pytest.mark.parametrize("loader", ["texts", "pairs"])
def test_rows_before_the_damage_of_a_file_are_trained_on(loader, load, tmp_path, caplog):
    path = gzipped(tmp_path, 0.7)
    read = load if loader == "texts" else load_pairs
    with pytest.raises(
        RowError, match=r"damaged or cut off .* skip such rows with --data.skip_bad_rows true"
    ):
        read(path)
    data = read(path, skip_bad_rows=True)
    texts = data["text"][:] if loader == "texts" else data.documents
    assert len(texts) > 100 and texts == [f"text {n} {'x' * n}".strip() for n in range(len(texts))]
    assert "Bad rows that were skipped: 1" in caplog.text and "a.jsonl.gz:" in caplog.text
    with pytest.raises(SummGANError, match="a.jsonl.gz: the gzip file is damaged or cut off"):
        read(gzipped(tmp_path, 0.002), skip_bad_rows=True)


ODD_ROWS = [
    '{"text": "\\ud800"}',
    '{"text": "a\\u0000"}',
    "[" * 100_000,
    '{"text": NaN}',
    '{"n": 1}',
    "\udcff",
]


@pytest.mark.parametrize("loader", ["texts", "pairs"])
def test_odd_rows_are_skipped_in_training_too(loader, load, tmp_path, caplog):
    lines = ['{"text": "one"}', *ODD_ROWS, '{"text": "two"}']
    (tmp_path / "a.jsonl").write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
    data = (load if loader == "texts" else load_pairs)(str(tmp_path / "a.jsonl"), skip_bad_rows=True)
    assert (data["text"][:] if loader == "texts" else data.documents) == ["one", "two"]
    assert f"Bad rows that were skipped: {len(ODD_ROWS)}" in caplog.text


def test_hints_name_the_options_of_training(write, load):
    path = write("a.jsonl", ['{"title": "a", "headline": "b"}'])
    with pytest.raises(
        SummGANError, match="'title' or in 'headline'; name its column with --data.sentence_column"
    ):
        load(path, role="sentence")
    with pytest.raises(SummGANError, match="Name one with --data.document_column"):
        load(path)
    path = write("a.jsonl", ['{"text": "d", "title": "a", "headline": "b"}'])
    with pytest.raises(
        SummGANError, match="'title' or in 'headline'; name its column with --data.summary_column"
    ):
        load_pairs(path)


def test_standard_input_cannot_be_trained_on(load):
    with pytest.raises(SummGANError, match="write standard input to a file first"):
        load("-")


def test_a_cache_that_cannot_be_written_is_named(write, tmp_path):
    file = write("cache", ["a file where a folder should be"])
    with pytest.raises(SummGANError, match="cannot be copied to .*cache: .*--data.cache_dir or HF_HOME"):
        load_texts(write("a.txt", ["one"]), cache_dir=file)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), OSError(30, "Read-only file system")]
)
@pytest.mark.parametrize("place", ["write_table", "finalize"])
def test_a_full_disk_is_named(error, place, write, load, monkeypatch):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(f"datasets.arrow_writer.ArrowWriter.{place}", fail)
    with pytest.raises(SummGANError, match=f"cannot be copied to .*cache: {error.strerror}. Name a folder"):
        load(write("a.txt", [f"line {number}" for number in range(3000)]))


@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_a_damaged_copy_is_named(content, write, load):
    path = write("a.txt", ["one", "two"])
    (copy,) = [Path(file["filename"]) for file in load(path).cache_files]
    copy.write_bytes(content)
    with pytest.raises(
        SummGANError, match="The copy of the text in .*cache cannot be used .*Delete the folder"
    ):
        load(path)


def test_pairs_find_what_is_a_summary_and_take_no_document_for_one(write):
    pairs = load_pairs(write("a.csv", ["title,text,ID", "t,d,7"]))
    assert pairs.documents == ["d"] and pairs.references == [["t"]] and pairs.ids == ["7"]
    assert load_pairs(write("b.jsonl", ['{"document": "d", "text": "x"}'])).references is None
    assert load_pairs(write("c.jsonl", ['{"document": "d", "Odd": ["x", "y"]}']), None, "odd").references == [
        ["x", "y"]
    ]


def test_a_document_without_a_summary_where_others_have_one_is_named(write, caplog):
    path = write("a.jsonl", ['{"text": "d"}', '{"text": "e", "title": "t"}', '{"text": "f", "title": null}'])
    with pytest.raises(RowError, match="a.jsonl:3: title has null instead of a text"):
        load_pairs(path)
    assert load_pairs(path, skip_bad_rows=True).documents == ["e"]
    assert "Bad rows that were skipped: 2" in caplog.text and "a.jsonl:1: has no summary" in caplog.text
