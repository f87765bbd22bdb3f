"""Words of documents, and what is counted of them."""

import numpy as np
import pytest
from nltk.stem.snowball import SnowballStemmer

from summgan.data.lattice import CLAUSE, NOTHING, SENTENCE, WordTable, count_words, words_of
from summgan.errors import SummGANError


def test_words_are_without_punctuation_which_is_known():
    words = words_of('On Monday, the "Blue Note" paid $5.6 million (U.S. dollars). It closed.')
    expected = [
        "On",
        "Monday",
        "the",
        "Blue",
        "Note",
        "paid",
        "$5.6",
        "million",
        "U.S.",
        "dollars",
        "It",
        "closed",
    ]
    assert words.strings == expected
    assert words.after[:3] == [NOTHING, CLAUSE, CLAUSE]
    assert words.after[9] == SENTENCE
    assert [words.strings[place] for place, holds in enumerate(words.holds) if holds] == ["Blue", "U.S."]
    assert words.begins[1] == 3


def test_characters_are_the_words_of_chinese():
    words = words_of("北京大学，2024年开放。")
    assert words.strings == ["北", "京", "大", "学", "2024", "年", "开", "放"]
    assert words.after == [0, 0, 0, CLAUSE, 0, 0, 0, SENTENCE]


def table(stem=None):
    documents = [
        "Police in Hong Kong paid 5 million on Monday for a car",
        "A man kills a bear in Hong Kong",
    ] * 9
    sentences = ["Man killed in Hong Kong", "Bear killed on Monday", "Car sold for 7 million"] * 20
    documents, sentences = [[words_of(text) for text in pile] for pile in (documents, sentences)]
    return count_words(documents, sentences, stem, forms=1, inserted=2), documents


def test_what_people_never_part_stays_together():
    found, documents = table()
    rows = {string: row for row, string in enumerate(found.strings)}
    ids = [rows[string.lower()] for string in documents[0].strings]
    hold, need = found.holds(documents[0], ids)
    said = documents[0].strings
    assert {"Hong", "5", "on"} <= {said[place] for place in hold.nonzero()[0]}
    assert {"Kong", "million", "Monday"} <= {said[place] for place in need.nonzero()[0]}
    assert not hold[-1]


def test_forms_have_the_same_stem_and_stand_in_sentences():
    found, _ = table(SnowballStemmer("english").stem)
    rows = {string: row for row, string in enumerate(found.strings)}
    assert found.forms[rows["kills"]].tolist() == [rows["killed"]]
    assert found.forms[rows["killed"]].tolist() == [-1]
    assert (table()[0].forms == -1).all()


def test_salient_words_stand_in_sentences_and_pairs_follow_each_other():
    found, _ = table()
    rows = {string: row for row, string in enumerate(found.strings)}
    assert found.worth[rows["bear"]] > found.worth[rows["a"]]
    keys = dict(zip(found.pairs.tolist(), found.gains.tolist(), strict=True))
    first = int(found.classes[rows["hong"]]), int(found.classes[rows["kong"]])
    assert keys[first[0] * len(found.strings) + first[1]] > 1
    assert found.lengths.sum() == 1
    assert len(found.inserted) == 2


def test_further_words_change_nothing_that_was_counted():
    found, _ = table()
    wider = found.with_words([words_of("Quito paid 777 in Hong Kong")])
    assert wider.strings[len(found.strings) :] == ["quito", "777"]
    size, old = len(wider.strings), len(found.strings)
    counted = {(key // old, key % old): gain for key, gain in zip(found.pairs, found.gains, strict=True)}
    again = {(key // size, key % size): gain for key, gain in zip(wider.pairs, wider.gains, strict=True)}
    assert again == counted
    assert (np.diff(wider.pairs) > 0).all()
    assert wider.classes[-2:].tolist() == [old, found.strings.index("0")]
    assert wider.with_words([words_of("Quito")]) is wider


def test_a_table_is_saved_and_loaded(tmp_path):
    found, _ = table(SnowballStemmer("english").stem)
    found.save(tmp_path)
    loaded = WordTable.load(tmp_path)
    assert loaded.strings == found.strings
    assert loaded.together == found.together
    assert np.array_equal(loaded.forms, found.forms)
    (tmp_path / "words.npz").write_bytes(b"PK")
    with pytest.raises(SummGANError, match="no table of words"):
        WordTable.load(tmp_path)


def test_a_summary_is_written_as_the_document_writes_its_words():
    found, documents = table()
    rows = {string: row for row, string in enumerate(found.strings)}
    ids = [rows[word] for word in ("paid", "in", "hong", "kong", "killed")]
    text = found.text(documents[0], [*ids, -1], [4, -1, 2, 3, 0, -1])
    assert text == "Paid in Hong Kong killed"
