"""The table of the words of both piles, and texts as rows of it."""

import itertools

import numpy as np
import pytest
import torch
from nltk.stem.snowball import SnowballStemmer
from paths_support import DOCUMENTS, counted_table, make_world

from summgan.errors import SummGANError
from summgan.networks.path_generator import CountedPrior
from summgan.text.word_table import WordTable, of_length, rows_of
from summgan.text.words import CLAUSE, words_of

WORLD = make_world()


def test_further_words_change_nothing_that_was_counted():
    found, _ = counted_table()
    wider = found.with_words([words_of("Quito paid 777 in Hong Kong")])
    assert wider.strings[len(found.strings) :] == ["quito", "777"]
    assert wider.pairs is found.pairs
    assert wider.classes[-2:].tolist() == [-1, found.strings.index("0")]
    assert wider.added == 2
    assert wider.with_words([words_of("Quito")]) is wider


def test_a_table_is_saved_and_loaded(tmp_path):
    found, _ = counted_table(SnowballStemmer("english").stem)
    found.save(tmp_path)
    loaded = WordTable.load(tmp_path / "words.npz")
    assert loaded.strings == found.strings
    assert loaded.together == found.together
    assert np.array_equal(loaded.forms, found.forms)
    (tmp_path / "words.npz").write_bytes(b"PK")
    with pytest.raises(SummGANError, match="not a valid word table"):
        WordTable.load(tmp_path / "words.npz")


def test_words_that_were_added_are_not_saved(tmp_path):
    found, _ = counted_table()
    found.with_words([words_of("Quito paid 777")]).with_words([words_of("Lima")]).save(tmp_path)
    assert WordTable.load(tmp_path / "words.npz").strings == found.strings


def chances(table, first, second):
    names = ("classes", "worth", "unseen", "pairs", "gains", "inserted")
    prior = CountedPrior(*(torch.as_tensor(getattr(table, name)) for name in names))
    return prior.succession(
        *(torch.tensor([table.rows[word] for word in words]) for words in (first, second))
    )


def test_a_table_about_texts_knows_of_their_words_what_the_whole_one_knows():
    found, documents = counted_table(SnowballStemmer("english").stem)
    texts = [words_of("Man kills 777 in Quito"), words_of("Hong Kong")]
    small, whole = found.about(texts), found.with_words(texts)
    assert set(small.strings) == {
        *("", " ", "0", "man", "kills", "killed", "777", "in", "quito", "hong", "kong"),
        *(found.strings[row] for row in found.inserted),
    }
    assert small.pairs is found.pairs
    for string in small.strings:
        a, b = small.rows[string], whole.rows[string]
        for name in ("worth", "unseen", "names"):
            assert getattr(small, name)[a] == getattr(whole, name)[b]
        assert [small.strings[row] for row in small.forms[a] if row >= 0] == [
            whole.strings[row] for row in whole.forms[b] if row >= 0
        ]
    assert [small.strings[row] for row in small.inserted] == [found.strings[row] for row in found.inserted]
    pairs = [*zip(*itertools.product(small.strings, repeat=2), strict=True)]
    assert torch.equal(chances(small, *pairs), chances(whole, *pairs))
    hong = [small.rows["hong"], small.rows["kong"]]
    assert small.holds(texts[1], hong)[0].tolist() == [True, False]


def test_only_some_words_are_kept_with_their_pairs():
    found, _ = counted_table(SnowballStemmer("english").stem)
    kept = ["hong", "kong", "in", "killed", "5", "million"]
    small = found.only(found.rows[word] for word in kept)
    small.check()
    assert set(small.strings) == {"", " ", "0", *kept, *(found.strings[row] for row in found.inserted)}
    assert list(small.pairs) == sorted(small.pairs)
    assert 0 < len(small.pairs) < len(found.pairs)
    pairs = [*zip(*itertools.product(small.strings, repeat=2), strict=True)]
    assert torch.equal(chances(small, *pairs), chances(found, *pairs))
    assert small.together[small.rows["hong"], small.rows["kong"]] == (True, True)
    assert small.forms[small.rows["killed"]].tolist() == [-1]  # "kills" is not in the table


def test_a_summary_is_written_as_the_document_writes_its_words():
    found, documents = counted_table()
    rows = {string: row for row, string in enumerate(found.strings)}
    ids = [rows[word] for word in ("paid", "in", "hong", "kong", "killed")]
    said = found.surface(documents[0], ids, [4, -1, 2, 3, 0])
    assert said == ["Paid", "in", "Hong", "Kong", "killed"]


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
