"""Baselines without learning: the lead, and a rule that drops function words from it.

Both have any length, so that a system can be compared at its own length, because ROUGE grows with length.
"""

from __future__ import annotations

import regex

from summgan.text.script import fold, is_unspaced, join_units, split_units

_ARTICLES = "a an the this that these those its his her their our my your"
_PRONOUNS = "i you he she it we they them him us me who whom which what whose there"
_PREPOSITIONS = (
    "about above across after against along among around as at before behind below between by despite "
    "down during for from in into near of off on onto out over per since through to toward towards "
    "under until up upon via with within without"
)
_CONJUNCTIONS = "and or but nor so yet if because while when where although though than then"
_AUXILIARIES = (
    "am is are was were be been being has have had having do does did will would shall should can "
    "could may might must"
)
_ADVERBS = "also just only very more most some any all both each such own other not no now here too"
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday today yesterday tomorrow"
_SAYING = (
    "say says said saying tell tells told announce announces announced report reports reported "
    "according add adds added"
)

FUNCTION_WORDS = frozenset(
    " ".join(
        (
            _ARTICLES,
            _PRONOUNS,
            _PREPOSITIONS,
            _CONJUNCTIONS,
            _AUXILIARIES,
            _ADVERBS,
            _WEEKDAYS,
            _SAYING,
        )
    ).split()
)
"""English function words, weekday names and verbs of saying, which `rule` drops."""

_UNSPACED_DROPPED = frozenset("的了在是和与及为对将于从被把着等也就都而其说")
_PUNCTUATION = r"[\p{Terminal_Punctuation}\p{Quotation_Mark}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Pd}]+"
_EDGES = regex.compile(f"^{_PUNCTUATION}|{_PUNCTUATION}$")


def is_function_word(word: str) -> bool:
    """Tell whether `rule` drops a word (a character, in scripts without spaces)."""
    bare = fold(_EDGES.sub("", word))
    if not bare:
        return True
    return bare in _UNSPACED_DROPPED if is_unspaced(bare[0]) else bare in FUNCTION_WORDS


def lead(document: str, length: int) -> str:
    """Return the first ``length`` units of a document."""
    return join_units(split_units(document)[:length])


def rule(document: str, length: int) -> str:
    """Return the first ``length`` units that are not function words, weekday names or verbs of saying.

    The function words are English, with a few Chinese characters; in other languages this is `lead` without
    the punctuation around words. The result is shorter if the document has too few such units.
    """
    kept = [unit for unit in split_units(document) if not is_function_word(unit)]
    return join_units(_EDGES.sub("", unit) for unit in kept[:length])
