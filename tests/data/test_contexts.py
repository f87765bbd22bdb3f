import random

import pytest
from datasets import Dataset

from summgan.data.contexts import ContextIndex
from summgan.text.boundaries import UnitBoundaries, split_into_units
from summgan.text.pieces import length_table


@pytest.fixture
def boundaries(tokenizer):
    return UnitBoundaries(length_table(tokenizer))


@pytest.fixture
def index(tokenizer, documents, boundaries):
    ids = [[*row, 3] for row in tokenizer(documents, add_special_tokens=False).input_ids]
    return ContextIndex(Dataset.from_dict({"input_ids": ids}), boundaries)


def text_of(tokenizer, units):
    return tokenizer.decode([piece for unit in units for piece in unit])


def test_contexts_stand_beside_the_word_in_a_document(index, tokenizer, documents, boundaries):
    rng = random.Random(0)
    for document in documents[:20]:
        ids = tokenizer(document, add_special_tokens=False).input_ids
        unit = rng.choice(split_into_units(ids, boundaries))
        word = tokenizer.decode(unit)
        before = text_of(tokenizer, index.before(unit, 2, rng))
        after = text_of(tokenizer, index.after(unit, 2, rng))
        padded = [f" {text} " for text in documents]
        assert any(f" {before} {word} ".replace("  ", " ") in text for text in padded)
        assert any(f" {word} {after} ".replace("  ", " ") in text for text in padded)
        assert len(before.split()) <= 2 and len(after.split()) <= 2


def test_all_places_of_a_word_are_found(tokenizer, boundaries):
    texts = ["one red door", "two red cars", "a red"]
    ids = [[*row, 3] for row in tokenizer(texts, add_special_tokens=False).input_ids]
    index = ContextIndex(Dataset.from_dict({"input_ids": ids}), boundaries)
    unit = split_into_units(tokenizer("red", add_special_tokens=False).input_ids, boundaries)[0]
    found = {text_of(tokenizer, index.after(unit, 1, random.Random(seed))) for seed in range(40)}
    assert found == {"door", "cars", ""}


def test_a_word_of_no_document_has_no_context(index, tokenizer, boundaries):
    ids = tokenizer("Xylophonqwz", add_special_tokens=False).input_ids
    unit = split_into_units(ids, boundaries)[0]
    assert index.before(unit, 3, random.Random(0)) == index.after(unit, 3, random.Random(0)) == []
    assert index.after(unit, 0, random.Random(0)) == []
