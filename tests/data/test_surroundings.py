"""Made-up texts around sentences: they contain the sentence, and have the right probabilities."""

from collections import Counter
from math import comb

import numpy as np
import pytest

from summgan.data.surroundings import Surroundings

DOCUMENTS = [[1, 2, 3, 4], [1, 5, 3, 6], [2, 3, 4], [7, 3, 6, 4], [3, 3, 4, 4]]


def hides(text, sentence):
    rest = iter(text)
    return all(word in rest for word in sentence)


def test_texts_hide_the_sentence_and_are_longer():
    model = Surroundings(DOCUMENTS, order=2, longest=7)
    for sentence in ([1, 4], [3], [2, 4], [1, 3, 4]):
        texts = model.around(sentence, 20, np.random.default_rng(0))
        assert len(texts) == 20
        assert all(hides(text, sentence) and len(sentence) < len(text) <= 7 for text in texts)
    assert model.around([9, 1], 3, np.random.default_rng(0)) == []  # a word that no document has
    assert model.around([4, 7], 3, np.random.default_rng(0)) == []  # an order that none can have


def chance(text):
    """Probability of a text under the model of bigrams."""
    following = Counter()
    for words in DOCUMENTS:
        following.update(zip([0, *words], [*words, -1], strict=True))
    whole = Counter()
    for (first, _), count in following.items():
        whole[first] += count
    pairs = zip([0, *text], [*text, -1], strict=True)
    return float(np.prod([following[pair] / whole[pair[0]] for pair in pairs]))


def test_each_text_is_drawn_as_often_as_it_should_be():
    model = Surroundings(DOCUMENTS, order=2, longest=5)
    drawn = Counter(map(tuple, model.around([3, 4], 6000, np.random.default_rng(1))))
    expected = {text: chance(text) / comb(len(text), 2) for text in drawn}
    total = sum(expected.values())
    for text, count in drawn.items():
        assert count / 6000 == pytest.approx(expected[text] / total, abs=0.02)
    assert len(drawn) >= 3
