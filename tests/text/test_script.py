import random
import unicodedata

import pytest
import regex

from summgan.text.script import (
    count_units,
    fold,
    join_units,
    normalize,
    normalize_lines,
    split_sentences,
    split_units,
    split_words,
)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Porto council to close bridge", 5),
        ("台湾大学", 4),
        ("在MIT学习", 4),
        ("U.S. gives $10,000 , twice", 5),
        ("今天 3 点", 4),
        ("สวัสดี", 4),
        ("ที่ น้ำ", 2),
        ("ສະບາຍດີ", 6),
        ("ខ្ញុំ", 1),
        ("က္က", 1),
        ("བོད་ཡིག", 5),
        ("か\u3099ガ", 2),
        ("葛\U000e0100城", 2),
        ("㊗\ufe0f今天", 3),
        ("👨\u200d👩\u200d👧", 1),
        ("今天👨\u200d👩\u200d👧好", 4),
        ("🇩🇪 🏴\u200d☠\ufe0f", 2),
        ("हिन्दी भाषा।", 2),
        ("می\u200cخواهم", 1),
        ("col·legi", 1),
        ("ＮＨＫ２０", 5),
        ("안녕하세요 여러분", 2),
        ("", 0),
    ],
)
def test_units_are_words_or_unspaced_characters(text, units):
    assert count_units(text) == units


def test_joining_units_gives_the_text_back():
    for text in ("A b c.", "台湾大学，今天", "在MIT学习 Python 语言"):
        assert split_units(join_units(split_units(text))) == split_units(text)
    assert join_units(["台", "湾"]) == "台湾"
    assert join_units(["New", "York"]) == "New York"


def test_normalizing_composes_and_cleans():
    assert normalize(" cafe\u0301\t\n au\u00a0lait\u200b\x00 ") == "café au lait"
    assert normalize("\u3000 ") == ""


def test_words_drop_case_and_punctuation():
    assert split_words("\"U.S. Don't-stop, café 3.5!") == [
        "u",
        "s",
        "don",
        "t",
        "stop",
        "café",
        "3",
        "5",
    ]
    assert split_words("今天，天气。") == list("今天天气")


def test_sentences_of_both_kinds_of_script():
    assert split_sentences('He said "no." Then he left! Why? ok') == [
        'He said "no."',
        "Then he left!",
        "Why?",
        "ok",
    ]
    assert split_sentences("今天下雨。明天呢？好！") == ["今天下雨。", "明天呢？", "好！"]
    assert split_sentences("no end") == ["no end"]


def test_normalizing_twice_changes_nothing():
    for text in (
        "e\u0301a\u0300 \u1100\u1161",
        "\ufeffa\u00ad\u200bb",
        "中\u3000文\r\n\u2028x",
        "👨\u200d👩",
    ):
        once = normalize(text)
        assert normalize(once) == once
        assert once == once.strip() and "  " not in once


def test_blanks_of_every_kind_separate_and_never_count():
    for blank in (" ", "\t", "\n", "\u00a0", "\u3000", "\u2028"):
        assert normalize(f"{blank}a{blank}{blank}b{blank}") == "a b"
        assert count_units(normalize(f"a{blank}b")) == 2


def test_joined_units_have_the_length_of_their_number():
    units = split_units("在MIT学习 Python 语言，a b")
    for count in range(len(units) + 1):
        assert count_units(join_units(units[:count])) == count


ODD_CHARACTERS = (
    "abZéßİıI.!?,'\"“”«»()[]… \t\n\x00\x0b\x1c\x85\u2028\u200b\u200c\u200d\ufeff\u00ad\u061c\u2066"
    "\u0301\u0307\u0323"
    "漢字、。！「」かガｶﾞＡ１\u3099กี่้ำเາຳខ្ញុំ។မြန်။བོད་།हिन्दी।क়বাংলাதமிழ்മലയാളംශ්‍රීشَبكـﷺلا؟۔שָׁלוֹם한\u1100\u1161ﬁ①½²™❤\ufe0f👨👩🏽🇩🇪፡።։ςΐ꧁"
)


def odd_texts(count=4000):
    rng = random.Random(0)
    for _ in range(count):
        yield "".join(rng.choices(ODD_CHARACTERS, k=rng.randrange(1, 9)))


def test_units_of_any_text_are_the_text_and_cut_no_cluster():
    for text in map(normalize, odd_texts()):
        units = split_units(text)
        assert "".join(units) == text.replace(" ", "")
        for run in text.split():
            ends = {match.end() for match in regex.finditer(r"\X", run)}
            place = 0
            for unit in split_units(run):
                place += len(unit)
                assert place in ends, (run, unit)


def test_any_number_of_first_units_joined_are_these_units():
    for text in map(normalize, odd_texts()):
        units = split_units(text)
        for count in range(len(units) + 1):
            assert split_units(join_units(units[:count])) == units[:count]


def test_words_and_normal_form_do_not_depend_on_how_a_text_comes_in():
    for text in odd_texts():
        once = normalize(text)
        assert normalize(once) == once
        ways = (once, normalize_lines(text), *(unicodedata.normalize(form, text) for form in ("NFC", "NFD")))
        for way in ways:
            assert split_words(way) == split_words(text)


def test_sentences_of_any_text_are_the_text_but_for_white_space():
    for text in odd_texts():
        for way in (text, normalize(text)):
            assert "".join("".join(split_sentences(way)).split()) == "".join(way.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी भाषा।", ["हिन्दी", "भाषा"]),
        ("বাংলা ভাষা", ["বাংলা", "ভাষা"]),
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("ਪੰਜਾਬੀ", ["ਪੰਜਾਬੀ"]),
        ("كِتَابٌ، قَلَم", ["كِتَابٌ", "قَلَم"]),
        ("שָׁלוֹם עוֹלָם", ["שָׁלוֹם", "עוֹלָם"]),
        ("می\u200cخواهم \u200cو", ["می\u200cخواهم", "و"]),
        ("ශ්\u200dරී", ["ශ්\u200dරී"]),
        ("ที่ น้ำ", ["ที่", "น้ำ"]),
        ("ខ្ញុំ។", ["ខ្ញុំ"]),
        ("བོད་ཡིག", ["བོ", "ད", "ཡི", "ག"]),
        ("かﾞｶﾞ", ["が", "ガ"]),
        ("in2024年", ["in2024", "年"]),
        ("ދިވެހި ሰላም፡ዓለም", ["ދިވެހި", "ሰላም", "ዓለም"]),
        ("ᠮᠣᠩᠭᠣᠯ\u180eᠠ", ["ᠮᠣᠩᠭᠣᠯ\u180eᠠ"]),
        ("ინგლისური ᲘᲜᲒᲚᲘᲡᲣᲠᲘ", ["ინგლისური"] * 2),
        ("👨\u200d👩\u200d👧 hi_you", ["hi", "you"]),
        ("Windows™ ©", ["windows"]),
        ("7½ 10²", ["7", "1", "2", "10", "2"]),
    ],
)
def test_marks_belong_to_their_words(text, words):
    assert split_words(text) == [unicodedata.normalize("NFC", word) for word in words]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("काम", "कम"),
        ("নদী", "নদ"),
        ("عَلِمَ", "عُلِمَ"),
        ("שָׁם", "שֵׁם"),
        ("ไม่", "ไม้"),
        ("تن\u200cها", "تنها"),
        ("അവന്\u200d", "അവന്"),
        ("café", "cafe"),
        ("sık", "sik"),
        ("10²", "102"),
        ("й", "и"),
    ],
)
def test_different_words_stay_different(first, second):
    assert split_words(first) != split_words(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("cafe\u0301", "café"),
        ("İSTANBUL", "istanbul"),
        ("İstanbul", "i\u0307stanbul"),
        ("I\u0307zmir", "izmir"),
        ("STRASSE", "Straße"),
        ("ΟΔΟΣ", "οδος"),
        ("ＮＨＫ　２０２４", "nhk 2024"),
        ("ﬁnal ﬂow", "final flow"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("ﻛﺘﺎﺏ", "كتاب"),
        ("كـتـاب", "كتاب"),
        ("don’t", "don't"),
        ("donʼt", "don't"),
        ("п’ять", "пʼять"),
        ("CO₂ m²", "co2 M2"),
        ("5㎏", "5kg"),
        ("𝐁𝐨𝐥𝐝", "bold"),
        ("葛\U000e0100", "葛"),
        ("นํ้า", "น้ำ"),
        ("क\u093cलम", "\u0958लम"),
        ("Auf\u200clage", "Auflage"),
        ("Donau\u00addampf", "Donaudampf"),
        ("\u202bשלום\u202c\u200f", "שלום"),
        ("\ufeffab\u2060c", "abc"),
        ("각", "\u1100\u1161\u11a8"),
        ("ինչո՞ւ", "ԻՆՉՈՒ"),
    ],
)
def test_what_people_hold_equal_is_equal(first, second):
    assert split_words(first) == split_words(second) != []
    assert fold(first).split() == fold(second).split()


@pytest.mark.parametrize(
    "control", [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)]
)
def test_control_characters_separate(control):
    assert normalize(f"{control}one{control}two{control}") == "one two"
    assert split_words(f"one{control}two é{control}ü") == ["one", "two", "é", "ü"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "👨\u200d👩\u200d👧 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥",
            "👨\u200d👩\u200d👧 👩🏽\u200d🚀 ❤\ufe0f\u200d🔥",
        ),
        ("می\u200c\u200cخواهم", "می\u200cخواهم"),
        ("COVID\u200cها ۲۰\u200cساله", "COVID\u200cها ۲۰\u200cساله"),
        ("ක්\u200dෂ അവന്\u200d.", "ක්\u200dෂ അവന്\u200d."),
        ("a\u200db \u200c\u200d漢\u200c字", "ab 漢字"),
        ("e\u200d\u0301 e\u200b\u0301", "é é"),
        ("a\u200eb\u202ec\u2069 \u061cم", "abc م"),
    ],
)
def test_joiners_stay_where_they_mean_something(text, kept):
    assert normalize(text) == kept


def test_lines_are_kept_where_they_count():
    assert normalize_lines(" a  b\r\n\n c\x00d\u2028e\rf ") == "a b\nc d\ne\nf"
    assert normalize_lines(" \n ") == ""


@pytest.mark.parametrize(
    "text",
    [
        "Am 31. August kam er.| Es war 1999.| Dann ging er.",
        "Dr. Smith met Mr. Jones.| They left.",
        "The U.S. Army won.| It left.",
        "Er hat z. B. Hunde, d. h. Tiere.| Gut.",
        "See No. 5, fig. 3 and p. 12 of it.| Done.",
        "No.| She said so.| Abb. 3 und Tab. 4 sind gut.[1][2]| Ende.",
        "J. R. R. Tolkien and J.-P. Sartre wrote it.| Good.",
        "It rose 3.5 percent.| Then it fell.",
        "They won 3-2.| He left St. Petersburg, etc. and more.| End.",
        "At St. John’s.| At Tom's.| Yes.",
        "Wait…| What?!| No!!!| Wait... and see.| Ok.",
        'He said "no."| Then he left!| Why?| ok',
        "“Why?” he asked.| (No one knew.)| Yahoo! shares fell.| Good.",
        "Is it true (?) and good (see p. 3).| [Next one.]| End.",
        "Il a dit « Bonjour. »| Il partit.",
        "Er kam.| »Wer da?«| Niemand.| „Komm.“| Sie kam.",
        "¿Qué?| ¡Ay!| En EE. UU. hay más.",
        "А. С. Пушкин, т. е. поэт, жил на ул. Мира.| Он умер.",
        "Ludwig XIV. König und Prof. Dr. h. c. Meyer.| Ja.",
        "all is lower.| the u.s. army won.| yes.",
        "It cost 10,000.| He has Covid-19.| Then.",
        "यह डॉ. राम है।| वह गया॥| अब",
        "है।|वह",
        "그런 것.| 저것은 펜이다.",
        "ما هذا؟| هذا كتاب.| یہ کتاب ہے۔| وہ",
        "今天。|明天！|后天？！|好",
        "他说：“我走了。”我没说话。|“好。”",
        "「行こう。」と言った。|「次。」|「いや」",
        "真的吗?|我不信!|好",
        "これは３．５です．|それは",
        "Սա է։| Այո։",
        "ነው።| አዎ፧| ኦ",
        "នេះ។| နោ၊ ဟုတ်။| མ།| མ",
        "...",
        "A",
    ],
)
def test_sentences_end_where_they_do(text):
    assert split_sentences(text.replace("|", "")) == [piece.strip() for piece in text.split("|")]
