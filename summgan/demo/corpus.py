"""Made-up news for the demonstration: documents, and headlines of other events.

Each event is drawn once, and becomes either a document or a headline in training, never both. The headlines
of the test documents are used only for scoring.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

from summgan.demo.vocabulary import (
    BACKGROUNDS,
    DAYS,
    FIRST_NAMES,
    KINDS,
    LAST_NAMES,
    NUMBERS,
    OPENERS,
    PLACES,
    QUOTES,
    TIMES,
    Kind,
)
from summgan.files import write_text

_PRONOUNCED_WITH_VOWEL = "aeiou"


@dataclass(frozen=True)
class DemoCorpus:
    """Texts of the demonstration, each about other events.

    Attributes:
        documents: Unlabelled documents for training.
        sentences: Headlines for training.
        validation: Documents for validation during training.
        test_documents: Documents to summarize at the end.
        test_summaries: Headlines of the test documents.
    """

    documents: list[str]
    sentences: list[str]
    validation: list[str]
    test_documents: list[str]
    test_summaries: list[str]


def build_corpus(
    documents: int = 20_000,
    sentences: int = 10_000,
    validation: int = 200,
    test: int = 500,
    seed: int = 0,
) -> DemoCorpus:
    """Draw events, and write each as a document, a headline, or both for the test.

    Args:
        documents: Number of documents for training.
        sentences: Number of headlines for training.
        validation: Number of documents for validation.
        test: Number of test documents with headlines.
        seed: Seed of the corpus.
    """
    rng = random.Random(seed)
    sizes = (documents, sentences, validation, test)
    events = _distinct_events(sum(sizes), rng)
    piles = []
    for size in sizes:
        piles.append(events[:size])
        events = events[size:]
    return DemoCorpus(
        documents=[write_document(event, rng) for event in piles[0]],
        sentences=[write_headline(event) for event in piles[1]],
        validation=[write_document(event, rng) for event in piles[2]],
        test_documents=[write_document(event, rng) for event in piles[3]],
        test_summaries=[write_headline(event) for event in piles[3]],
    )


@dataclass(frozen=True)
class Event:
    """An event.

    Attributes:
        kind: Kind of event.
        slots: Words that fill the slots of its sentences, by name.
        headline: Template of its headline.
    """

    kind: Kind
    slots: dict[str, str]
    headline: str


def _distinct_events(count: int, rng: random.Random) -> list[Event]:
    """Draw events whose headlines differ in every template."""
    events: list[Event] = []
    seen: set[tuple[str, ...]] = set()
    while len(events) < count:
        kind = rng.choice(KINDS)
        slots = {name: rng.choice(words.split(" | ")) for name, words in kind.slots.items()}
        slots |= {"place": rng.choice(PLACES), "surname": rng.choice(LAST_NAMES)}
        event = Event(kind, slots, rng.choice(kind.headline))
        key = tuple(_fill(shape, slots) for shape in kind.headline)
        if key not in seen:
            seen.add(key)
            events.append(event)
    return events


def write_headline(event: Event) -> str:
    """Write the headline of an event."""
    return _fill(event.headline, event.slots)


def write_document(event: Event, rng: random.Random) -> str:
    """Write two or three sentences about an event; the first or the second has the news."""

    def chance() -> dict[str, str]:
        """Draw details that do not matter: names and places other than those of the event."""
        other = rng.choice([place for place in PLACES if place != event.slots["place"]])
        return event.slots | {
            "other": other,
            "first": rng.choice(FIRST_NAMES),
            "last": rng.choice(LAST_NAMES),
            "day": rng.choice(DAYS),
            "time": rng.choice(TIMES),
            "number": rng.choice(NUMBERS),
        }

    who = f"{rng.choice(FIRST_NAMES)} {event.slots['surname']}"
    news = _fill(rng.choice(event.kind.news), chance() | {"who": who})
    opener = _fill(rng.choice(OPENERS), chance() | {"news": news})
    reason = _fill(rng.choice(event.kind.reason), chance())
    background = _fill(rng.choice(BACKGROUNDS), chance())
    quote = _fill(rng.choice(QUOTES), chance())
    orders = (
        [opener, reason],
        [opener, reason, background],
        [opener, quote],
        [background, opener],
        [background, opener, reason],
        [quote, opener],
    )
    return " ".join(rng.choice(orders))


def _fill(shape: str, slots: dict[str, str]) -> str:
    """Fill a template; ``{Name}`` is the slot ``name`` capitalized, and "a" becomes "an" as needed."""
    capitalised = {name.capitalize(): value[:1].upper() + value[1:] for name, value in slots.items()}
    text = shape.format(**capitalised | slots)
    words = text.split(" ")
    for index, word in enumerate(words[:-1]):
        if word in ("a", "A") and words[index + 1][0].lower() in _PRONOUNCED_WITH_VOWEL:
            words[index] += "n"
    text = " ".join(words)
    return text[:1].upper() + text[1:] if shape[0] == "{" and shape.endswith(".") else text


def write_corpus(folder: Path, corpus: DemoCorpus) -> None:
    """Write documents.txt, sentences.txt, validation.txt and test.jsonl to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("documents", "sentences", "validation"):
        lines = "\n".join(getattr(corpus, name)) + "\n"
        write_text(folder / f"{name}.txt", lines)
    pairs = zip(corpus.test_documents, corpus.test_summaries, strict=True)
    rows = (json.dumps({"document": d, "summary": s}) + "\n" for d, s in pairs)
    write_text(folder / "test.jsonl", "".join(rows))
