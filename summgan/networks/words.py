"""Words in the middle: a decoder draws vocabulary words one by one, exactly as many as wanted.

Drawing is done twice. `sample` draws words quickly, with a key/value cache and without a graph;
`forward` then scores them in one parallel pass and lets an estimator (`estimators.py`) carry the
gradient, so the graph is never unrolled. The gradient through a word that was fed back into the decoder
is dropped; that is what makes training fast.

Length is a condition and a constraint: the decoder is told at every step how many units remain, and
pieces that would miss the exact number are impossible.
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
"""The longest summary, in units."""
_MOST_BYTES = 4
_UNAFFORDABLE = 2 * MAX_UNITS


class WordsBottleneck(Bottleneck):
    """Decoder with pointer and exact length.

    Args:
        decoder: Of a sequence-to-sequence model.
        hidden_size: Its width.
        vocabulary_size: Its number of pieces.
        copy: What may be copied from the document with a pointer: ``words``, ``pieces`` or ``no``.
        start_id: First input of the decoder.
        end_id: The piece that ends a text.
        pieces_per_unit: Room for pieces, per unit of length.
        most_pieces: Room for pieces, of whatever length.
    """

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
        # The vocabulary's lengths travel with the weights: see `units.LengthTable`.
        self.register_buffer("units", torch.ones(vocabulary_size, dtype=torch.long))
        for name in ("continues", "ends_inside", "writable", "glues", "bytes"):
            self.register_buffer(name, torch.ones(vocabulary_size, dtype=torch.bool))
        self.salience = Salience(vocabulary_size)
        self._counter: UnitCounter | None = None
        self.parts: dict[int, list[int]] = {}

    def set_lengths(self, table: LengthTable) -> None:
        """Take over the lengths of a tokenizer's pieces."""
        self.units.copy_(table.units)
        self.continues.copy_(table.continues)
        self.ends_inside.copy_(table.ends_inside)
        self.writable.copy_(table.writable)
        self.glues.copy_(table.glues)
        self.bytes.copy_(table.bytes)
        self._counter, self.parts = table.counter, table.parts

    @property
    def counter(self) -> UnitCounter:
        """Counts units, on the device of the model; of the columns alone until there is a tokenizer."""
        if self._counter is None:
            columns = (self.units, self.continues, self.ends_inside, self.bytes)
            self._counter = counter_of_columns(*columns)
        if self._counter.values.device != self.units.device:
            self._counter = self._counter.to(self.units.device)
        return self._counter

    def costs(self, words: Tensor) -> Tensor:
        """Units that each piece of ``words`` ``[batch, length]`` adds, ``[batch, length]``."""
        return self.counter.count(words)[0]

    def length_of(self, words: Tensor, mask: Tensor) -> Tensor:
        """Length in units ``[batch]`` of pieces ``[batch, length]``."""
        return (self.costs(words) * mask.long()).sum(1)

    def keys(self, source: Source) -> Tensor | None:
        """Pointer keys of a document, computed once for all steps; None without copying."""
        if self.pointer is None:
            return None
        return self.pointer.keys(source.states, self.decoder.embed(source.ids))

    def fed(self, words: Tensor) -> Tensor:
        """What stands before each of ``words`` ``[batch, length]``, from the start piece."""
        return torch.cat([torch.full_like(words[:, :1], self.start_id), words[:, :-1]], 1)

    def inputs(self, words: Tensor, units: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the decoder reads before it writes each of ``words`` ``[batch, length]``.

        Returns:
            Vectors ``[batch, length, hidden]``, units that remain ``[batch, length]``, and the state of the
            text so far ``[batch, length]`` (see `units.UnitCounter`).
        """
        costs, states = self.counter.count(words)
        remaining = (units[:, None] - costs.cumsum(1) + costs).clamp(0, MAX_UNITS)
        vectors = self.decoder.embed(self.fed(words)) + self.countdown(remaining)
        return vectors, remaining, states[:, :-1]

    def max_pieces(self, units: Tensor) -> Tensor:
        """Room ``[batch]`` for the pieces of ``units`` ``[batch]``, the end included."""
        wanted = (units * self.pieces_per_unit).ceil().long() + 2
        # Every unit needs a piece, and the end one.
        return wanted.clamp_max(self.most_pieces).maximum(units + 1)

    def fitting(
        self, remaining: Tensor, state: Tensor, room: Tensor, written: Tensor, source_ids: Tensor
    ) -> Tensor:
        """Pieces that can still lead to the exact length, bool ``[batch, length, vocabulary]``.

        Characters that are in no piece are bytes, and one or two of them in a row ("ğ" in a name) are written
        where the document goes on with them, and always to their end.

        Args:
            remaining: ``[batch, length]`` units still to be written.
            state: ``[batch, length]`` of the text so far; see `units.UnitCounter`.
            room: ``[batch, length]`` pieces that may still be written, the end included.
            written: ``[batch, length, 2]`` the two pieces before.
            source_ids: ``[batch, source]`` of the document.
        """
        counter = self.counter
        unfinished = (state >= UNFINISHED) | counter.effects(written.flatten(0, 1))[1][:, -1].view_as(state)
        state = state % UNFINISHED
        # Costs that nothing affords, for what is never written and for marks without a letter to stand on.
        costs = counter.costs[:, : len(self.units)].masked_fill(~self.writable, _UNAFFORDABLE)
        marks = counter.costs[CLUSTER, : len(self.units)] < counter.costs[BLANK, : len(self.units)]
        costs[BLANK].masked_fill_(marks, _UNAFFORDABLE)
        cost = costs.short()[state]
        most = remaining.masked_fill(unfinished, -1).short()[..., None]
        least = (room <= remaining + 1).short()[..., None]  # in a hurry every piece has to count
        allowed = (cost <= most) & (cost >= least)
        # Bytes of the document cost what their character does.
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
        """`fitting` pieces that break no word of the document either, where there are such and room.

        Args:
            remaining: ``[batch, length]``, and all others as in `fitting`.
            state: ``[batch, length]``.
            room: ``[batch, length]``.
            written: ``[batch, length, 2]``.
            source_ids: ``[batch, source]``.
        """
        fitting = self.fitting(remaining, state, room, written, source_ids)
        whole = fitting & self.whole_words(written, source_ids)
        return torch.where(whole.any(-1, keepdim=True) & (room > remaining + 1)[..., None], whole, fitting)

    def whole_words(self, written: Tensor, source_ids: Tensor) -> Tensor:
        """Pieces that do not break a word of the document, bool ``[batch, length, vocabulary]``.

        After a piece of the document a letter may only follow inside a word as it does there, and where
        the word never ends after this piece it has to go on. ``written`` is ``[batch, length, 2]``.
        """
        same, followers = self._followers(written, source_ids)
        goes_on = self.glues[followers]
        must = (same & goes_on).any(2) & ~(same & ~goes_on).any(2)
        known = same.any(2)[..., None]
        follows = pieces_at(same, followers, len(self.glues))
        return follows | (~(known & self.glues) & ~must[..., None])

    def _followers(self, written: Tensor, source_ids: Tensor) -> tuple[Tensor, Tensor]:
        """What stands in the document after the last of the pieces ``written`` ``[batch, length, 2]``; inside
        a word after both, where it has both.

        Returns:
            The places that have what was written ``[batch, length, source - 1]``, and the pieces after
            these places, of the same shape.
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
        # The least of every window says that all of it are bytes; the most of these, that a place is in one.
        full = -F.max_pool1d(-F.pad(lone, (0, _MOST_BYTES)), _MOST_BYTES + 1, 1)
        many = F.max_pool1d(F.pad(full, (_MOST_BYTES, 0)), _MOST_BYTES + 1, 1)
        return (lone > 0) & (many == 0)

    def last_two(self, words: Tensor) -> Tensor:
        """The two pieces before each of ``words`` ``[batch, length]``, ``[batch, length, 2]``."""
        fed = self.fed(words)
        return torch.stack([self.fed(fed), fed], dim=2)

    def point(self, hidden: Tensor, keys: Tensor | None, source: Source, written: Tensor):
        """Where to copy from; see `Pointer` and, for ``written``, `CopyBias`. None without copying."""
        if keys is None:
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
        """Log-probabilities ``[batch, length, vocabulary]``, over allowed pieces when given."""
        pointed = self.point(hidden, keys, source, written)
        log_probs = mix_log_probs(self.decoder.logits(hidden), pointed, source.ids)
        if allowed is None:
            return log_probs
        return torch.log_softmax(log_probs.masked_fill(~allowed, -math.inf), dim=-1)

    @torch.no_grad()
    def sample(self, source: Source, units: Tensor, stream: RandomStream | None) -> Tensor:
        """Draw words ``[batch, length]``, ended by the end piece and padded with it.

        Args:
            source: The documents.
            units: ``[batch]`` exact lengths wanted.
            stream: Noise of the draw; None takes the most probable word at every step.
        """
        keys, cache = self.keys(source), new_cache()
        room = self.max_pieces(units)
        most = int(room.max())
        noise = stream.uniform(most) if stream else None
        remaining, state = units.clone(), torch.full_like(units, BLANK)
        previous = torch.full_like(units, self.start_id)
        done, words = torch.zeros_like(units, dtype=torch.bool), [previous]
        # Weights that are not finite never write an end.
        while not done.all() and len(words) <= most:
            vectors = self.decoder.embed(previous[:, None])
            vectors = vectors + self.countdown(remaining.clamp(max=MAX_UNITS))[:, None]
            hidden = self.decoder(vectors, source.states, source.mask, cache)
            left = room - len(words) + 1
            columns = (remaining, state, left, torch.stack([words[max(0, len(words) - 2)], previous], 1))
            allowed = self.allowed(*(column[:, None] for column in columns), source.ids)
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
        """Draw exactly ``units`` units of words for every document; see `Bottleneck.forward`.

        Raises:
            ValueError: There are no ``units``.
        """
        if units is None:
            raise ValueError("A decoder has to be told how many units to draw.")
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
        """Log-probability ``[batch]`` of given words ``[batch, length]``, told their length.

        Where ``weights`` ``[batch, length]`` are given, they take the place of the mask in the sum.
        """
        units = self.length_of(words, mask)
        vectors, _, _ = self.inputs(words, units)
        hidden = self.decoder(vectors, source.states, source.mask)
        pointed = self.point(hidden, self.keys(source), source, self.fed(words))
        matches = (source.ids[:, :, None] == words[:, None]).float()
        scores = target_log_probs(self.decoder.logits(hidden), pointed, matches, words)
        return (scores * (mask if weights is None else weights)).sum(1)


def first_places(ids: Tensor) -> Tensor:
    """Where in ``[batch, length]`` a piece stands for the first time, bool."""
    return ~(ids[:, :, None] == ids[:, None]).tril(-1).any(2)


def pieces_at(places: Tensor, pieces: Tensor, vocabulary_size: int) -> Tensor:
    """Which pieces stand at the ``places`` (bool) of ``pieces``, both ``[..., source]``; bool ``[...,
    vocabulary]``.
    """
    found = torch.zeros(*pieces.shape[:-1], vocabulary_size, device=pieces.device)
    return found.scatter_add_(-1, pieces, places.float()) > 0


def ended_mask(words: Tensor, end_id: int) -> Tensor:
    """1 up to and including the first end piece of ``words`` ``[batch, length]``, else 0."""
    ends = words == end_id
    return (ends.cumsum(1) - ends.long() == 0).long()
