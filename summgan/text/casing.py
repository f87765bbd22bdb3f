"""The case of letters, for models whose tokenizer has none: learned from text, read off the document.

A model that reads lower case sees one word where there were two or three ("Police" that begins a document
is the "police" in the middle of a summary, and can be copied). What it writes gets its case back here: by
the document's own running text, else by the most frequent form in the training text (Lita 2003).

What stands between two blanks of the document ("t-SNE", "I/O", "(WHO)") is compared whole first, then its
words. An identifier, as ``GIT_REFLOG_ACTION``, is one word, and its parts say nothing of other words.
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
"""What a truecaser is kept in, beside the tokenizer."""
_CASED = r"[[\w\p{M}]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"
_WORD = regex.compile(rf"(?V1){_CASED}+(?:\.{_CASED}+)*")
_TOKEN = regex.compile(r"\S+")
_CORE = regex.compile(r"[\w\p{M}](?:\S*[\w\p{M}])?")  # a token without the punctuation around it
_IDENTIFIER = regex.compile(r"[_=<>\\@#$*+~^|{}/`]|\(\)|::")
_AFTER_TOKEN = ".,;:!?\u2026"
_BEGINNING = frozenset('.!?:;\u2026"\u201c\u2018([')
_LEAST = 3  # occurrences of a form that is to be believed


@dataclass(frozen=True)
class Truecaser:
    """Puts words into their most frequent case.

    Attributes:
        forms: Words as they are written in running text, by their lower case: names and abbreviations, and
            of other words those that also begin sentences.
        capitalize: Whether texts begin with a capital letter.
    """

    forms: dict[str, str]
    capitalize: bool

    @classmethod
    def fit(cls, texts: Iterable[str]) -> Truecaser:
        """Count the forms of every word inside sentences, and at their beginnings."""
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
        """The text with the case that its words have in the document or, else, in general."""
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
        """Write ``truecase.json``."""
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
    """What a text and its lower case have in common, also where they differ in length ("\u0130") or a letter
    has two small forms, as the Greek sigma.
    """
    return text.casefold()


class _Forms:
    """How a document writes its words, and what stands between its blanks."""

    def __init__(self, document: str):
        self._running: dict[str, Counter[str]] = defaultdict(Counter)
        # Where it begins a quotation, "WHO" says how it is written; "Who" does not, nor "LONDON:" before all.
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
        """Note a form in running text, or one at a beginning among others of its kind."""
        letters = [letter for letter in form if letter.isalpha()]
        if beginning is None:
            self._running[fold(form)][form] += 1
        elif letters and letters[0].isupper() and not any(map(str.isupper, letters[1:])):
            self._first.setdefault(fold(form), form)
        else:
            beginning.setdefault(fold(form), form)

    def running(self, key: str) -> str | None:
        """The most frequent form in running text of what has this `fold`."""
        return self._running[key].most_common(1)[0][0] if key in self._running else None

    def surely(self, key: str) -> str | None:
        """The form in running text, or that of a beginning of a quotation or bracket that shows its case."""
        return self.running(key) or self._own.get(key)

    def elsewhere(self, key: str) -> str | None:
        """The form of a word at a beginning or in an identifier."""
        return self._first.get(key) or self._parts.get(key)


def _tokens(text: str) -> Iterator[tuple[str, list[tuple[str, bool]]]]:
    """What stands between blanks, without the punctuation that ends it, where it has words; and every word
    with whether it may begin a sentence or quotation, where a capital says nothing.
    """
    previous, end = None, 0
    for match in _TOKEN.finditer(text):
        words = []
        for word in _WORD.finditer(text, match.start(), match.end()):
            gap = text[end : word.start()]
            if previous and "." in previous:
                gap = gap.removeprefix(".")  # that of "U.S." ends no sentence
            words.append((word[0], previous is None or not _BEGINNING.isdisjoint(gap)))
            previous, end = word[0], word.end()
        if words:
            yield match[0].rstrip(_AFTER_TOKEN), words


def _capitalized(text: str) -> str:
    """A text that begins with a capital, unless its first word has its own form ("eBay", ``foo.bar``)."""
    token = text.split(" ", 1)[0]
    word = _WORD.match(token)
    own = any(map(str.isupper, token)) or _IDENTIFIER.search(token) or (word and "." in word[0])
    return text if own else text[:1].upper() + text[1:]
