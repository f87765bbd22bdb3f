"""The search against trying everything, the bigram model against its formula, and sentences by eye."""

import math
from itertools import combinations, pairwise

import pytest
import torch
from datasets import Dataset
from tests_support import Letters, letters

from summgan.data.succession_counts import succession_of
from summgan.networks.compression import Compressor, Succession, best_paths, word_key
from summgan.text.boundaries import UnitBoundaries
from summgan.text.pieces import length_table, punctuation_pieces, spellings


def total(path, worth, gains):
    steps = [gains[a + 1, b] for a, b in pairwise(path)]
    return float(worth[list(path)].sum() + gains[0, path[0]] + gains[path[-1] + 1, -1] + sum(steps))


@pytest.mark.parametrize("length", [1, 2, 4, 6])
def test_the_best_path_is_the_best_of_all(length):
    torch.manual_seed(length)
    worth, gains = torch.randn(3, 7), torch.randn(3, 8, 8)
    worth[1, 6:] = -math.inf  # a shorter document
    for row, path in enumerate(best_paths(worth, torch.ones(3, 7, dtype=torch.long), gains, [length] * 3)):
        places = range(6 if row == 1 else 7)
        assert path == list(max(combinations(places, length), key=lambda p: total(p, worth[row], gains[row])))


def test_every_row_has_its_own_length():
    worth, gains = torch.randn(3, 5), torch.randn(3, 6, 6)
    costs = torch.ones(3, 5, dtype=torch.long)
    together = best_paths(worth, costs, gains, [4, 9, 2])
    assert [len(path) for path in together] == [4, 5, 2]  # all of it where more is wanted
    for row, length in ((0, 4), (1, 5), (2, 2)):
        mine = slice(row, row + 1)
        assert best_paths(worth[mine], costs[mine], gains[mine], [length]) == [together[row]]
    assert best_paths(worth[:0], costs[:0], gains[:0], []) == []


@pytest.mark.parametrize("length", [1, 3, 5, 8])
def test_places_of_several_units_fill_the_length_exactly(length):
    torch.manual_seed(length)
    worth, gains, costs = torch.randn(2, 6), torch.randn(2, 7, 7), torch.randint(1, 4, (2, 6))
    costs[:, 0] = 1
    for row, path in enumerate(best_paths(worth, costs, gains, [length, length])):
        paths = [
            p for n in range(1, 7) for p in combinations(range(6), n) if costs[row, list(p)].sum() == length
        ]
        assert path == list(max(paths, key=lambda p: total(p, worth[row], gains[row])))


def test_where_the_length_cannot_be_met_the_path_is_shorter():
    worth, costs = torch.tensor([[1.0, 2.0]]), torch.tensor([[2, 2]])
    assert best_paths(worth, costs, torch.zeros(1, 3, 3), [3]) == [[1]]
    assert best_paths(worth, costs, torch.zeros(1, 3, 3), [1]) == [[]]


def succession(*sentences, silent=".,"):
    return succession_of(
        letters(*sentences), Letters(), range(128), [chr(piece) in silent for piece in range(128)]
    )


def keys(text):
    return torch.tensor([[word_key([ord(letter)], range(128)) for letter in text]])


def test_tables_say_the_same_in_batches_and_after_loading(tmp_path):
    made = succession("ab", "bca", "cab.", "ab")
    loaded = Succession(128, **{name.split("_")[1]: size for name, size in made.sizes.items()})
    loaded.load_state_dict(made.state_dict())
    rows = torch.cat([keys("abca"), keys("cbax")])
    together = loaded(rows)
    for row in range(2):
        assert torch.equal(together[row], made(rows[row : row + 1])[0])


def test_without_sentences_nothing_is_gained():
    assert not Succession(10)(torch.tensor([[3, 4]])).any()
    assert not succession("")(keys("ab"))[0, 1:].any()


def compressed(text, length, salient, *sentences):
    worth = torch.tensor([[float(salient.get(letter, 0.0)) for letter in text] + [0.0]])
    made = Compressor(Letters(), succession(*sentences), 0.3)
    return "".join(map(chr, made([[*map(ord, text), 0]], worth, [length])[0]))


def test_salient_words_stay_in_their_order():
    assert compressed("xyazb", 2, {"a": 1, "b": 9}, "xyz") == "ab"


def test_what_people_write_in_a_row_stays_together():
    assert compressed("axbycz", 3, {}, *["abc"] * 5, "xz", "zy") == "abc"


def test_what_stood_together_stays_together():
    assert compressed("axbcy", 2, {"a": 1, "b": 1, "c": 0.9}) == "bc"


def test_a_word_is_not_salient_twice():
    assert compressed("axxa", 2, {"a": 9, "x": 8}) == "ax"


def test_ended_as_people_end(tokenizer):
    sentences = ["Anna opens halls."] * 3 + ["Porto"]
    assert strike(tokenizer, "of Porto, where Anna, too", 2, ["Porto", "Anna"], sentences) == "Porto Anna."
    assert strike(tokenizer, "of Porto, where Anna, too", 2, ["Porto", "Anna"], ["halls"]) == "Porto Anna"


def strike(tokenizer, text, length, salient, sentences=("Anna opens halls",)):
    end, boundaries = tokenizer.eos_token_id, UnitBoundaries(length_table(tokenizer))
    rows = [[*ids, end] for ids in tokenizer(list(sentences), add_special_tokens=False).input_ids]
    tables = (spellings(tokenizer), punctuation_pieces(tokenizer))
    counted = succession_of(Dataset.from_dict({"input_ids": rows}), boundaries, *tables)
    found = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans = [(text.index(word), text.index(word) + len(word)) for word in salient]
    worth = [5.0 * any(a < y and b > x for x, y in spans) for a, b in found.offset_mapping]
    made = Compressor(boundaries, counted, 0.3)
    return tokenizer.decode(made([[*found.input_ids, end]], torch.tensor([[*worth, 0.0]]), [length])[0])


def test_punctuation_stays_where_its_neighbours_do(tokenizer):
    assert strike(tokenizer, "of Porto, Anna said", 2, ["Porto", "Anna"]) == "Porto, Anna"
    assert strike(tokenizer, "of Porto, where Anna, too", 2, ["Porto", "Anna"]) == "Porto Anna"


def test_short_texts_stay_whole(tokenizer):
    assert strike(tokenizer, "Anna opens", 5, []) == "Anna opens"
    assert strike(tokenizer, "Anna", 1, []) == "Anna"
    assert strike(tokenizer, "...", 1, []) == "..."


def test_the_length_is_exact_in_scripts_without_spaces(chinese_tokenizer):
    text = strike(chinese_tokenizer, "本报讯，图书馆开放", 4, ["图书"], ["图书馆"])
    assert len(text) == 4
    assert "图书" in text and "，" not in text


def test_documents_of_several_lengths_are_alike_alone_and_together():
    made = Compressor(Letters(), succession("abc", "cab", "bd"), 0.3)
    texts = ["abcabd", "dcb", "abdcbabcd"]
    documents = [[*map(ord, text), 0] for text in texts]
    worth = torch.randn(3, 10, generator=torch.Generator().manual_seed(0))
    together = made(documents, worth, [3, 2, 4])
    for row, length in enumerate((3, 2, 4)):
        assert made(documents[row : row + 1], worth[row : row + 1], [length]) == [together[row]]


def test_the_form_of_a_word_makes_no_difference_to_what_follows():
    forms = [ord("b") if chr(piece) == "c" else piece for piece in range(128)]  # c is a form of b
    counted = succession_of(letters("ab", "ab", "xy"), Letters(), forms, [False] * 128)
    row = torch.tensor([[word_key([ord(letter)], forms) for letter in "acb"]])
    gains = counted(row)[0]
    assert gains[1, 1] == gains[1, 2] > 0
    apart = succession("ab", "ab", "xy")
    for table, expected in ((counted, "ac"), (apart, "ax")):
        found = Compressor(Letters(), table, 1.0)([[*map(ord, "axxc"), 0]], torch.zeros(1, 5), [2])
        assert "".join(map(chr, found[0])) == expected


def test_the_weight_says_how_much_succession_counts():
    worth = torch.tensor([[0.0, 1.0, 0.0, 1.0, 0.0, 0.0]])
    counted = succession(*["ace"] * 5)
    texts = [
        "".join(map(chr, Compressor(Letters(), counted, weight)([[*map(ord, "axcye"), 0]], worth, [3])[0]))
        for weight in (0.0, 1.0)
    ]
    assert texts[1] == "ace" and {"x", "y"} <= set(texts[0])


def test_words_to_be_omitted_do_not_keep_their_neighbours_apart():
    worth, texts = torch.tensor([[1.0, -2.0, -2.0, 1.0, 0.9, 0.0]]), []  # of k, t, h, f and g
    for omitted in ("", "th"):
        counted = succession_of(letters("zz"), Letters(), range(128), [False] * 128, [*map(ord, omitted)])
        striking = Compressor(Letters(), counted, 0.3)
        texts.append("".join(map(chr, striking([[*map(ord, "kthfg"), 0]], worth, [2])[0])))
    assert texts == ["fg", "kf"]
    words = [[ord(letter)] for letter in "kthf"]
    beside = [*striking._beside(words, words, [0, 1, 2, 3])]
    assert beside == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    # Punctuation between them does, be it a unit of its own or at the end of one.
    alone = [[ord("k")], [ord(".")], [ord("f")]]
    assert not [*striking._beside(alone, [[ord("k")], [], [ord("f")]], [0, 2])]
    for stop in (0, 1):
        units = [[*word, *[ord(".")] * (place == stop)] for place, word in enumerate(words)]
        found = {*striking._beside(units, words, [0, 1, 2, 3])}
        assert found.isdisjoint({(0, 2), (0, 3)}) and found >= {(0, 1), (1, 2), (2, 3)}
