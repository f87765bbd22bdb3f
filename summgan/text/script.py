"""Text of any script: normalization, units of length, words for scoring, and sentences.

There are two views of a text:

- **Units** measure length. A unit is a token between blanks or, in scripts that are written without blanks,
  one grapheme cluster: what readers see as one character, a letter with its vowel signs and tone marks.
- **Words** are for counts of overlap (ROUGE, copy rates): runs of letters, with their marks, and digits after
  `fold`; in scripts without blanks, single clusters. Punctuation is dropped.

Scripts and clusters are those of Unicode, as the library `regex` has them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import groupby, pairwise

import regex


def _any_of(scripts: str) -> str:
    """Make a character class of the characters of some scripts, shared ones included."""
    return "".join(rf"\p{{Script_Extensions={name}}}" for name in scripts.split())


# Tibetan has blanks, but only after clauses.
_WITHOUT_BLANKS = _any_of(
    "Balinese Bopomofo Han Hiragana Javanese Katakana Khmer Lao Myanmar New_Tai_Lue Nushu Tai_Le Tai_Tham "
    "Tai_Viet Tangut Thai Tibetan Yi"
)
# Characters that Latin shares with them (a raised dot, accents) do not count; full-width forms do.
_UNSPACED_CHARACTER = regex.compile(
    rf"[[{_WITHOUT_BLANKS}--\p{{Script_Extensions=Latin}}]"
    r"\p{Block=CJK_Symbols_And_Punctuation}\p{Block=Halfwidth_And_Fullwidth_Forms}]",
    regex.VERSION1,
)
_ATTACHING = regex.compile(r"[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}\p{GCB=Prepend}]")
_CLUSTER = regex.compile(r"\X")

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Invisible characters: soft hyphens, zero-width breaks, byte order marks, and direction marks and controls.
_INVISIBLE = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_UNSEEN = re.compile(f"{_CONTROL.pattern}|{_INVISIBLE.pattern}|[\u200c\u200d]")
# In these scripts, joiners say how letters connect, and distinguish words; elsewhere they combine emoji.
_CONNECTING = (
    r"[[\p{L}\p{M}]&&["
    + _any_of(
        "Arabic Syriac Mandaic Nko Mongolian Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada "
        "Malayalam Sinhala Tibetan Myanmar Khmer Balinese Javanese Tai_Tham"
    )
    + "]]"
)
_JOINERS = regex.compile("([\u200c\u200d])[\u200c\u200d]+")
_IDLE_JOINER = regex.compile(
    rf"(?<!{_CONNECTING})(?!(?<=\p{{Extended_Pictographic}}[\ufe0f\p{{Emoji_Modifier}}]?)\u200d"
    rf"\p{{Extended_Pictographic}})[\u200c\u200d](?!{_CONNECTING})",
    regex.VERSION1,
)

_ASCII_WORD = re.compile("[a-z0-9]+")
_WORD = regex.compile(r"[\p{L}\p{N}](?:[\p{L}\p{N}\p{Mn}\p{Mc}]|\u200d|[\u200c\u180e](?=[\p{L}\p{N}]))*")


def normalize(text: str) -> str:
    """Normalize a text to one line of composed characters (NFC).

    Runs of control characters and white space become single blanks, and invisible characters are removed.
    Zero-width joiners stay where they have a meaning (Persian, Indic scripts, emoji).
    """
    return " ".join(_composed(text).split())


def normalize_lines(text: str) -> str:
    """Apply `normalize` to each line, and drop empty lines; for texts whose lines count."""
    return "\n".join(filter(None, map(normalize, text.splitlines())))


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", _cleaned(text))


def _cleaned(text: str) -> str:
    """Remove control characters and invisible ones."""
    if not _UNSEEN.search(text):
        return text
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", _CONTROL.sub(" ", text)))
    return _IDLE_JOINER.sub("", _JOINERS.sub(r"\1", text))


@cache
def is_unspaced(character: str) -> bool:
    """Tell whether a character belongs to a script that is written without blanks."""
    return _UNSPACED_CHARACTER.match(character) is not None


@cache
def _attaches(character: str) -> bool:
    """Tell whether a character forms one cluster with the one before or after it."""
    return _ATTACHING.match(character) is not None


def split_units(text: str) -> list[str]:
    """Split a text into units of length, in order; ``len(split_units(text))`` is its length."""
    if text.isascii():
        return text.split()
    spread = text.translate(_SPREAD)
    if _ATTACHED not in spread:
        return spread.split()
    units = []
    for run in text.split():
        if not any(map(is_unspaced, run)):
            units.append(run)
            continue
        for unspaced, clusters in groupby(_CLUSTER.findall(run), lambda cluster: is_unspaced(cluster[0])):
            together = list(clusters)
            units += together if unspaced else ["".join(together)]
    return units


class _Spread(dict):
    """Maps a character to itself, with blanks around a unit, and a sign before one that may attach."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        spread = f" {character} " if is_unspaced(character) else character
        self[code] = _ATTACHED + spread if _attaches(character) else spread
        return self[code]


_SPREAD = _Spread()
_ATTACHED = "\ufdd0"  # a code point that is never a character


def count_units(text: str) -> int:
    """Count the units of a text: tokens between blanks, or clusters in scripts without blanks."""
    return len(split_units(text))


def join_units(units: Iterable[str]) -> str:
    """Join units to a text, with a blank between two units that need one."""
    parts, previous = [], ""
    for unit in units:
        if previous and _blank_between(previous, unit):
            parts.append(" ")
        parts.append(unit)
        previous = unit
    return "".join(parts)


def _blank_between(before: str, after: str) -> bool:
    """Tell whether two units need a blank between them to stay these units."""
    last, attached = before[-1], _attaches(before[-1]) or _attaches(after[0])
    if len(before) > 1 and (attached or is_unspaced(last)):
        last = _CLUSTER.findall(before[-32:])[-1]
    if not is_unspaced(last[0]) and not is_unspaced(after[0]):
        return True
    return attached and len(_CLUSTER.findall(last + after[0])) == 1


def fold(text: str) -> str:
    """Fold a text for comparison, so that forms that people consider equal are equal.

    This folds case (ß is ss; Turkish İ is i, while ı stays a letter of its own), composed and decomposed
    characters, and compatibility forms: full and half width, ligatures, positional forms of Arabic letters,
    and raised and lowered digits (but not after a digit: 10² is not 102). All apostrophes become straight
    ones, and characters that only shape a word (stretched Arabic, variants) are removed. Accents and vowel
    points stay, because they distinguish words.
    """
    text = _composed(text)
    if text.isascii():
        return text.lower()
    text = text.translate(_FOLDED)
    if _SMALL in text:
        text = _SMALL_AFTER_DIGIT.sub(" ", text).replace(_SMALL, "")
    text = _NIKHAHIT.sub(_sara_am, _DOTTED_I.sub("i", text))
    return unicodedata.normalize("NFC", text)


_SMALL = "\u2060"  # marks the digits of a raised one or a fraction; invisible, so never in a cleaned text
_SMALL_AFTER_DIGIT = re.compile(rf"(?<=\d){_SMALL}")
# Thai and Lao AM is one character; if it is typed as two, a tone mark may be between them.
_NIKHAHIT = re.compile("(?:\u0e4d([\u0e48-\u0e4b]?)\u0e32)|(?:\u0ecd([\u0ec8-\u0ecb]?)\u0eb2)")
_DOTTED_I = re.compile("i\u0307+")
_APOSTROPHE = re.compile("[\u02b9\u02bb-\u02bd\u2018\u2019\ua78c]")  # curved ones, and letters of this shape
# Stretching of Arabic, variants, and the Armenian marks over a vowel inside a word ("ինչո՞ւ").
_VANISHING = regex.compile(r"[\u0640\u034f\u055b\u055c\u055e\u055f\p{Variation_Selector}]")


def _sara_am(match: re.Match) -> str:
    return f"{match[1]}\u0e33" if match[1] is not None else f"{match[2]}\u0eb3"


class _Folded(dict):
    """Maps a character to its form in `fold`, computed when it is first needed."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        plain = unicodedata.normalize("NFKC", character)
        if character in "\u0e33\u0eb3":
            folded = character
        elif character in "\u2120\u2122":  # service and trade marks are not part of a name
            folded = " "
        else:
            small = unicodedata.category(character) == "No" and plain != character
            folded = _SMALL * small + unicodedata.normalize("NFKC", plain.casefold())
        self[code] = _APOSTROPHE.sub("'", _VANISHING.sub("", folded))
        return self[code]


_FOLDED = _Folded()


# A zero-width non-joiner or Mongolian vowel separator; or a joiner, unless it forms a letter after a mark.
_LOOSE_END = regex.compile(r"(?:[\u200c\u180e]|(?<!\p{M})\u200d)+$")


def split_words(text: str) -> list[str]:
    """Split a text in any script into words for counts of overlap, folded and without punctuation."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    text = _composed(text)
    spread = text.translate(_SPREAD_WORDS)
    if _ATTACHED not in spread:
        return spread.split()
    words = split_units(" ".join(_WORD.findall(fold(text))))
    # A joiner at the end of a word, where the text was split, joins nothing.
    return [word for word in (_LOOSE_END.sub("", word) for word in words) if word]


class _SpreadWords(dict):
    """Like `_Spread`, but folded, with blanks for punctuation, and a sign for what depends on neighbours."""

    def __missing__(self, code: int) -> str:
        folded = _FOLDED[code]
        if _CONTEXTUAL.search(folded):
            self[code] = _ATTACHED
        else:
            self[code] = "".join(_SPREAD[ord(c)] if _WORD.match(c) else " " for c in folded)
        return self[code]


_SPREAD_WORDS = _SpreadWords()
_CONTEXTUAL = regex.compile(rf"[\p{{M}}\p{{GCB=L}}\p{{GCB=V}}\p{{GCB=T}}\u200c\u200d\u180e{_SMALL}]")


# Abbreviations, without those of one letter, of a doubled letter, or with a full stop inside.
_ABBREVIATIONS = frozenset(
    # English: titles, firms, places, and words of notes
    "mr mrs ms dr prof st rev fr sr jr messrs gen col maj capt cpt cmdr lt sgt cpl adm gov sen rep pres hon "
    "supt det insp inc ltd corp co bros cos llc dept univ assn mt ft ave blvd rd hwy vs etc cf al viz approx "
    "ed eds "
    # German
    "bzw usw evtl ggf ca inkl exkl zzgl vgl sog bspw hrsg str mio mrd jh dipl ing hr frl geb gest verh "
    # French, Spanish, Portuguese, Italian, Dutch
    "mme mlle mgr env av apr boul sra srta dra ud uds avda admón gral lic exmo dott avv sig ecc dhr mevr drs "
    "bijv enz resp jhr "
    # Scandinavian, Finnish, Polish, Czech, Hungarian, Turkish, Indonesian, Vietnamese
    "dvs mfl osv esim tzn tzw np gen dyr hab inż tzv např atd apod mudr stb pl vb doç cad mah dll dsb tp "
    # Russian, Greek
    "им ул пр проф акад доц тов гг стр руб тыс млн млрд напр обл см ср рис κκ δρ αρ σελ".split()
)
_SHORT = 4  # letters of a word that is an abbreviation before a number ("No. 5", "Abb. 3")
_FULL_STOPS = "[.!?\u2026\u203c\u203d\u2047-\u2049]"
# Marks of other scripts end a sentence with or without a blank, except the one between Burmese clauses.
# Quotes, brackets and numbers of notes ("[1]") after a mark belong to the sentence.
_SENTENCE_MARK = regex.compile(
    rf"(?P<marks>(?:{_FULL_STOPS}|[\p{{Sentence_Terminal}}\u0f0d\u0f0e--\u104a])+)"
    r"(?P<closing>(?:[\p{Pe}\p{Pf}\"'\u00b4]|\p{Pi}(?=\s|$)|\[\p{Nd}+\])*)(?:\s[\u00bb\u203a](?=\s|$))?",
    regex.VERSION1,
)
_FULL_STOP = re.compile(_FULL_STOPS)
_BLANKS = re.compile(r"\s*")
_OPENING = regex.compile(r"[\p{Ps}\p{Pi}\p{Pf}\"'\u00b4\u00bf\u00a1\p{Pd}]*")
_GOING_ON = regex.compile(r"[,;:.!?%\u060c\u061b\u3001\uff0c\uff1a\uff1b\p{Pe}]")
_WIDE_FULL_STOP = "\uff0e"  # a decimal point after digits, and for initials
_LAST_WORD = regex.compile(r"[\p{L}\p{M}\p{N}.'\u2019\u200c\u200d]*$")
_INITIAL = regex.compile(r"(?=[\p{L}--\p{Hangul}])\X", regex.VERSION1)
_INITIALS = regex.compile(r"(?:\p{L}+['\u2019])?(?:[\p{L}\p{M}]{1,4}\.)+[\p{L}\p{M}]{1,4}|(\p{Lu})\1")
_ORDINAL = regex.compile(r"(?:\p{Nd}{1,3}\.[/\u2013-])*\p{Nd}{1,3}|\p{Nd}{1,2}\.\p{Nd}{1,2}|[IVXLC]{2,}")


def split_sentences(text: str) -> list[str]:
    """Split a text into sentences; a text without end marks is one sentence.

    The language is not known, so a full stop that may belong to an abbreviation, an initial or a number
    ("U.S. The", "31. August") does not end a sentence.

    Returns:
        Sentences in order; joined with white space, they are the text.
    """
    ends = [0, *sentence_ends(text), len(text)]
    pieces = (text[start:end].strip() for start, end in pairwise(ends))
    return [piece for piece in pieces if piece]


def sentence_ends(text: str) -> list[int]:
    """Find the ends of sentences.

    Returns:
        Index after the marks of each end, in ascending order; see `split_sentences`. A text that does not end
        with a mark has none at its end.
    """
    lower = text.islower()
    return [match.end() for match in _SENTENCE_MARK.finditer(text) if _ends_sentence(text, match, lower)]


def _ends_sentence(text: str, match: regex.Match, lower: bool) -> bool:
    """Tell whether a mark ends a sentence; in a text that is all ``lower``, case tells nothing."""
    marks, closing, before = match["marks"], match["closing"], text[match.start() - 1 : match.start()]
    blanks = _BLANKS.match(text, match.end())
    after = blanks.end() if blanks else match.end()
    following, blank = text[after : after + 1], after > match.end()
    if not following:
        return True
    # "(?)" is a remark.
    if _GOING_ON.match(following) or (before and unicodedata.category(before) == "Ps"):
        return False
    if not _FULL_STOP.match(marks[-1]):
        if marks == _WIDE_FULL_STOP and not regex.match(r"[\p{Han}\p{Hiragana}\p{Katakana}]", before):
            return False
        return blank or not closing or unicodedata.category(following) in ("Ps", "Pi")
    if not blank:  # a Latin mark in a text without blanks
        return marks[-1] in "!?" and not closing and is_unspaced(following) and is_unspaced(before or " ")
    begin = text[(place := _OPENING.match(text, after).end()) : place + 1]
    goes_on = begin.islower() and not lower
    if "?" in marks:
        return not (goes_on and closing)
    if goes_on:
        return False
    return marks != "." or not _abbreviates(text[max(0, match.start() - 40) : match.start()], begin)


def _abbreviates(before: str, begin: str) -> bool:
    """Tell whether a full stop may belong to what is before it; ``begin`` is the first character after."""
    token = _OPENING.sub("", re.split(r"\s", before)[-1], count=1)
    word = _LAST_WORD.search(token)[0].strip(".'\u2019")
    return bool(
        _ORDINAL.fullmatch(token)
        or _INITIALS.fullmatch(word)
        or word.casefold() in _ABBREVIATIONS
        or (len(word) <= _SHORT and word.isalpha() and begin.isdigit())
        or (_INITIAL.fullmatch(word) and not is_unspaced(word[0]))
    )
