"""What a code means: the words and documents that go with each class, bit, codebook entry or node of a tree.

The words are those of highest mutual information (nats) with "the document has this code" among those
more frequent inside than outside; the document is the one whose bag is nearest to the mean of its bags. A
node of a tree is compared with its siblings alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.evaluation.report import Branch

_SHOWN = 200
_LABEL, _EXAMPLES, _LENGTH = 3, 2, 160  # words, documents, characters of a document
_TINY = 1e-6  # nats, less than which is rounding
_UNFOLDED = 5  # documents that a node needs for its branches to be shown


@dataclass(frozen=True)
class Meaning:
    """One class, bit that is 1, or entry at a position.

    Attributes:
        code: Name of the class, bit or entry.
        documents: How many have it.
        words: Words most typical of it.
        document: Document most typical of it.
    """

    code: str
    documents: int
    words: tuple[str, ...]
    document: str


def mutual_information(present: Tensor, member: Tensor) -> Tensor:
    """Mutual information of words and membership ``[words]``, in nats; negative where a word avoids it.

    Args:
        present: ``[documents, words]``, whether a word stands in a document.
        member: ``[documents]``, whether a document has the code.
    """
    present, member = present.float(), member.float()
    p_word, p_member = present.mean(0), member.mean()
    both = member @ present / len(member)
    total = torch.zeros_like(both)
    for joint, first, second in (
        (both, p_word, p_member),
        (p_word - both, p_word, 1 - p_member),
        (p_member - both, 1 - p_word, p_member),
        (1 - p_word - p_member + both, 1 - p_word, 1 - p_member),
    ):
        joint = joint.clamp_min(0)
        ratio = joint / (first * second).clamp_min(1e-12)
        total += torch.where(joint > 0, joint * ratio.clamp_min(1e-12).log(), torch.zeros_like(joint))
    return torch.where(both >= p_word * p_member, total, -total)


def meanings(
    kind: str, codes: Tensor, bags: Tensor, words: Sequence[str], texts: Sequence[str], count: int = 8
) -> list[Meaning]:
    """What every class, bit or (of VQ, the most frequent) entry that is used means.

    Args:
        kind: ``one-hot``, ``binary`` or ``vq``; of a tree, see `tree_meanings`.
        codes: ``[documents, length]``.
        bags: ``[documents, words]``.
        words: The vocabulary.
        texts: The documents.
        count: Words shown.
    """
    present, found = bags > 0, []
    for place in range(codes.shape[1]):
        column = codes[:, place]
        for value in [1] if kind == "binary" else column.unique().tolist():
            member = column == value
            if not member.any():
                continue
            best = mutual_information(present, member).topk(min(count, len(words))).indices
            typical = (bags @ bags[member].mean(0)).masked_fill(~member, -1).argmax()
            name = {"one-hot": f"class {value}", "binary": f"bit {place}"}.get(kind, f"{place}: {value}")
            chosen = tuple(words[index] for index in best.tolist())
            found.append(Meaning(name, int(member.sum()), chosen, texts[int(typical)]))
    if kind == "vq":
        found.sort(key=lambda meaning: -meaning.documents)
    return found[:_SHOWN]


def meaning_table(found: Sequence[Meaning]) -> list[dict[str, str]]:
    """Rows for a report."""
    return [
        {
            "code": meaning.code,
            "documents": str(meaning.documents),
            "typical words": ", ".join(meaning.words),
            "typical document": meaning.document[:160],
        }
        for meaning in found
    ]


def tree_meanings(
    paths: Tensor, bags: Tensor, words: Sequence[str], texts: Sequence[str], count: int = 8
) -> tuple[Branch, ...]:
    """What tells every node of a tree that is used from its siblings, from the branches of the root down.

    Words are those of highest mutual information with the branch among the documents of its parent. Documents
    are those that are most like the mean of the branch and least like that of the next sibling.

    Args:
        paths: ``[documents, depth]``.
        bags: ``[documents, words]``.
        words: The vocabulary.
        texts: The documents.
        count: Words shown.
    """
    present = bags > 0

    def branches(rows: Tensor, start: tuple[int, ...]) -> tuple[Branch, ...]:
        taken = paths[rows, len(start)]
        values = taken.unique()
        means = torch.stack([bags[rows[taken == value]].mean(0) for value in values])
        likeness = bags[rows] @ F.normalize(means, dim=-1).T
        found = []
        for place, value in enumerate(values.tolist()):
            member, path = taken == value, (*start, value)
            inside, mine = int(member.sum()), rows[member]
            told = mutual_information(present[rows], member).topk(min(count, len(words)))
            chosen = tuple(
                words[index]
                for index, nats in zip(told.indices.tolist(), told.values.tolist(), strict=True)
                if nats > _TINY
            )
            others = likeness[member].index_fill(1, torch.tensor([place]), -1.0).amax(1)
            best = (likeness[member, place] - others).topk(min(_EXAMPLES, inside)).indices
            deeper = len(path) < paths.shape[1] and inside >= _UNFOLDED
            found.append(
                Branch(
                    ".".join(map(str, path)),
                    ", ".join(chosen[:_LABEL]) or "no word of its own",
                    inside,
                    chosen,
                    tuple(texts[index][:_LENGTH] for index in mine[best].tolist()),
                    branches(mine, path) if deeper else (),
                )
            )
        return tuple(found)

    return branches(torch.arange(len(paths)), ())
