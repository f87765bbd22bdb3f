"""Share of the sentences that Link Grammar (Sleator & Temperley 1991) parses completely.

This figure compares systems, not sentences: human headlines often lack articles, which the parser requires.
The program ``link-parser`` is in Debian's package link-grammar and reads English.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence

from summgan.errors import SummGANError

_PROGRAM = "link-parser"
_OPTIONS = ("en", "-verbosity=1", "-limit=100", "-timeout=5", "-graphics=1", "-width=16000")
_VERB = re.compile(r"[\w'’-]\.(?:v|w|q)\b")
_ANSWER = re.compile(r"^(?=Found \d+ linkage|No complete linkages|No linkages)", re.MULTILINE)
_PER_CALL = 200


def has_parser() -> bool:
    """Tell whether ``link-parser`` is installed."""
    return shutil.which(_PROGRAM) is not None


def parse_figures(texts: Sequence[str]) -> list[dict[str, float]]:
    """Parse English sentences.

    Args:
        texts: English sentences.

    Returns:
        For each sentence, ``parsed``: 1 if one parse covers all its words, otherwise 0; and ``verbless``: 1
        if the best parse has no verb, otherwise 0.

    Raises:
        SummGANError: The program does not answer all sentences.
    """
    figures: list[dict[str, float]] = []
    for start in range(0, len(texts), _PER_CALL):
        part = [_plain(text) for text in texts[start : start + _PER_CALL]]
        done = subprocess.run(
            [_PROGRAM, *_OPTIONS], input="\n".join(part) + "\n", capture_output=True, text=True, check=True
        )
        answers = _joined(re.split(_ANSWER, done.stdout)[1:])
        if len(answers) != len(part):
            raise SummGANError(f"{_PROGRAM} answered only {len(answers)} of {len(part)} sentences.")
        figures += map(_figures, answers)
    return figures


def _plain(text: str) -> str:
    """Return the sentence without marks that the program reads as a command, and never empty."""
    return " ".join(text.split()).lstrip("!%") or "."


def _joined(answers: list[str]) -> list[str]:
    """Join the parts of an answer: what follows "No complete linkages" belongs to it."""
    joined: list[str] = []
    for answer in answers:
        if joined and joined[-1].startswith("No complete") and "Found" not in joined[-1]:
            joined[-1] += answer
        else:
            joined.append(answer)
    return joined


def _figures(answer: str) -> dict[str, float]:
    whole = answer.startswith("Found")
    first = answer.split("Linkage 2", 1)[0]
    return {"parsed": float(whole), "verbless": float(not _VERB.search(first))}
