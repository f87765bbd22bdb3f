"""The words of both piles with what was counted of them, and texts as rows of them."""

import numpy as np
import pytest
import torch
from nltk.stem.snowball import SnowballStemmer
from paths_support import DOCUMENTS, counted_table, make_world

from summgan.errors import SummGANError
from summgan.text.word_table import WordTable, of_length, rows_of
from summgan.text.words import CLAUSE, words_of

WORLD = make_world()


def test_further_words_change_nothing_that_was_counted():
    found, _ = counted_table()
    wider = found.with_words([words_of("Quito paid 777 in Hong Kong")])
    assert wider.strings[len(found.strings) :] == ["quito", "777"]
    assert wider.pairs is found.pairs
    assert wider.classes[-2:].tolist() == [len(found.strings), found.strings.index("0")]
    assert wider.with_words([words_of("Quito")]) is wider


def test_a_table_is_saved_and_loaded(tmp_path):
    found, _ = counted_table(SnowballStemmer("english").stem)
    found.save(tmp_path)
    loaded = WordTable.load(tmp_path / "words.npz")
    assert loaded.strings == found.strings
    assert loaded.together == found.together
    assert np.array_equal(loaded.forms, found.forms)
    (tmp_path / "words.npz").write_bytes(b"PK")
    with pytest.raises(SummGANError, match="no table of words"):
        WordTable.load(tmp_path / "words.npz")


def test_a_summary_is_written_as_the_document_writes_its_words():
    found, documents = counted_table()
    rows = {string: row for row, string in enumerate(found.strings)}
    ids = [rows[word] for word in ("paid", "in", "hong", "kong", "killed")]
    said = found.surface(documents[0], ids, [4, -1, 2, 3, 0])
    assert found.joined(said) == "Paid in Hong Kong killed"


def test_rows_say_the_words_of_the_texts():
    taken = WORLD.documents.take([1, 0])
    said = [WORLD.table.strings[row] for row in taken["ids"][0].tolist() if row >= 0]
    assert said == [string.lower() for string in words_of(DOCUMENTS[1]).strings]
    assert taken["ids"].shape == taken["hold"].shape == (2, 18)
    assert taken["ids"][0, 11:].eq(-1).all()
    assert taken["after"][1, 7] == CLAUSE
    assert not taken["hold"][0, 11:].any()


def test_a_long_text_is_read_up_to_its_bound_and_nothing_is_held_beyond():
    words = words_of('"Blue Note" in Porto')
    table = WORLD.table
    rows = {string: row for row, string in enumerate(table.strings)}
    words = words_of('The "old bridge" in Porto')
    assert words.holds[1]
    cut = rows_of(table, [words], 2)
    assert cut.ids.tolist() == [rows["the"], rows["old"]]
    assert cut.hold.tolist() == [False, False]
    assert rows_of(table, [words], 9).hold.tolist()[1]


def test_texts_are_picked_by_length():
    found = of_length(WORLD.sentences, 5, 6)
    assert found.sizes.tolist() == [5, 6]
    assert torch.equal(found.take([0])["ids"], WORLD.sentences.take([1])["ids"])
    assert torch.equal(found.take([1])["ids"], WORLD.sentences.take([3])["ids"])
