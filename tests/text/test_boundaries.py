import pytest
from tests_support import MIXED

from summgan.text.boundaries import UnitBoundaries, split_into_units
from summgan.text.pieces import length_table
from summgan.text.script import count_units, normalize
from summgan.text.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def mixed():
    """A vocabulary of many scripts, with pieces that end inside characters."""
    return Vocabulary.train(MIXED * 20, 600).tokenizer


@pytest.mark.parametrize("text", MIXED + ["こんにちはTuesday", "▁ x<0x0A>y </s>", "a あ b ğ"])
def test_documents_are_cut_where_their_units_begin(text, mixed, tokenizer):
    for vocabulary in (mixed, tokenizer):
        boundaries, text = UnitBoundaries(length_table(vocabulary)), normalize(text)
        ids = vocabulary(text, add_special_tokens=False).input_ids
        units = split_into_units(ids, boundaries)
        assert [piece for unit in units for piece in unit] == ids
        assert boundaries.length(ids) == count_units(text)
        # A unit has the same length everywhere.
        assert sum(map(boundaries.length, units)) == count_units(text)
