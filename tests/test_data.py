import logging

import pytest
from datasets import Dataset

from summgan.data import corpus_fingerprint, find_overlap, load_pairs, load_texts
from summgan.errors import SummGANError


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
    assert "2 bad rows were skipped" in caplog.text
    with pytest.raises(SummGANError, match="There is no document in .*a.txt.*b.txt"):
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
        assert "1 bad rows were skipped" in caplog.text and "a.jsonl:2" in caplog.text


def test_an_empty_pile_is_an_error(write, load):
    with pytest.raises(SummGANError, match="There is no document in"):
        load(write("a.txt", ["", " "]))


def test_pairs_take_one_reference_or_several(write):
    one = load_pairs(write("a.jsonl", ['{"document": "d", "summary": "s", "id": "x"}']))
    assert (one.documents, one.references, one.ids) == (["d"], [["s"]], ["x"])
    more = load_pairs(write("b.jsonl", ['{"document": "d", "references": ["s", "t"]}']))
    assert more.references == [["s", "t"]] and more.ids == ["1"]
    none = load_pairs(write("c.txt", ["d", "e"]))
    assert none.documents == ["d", "e"] and none.references is None
    with pytest.raises(SummGANError, match="d.jsonl:1: summary holds no text"):
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
