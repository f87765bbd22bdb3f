"""The case of letters, for models whose tokenizer has none: learned from text, read off the document.

A model that reads lower case sees one word where there were two or three ("Police" that begins a document
is the "police" in the middle of a summary, and can be copied). What it writes gets its case back here: by
the document's own running text, else by the most frequent form in the training text (Lita 2003).
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

TRUECASE_FILE = "truecase.json"
"""What a truecaser is kept in, beside the tokenizer."""
_WORD = re.compile(r"[^\W_]+(?:\.[^\W_]+)*")
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
        begins, capitals, count = Counter(), 0, 0
        for text in texts:
            count += 1
            capitals += text[:1].isupper()
            for word, first in _words(text):
                if not first:
                    inside[word.lower()][word] += 1
                elif not word.islower():
                    begins[word.lower()] += 1
        forms = {}
        for lower, counts in inside.items():
            form, occurrences = counts.most_common(1)[0]
            if occurrences >= _LEAST and (form != lower or begins[lower] >= _LEAST):
                forms[lower] = form
        return cls(forms, capitals > count / 2)

    def restore(self, text: str, document: str = "") -> str:
        """The text with the case that its words have in the document or, else, in general."""
        running, first = defaultdict(Counter), {}
        for word, begins in _words(document):
            if begins:
                first.setdefault(word.lower(), word)
            else:
                running[word.lower()][word] += 1

        def form(match: re.Match) -> str:
            word = match[0].lower()
            if word in running:
                return running[word].most_common(1)[0][0]
            return self.forms.get(word) or first.get(word, word)

        text = _WORD.sub(form, text)
        return text[:1].upper() + text[1:] if self.capitalize else text

    def save(self, folder: Path) -> None:
        """Write ``truecase.json``."""
        kept = {"capitalize": self.capitalize, "forms": sorted(self.forms.values())}
        (folder / TRUECASE_FILE).write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Truecaser:
        """Read ``truecase.json``.

        Raises:
            ValueError: The file is damaged.
        """
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return cls({form.lower(): form for form in kept["forms"]}, bool(kept["capitalize"]))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is damaged; copy it again.") from error


def restore_case(tokenizer: PreTrainedTokenizerBase, text: str, document: str = "") -> str:
    """What a model wrote, in the case of the document; as it is where the tokenizer keeps case itself."""
    truecaser = tokenizer.__dict__.get("truecaser")
    return text if truecaser is None else truecaser.restore(text, document)


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """Every word, and whether it may begin a sentence or quotation, where a capital says nothing."""
    previous = None
    for match in _WORD.finditer(text):
        if previous is None:
            begins = True
        else:
            gap = text[previous.end() : match.start()]
            if "." in previous[0]:
                gap = gap.removeprefix(".")  # that of "U.S." ends no sentence
            begins = not _BEGINNING.isdisjoint(gap)
        yield match[0], begins
        previous = match
