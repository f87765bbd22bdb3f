"""The search against trying everything, the bigram model against its formula, and sentences by eye."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from datasets import Dataset

from summgan.compression import Compressor, Succession, best_path
from summgan.noise import UnitBoundaries, join
from summgan.salience import Salience
from summgan.tokenization import length_table, silent_pieces, spellings


@pytest.mark.parametrize("length", [1, 2, 4, 7])
def test_the_best_path_is_the_best_of_all(length):
    rng = np.random.default_rng(length)
    worth, gains = rng.normal(size=7), rng.normal(size=(8, 8))

    def total(path):
        steps = pairwise([0, *(place + 1 for place in path)])
        ends = gains[0, path[0]] + gains[path[-1] + 1, -1]
        return worth[list(path)].sum() + ends + sum(gains[a, b - 1] for a, b in list(steps)[1:])

    best = max(combinations(range(7), length), key=total)
    assert best_path(worth, gains, length) == list(best)


def test_what_follows_in_sentences_gains_and_what_does_not_loses():
    succession = Succession([[(1,), (2,)], [(1,), (2,)], [(1,), (3,)], [(4,), (2,)]])
    gains = succession([(1,), (2,), (9,), (3,)])
    # After 1 stands 2 twice and 3 once. 2 of the 7 kinds of pairs end in 2, and 1 of them in 3.
    rest = 0.75 * 2 / 3
    assert gains[1, 1] == pytest.approx(math.log(rest + (2 - 0.75) / 3 * 7 / 2))
    assert gains[1, 3] == pytest.approx(math.log(rest + (1 - 0.75) / 3 * 7 / 1))
    assert gains[1, 2] == gains[1, 4] == pytest.approx(math.log(rest))
    assert gains[0, 0] > 0 > gains[0, 1]  # three of four sentences begin with 1
    assert gains[2, 4] > 0 > gains[2, 3]  # after 2 sentences end
    assert not gains[3].any()  # of a word that stands in none nothing is known
    assert not np.tril(gains, -1).any()


@pytest.fixture
def compressor(tokenizer):
    def make(sentences, salient=(), position=None):
        ids = tokenizer(sentences, add_special_tokens=False).input_ids
        salience = Salience(len(tokenizer), tokenizer.eos_token_id)
        for word in salient:
            for piece in tokenizer(word, add_special_tokens=False).input_ids:
                salience.piece[piece] = 5.0
        data = Dataset.from_dict({"input_ids": [[*row, tokenizer.eos_token_id] for row in ids]})
        boundaries = UnitBoundaries(length_table(tokenizer))
        return Compressor(data, boundaries, salience, spellings(tokenizer), silent_pieces(tokenizer))

    return make


def compressed(compressor, tokenizer, text, length):
    ids = [*tokenizer(text, add_special_tokens=False).input_ids, tokenizer.eos_token_id]
    return tokenizer.decode(join(compressor.compress(ids, length)))


def test_salient_words_stay_in_their_order(compressor, tokenizer):
    made = compressor(["Anna opens the harbour"], salient=(" Porto", " harbour"))
    text = "The old harbour, which Anna had closed, opens in Porto today."
    assert compressed(made, tokenizer, text, 2) == "harbour Porto"


def test_what_people_write_in_a_row_stays_together(compressor, tokenizer):
    made = compressor(["Anna opens halls"] * 5 + ["halls in Porto"])
    text = "Anna said today that she opens two old halls"
    assert compressed(made, tokenizer, text, 3) == "Anna opens halls"


def test_a_word_is_not_salient_twice(compressor, tokenizer):
    made = compressor(["Anna opens halls"], salient=(" Porto",))
    assert compressed(made, tokenizer, "in Porto, near Porto, Anna opens", 2).count("Porto") == 1


def test_punctuation_stays_where_its_neighbours_do(compressor, tokenizer):
    made = compressor(["Anna opens halls"], salient=(" Porto", " Anna"))
    assert compressed(made, tokenizer, "of Porto, Anna said", 2) == "Porto, Anna"
    assert compressed(made, tokenizer, "of Porto, where Anna, too", 2) == "Porto Anna"
    ended = compressor(["Anna opens halls."] * 3 + ["Porto"], salient=(" Porto", " Anna"))
    assert compressed(ended, tokenizer, "of Porto, where Anna, too", 2) == "Porto Anna."


def test_short_texts_stay_whole(compressor, tokenizer):
    made = compressor(["Anna opens halls"])
    assert compressed(made, tokenizer, "Anna opens", 5) == "Anna opens"
    assert compressed(made, tokenizer, "Anna", 1) == "Anna"
    assert compressed(made, tokenizer, "...", 1) == "..."


def test_the_length_is_exact_in_scripts_without_spaces(chinese_tokenizer):
    tokenizer = chinese_tokenizer
    end = tokenizer.eos_token_id
    data = Dataset.from_dict({"input_ids": [[*tokenizer("图书馆", add_special_tokens=False).input_ids, end]]})
    made = Compressor(
        data,
        UnitBoundaries(length_table(tokenizer)),
        Salience(len(tokenizer), end),
        spellings(tokenizer),
        silent_pieces(tokenizer),
    )
    text = compressed(made, tokenizer, "本报讯，图书馆", 3)
    assert len(text) == 3
    assert "，" not in text


def test_the_same_document_is_compressed_alike(compressor, tokenizer):
    made = compressor(["Anna opens halls", "halls in Porto"])
    made.salience.piece.copy_(torch.randn(len(tokenizer), generator=torch.Generator().manual_seed(0)))
    text = "In Porto the old harbour, which Anna had closed, opens two halls today."
    assert len({compressed(made, tokenizer, text, 5) for _ in range(3)}) == 1
