"""What `SummGAN.generate` may write and what it should prefer: one processor of scores for transformers.

`bottlenecks/words.py` says which pieces are possible; here they meet the beams.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from transformers import LogitsProcessor

from summgan.networks.code import Source
from summgan.networks.words import WordsBottleneck, first_places, pieces_at


class ExactLength(LogitsProcessor):
    """Leaves only the pieces that can still lead to the wanted number of units, whole words of the document
    among them, and prefers those that say much of it (`WordsBottleneck.preference`).

    Args:
        bottleneck: Knows the length of every piece, and its salience.
        units: ``[rows]`` wanted lengths, one per beam.
        source: The documents, one per beam.
        salience_weight: Of the preference for pieces of the document that were not written yet.
        no_repeat_bigrams: Whether no two pieces may stand in a row twice; bytes may, as they are no words.
    """

    def __init__(
        self,
        bottleneck: WordsBottleneck,
        units: Tensor,
        source: Source,
        salience_weight: float = 0.0,
        no_repeat_bigrams: bool = False,
    ):
        self.no_repeat_bigrams = no_repeat_bigrams
        self.bottleneck, self.units, self.source_ids = bottleneck, units, source.input_ids
        self.room = bottleneck.max_pieces(units)
        # Of a piece that stands several times the first counts.
        bonus = salience_weight * bottleneck.preference(source) * first_places(source.input_ids)
        nothing = bonus.new_zeros(len(bonus), len(bottleneck.units))
        self.bonus = nothing.scatter_add(1, source.input_ids, bonus)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Set the scores ``[rows, vocabulary]`` of impossible pieces to minus infinity."""
        words = input_ids[:, 1:]
        costs, states = self.bottleneck.counter.count(words)
        scores = scores + self.bonus.to(scores.dtype).scatter(1, input_ids, 0.0)
        if self.no_repeat_bigrams:
            scores = scores.masked_fill(self._repeating(input_ids), -math.inf)
        columns = (self.units - costs.sum(1), states[:, -1], self.room - words.shape[1])
        written = torch.stack([input_ids[:, max(0, input_ids.shape[1] - 2)], input_ids[:, -1]], dim=1)
        columns = [*(column[:, None] for column in columns), written[:, None], self.source_ids]
        allowed = self.bottleneck.allowed(*columns)[:, 0]
        # A row that has ended is padded by `generate` and needs something that is allowed.
        ended = (words == self.bottleneck.end_id).any(1)
        allowed[ended] = True
        # Where what ends a word may not be said a second time, the word is broken; the length never is.
        stuck = ~(allowed & scores.isfinite()).any(1, keepdim=True)
        if stuck.any():
            allowed = torch.where(stuck, self.bottleneck.fitting(*columns)[:, 0], allowed)
        return torch.log_softmax(scores.masked_fill(~allowed, -math.inf), dim=-1)

    def _repeating(self, input_ids: Tensor) -> Tensor:
        """Pieces ``[rows, vocabulary]`` that stood after the last one of ``input_ids`` before."""
        again = input_ids[:, :-1] == input_ids[:, -1:]
        return pieces_at(again, input_ids[:, 1:], len(self.bottleneck.bytes)) & ~self.bottleneck.bytes
