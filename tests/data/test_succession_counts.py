"""What follows what in human sentences, against the formula."""

import math

import pytest
import torch
from tests_support import Letters, letters

from summgan.data.succession_counts import succession_of
from summgan.networks.compression import word_key


def succession(*sentences):
    """Full stops and commas are punctuation."""
    return succession_of(
        letters(*sentences), Letters(), range(128), [chr(piece) in ".," for piece in range(128)]
    )


def keys(text):
    return torch.tensor([[word_key([ord(letter)], range(128)) for letter in text]])


def test_what_follows_in_sentences_gains_and_what_does_not_loses():
    gains = succession("ab", "ab", "ac", "db")(keys("abxc"))[0]
    # After a stands b twice and c once. Of the 7 kinds of pairs 2 end in b, and 1 in c.
    rest = 0.75 * 2 / 3
    assert gains[1, 1].item() == pytest.approx(math.log(rest + (2 - 0.75) / 3 * 7 / 2))
    assert gains[1, 3].item() == pytest.approx(math.log(rest + (1 - 0.75) / 3 * 7 / 1))
    assert gains[1, 2].item() == gains[1, 4].item() == pytest.approx(math.log(rest))
    assert gains[0, 0] > 0 > gains[0, 1]  # three of four sentences begin with a
    assert gains[2, 4] > 0 > gains[2, 3]  # after b sentences end
    assert not gains[3].any()  # of a word that stands in none nothing is known


def test_the_most_frequent_ending_of_sentences_is_kept():
    assert succession("ab.", "cd.", "e").ending.tolist() == [ord("."), -1, -1, -1]
    assert succession("ab", "cd.", "e").ending.tolist() == [-1] * 4


def test_sentences_that_differ_in_punctuation_count_alike():
    first, second = succession("ab", "cb"), succession("a,b.", "cb.")
    assert torch.equal(first.pair_keys, second.pair_keys)
    assert torch.equal(first.pair_gains, second.pair_gains)
