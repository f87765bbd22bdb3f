import random

import pytest

from summgan.text.punctuation import balanced
from summgan.text.script import count_units

MARKS = '“”‘’"«»„‹›()[]{}「」『』（）【】《》'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('He said "no', "He said no"),
        ("the (ECJ supreme court", "the ECJ supreme court"),
        ("supreme court) rules", "supreme court rules"),
        ("„Hallo sagt er", "Hallo sagt er"),
        ("the “new’ one", "the new’ one"),  # as in "students’"
        ("end.’ And", "end. And"),
        ("‘I don’t know", "I don’t know"),
        ("([)]", "()"),
        ('use foo" and "bar', "use foo and bar"),
        ('Historically "git stash [<options>] saves', "Historically git stash [<options>] saves"),
        ("(thanks :)", "thanks :)"),
        ("他说“好了", "他说、好了"),
        # A mark that is a unit becomes a dash or comma, so that the length stays the same.
        ("a ( b", "a – b"),
        ("(", "–"),
        ('("', "–"),
        ("今天「天气很好", "今天、天气很好"),
        ("在(学", "在、学"),
    ],
)
def test_marks_without_partner_are_taken_out(text, expected):
    assert balanced(text) == expected
    assert count_units(expected) == count_units(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No mark at all.",
        "don’t, ’90s, students’ don't '90s students' rock ’n’ roll",
        'He is 5’10” tall, 5\'10" or 6" more',
        "‘I don’t know’ (she [or he] said)",
        "„Hallo“ sagt „Polak” »Ja« «non» ”hej” ‹a› ›b‹",
        '"a "b" c" ""',
        "今天「天气『很』好」（注）【甲】《乙》",
        'foo("bar")[0] = {"a": 1} or x="y"',
        "good :) bad :( or ;-)",
        "他说“好”了",
    ],
)
def test_balanced_texts_stay_as_they_are(text):
    assert balanced(text) == text


def test_any_text_keeps_its_length_and_needs_no_second_time():
    rng = random.Random(0)
    for _ in range(3000):
        text = "".join(rng.choice(MARKS + " aé1あ.-:'\u0301") for _ in range(rng.randint(1, 14)))
        text = " ".join(text.split())
        result = balanced(text)
        assert count_units(result) == count_units(text), text
        assert balanced(result) == result
        assert bool(result) == bool(text)
        for opening, closing in ("()", "[]", "{}", "「」", "『』", "（）", "【】", "《》"):
            if ":" not in text:  # nor an emoticon
                assert result.count(opening) == result.count(closing), text
