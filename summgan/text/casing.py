"""Truecasing, for models whose tokenizer drops case: learned from text, and read off the document.

A model that reads lower case sees one word instead of two or three: "Police" at the beginning of a document
is the "police" of a summary, and can be copied. This module restores the case of what the model writes, from
the running text of the document, or else from the most frequent form in the training text (Lita 2003).

Tokens between blanks ("t-SNE", "I/O", "(WHO)") are compared with the document first, then their words. An
identifier such as ``GIT_REFLOG_ACTION`` is one word, and its parts tell nothing about other words.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import regex

from summgan.files import write_text

TRUECASE_FILE = "truecase.json"
"""Name of the file of a truecaser, beside the tokenizer."""
_CASED = r"[[\w\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"
_WORD = regex.compile(rf"(?V1){_CASED}+(?:\.{_CASED}+)*")
_TOKEN = regex.compile(r"\S+")
_CORE = regex.compile(r"[\w\p{M}](?:\S*[\w\p{M}])?")  # a token without the punctuation around it
_IDENTIFIER = regex.compile(r"[_=<>\\@#$*+~^|{}/`]|\(\)|::")
_AFTER_TOKEN = ".,;:!?\u2026"
_BEGINNING = frozenset('.!?:;\u2026"\u201c\u2018([')
_LEAST = 3  # smallest number of occurrences of a form that counts


@dataclass(frozen=True)
class Truecaser:
    """Restores the case of words, by default to the most frequent one.

    Attributes:
        forms: Most frequent form in running text, by folded word: of names and abbreviations, and of other
            words that also begin sentences.
        capitalize: Whether texts begin with a capital letter.
    """

    forms: dict[str, str]
    capitalize: bool

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Truecaser:
        """Make a truecaser by counting the forms of words inside sentences and at their beginnings."""
        inside: dict[str, Counter] = defaultdict(Counter)
        begins: Counter[str] = Counter()
        capitals = count = 0
        for text in texts:
            count += 1
            capitals += text[:1].isupper()
            for _, words in _tokens(text):
                for word, first in words:
                    if not first:
                        inside[fold(word)][word] += 1
                    elif not word.islower():
                        begins[fold(word)] += 1
        forms = {}
        for key, counts in inside.items():
            form, occurrences = counts.most_common(1)[0]
            if occurrences >= _LEAST and (form != form.lower() or begins[key] >= _LEAST):
                forms[key] = form
        return cls(forms, capitals > count / 2)

    def restore(self, text: str, document: str = "") -> str:
        """Restore the case that the words of a text have in the document, or else in general."""
        forms = _Forms(document)

        def word(match: regex.Match) -> str:
            key = fold(match[0])
            return forms.surely(key) or self.forms.get(key) or forms.elsewhere(key) or match[0]

        def token(match: regex.Match) -> str:
            whole = match[0].rstrip(_AFTER_TOKEN)
            core = _CORE.search(whole)
            for start, end in ((0, len(whole)), core.span()) if core else ():
                part = whole[start:end]
                if not _WORD.fullmatch(part) and (form := forms.surely(fold(part))):
                    return whole[:start] + form + match[0][start + len(part) :]
            return _WORD.sub(word, match[0])

        text = _TOKEN.sub(token, text)
        return _capitalized(text) if self.capitalize else text

    def save(self, folder: Path) -> None:
        """Write ``truecase.json`` to a folder."""
        kept = {"capitalize": self.capitalize, "forms": sorted(self.forms.values())}
        write_text(folder / TRUECASE_FILE, json.dumps(kept, ensure_ascii=False))

    @classmethod
    def load(cls, path: Path) -> Truecaser:
        """Read ``truecase.json``.

        Raises:
            ValueError: The file is damaged.
        """
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return cls({fold(form): form for form in kept["forms"]}, bool(kept["capitalize"]))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} is damaged; copy it again.") from error


def fold(text: str) -> str:
    """Fold the case of a text, so that all its forms are equal.

    Lower case would not do: it may change the length of a text ("\u0130"), and Greek sigma has two forms.
    """
    return text.casefold()


class _Forms:
    """Forms of the words and tokens of a document."""

    def __init__(self, document: str):
        self._running: dict[str, Counter[str]] = defaultdict(Counter)
        # At the beginning of a quotation, "WHO" shows its case; "Who" does not, nor "LONDON:" before a text.
        self._own: dict[str, str] = {}
        self._first: dict[str, str] = {}
        self._parts: dict[str, str] = {}
        for token, words in _tokens(document):
            core, begins = _CORE.search(token), words[0][1]
            wholes = {token, token[: core.end()], token[core.start() :], core[0]}
            for whole in wholes - {word for word, _ in words}:
                self._see(whole, self._own if begins else None)
            identifier = _IDENTIFIER.search(token)
            for word, begins in words:
                if identifier and word != token:
                    self._parts.setdefault(fold(word), word)
                else:
                    place = self._own if core.start() else self._first
                    self._see(word, place if begins else None)

    def _see(self, form: str, beginning: dict[str, str] | None) -> None:
        """Note a form in running text; or, at a beginning, in ``beginning`` if it shows its case."""
        letters = [letter for letter in form if letter.isalpha()]
        if beginning is None:
            self._running[fold(form)][form] += 1
        elif letters and letters[0].isupper() and not any(map(str.isupper, letters[1:])):
            self._first.setdefault(fold(form), form)
        else:
            beginning.setdefault(fold(form), form)

    def running(self, key: str) -> str | None:
        """Most frequent form in running text of a folded word or token."""
        return self._running[key].most_common(1)[0][0] if key in self._running else None

    def surely(self, key: str) -> str | None:
        """Form in running text, or at the beginning of a quotation or bracket if it shows its case."""
        return self.running(key) or self._own.get(key)

    def elsewhere(self, key: str) -> str | None:
        """Form of a word at a beginning or in an identifier."""
        return self._first.get(key) or self._parts.get(key)


def _tokens(text: str) -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    """Tokens between blanks that have words, without the punctuation at their end; and the words of each,
    with whether they may begin a sentence or quotation, where a capital letter tells nothing.
    """
    previous, end = None, 0
    for match in _TOKEN.finditer(text):
        words = []
        for word in _WORD.finditer(text, match.start(), match.end()):
            gap = text[end : word.start()]
            if previous and "." in previous:
                gap = gap.removeprefix(".")  # the full stop of "U.S." does not end a sentence
            words.append((word[0], previous is None or not _BEGINNING.isdisjoint(gap)))
            previous, end = word[0], word.end()
        if words:
            yield match[0].rstrip(_AFTER_TOKEN), words


def _capitalized(text: str) -> str:
    """Capitalize a text, unless its first word has a form of its own ("eBay", ``foo.bar``)."""
    token = text.split(" ", 1)[0]
    word = _WORD.match(token)
    own = any(map(str.isupper, token)) or _IDENTIFIER.search(token) or (word and "." in word[0])
    return text if own else text[:1].upper() + text[1:]
