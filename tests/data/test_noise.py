import random
import re

from summgan.data.noise import bury, damage, pick_content
from summgan.text.boundaries import UnitBoundaries, join, split_into_units
from summgan.text.pieces import length_table


def units(*words):
    return [[ord(word)] for word in words]


def test_units_keep_the_pieces_of_a_word_together(tokenizer, chinese_tokenizer):
    boundaries = UnitBoundaries(length_table(tokenizer))
    ids = tokenizer("Anna unopens halls in Porto.", add_special_tokens=False).input_ids
    parts = split_into_units(ids, boundaries)
    assert [tokenizer.decode(part) for part in parts] == [
        "Anna",
        "unopens",
        "halls",
        "in",
        "Porto.",
    ]
    assert join(parts) == ids
    boundaries = UnitBoundaries(length_table(chinese_tokenizer))
    ids = chinese_tokenizer("本报讯，图书馆", add_special_tokens=False).input_ids
    assert join(split_into_units(ids, boundaries)) == ids


class Neighbours:
    """Contexts in which each letter is between its small and its large digit."""

    def before(self, unit, count, rng):
        return units("0") * count

    def after(self, unit, count, rng):
        return units("9") * count


class Nowhere:
    def before(self, unit, count, rng):
        return []

    after = before


def test_buried_sentences_have_the_length_the_order_and_most_of_the_words():
    sentence, foreign = units(*"abcdefgh"), [units(*"QRSTUVWXYZ" * 3)]
    kept = 0
    for seed in range(50):
        buried = bury(sentence, Neighbours(), foreign, 24, random.Random(seed))
        assert len(buried) == 24
        found = [unit for unit in buried if unit in sentence]
        assert [unit for unit in sentence if unit in found] == found
        kept += len(found)
        assert all(unit in sentence + foreign[0] + units("0", "9") for unit in buried)
    assert 0.85 < kept / (50 * 8) < 0.99


def test_sentences_are_buried_where_documents_say_what_counts():
    sentence, positions = units(*"abcdefgh"), [0.6, 0.0, -0.6, -1.0]

    def mean_place(*profile):
        places = []
        for seed in range(60):
            buried = bury(sentence, Neighbours(), [], 40, random.Random(seed), *profile)
            places += [place for place, unit in enumerate(buried) if unit in sentence]
        return sum(places) / len(places)

    anywhere = mean_place()
    assert mean_place([0.0] * 4) == anywhere
    assert mean_place(positions) < anywhere - 2


def test_contexts_stand_on_their_side_of_a_chunk():
    for seed in range(20):
        buried = "".join(
            chr(unit[0]) for unit in bury(units(*"abc"), Neighbours(), [], 12, random.Random(seed))
        )
        assert re.fullmatch("(0*[abc]9*)+", buried), buried


def test_burying_copes_with_words_that_stand_nowhere_and_with_short_texts():
    rng = random.Random(0)
    assert bury(units("a"), Nowhere(), [], 10, rng) == units("a")
    assert bury(units("a", "b"), Nowhere(), [units("c")], 1, random.Random(3))[0] in units("a", "b")


def test_damage_labels_what_is_not_as_it_was():
    sentence, foreign = units(*"abcdefgh"), units(*"0123")
    for seed in range(100):
        damaged, human = damage(sentence, foreign, random.Random(seed))
        assert len(damaged) == len(human)
        assert not all(human)
        for index, unit in enumerate(damaged):
            if unit in foreign:
                assert not human[index]
    assert sentence == units(*"abcdefgh")


def test_one_word_can_be_damaged():
    damaged, human = damage(units("a"), [], random.Random(0))
    assert len(damaged) == len(human) >= 1


def test_content_is_in_order_and_prefers_rare_words():
    document = [[index] for index in range(10)]
    weights = [0.1] * 5 + [2.0] * 5
    rare = 0
    for seed in range(100):
        picked = pick_content(document, weights, 4, random.Random(seed))
        assert picked == sorted(picked) and len(picked) == 4
        rare += sum(unit[0] >= 5 for unit in picked)
    assert rare > 360
    assert len(pick_content(document[:2], weights, 4, random.Random(0))) == 2


def test_units_of_a_text_are_as_many_as_its_words(tokenizer, documents):
    boundaries = UnitBoundaries(length_table(tokenizer))
    for text in documents[:30]:
        ids = tokenizer(text, add_special_tokens=False).input_ids
        parts = split_into_units(ids, boundaries)
        assert [tokenizer.decode(part) for part in parts] == text.split()


def test_the_same_seed_makes_the_same_noise():
    sentence, foreign = units(*"abcdefgh"), units(*"0123456789")
    for make in (
        lambda rng: bury(sentence, Neighbours(), [foreign], 20, rng),
        lambda rng: damage(sentence, foreign, rng),
        lambda rng: pick_content([[i] for i in range(9)], [1.0] * 9, 3, rng),
    ):
        assert make(random.Random(4)) == make(random.Random(4))
        assert len({str(make(random.Random(seed))) for seed in range(9)}) > 1


def test_no_content_can_be_picked():
    assert pick_content([[0], [1]], [1.0, 1.0], 0, random.Random(0)) == []
