"""Units counted piece by piece, compared with the units of the decoded text."""

import random

import pytest
import torch
from tests_support import MIXED

from summgan.text.boundaries import UnitBoundaries, split_into_units
from summgan.text.pieces import length_table
from summgan.text.script import count_units, split_units
from summgan.text.units import UNFINISHED, character_effects, counter_of_columns, effect_of
from summgan.text.vocabulary import Vocabulary

LETTERS = "aあกิ中😀ğ\u0301\ufe0f\u3099្កक्ि각ﾞ\u200d\U000e0100\u0600▁"


@pytest.fixture(scope="module")
def mixed():
    """A vocabulary of many scripts, with pieces that end inside characters."""
    return Vocabulary.train(MIXED * 20, 600).tokenizer


def test_what_a_piece_adds_depends_on_what_is_before_it():
    assert effect_of("day").costs[:3] == (1, 0, 1)
    assert effect_of(" day").costs[:3] == (1, 1, 1)
    assert effect_of("は").costs[:3] == (1, 1, 1)
    assert effect_of("\u0e34n").costs[:3] == (2, 0, 1)  # a vowel sign, and a word after it
    assert effect_of("はMIT").states == (1,) * UNFINISHED
    assert effect_of("\u0301").states[1:3] == (1, 2)  # an accent does not change the state
    assert effect_of("").costs == effect_of(" ").costs == (0,) * UNFINISHED


def test_of_characters_that_are_alike_one_speaks_for_all():
    effects, kinds = character_effects()
    for code in (*range(0x80, 0xD800, 11), *range(0xF900, 0x20000, 5), 0x20010, 0xE0100, 0x323AF):
        if not chr(code).isspace() and code != 0x2581:
            assert effects[kinds[code]] == effect_of(chr(code)), hex(code)


@pytest.mark.parametrize("name", ["mixed", "tokenizer", "chinese_tokenizer"])
def test_pieces_in_any_order_have_the_units_of_their_text(name, request):
    tokenizer = request.getfixturevalue(name)
    table, rng = length_table(tokenizer), random.Random(0)
    boundaries, writable = UnitBoundaries(table), table.writable.nonzero().flatten().tolist()
    for _ in range(1500):
        ids = rng.choices(writable, k=rng.randint(1, 8))
        place = rng.randint(0, len(ids))
        ids[place:place] = tokenizer(rng.choice(LETTERS), add_special_tokens=False).input_ids
        text = tokenizer.decode(ids)
        costs, states = table.counter.count(torch.tensor([ids]))
        assert costs.sum() == boundaries.length(ids) == count_units(text), (text, split_units(text))
        last = table.counter.step(torch.tensor([ids[-4:]]), states[:, -2])
        assert [int(value) for value in last] == [int(costs[0, -1]), int(states[0, -1])]


def test_characters_count_when_their_last_byte_is_there(tokenizer):
    counter = length_table(tokenizer).counter
    ids = tokenizer("aあ", add_special_tokens=False).input_ids
    costs, states = counter.count(torch.tensor([ids]))
    assert costs[0].tolist()[-3:] == [0, 0, 1]
    assert [state >= UNFINISHED for state in states[0].tolist()[-4:]] == [False, True, True, False]
    _, pieces, begins = counter.characters(torch.tensor([ids]))
    assert pieces[0].tolist()[-3:] == [3, 2, 1] and begins[0].tolist()[-3:] == [True, False, False]


def test_columns_that_were_saved_know_as_much_of_words(tokenizer, documents):
    table = length_table(tokenizer)
    counter = counter_of_columns(table.units, table.continues, table.ends_inside, table.bytes)
    for text in (*documents[:20], "Erdoğan あ x"):
        ids = torch.tensor([tokenizer(text, add_special_tokens=False).input_ids])
        assert counter.count(ids)[0].sum() == count_units(text)


def test_pieces_of_several_units_have_parts(mixed):
    table = length_table(mixed)
    several = [piece for piece in range(len(mixed)) if table.writable[piece] and table.units[piece] > 1]
    assert several and set(several) == set(table.parts)
    for piece in several:
        assert mixed.decode(table.parts[piece]) == mixed.decode([piece])
        boundaries = UnitBoundaries(table)
        assert len(split_into_units(table.parts[piece], boundaries)) == table.units[piece]
