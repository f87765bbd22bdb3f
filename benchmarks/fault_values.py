"""Unusual texts, values, lines, names and options, from which the tries of `faults.py` choose."""

from __future__ import annotations

import base64
import math

import pandas
import torch

LONG = base64.b64encode(bytes(range(256)) * 20).decode()
ODD_TEXTS = (
    "", "   ", "\u200b", "\x00", "a\x00b", "\x1b[31mred", "\x0b\x0c\x1c\x85", "\ufeff", "\u2028",
    "=" * 5000, LONG, f"[{LONG}]", "\U0001f600" * 500, "</s><pad><unk>", "<0x0A>" * 20, "\u2581" * 50,
    "0" * 3000, "x" * 20000, "\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd \u0928\u092e\u0938\u094d\u0924\u0947",
    "a" + "\u0301" * 300, "?!" * 800, "http://example.org/" + "a/" * 800, "=1+1", "+cmd|' /C calc'!A0",
    "\u202eabc", "\ufffe\uffff",
)  # fmt: skip
ODD_VALUES = (
    None, 3, 2.5, True, [], ["a"], {}, {"a": 1}, float("nan"), float("inf"), 10**400,
)  # fmt: skip
ODD_LINES = (
    b"{broken", b"[1]", b"null", b"NaN", b"17", b'"', b"{}", b"[" * 100_000, b'{"a":' * 50_000,
    b"1" * 6000, b'{"text": "x"} {"text": "y"}', b'{"text": "x",}', b"{'text': 'x'}",
    b'{"text": "caf\xe9"}', b"\xff\xfe\x00", b'{"text": "\\ud800"}', b'{"text": "\\udc00\\ud800 x"}',
    b'{"text": "x", "n": ' + b"9" * 6000 + b"}", b'{"text": "x", "n": 1e999999}',
    b'{"text": "x", "text": "y"}', b'{"text": ' + b"[" * 5000 + b"}", b"\x00", b'{"text": "x"',
    b"// comment", b'{"text": "a\tb"}', b'{"id": "\\ud83d", "text": "some words"}',
)  # fmt: skip
ODD_IDS = (
    "{}", "doc-{}", "a\u2028{}", "\u2029{}\u0085", "={}+1", "-{}", "\u00e9{}", "{}\U0001f600", " {} ",
    '"{}",', "'{}",
)  # fmt: skip
ODD_NAMES = (
    "in", "a b", "[x]", "\u00fc", "x\u2028y", "x\ny", "%s{}", "-x", "a" * 200, "*", "caf\udce9", "x\x85",
    "~", "#",
)  # fmt: skip
PIECES = (
    *ODD_TEXTS, "नमस्ते दुनिया। यह एक छोटा वाक्य है।", "বাংলা ভাষায় একটি বাক্য।",
    "தமிழ் மொழியில் ஒரு வாக்கியம்.", "ภาษาไทยเขียนไม่มีช่องว่าง",
    "اللُّغَةُ العَرَبِيَّةُ جَمِيلَةٌ؟ نعم.", "עִבְרִית מְנֻקֶּדֶת", "ភាសាខ្មែរ", "မြန်မာဘာသာ",
    "བོད་སྐད་", "ລາວ", "한국어 문장입니다.", "\u1112\u1161\u11ab", "こんにちはTuesday",
    "今天天气很好。我们去公园！", "İstanbul'da ILIK ılık", "ﷺ" * 200, "ﬁne ﬂow", "１２３ ＡＢＣ",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "👩‍👩‍👧‍👦" * 200, "🇩🇪🇫🇷" * 300, "👍🏽", "Z" + "\u0334\u0335\u0336" * 100 + "algo",
    "\U0010ffff\ue000", "\u2067abc\u2069", "T. S. Eliot, U.S., z. B. am 31. August, Dr. No.",
    "GIT_REFLOG_ACTION eBay iPhone (WHO)", "a.b.c@d.e", "C:\\x\\y", "| a | b |\n|---|---|\n| 1 | 2 |",
    '{"a": [1, 2]}', "<p>Hi &amp; bye</p>", "def f(x):\n    return x ** 2", "$" * 2000,
    "3.14159 1,234,567.89 -1e-9 0x1F", "“quoted ‘twice’” (and [so] {on})", "((((((((", "‘", "-", ".",
    "a", "I", "\ud800", "x\udfffy", "\x7f\x80\x9f", "word\u00a0word\u3000word\u2009word",
    "\u2581\u2581the\u2581", "<unk> <s>", "��", base64.b64encode(bytes(4000)).decode(), "deadbeef" * 500,
    "_" * 4000, "ab" * 10_000, "nope " * 4000, "é" * 3000,
)  # fmt: skip
ODD_ARGUMENTS = (
    0, -1, 3.0, 2.5, math.nan, math.inf, 1e300, 10**30, -(10**30), "5", "", "x", b"x", [], [3], {}, (),
    object(), {3},
)  # fmt: skip
ODD_TEXT_ARGUMENTS = (
    None, 3, 2.5, b"x", {}, {"a": 1}, [None], [3], ["x", None], [["x"]], math.nan, object(), "", " ",
    "\x00", [""], {"text"}, pandas.Series(["x", None]), pandas.Series([1.5]), (t for t in [None]),
    torch.zeros(2), [b"x"], True,
)  # fmt: skip
ODD_STRINGS = (
    "", " ", "0", "-1", "1.5", "nan", "inf", "1e999", "99999999999999999999", "-99999999999999999999",
    "true", "null", "[]", "{}", "[1,", "x", "é", "\u2028", "\x00", "'", '"', "--", "missing/x",
    "missing/x.jsonl", ".", "file.txt", "*", "a" * 5000, "{x: 1}", "!!python/name:os.system", "&a [*a]",
    "5", "1e3", "0x10", "cuda:99", "meta", "int8",
)  # fmt: skip
