"""Counts of the words of both piles."""

import numpy as np
import pytest
from nltk.stem.snowball import SnowballStemmer
from paths_support import counted_table

from summgan.data.word_counts import count_words
from summgan.text.word_table import SPREAD
from summgan.text.words import words_of


def test_what_people_never_part_stays_together():
    found, documents = counted_table()
    rows = {string: row for row, string in enumerate(found.strings)}
    ids = [rows[string.lower()] for string in documents[0].strings]
    hold, need = found.holds(documents[0], ids)
    said = documents[0].strings
    assert {"Hong", "5", "on"} <= {said[place] for place in hold.nonzero()[0]}
    assert {"Kong", "million", "Monday"} <= {said[place] for place in need.nonzero()[0]}
    assert not hold[-1]


def test_forms_have_the_same_stem_and_stand_in_sentences():
    found, _ = counted_table(SnowballStemmer("english").stem)
    rows = {string: row for row, string in enumerate(found.strings)}
    assert found.forms[rows["kills"]].tolist() == [rows["killed"]]
    assert found.forms[rows["killed"]].tolist() == [-1]
    assert (counted_table()[0].forms == -1).all()


def test_salient_words_stand_in_sentences_and_pairs_follow_each_other():
    found, _ = counted_table()
    rows = {string: row for row, string in enumerate(found.strings)}
    assert found.worth[rows["bear"]] > found.worth[rows["a"]]
    keys = dict(zip(found.pairs.tolist(), found.gains.tolist(), strict=True))
    first = int(found.classes[rows["hong"]]), int(found.classes[rows["kong"]])
    assert keys[first[0] * SPREAD + first[1]] > 1
    assert found.lengths.sum() == pytest.approx(1)
    assert len(found.inserted) == 2


@pytest.mark.parametrize("longest", [2, 16])
def test_shares_fall_slowly_beyond_the_longest_sentence(longest):
    piles = [[words_of(" ".join("abcdefghijklmnop"[:size])) for size in (longest - 1, longest)]] * 2
    shares = count_words(*piles, least=1).lengths
    assert shares.sum() == pytest.approx(1)
    assert shares[longest - 1] == pytest.approx(shares[longest]) and not shares[: longest - 1].any()
    assert shares[2 * longest] == pytest.approx(shares[longest] * np.exp(-8))
    assert (np.diff(shares[longest : 4 * longest]) < 0).all()


def test_sentences_without_words_have_shares_too():
    shares = count_words([words_of("one two")] * 2, [words_of("!")], least=1).lengths
    assert shares.sum() == pytest.approx(1) and shares[0] > 0.99


def test_rare_words_are_dropped():
    found, _ = counted_table(least=21)
    assert {"hong", "monday", "bear", "in"} <= found.rows.keys()
    assert not {"paid", "police", "sold"} & found.rows.keys()
    assert {"", " ", "0"} <= found.rows.keys()
    whole, _ = counted_table()
    assert found.worth[found.rows["bear"]] == whole.worth[whole.rows["bear"]]
