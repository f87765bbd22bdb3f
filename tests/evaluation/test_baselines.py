from summgan.evaluation.baselines import is_function_word, lead, rule

DOCUMENT = "On Tuesday, the council of Porto said that it would close the harbour bridge."


def test_the_lead_is_the_first_units():
    assert lead(DOCUMENT, 4) == "On Tuesday, the council"
    assert lead("今天天气很好", 3) == "今天天"
    assert lead("short", 9) == "short"


def test_the_rule_drops_function_words_weekdays_and_saying():
    assert rule(DOCUMENT, 4) == "council Porto close harbour"
    assert rule(DOCUMENT, 99) == "council Porto close harbour bridge"
    assert rule("我的书和他在说", 3) == "我书他"


def test_function_words_are_recognised_with_case_and_punctuation():
    assert all(map(is_function_word, ("The", "said,", "monday", "的", "—")))
    assert not any(map(is_function_word, ("Porto", "bridge.", "书")))


def test_baselines_cut_no_cluster_and_know_the_punctuation_of_every_script():
    assert lead("ที่นี่ดี", 2) == "ที่นี่"
    assert lead("今天👨\u200d👩\u200d👧好", 3) == "今天👨\u200d👩\u200d👧"
    assert rule("हिन्दी। भाषा، «Porto»", 3) == "हिन्दी भाषा Porto"
    assert is_function_word("ＴＨＥ") and is_function_word("«the»") and is_function_word("।")
