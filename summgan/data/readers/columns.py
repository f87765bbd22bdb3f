"""Finding the column of a text by the role of the text."""

from __future__ import annotations

from functools import lru_cache

from summgan.data.readers.values import Problem, name_some

_SHORT_TEXTS = ("title", "headline", "summary", "subject", "highlights", "abstract")

COLUMNS: dict[str, tuple[tuple[str, ...], ...]] = {
    "document": (("document", "article", "story"), ("text",), ("content", "body")),
    "sentence": (("sentence",), _SHORT_TEXTS, ("text",)),
    "summary": (("summary_text", "prediction", "hypothesis"), _SHORT_TEXTS, ("text",)),
    "reference": (("references", "reference"), _SHORT_TEXTS, ("text",)),
}
"""Usual names of the column of each role, in groups of falling priority.

The first group of which a row has a name decides, so ``text`` beside ``title`` is a document and never a
sentence. A row that has two names of one group is refused, as the choice would be a guess. Case and blanks
around a name make no difference.
"""

KNOWN = frozenset(name for groups in COLUMNS.values() for group in groups for name in group) | {"id"}
"""Names by which a header is known; a first row with one of them is not a row of data."""


def fold(name: object) -> str:
    """Normalize a column's name: without case and without blanks around it."""
    return str(name).strip().casefold()


def is_usual(name: object, role: str) -> bool:
    """Tell whether a name is one of the usual names of a role."""
    return any(fold(name) in group for group in COLUMNS[role])


@lru_cache(maxsize=256)
def find_column(names: tuple[str, ...], role: str, option: str, wanted: str | None = None) -> tuple[str, int]:
    """Find the column of a role.

    Args:
        names: Names of the columns of a row.
        role: Role of the text, a key of `COLUMNS`.
        option: Option that names the column, for messages.
        wanted: Name that the user gives with the option, if any.

    Returns:
        Name of the column, and the index of its group in `COLUMNS` (0 for a name that the user gives).

    Raises:
        Problem: There is no such column, or two columns have names of the same group.
    """
    if wanted is not None:
        return _wanted(names, wanted, option), 0
    for rank, group in enumerate(COLUMNS[role]):
        found = [name for name in names if fold(name) in group]
        if len(found) == 1:
            return found[0], rank
        if found:
            raise Problem(
                f"the {role} may be in {' or in '.join(map(repr, found))}; name its column with {option}."
            )
    usual = ", ".join(name for group in COLUMNS[role] for name in group)
    raise Problem(
        f"no column has a usual name of a {role} ({usual}); the columns are {name_some(names)}. "
        f"Name one with {option}."
    )


def _wanted(names: tuple[str, ...], wanted: str, option: str) -> str:
    if wanted in names:
        return wanted
    found = [name for name in names if fold(name) == fold(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise Problem(f"{wanted!r} may be {' or '.join(map(repr, found))}; write {option} exactly.")
    raise Problem(f"there is no column {wanted!r}, only {name_some(names)}; name one of them with {option}.")
