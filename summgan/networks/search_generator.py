"""`SearchGenerator`: writes the best words of the document in their order, found exactly.

In training it is a `DecoderGenerator` that also learns from sentences which the search makes (Schumann 2020;
Liu 2022, NAUS). In use its decoder writes nothing: the search of `compression.py` takes what it prefers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import nn

from summgan.networks.architecture import SummGANConfig
from summgan.networks.code import Source
from summgan.networks.compression import Compressor, Succession
from summgan.networks.decoder_generator import DecoderGenerator
from summgan.networks.generator import Candidates, Teacher, Writing
from summgan.networks.salience import Salience
from summgan.text.boundaries import UnitBoundaries

_SEARCHED = 1024  # pieces; memory grows with their square
_SEARCHED_AT_ONCE = 2**23  # pairs of pieces


class SearchGenerator(DecoderGenerator):
    """Document to words of the document.

    Args:
        config: Of the whole model.
        embedding: The shared table of word embeddings.
    """

    tables: ClassVar[dict[str, int]] = DecoderGenerator.tables | {
        "succession.spelling": 0,
        "succession.ending": -1,
    }

    def __init__(self, config: SummGANConfig, embedding: nn.Embedding):
        super().__init__(config, embedding)
        sizes = (config.succession_words, config.succession_pairs)
        self.succession = Succession(config.vocab_size, *sizes)

    @property
    def longest_document(self) -> int:
        """Pieces of a document that can be summarized at once, more than the encoder learned to read."""
        return max(_SEARCHED, self.config.window)

    @torch.no_grad()
    def write(
        self, source: Source, lengths: Sequence[Sequence[int]], writing: Writing | None = None
    ) -> Candidates:
        """The best words of every length, one candidate of each; options of beams make no difference."""
        compressor = self._compressor(self.succession)
        real, worth = source.mask.sum(1).tolist(), self.bottleneck.preference(source)
        ids = [row[:n] for row, n in zip(source.ids.tolist(), real, strict=True)]
        found, rows = [], max(1, _SEARCHED_AT_ONCE // worth.shape[1] ** 2)
        for start in range(0, len(ids), rows):
            part = slice(start, start + rows)
            found += compressor.fitting(ids[part], worth[part], lengths[part], self._room)
        words = [sentence for sentences in found for sentence in sentences]
        longest, end = max(map(len, words)) + 1, self.bottleneck.end_id
        padded = [[*sentence, *[end] * (longest - len(sentence))] for sentence in words]
        rows_of = [row for row, sentences in enumerate(found) for _ in sentences]
        words = torch.tensor(padded, device=source.mask.device)
        return self._candidates(source, words, rows_of, writing or Writing())

    def _room(self, units: int) -> int:
        """Room for the pieces of so many units."""
        return int(self.bottleneck.searched_pieces(torch.tensor(units)))

    def _compressor(self, succession: Succession) -> Compressor:
        return Compressor(UnitBoundaries(self.bottleneck), succession, self.config.succession_weight)

    def set_counts(self, salience: Salience, succession: Callable[[], Succession]) -> None:
        """Take over salience and succession, and note the sizes of its tables in the configuration."""
        super().set_counts(salience, succession)
        counted = succession()
        for name, size in counted.sizes.items():
            setattr(self.config, name, size)
        table = Succession(self.config.vocab_size, *counted.sizes.values())
        for name, values in counted.named_buffers():
            table.get_buffer(name)[: len(values)].copy_(values)
        self.succession = table.to(self.bottleneck.units.device)

    def teacher(self) -> Teacher | None:
        """The search itself, on the CPU, where batches are prepared."""
        return self._compressor(copy.deepcopy(self.succession).cpu())
