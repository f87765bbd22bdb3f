"""`WordsBottleneck`: a decoder draws the words of a summary one by one, to an exact length.

`sample` draws the words fast, with a key/value cache and without a graph. `forward` then scores them in one
parallel pass, and an estimator (`estimators.py`) gives them a gradient. The gradient through words that are
fed back into the decoder is dropped, so the graph is never unrolled, which makes training fast.

The length is both an input and a constraint: the decoder reads at every step how many units remain, and
pieces that would miss the exact length are impossible.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.backbone import (
    CopyBias,
    DecoderStack,
    Pointer,
    mix_log_probs,
    new_cache,
    target_log_probs,
)
from summgan.networks.code import Bottleneck, Code, Source
from summgan.networks.estimators import ESTIMATORS, REWARDED, sample_categorical
from summgan.networks.salience import Salience
from summgan.randomness import RandomStream
from summgan.text.units import BLANK, CLUSTER, UNFINISHED, LengthTable, UnitCounter, counter_of_columns

MAX_UNITS = 256
"""Largest length of a summary, in units."""
_MOST_BYTES = 4  # longest run of bytes that may be copied from the document
_UNAFFORDABLE = 2 * MAX_UNITS  # cost of a piece that is never written


class WordsBottleneck(Bottleneck):
    """A decoder with a pointer that draws words to an exact length.

    Args:
        decoder: Decoder of a sequence-to-sequence model.
        hidden_size: Width of the decoder.
        vocabulary_size: Number of pieces.
        copy: What the pointer may copy from the document: ``words``, ``pieces`` or ``no``.
        start_id: First input of the decoder.
        end_id: The piece that ends a text.
        pieces_per_unit: Largest number of pieces per unit of a text's length.
        most_pieces: Largest number of pieces of any text.

    Attributes:
        units: ``[vocabulary]``, like ``continues``, ``ends_inside``, ``writable``, ``glues`` and ``bytes``:
            columns of a `LengthTable`, which explains them. They are saved with the weights.
        salience: Salience of each place of a document.
        parts: Pieces for each unit of a piece with several units; see `LengthTable`.
    """

    units: Tensor
    continues: Tensor
    ends_inside: Tensor
    writable: Tensor
    glues: Tensor
    bytes: Tensor

    def __init__(
        self,
        decoder: DecoderStack,
        hidden_size: int,
        vocabulary_size: int,
        copy: str,
        start_id: int,
        end_id: int,
        pieces_per_unit: float,
        most_pieces: int = 1024,
    ):
        super().__init__()
        self.decoder = decoder
        self.pointer = None if copy == "no" else Pointer(hidden_size)
        self.copy_bias = CopyBias(hidden_size) if copy == "words" else None
        self.countdown = nn.Embedding(MAX_UNITS + 1, hidden_size)
        self.start_id, self.end_id = start_id, end_id
        self.pieces_per_unit, self.most_pieces = pieces_per_unit, most_pieces
        self.register_buffer("units", torch.ones(vocabulary_size, dtype=torch.long))
        for name in ("continues", "ends_inside", "writable", "glues", "bytes"):
            self.register_buffer(name, torch.ones(vocabulary_size, dtype=torch.bool))
        self.salience = Salience(vocabulary_size)
        self._counter: UnitCounter | None = None
        self.parts: dict[int, list[int]] = {}

    def set_lengths(self, table: LengthTable) -> None:
        """Store the lengths of a tokenizer's pieces."""
        self.units.copy_(table.units)
        self.continues.copy_(table.continues)
        self.ends_inside.copy_(table.ends_inside)
        self.writable.copy_(table.writable)
        self.glues.copy_(table.glues)
        self.bytes.copy_(table.bytes)
        self._counter, self.parts = table.counter, table.parts

    @property
    def counter(self) -> UnitCounter:
        """Counter of units on the model's device; made of the saved columns if no tokenizer is known."""
        if self._counter is None:
            columns = (self.units, self.continues, self.ends_inside, self.bytes)
            self._counter = counter_of_columns(*columns)
        if self._counter.values.device != self.units.device:
            self._counter = self._counter.to(self.units.device)
        return self._counter

    def costs(self, words: Tensor) -> Tensor:
        """Units ``[batch, length]`` that each piece of ``words`` ``[batch, length]`` adds to the length."""
        return self.counter.count(words)[0]

    def length_of(self, words: Tensor, mask: Tensor) -> Tensor:
        """Length ``[batch]`` in units of pieces and their mask, both ``[batch, length]``."""
        return (self.costs(words) * mask.long()).sum(1)

    def keys(self, source: Source) -> Tensor | None:
        """Compute the pointer's keys ``[batch, source, hidden]`` for all steps; None without copying."""
        if self.pointer is None:
            return None
        return self.pointer.keys(source.states, self.decoder.embed(source.ids))

    def fed(self, words: Tensor) -> Tensor:
        """Shift ``words`` ``[batch, length]`` right by one, with the start piece in front."""
        return torch.cat([torch.full_like(words[:, :1], self.start_id), words[:, :-1]], 1)

    def inputs(self, words: Tensor, units: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the decoder's inputs for writing each of the words.

        Args:
            words: ``[batch, length]`` pieces of the text.
            units: ``[batch]`` length of the text, in units.

        Returns:
            Vectors ``[batch, length, hidden]``, remaining units ``[batch, length]``, and the state
            ``[batch, length]`` of the text so far (see `UnitCounter`).
        """
        costs, states = self.counter.count(words)
        remaining = (units[:, None] - costs.cumsum(1) + costs).clamp(0, MAX_UNITS)
        vectors = self.decoder.embed(self.fed(words)) + self.countdown(remaining)
        return vectors, remaining, states[:, :-1]

    def max_pieces(self, units: Tensor) -> Tensor:
        """Largest number ``[batch]`` of pieces of a text of ``units`` ``[batch]``, the end piece included."""
        wanted = (units * self.pieces_per_unit).ceil().long() + 2
        # Every unit needs at least one piece, and so does the end.
        return wanted.clamp_max(self.most_pieces).maximum(units + 1)

    def fitting(
        self, remaining: Tensor, state: Tensor, room: Tensor, written: Tensor, source_ids: Tensor
    ) -> Tensor:
        """Which pieces can still reach the exact length, bool ``[batch, length, vocabulary]``.

        Characters that are in no piece are spelled in bytes. One or two such characters in a row ("ğ" in a
        name) may be written if the document continues with them, and then to their last byte.

        Args:
            remaining: ``[batch, length]`` units still to be written.
            state: ``[batch, length]`` state of the text so far; see `UnitCounter`.
            room: ``[batch, length]`` pieces that may still be written, the end piece included.
            written: ``[batch, length, 2]`` last two pieces.
            source_ids: ``[batch, source]`` pieces of the document.
        """
        counter = self.counter
        unfinished = (state >= UNFINISHED) | counter.effects(written.flatten(0, 1))[1][:, -1].view_as(state)
        state = state % UNFINISHED
        # Pieces that are never written, and marks without a letter before them, cost more than any text has.
        costs = counter.costs[:, : len(self.units)].masked_fill(~self.writable, _UNAFFORDABLE)
        marks = counter.costs[CLUSTER, : len(self.units)] < counter.costs[BLANK, : len(self.units)]
        costs[BLANK].masked_fill_(marks, _UNAFFORDABLE)
        cost = costs.short()[state]
        most = remaining.masked_fill(unfinished, -1).short()[..., None]
        least = (room <= remaining + 1).short()[..., None]  # with little room, every piece must add a unit
        allowed = (cost <= most) & (cost >= least)
        # The bytes of a character together cost what the character costs.
        same, followers = self._followers(written, source_ids)
        whole, pieces, begins = (column[:, None, 1:] for column in counter.characters(source_ids))
        cost = counter.costs[state[..., None], whole]
        fits = (cost <= remaining[..., None]) & (remaining[..., None] - cost < room[..., None] - pieces)
        spelled = same & self._few_bytes(source_ids)[:, None, 1:] & fits & (begins != unfinished[..., None])
        allowed |= pieces_at(spelled, followers, len(self.bytes))
        allowed[..., self.end_id] = (remaining == 0) & ~unfinished
        return allowed

    def allowed(
        self, remaining: Tensor, state: Tensor, room: Tensor, written: Tensor, source_ids: Tensor
    ) -> Tensor:
        """Which pieces may be written: those that are `fitting` and break no word of the document.

        If every fitting piece breaks a word, or no room is to spare, all fitting pieces are allowed.
        """
        fitting = self.fitting(remaining, state, room, written, source_ids)
        whole = fitting & self.whole_words(written, source_ids)
        return torch.where(whole.any(-1, keepdim=True) & (room > remaining + 1)[..., None], whole, fitting)

    def whole_words(self, written: Tensor, source_ids: Tensor) -> Tensor:
        """Which pieces break no word of the document, bool ``[batch, length, vocabulary]``.

        After a piece of the document, a word may only continue as it does in the document, and it must
        continue if it never ends there.

        Args:
            written: ``[batch, length, 2]`` last two pieces.
            source_ids: ``[batch, source]`` pieces of the document.
        """
        same, followers = self._followers(written, source_ids)
        goes_on = self.glues[followers]
        must = (same & goes_on).any(2) & ~(same & ~goes_on).any(2)
        known = same.any(2)[..., None]
        follows = pieces_at(same, followers, len(self.glues))
        return follows | (~(known & self.glues) & ~must[..., None])

    def _followers(self, written: Tensor, source_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Find what follows the last written piece in the document; arguments are those of `whole_words`.

        Inside a word, the last two pieces must match if the document has them in a row. Returns whether each
        place matches, and the piece after each place, both ``[batch, length, source - 1]``.
        """
        before, previous = written.unbind(2)
        same = previous[..., None] == source_ids[:, None, :-1]
        both = same & (before[..., None] == F.pad(source_ids, (1, 0), value=-1)[:, None, :-2])
        inside = self.glues[previous] & both.any(2)
        same = torch.where(inside[..., None], both, same)
        return same, source_ids[:, None, 1:].expand_as(same)

    def _few_bytes(self, source_ids: Tensor) -> Tensor:
        """Which pieces ``[batch, source]`` of documents are bytes in runs of no more than `_MOST_BYTES`."""
        lone = self.bytes[source_ids].float()
        # A minimum over windows marks long runs of bytes; a maximum over these marks all places in such runs.
        full = -F.max_pool1d(-F.pad(lone, (0, _MOST_BYTES)), _MOST_BYTES + 1, 1)
        many = F.max_pool1d(F.pad(full, (_MOST_BYTES, 0)), _MOST_BYTES + 1, 1)
        return (lone > 0) & (many == 0)

    def last_two(self, words: Tensor) -> Tensor:
        """Return the two pieces ``[batch, length, 2]`` before each of ``words`` ``[batch, length]``."""
        fed = self.fed(words)
        return torch.stack([self.fed(fed), fed], dim=2)

    def point(
        self, hidden: Tensor, keys: Tensor | None, source: Source, written: Tensor
    ) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return the pointer's result; None without copying.

        Args:
            hidden: ``[batch, length, hidden]`` states of the decoder.
            keys: Result of `keys`.
            source: The documents.
            written: ``[batch, steps]`` pieces that the decoder was fed; see `CopyBias`.
        """
        if keys is None or self.pointer is None:
            return None
        bias = None
        if self.copy_bias is not None:
            bias = self.copy_bias(hidden, written, source.ids, source.states)
        return self.pointer(hidden, keys, source.mask, bias)

    def log_probs(
        self,
        hidden: Tensor,
        keys: Tensor | None,
        source: Source,
        written: Tensor,
        allowed: Tensor | None = None,
    ) -> Tensor:
        """Log-probabilities ``[batch, length, vocabulary]`` of the next pieces.

        Args:
            hidden: ``[batch, length, hidden]`` states of the decoder.
            keys: Result of `keys`.
            source: The documents.
            written: ``[batch, steps]`` pieces that the decoder was fed.
            allowed: ``[batch, length, vocabulary]`` whether each piece may be written; by default all may.
        """
        pointed = self.point(hidden, keys, source, written)
        log_probs = mix_log_probs(self.decoder.logits(hidden), pointed, source.ids)
        if allowed is None:
            return log_probs
        return torch.log_softmax(log_probs.masked_fill(~allowed, -math.inf), dim=-1)

    @torch.no_grad()
    def sample(self, source: Source, units: Tensor, stream: RandomStream | None) -> Tensor:
        """Draw words ``[batch, length]``, ended and padded by the end piece.

        Args:
            source: The documents.
            units: ``[batch]`` exact lengths, in units.
            stream: Noise of the draw; None takes the most probable word at every step.
        """
        keys, cache = self.keys(source), new_cache()
        room = self.max_pieces(units)
        most = int(room.max())
        noise = stream.uniform(most) if stream else None
        remaining, state = units.clone(), torch.full_like(units, BLANK)
        previous = torch.full_like(units, self.start_id)
        done, words = torch.zeros_like(units, dtype=torch.bool), [previous]
        # The bound on the length is for weights that are not finite, which never write an end.
        while not done.all() and len(words) <= most:
            vectors = self.decoder.embed(previous[:, None])
            vectors = vectors + self.countdown(remaining.clamp(max=MAX_UNITS))[:, None]
            hidden = self.decoder(vectors, source.states, source.mask, cache)
            left = room - len(words) + 1
            last_two = torch.stack([words[max(0, len(words) - 2)], previous], 1)
            allowed = self.allowed(
                remaining[:, None], state[:, None], left[:, None], last_two[:, None], source.ids
            )
            allowed[done, 0, self.end_id] = True
            log_probs = self.log_probs(hidden, keys, source, torch.stack(words, 1), allowed)[:, 0]
            if noise is None:
                word = log_probs.argmax(-1)
            else:
                word = sample_categorical(log_probs, noise[:, len(words) - 1])
            word = word.masked_fill(done, self.end_id)
            words.append(word)
            cost, state = self.counter.step(torch.stack(words[1:][-4:], 1), state)
            remaining, previous, done = remaining - cost, word, done | (word == self.end_id)
        return torch.stack(words[1:], dim=1)

    def forward(
        self,
        source: Source,
        stream: RandomStream | None = None,
        estimator: str = "straight-through",
        temperature: float = 1.0,
        units: Tensor | None = None,
    ) -> Code:
        """Draw a text of exactly ``units`` ``[batch]`` units for every document; see `Bottleneck.forward`.

        Raises:
            ValueError: ``units`` is None.
        """
        if units is None:
            raise ValueError("A decoder must be told how many units to draw: pass units.")
        words = self.sample(source, units, stream and stream.fork("words"))
        mask = ended_mask(words, self.end_id)
        vectors, remaining, state = self.inputs(words, units)
        hidden = self.decoder(vectors, source.states, source.mask)
        steps = torch.arange(words.shape[1], device=words.device)
        room = self.max_pieces(units)[:, None] - steps
        allowed = self.allowed(remaining, state, room, self.last_two(words), source.ids)
        allowed.scatter_(2, words[..., None], True)
        log_probs = self.log_probs(hidden, self.keys(source), source, self.fed(words), allowed)
        drawn = log_probs.gather(2, words[..., None]).squeeze(2)
        if stream is None:
            one_hot = F.one_hot(words, log_probs.shape[-1]).to(log_probs.dtype)
        else:
            one_hot = ESTIMATORS[estimator](log_probs, words, stream.fork("noise"), temperature)
        with torch.no_grad():
            entropy = -(log_probs.exp() * log_probs.clamp_min(-60.0)).sum(-1)
        return Code(
            vectors=self.decoder.embed(one_hot),
            mask=mask,
            words=words,
            one_hot=one_hot,
            log_probs=drawn if estimator in REWARDED else None,
            metrics={"entropy": (entropy * mask).sum() / mask.sum()},
        )

    def log_likelihood(
        self, source: Source, words: Tensor, mask: Tensor, weights: Tensor | None = None
    ) -> Tensor:
        """Log-probability ``[batch]`` of given words, given their length.

        Args:
            source: The documents.
            words: ``[batch, length]`` pieces, the end piece included.
            mask: ``[batch, length]``, 1 where a piece is real.
            weights: ``[batch, length]`` weight of each piece in the sum; by default the mask.
        """
        units = self.length_of(words, mask)
        vectors, _, _ = self.inputs(words, units)
        hidden = self.decoder(vectors, source.states, source.mask)
        pointed = self.point(hidden, self.keys(source), source, self.fed(words))
        matches = (source.ids[:, :, None] == words[:, None]).float()
        scores = target_log_probs(self.decoder.logits(hidden), pointed, matches, words)
        return (scores * (mask if weights is None else weights)).sum(1)


def first_places(ids: Tensor) -> Tensor:
    """Whether each place of ``ids`` ``[batch, length]`` has a piece that no earlier place has, bool."""
    return ~(ids[:, :, None] == ids[:, None]).tril(-1).any(2)


def pieces_at(places: Tensor, pieces: Tensor, vocabulary_size: int) -> Tensor:
    """Which pieces of the vocabulary occur at the selected places, bool ``[..., vocabulary]``.

    Args:
        places: ``[..., source]`` bool, whether a place is selected.
        pieces: ``[..., source]`` ids.
        vocabulary_size: Number of pieces in the vocabulary.
    """
    found = torch.zeros(*pieces.shape[:-1], vocabulary_size, device=pieces.device)
    return found.scatter_add_(-1, pieces, places.float()) > 0


def ended_mask(words: Tensor, end_id: int) -> Tensor:
    """Mask ``[batch, length]`` of ``words``: 1 up to and including the first end piece, 0 after it."""
    ends = words == end_id
    return (ends.cumsum(1) - ends.long() == 0).long()
