import pytest
from tests_support import MIXED

from summgan.text.script import count_units, normalize
from summgan.text.vocabulary import Vocabulary
from summgan.writing.summarizer import Summarizer

DOCUMENTS = [
    *MIXED,
    "こんにちはTuesday",
    "MondayこんにちはTuesdayさようなら Wednesday",
    "今天，好。",
    "a - b",
    "</s> <pad> x <0x0A> ▁ y",
    "今天「天气 (a b",
    "2024年12月31日に",
    "。。。",
    "葛\U000e0100城市 あ\u3099 test",
    "हिन्दी ကျွန်တော် عربي",
    "あ a あ a",
]


@pytest.fixture(scope="module")
def vocabularies():
    english = ["The cat sat on the mat and it is good, now."] * 50
    return [
        Vocabulary.train(MIXED * 20, 600),
        Vocabulary.train(english, 400),
        Vocabulary.train(MIXED * 20, 500, do_lower_case=True),
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_summaries_have_exactly_the_units_that_are_asked_for(place, vocabularies, tiny_model):
    vocabulary = vocabularies[place]
    summarizer = Summarizer(tiny_model(vocabulary.tokenizer), vocabulary)
    for units in (1, 2, 3, 5, 8):
        found = summarizer(DOCUMENTS, min_words=units, max_words=units, reconstruct=False)
        for document, summary in zip(DOCUMENTS, found, strict=True):
            wanted = min(units, count_units(normalize(document)))
            assert count_units(summary.summary_text) == wanted, (document, summary.summary_text)
