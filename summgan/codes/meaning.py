"""Describes each class, bit, codebook entry or tree node by its typical words and documents.

Typical words have the highest mutual information with "the document has this code" among the words that are
more frequent inside than outside. The typical document is the one whose bag is nearest to the mean bag. A
node of a tree is compared only with its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from summgan.evaluation.report import Branch

_SHOWN = 200  # most rows of a table
_LABEL, _EXAMPLES, _LENGTH = 3, 2, 160  # words in a label, documents of a node, characters of a document
_TINY = 1e-6  # nats; less is rounding error
_UNFOLDED = 5  # fewest documents of a node whose branches are shown


@dataclass(frozen=True)
class Meaning:
    """Description of one class, one bit (where it is 1), or one entry at a position.

    Attributes:
        code: Name of the class, bit or entry.
        documents: Number of documents that have it.
        words: Its most typical words, best first.
        document: Its most typical document.
    """

    code: str
    documents: int
    words: tuple[str, ...]
    document: str


def mutual_information(present: Tensor, member: Tensor) -> Tensor:
    """Mutual information ``[words]`` of a word and membership, in nats; negative if members avoid the word.

    Args:
        present: ``[documents, words]``, whether a document has a word.
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
    """Describe every class, bit or codebook entry in use; of the entries, the most frequent ones.

    Args:
        kind: ``one-hot``, ``binary`` or ``vq``; for trees see `tree_meanings`.
        codes: ``[documents, length]``.
        bags: ``[documents, words]``.
        words: The vocabulary.
        texts: The documents.
        count: Number of typical words.
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
    """Turn descriptions into rows of the report's table."""
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
    """Describe every node in use by what distinguishes it from its siblings, from the root's branches down.

    Its words have the highest mutual information with the branch among the documents of the parent. Its
    documents are most like the mean of the branch and least like the mean of the nearest sibling.

    Args:
        paths: ``[documents, depth]``.
        bags: ``[documents, words]``.
        words: The vocabulary.
        texts: The documents.
        count: Number of words of a node.
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
