import random

import pytest

from summgan.text.finishing import finish
from summgan.text.script import count_units, normalize
from summgan.text.vocabulary import train_tokenizer
from summgan.writing.summarizer import Summarizer

MIXED = [
    "こんにちはTuesday 今日は晴れです",
    "2024年の東京Olympics iPhoneを買った",
    "ฉันกินข้าว ที่นี่ กำลัง",
    "ខ្ញុំទៅផ្សារ ភាសាខ្មែរ",
    "안녕하세요 여러분 반가워요",
    "👩\u200d👩\u200d👧 family ❤\ufe0f 👍🏽 ok",
    "ﾊﾝｶｸ ｶﾞｷﾞ カナ",
    "The cat sat on the mat, twice.",
    "Nguyễn Văn Erdoğan ở Hà Nội",
]
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
        train_tokenizer(MIXED * 20, 600),
        train_tokenizer(english, 400),
        train_tokenizer(MIXED * 20, 500, do_lower_case=True),
    ]


@pytest.mark.parametrize("writer", ["decoder", "search"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_summaries_have_exactly_the_units_that_are_asked_for(writer, place, vocabularies, tiny_model):
    tokenizer = vocabularies[place]
    summarizer = Summarizer(tiny_model(tokenizer, writer=writer), tokenizer)
    for units in (1, 2, 3, 5, 8):
        found = summarizer(DOCUMENTS, min_words=units, max_words=units, reconstruct=False)
        for document, summary in zip(DOCUMENTS, found, strict=True):
            wanted = min(units, count_units(normalize(document)))
            assert count_units(summary.summary_text) == wanted, (document, summary.summary_text)


def test_what_looks_like_a_piece_survives_in_a_summary(vocabularies, tiny_model):
    for tokenizer in vocabularies:
        summarizer = Summarizer(tiny_model(tokenizer, writer="search"), tokenizer)
        for document in ("</s>", "<pad> <0x0A>", "▁", "a ▁ <unk>", "<0x00> <s>"):
            units = count_units(document)
            assert summarizer(document, min_words=units, max_words=units).summary_text.lower() == (
                document.lower()
            )


def test_reconstructions_are_one_line_with_marks_in_pairs(tokenizer):
    ids = tokenizer("Anna (opens\nhalls", add_special_tokens=False).input_ids
    line_break = tokenizer.convert_tokens_to_ids("<0x0A>")
    text = tokenizer.decode([*ids[:2], line_break, *ids[2:]])
    assert "\n" in text
    assert finish(tokenizer, text) == "Anna opens halls"


def test_a_finished_text_has_the_units_that_it_had(tokenizer):
    rng = random.Random(0)
    for _ in range(300):
        text = normalize("".join(rng.choice("aÉ あ「」(“”\"'.<>-") for _ in range(rng.randint(1, 12))))
        assert count_units(finish(tokenizer, text, text)) == count_units(text)
