"""Which column holds the text, by the role that the text plays."""

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
"""Names under which a column is found by itself, by role.

The first group of which a row has a name decides, so ``text`` beside ``title`` is a document and never a
sentence. Names of one group have equal right: a row that has two of them is refused, not guessed. Case and
blanks around a name make no difference.
"""

KNOWN = frozenset(name for groups in COLUMNS.values() for group in groups for name in group) | {"id"}
"""Names that only a header has; a first row with one of them is no row of data."""


def fold(name: object) -> str:
    """A column's name without what makes no difference."""
    return str(name).strip().casefold()


def is_usual(name: object, role: str) -> bool:
    """Whether a column of this name may be one of a role."""
    return any(fold(name) in group for group in COLUMNS[role])


@lru_cache(maxsize=256)
def find_column(names: tuple[str, ...], role: str, option: str, wanted: str | None = None) -> tuple[str, int]:
    """The column of a role, and which group of `COLUMNS` it was found in (0 if it was wanted by name).

    Args:
        names: Of a row's columns.
        role: A key of `COLUMNS`.
        option: That names the column, for messages.
        wanted: What the option says, if anything.

    Raises:
        Problem: There is no such column, or there are two of equal right.
    """
    if wanted is not None:
        return _wanted(names, wanted, option), 0
    for rank, group in enumerate(COLUMNS[role]):
        found = [name for name in names if fold(name) in group]
        if len(found) == 1:
            return found[0], rank
        if found:
            raise Problem(
                f"the {role} may stand in {' or in '.join(map(repr, found))}; say in which with {option}."
            )
    usual = ", ".join(name for group in COLUMNS[role] for name in group)
    raise Problem(
        f"no column has a usual name of a {role} ({usual}); there are {name_some(names)}. "
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
    raise Problem(f"there is no column {wanted!r}, only {name_some(names)}; {option} names another.")
