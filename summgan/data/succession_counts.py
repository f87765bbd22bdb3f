"""Which word follows which in human sentences: fills the tables of `Succession` in `summgan.networks`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from datasets import Dataset

from summgan.data.piece_counts import evenly_spread
from summgan.networks.compression import (
    BEGIN_KEY,
    END_KEY,
    LONGEST_ENDING,
    Succession,
    pair_key,
    without_punctuation,
    word_key,
)
from summgan.text.boundaries import UnitBoundaries, split_into_units
from summgan.text.counts import NgramCounts, pair_gains

_MOST_SENTENCES = 200_000


def succession_of(
    sentences: Dataset,
    boundaries: UnitBoundaries,
    spellings: Sequence[int],
    punctuation: Sequence[bool],
    omitted: Sequence[int] = (),
) -> Succession:
    """Count what follows what in human sentences.

    Args:
        sentences: Rows with ``input_ids``, the end piece included; 200,000 of them are counted.
        boundaries: Where units begin.
        spellings: ``[vocabulary]`` the first piece that is spelled like each piece.
        punctuation: ``[vocabulary]`` which pieces are punctuation.
        omitted: Pieces that summaries do without; what stands on both sides of them is together.
    """
    texts: list[list[int]] = []
    endings: Counter[tuple[int, ...]] = Counter()
    for ids in evenly_spread(sentences, _MOST_SENTENCES)["input_ids"]:
        units = split_into_units(ids[:-1], boundaries)
        words = [without_punctuation(unit, punctuation) for unit in units]
        texts.append([word_key(word, spellings) for word in words if word])
        if units:
            endings[tuple(units[-1][len(words[-1]) :][:LONGEST_ENDING])] += 1
    unseen, pairs = pair_gains(NgramCounts(texts, 2, BEGIN_KEY, END_KEY))
    seen = {pair_key(*pair): gain for pair, gain in pairs.items()}
    ending = endings.most_common(1)[0][0] if endings else ()
    succession = Succession(len(spellings), len(unseen), len(seen))
    succession.get_buffer("spelling").copy_(torch.as_tensor(spellings))
    succession.get_buffer("silent").copy_(torch.as_tensor(punctuation))
    succession.get_buffer("omitted")[list(omitted)] = True
    succession.get_buffer("ending")[: len(ending)] = torch.tensor(ending, dtype=torch.long)
    for name, gains in (("word", unseen), ("pair", seen)):
        keys, order = torch.tensor(list(gains), dtype=torch.long).sort()
        succession.get_buffer(f"{name}_keys").copy_(keys)
        succession.get_buffer(f"{name}_gains").copy_(torch.tensor(list(gains.values()))[order])
    return succession
