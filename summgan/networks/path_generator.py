"""The generator that writes a summary as a path through the words of its document.

Its scores are a *prior*, counted over the piles (salience of words, what follows what in human sentences,
staying together), plus what is learned: an encoder reads the document, and every word, and every leap from
one word to a later one, plainly or with a frequent word inserted between, gets a score from the encoder's
states, the distance and the punctuation between. Learned scores are zero at first, so training starts from
the best counted path. Training, sampling and writing use one and the same distribution (`paths.py`).
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from summgan.networks.paths import FORBIDDEN, Path, Scores
from summgan.networks.spelling import Speller, states_at
from summgan.text.word_table import SPREAD

DISTANCES = 32
"""Distances of a leap that are told apart; longer ones count as the longest."""
_BETWEEN = 4  # what is between: nothing, words, a clause, a sentence
_SENTENCE = 3
_WORTH, _SUCCESSION, _TOGETHER, _AGAIN = 0.7, 0.25, 1.4, -1.0  # nats of the prior
_EARLY = -0.045  # nats for every word further on
_ACROSS = -2.0  # nats of a leap from one sentence to another: what it joins is hardly ever true
_PARTED = -6.0  # nats of parting words that people never part
_CHANGED, _INSERTED = -1.0, -2.0  # nats of another form and of an inserted word


@dataclass(frozen=True)
class Lattice:
    """A batch of documents as vertices: every word, followed by its other forms.

    Attributes:
        source: ``[batch, words]`` rows of the words in the word table, -1 beyond the last.
        after: ``[batch, words]`` punctuation after each, by kind.
        hold: ``[batch, words]`` whether each, if said, is followed by the next one.
        need: ``[batch, words]`` whether each, if said, follows the one before.
        words: ``[batch, vertices]`` rows of what each vertex says, -1 beyond the last.
        places: ``[batch, vertices]`` place of each in the document, not falling.
    """

    source: Tensor
    after: Tensor
    hold: Tensor
    need: Tensor
    words: Tensor
    places: Tensor

    @property
    def changed(self) -> Tensor:
        """``[batch, vertices]`` whether the vertex says another form than the document."""
        return (self.words != self.source.gather(1, self.places)) & (self.words >= 0)


def lattice_of(source: Tensor, after: Tensor, hold: Tensor, need: Tensor, forms: Tensor) -> Lattice:
    """Documents as lattices.

    Args:
        source: ``[batch, words]`` as of `Lattice`, as are the next three.
        after: ``[batch, words]``.
        hold: ``[batch, words]``.
        need: ``[batch, words]``.
        forms: ``[table, forms]`` rows of other forms of every word of the table, -1 beyond the last.
    """
    batch, length = source.shape
    others = forms[source.clamp_min(0)].masked_fill((source < 0)[..., None], -1)
    words = torch.cat([source[..., None], others], 2).flatten(1)
    places = torch.arange(length, device=source.device).repeat_interleave(1 + forms.shape[1])
    order = (words < 0).long().argsort(dim=1, stable=True)[:, : int((words >= 0).sum(1).max())]
    places = places.expand(batch, -1).gather(1, order)
    return Lattice(source, after, hold, need, words.gather(1, order), places)


@dataclass(frozen=True)
class PathScores:
    """Scores of a batch, and the parts that training needs.

    Attributes:
        total: Prior and what is learned.
        learned: What is learned alone; its ``inserted`` is None.
        inserted: ``[batch, vertices, band, insertable]`` scores of each inserted word on each edge, or None.
        learned_inserted: The same of what is learned.
    """

    total: Scores
    learned: Scores
    inserted: Tensor | None
    learned_inserted: Tensor | None

    def at(self, temperature: float) -> Scores:
        """The scores of the distribution at a temperature."""
        scores = replace(self.total, inserted=None).map(lambda table: table / temperature)
        if self.inserted is None:
            return scores
        return replace(scores, inserted=torch.logsumexp(self.inserted / temperature, 3))


class CountedPrior(nn.Module):
    """What can be counted, as scores (see `summgan.text.word_table.WordTable`).

    Args:
        classes: ``[words]`` of the table.
        worth: ``[words]`` of the table.
        unseen: ``[words]`` of the table.
        pairs: ``[pairs]`` of the table.
        gains: ``[pairs]`` of the table.
        inserted: ``[insertable]`` rows of the words that may be inserted.
    """

    classes: Tensor
    worth: Tensor
    unseen: Tensor
    pairs: Tensor
    gains: Tensor
    inserted: Tensor

    def __init__(
        self, classes: Tensor, worth: Tensor, unseen: Tensor, pairs: Tensor, gains: Tensor, inserted: Tensor
    ):
        super().__init__()
        tables = dict(
            classes=classes, worth=worth, unseen=unseen, pairs=pairs, gains=gains, inserted=inserted
        )
        for name, table in tables.items():
            self.register_buffer(name, table, persistent=False)

    def succession(self, first: Tensor, second: Tensor) -> Tensor:
        """Nats of words ``second`` after words ``first``, rows of the table that broadcast."""
        first, second = torch.broadcast_tensors(self.classes[first], self.classes[second])
        keys = first * SPREAD + second
        found = torch.searchsorted(self.pairs, keys).clamp_max(len(self.pairs) - 1)
        return torch.where(self.pairs[found] == keys, self.gains[found], self.unseen[first])


class PathGenerator(nn.Module):
    """Scores of the lattice of a document.

    Args:
        encoder: Any encoder of transformers, new or pretrained.
        speller: Pieces of its words.
        prior: What was counted.
        rank: Width of the features of an edge.
        band: Vertices that a leap goes at most.
    """

    def __init__(
        self,
        encoder: PreTrainedModel,
        speller: Speller,
        prior: CountedPrior,
        rank: int = 96,
        band: int = 64,
    ):
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder, self.speller, self.prior, self.band = encoder, speller, prior, band
        self.left, self.right = nn.Linear(width, rank), nn.Linear(width, rank)
        self.distance, self.between = nn.Embedding(DISTANCES, rank), nn.Embedding(_BETWEEN, rank)
        self.edge = nn.Linear(rank, 1 + len(prior.inserted))
        self.form = nn.Linear(width, width)
        self.node, self.begin, self.end = (nn.Linear(width, 1) for _ in range(3))
        for layer in (self.edge, self.form, self.node, self.begin, self.end):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        for table in (self.distance, self.between):
            nn.init.normal_(table.weight, std=0.5)

    def knowing(self, prior: CountedPrior, speller: Speller) -> PathGenerator:
        """A generator of the same weights for more words; this one stays as it is."""
        other = copy(self)
        other._modules = {**self._modules, "prior": prior, "speller": speller}
        return other

    def forward(self, lattice: Lattice, learned: bool = True) -> PathScores:
        """Score a batch.

        Args:
            lattice: The documents.
            learned: False for the prior alone.
        """
        onward = self._onward(lattice)
        prior, inserted = self._prior(lattice, onward)
        if not learned:
            zero = prior.map(torch.zeros_like)
            return PathScores(self._total(prior, inserted), zero, inserted, None)
        mine, more = self._learned(lattice, onward)
        total = Scores(
            prior.begin + mine.begin, prior.node + mine.node, prior.edge + mine.edge, prior.end + mine.end
        )
        both = None if inserted is None or more is None else inserted + more
        return PathScores(self._total(total, both), mine, both, more)

    @staticmethod
    def _total(scores: Scores, inserted: Tensor | None) -> Scores:
        return scores if inserted is None else replace(scores, inserted=torch.logsumexp(inserted, 3))

    def _onward(self, lattice: Lattice) -> Tensor:
        """``[vertices, band]`` vertices that edges go to, beyond the last too."""
        vertices = lattice.words.shape[1]
        steps = torch.arange(1, min(self.band, max(1, vertices - 1)) + 1, device=lattice.words.device)
        return torch.arange(vertices, device=steps.device)[:, None] + steps

    def _prior(self, lattice: Lattice, onward: Tensor) -> tuple[Scores, Tensor | None]:
        """Counted scores, and those of inserted words on every edge."""
        words, places = lattice.words.clamp_min(0), lattice.places
        there = lattice.words >= 0
        beyond = onward >= words.shape[1]
        to = onward.clamp_max(words.shape[1] - 1)
        worth = torch.where(
            self._again(lattice), self.prior.worth[words].clamp_max(_AGAIN), self.prior.worth[words]
        )
        node = worth + _EARLY * places + _CHANGED * lattice.changed
        ends = self.prior.classes.new_tensor([0, 1])
        begin = _SUCCESSION * self.prior.succession(ends[:1, None], words)
        end = _SUCCESSION * self.prior.succession(words, ends[1:, None])
        edge = _SUCCESSION * self.prior.succession(words[:, :, None], words[:, to])
        steps = places[:, to] - places[:, :, None]
        edge = edge + _TOGETHER * (steps == 1)
        hold, need = lattice.hold.gather(1, places), lattice.need.gather(1, places)
        parted = ((steps > 1) | (steps < 1)) & (hold[:, :, None] | need[:, to])
        bad = beyond | (steps < 1) | ~there[:, to]
        begin, end = begin + _PARTED * need, end + _PARTED * hold
        across = self._crossed(lattice, to) == _SENTENCE
        edge = (edge + _PARTED * parted + _ACROSS * across).masked_fill(bad, FORBIDDEN)
        scores = Scores(begin, node.masked_fill(~there, FORBIDDEN), edge, end)
        if not len(self.prior.inserted):
            return scores, None
        before = self.prior.succession(words[..., None], self.prior.inserted)
        after = self.prior.succession(self.prior.inserted, words[..., None])
        inserted = _SUCCESSION * (before[:, :, None] + after[:, to]) + _INSERTED
        barred = hold[:, :, None] | need[:, to]
        inserted = inserted + (_PARTED * barred + _ACROSS * across)[..., None]
        return scores, inserted.masked_fill(bad[..., None], FORBIDDEN)

    @staticmethod
    def _again(lattice: Lattice) -> Tensor:
        """``[batch, vertices]`` whether the word stood further up already."""
        same = lattice.words[:, :, None] == lattice.words[:, None]
        earlier = lattice.places[:, None] < lattice.places[:, :, None]
        return (same & earlier).any(2)

    def _learned(self, lattice: Lattice, onward: Tensor) -> tuple[Scores, Tensor | None]:
        """Scores from the encoder's states, in float32."""
        spelled = self.speller(lattice.source, lattice.after)
        encoded = self.encoder(input_ids=spelled.input_ids, attention_mask=spelled.attention_mask)
        states = states_at(encoded.last_hidden_state, spelled.first[:, 1:-1].gather(1, lattice.places))
        states = states + self.form(self._difference(lattice).to(states.dtype))
        to = onward.clamp_max(states.shape[1] - 1)
        steps = (lattice.places[:, to] - lattice.places[:, :, None]).clamp(0, DISTANCES - 1)
        left, right = self.left(states), self.right(states)
        feature = (
            left[:, :, None] + right[:, to] + self.distance(steps) + self.between(self._crossed(lattice, to))
        )
        edges = self.edge(torch.tanh(feature)).float()
        tables = (layer(states).squeeze(2).float() for layer in (self.begin, self.node, self.end))
        begin, node, end = tables
        mine = Scores(begin, node, edges[..., 0], end)
        return mine, edges[..., 1:] if edges.shape[3] > 1 else None

    def _difference(self, lattice: Lattice) -> Tensor:
        """``[batch, vertices, width]`` embedding of a form less that of the word, 0 where it is the word."""
        embed = self.encoder.get_input_embeddings()
        width = self.encoder.config.hidden_size

        def mean(rows: Tensor) -> Tensor:
            pieces = self.speller.pieces[rows.clamp_min(0)]
            there = (pieces >= 0)[..., None]
            return (embed(pieces.clamp_min(0)) * there).sum(-2) / there.sum(-2).clamp_min(1)

        difference = torch.zeros(*lattice.words.shape, width, device=lattice.words.device)
        where = lattice.changed
        own = lattice.source.gather(1, lattice.places)
        difference[where] = (mean(lattice.words[where]) - mean(own[where])).float()
        return difference

    @staticmethod
    def _crossed(lattice: Lattice, to: Tensor) -> Tensor:
        """``[batch, vertices, band]`` kind of what an edge leaps over."""
        before = [F.pad((lattice.after == kind).long().cumsum(1), (1, 0))[:, :-1] for kind in (1, 2)]
        clause, sentence = (table.gather(1, lattice.places) for table in before)
        over = [table[:, to] > table[:, :, None] for table in (clause, sentence)]
        beside = lattice.places[:, to] - lattice.places[:, :, None] == 1
        kind = torch.where(over[1], _SENTENCE, torch.where(over[0], 2, 1))
        return torch.where(beside & ~over[0] & ~over[1], 0, kind)


def inserted_words(scores: PathScores, path: Path, temperature: float, uniforms: Tensor | None) -> Tensor:
    """Which words are inserted on the edges of drawn paths.

    Args:
        scores: Of the lattices.
        path: ``[batch, samples, units]``.
        temperature: Of the distribution.
        uniforms: ``[batch, samples, units, insertable]`` in [0, 1); None for the likeliest.

    Returns:
        ``[batch, samples, units]`` index among the insertable words before each vertex, -1 for none.
    """
    if scores.inserted is None:
        return torch.full_like(path.vertices, -1)
    logits = _inserted_on(scores, path).detach() / temperature
    if uniforms is not None:
        logits = logits - (-torch.log1p(-uniforms[:, :, 1:])).clamp_min(1e-20).log()
    chosen = torch.where(path.inserted[..., 1:], logits.argmax(3), -1)
    return F.pad(chosen, (1, 0), value=-1)


def chances_of(scores: PathScores, path: Path, inserted: Tensor, temperature: float) -> Tensor:
    """How likely each inserted word stands where one is inserted.

    Args:
        scores: Of the lattices, with inserted words.
        path: ``[batch, samples, units]``.
        inserted: As of `inserted_words`.
        temperature: Of the distribution.

    Returns:
        ``[batch, samples, units]`` share of the word among all that may be inserted there, 0 for none.
    """
    shares = torch.softmax(_inserted_on(scores, path) / temperature, 3)
    share = shares.gather(3, inserted[..., 1:, None].clamp_min(0)).squeeze(3)
    return F.pad(share * path.inserted[..., 1:], (1, 0))


def _inserted_on(scores: PathScores, path: Path) -> Tensor:
    """``[batch, samples, units - 1, insertable]`` scores of inserted words between the vertices of paths."""
    assert scores.inserted is not None
    here, there = path.vertices.clamp_min(0)[..., :-1], path.vertices.clamp_min(0)[..., 1:]
    rows = torch.arange(len(here), device=here.device)[:, None, None]
    return scores.inserted[rows, here, (there - here - 1).clamp_min(0)]


@dataclass(frozen=True)
class Drawn:
    """Summaries as rows of words, with what each decision of the generator was.

    Attributes:
        words: ``[batch * samples, units]`` rows of the word table, -1 beyond the last.
        struck: ``[batch * samples, units + 1]`` 1 at every gap beside something that is not the document's.
        position: ``[batch, samples, units]`` place in ``words`` of each vertex of the path.
        places: ``[batch * samples, units]`` place of each word in the document, -1 for inserted ones.
    """

    words: Tensor
    struck: Tensor
    position: Tensor
    places: Tensor


def write(lattice: Lattice, insertable: Tensor, path: Path, inserted: Tensor) -> Drawn:
    """The words of paths.

    Args:
        lattice: The documents.
        insertable: ``[insertable]`` rows of the words that may be inserted.
        path: ``[batch, samples, units]``.
        inserted: As of `inserted_words`.
    """
    batch, samples, units = path.vertices.shape
    vertices = path.vertices.clamp_min(0)
    rows = torch.arange(batch, device=vertices.device)[:, None, None]
    more, mask = inserted >= 0, path.mask
    position = (mask.long() + more.long()).cumsum(2) - 1
    dump = units  # beyond the path

    def place_of(values: Tensor, extra: Tensor, filling: int) -> Tensor:
        table = values.new_full((batch, samples, units + 1), filling)
        table.scatter_(2, torch.where(mask, position, dump), torch.where(mask, values, filling))
        table.scatter_(2, torch.where(more, position - 1, dump), torch.where(more, extra, filling))
        return table[..., :units].flatten(0, 1)

    said, place = lattice.words[rows, vertices], lattice.places[rows, vertices]
    words = place_of(said, insertable[inserted.clamp_min(0)] if len(insertable) else said, -1)
    places = place_of(place, torch.full_like(place, -1), -1)
    changed = place_of(lattice.changed[rows, vertices].long(), torch.ones_like(place), 0)
    return Drawn(words, _struck(lattice, words, places, changed, samples), position, places)


def _struck(lattice: Lattice, words: Tensor, places: Tensor, changed: Tensor, samples: int) -> Tensor:
    """Gaps where words were left out, put in or changed; the document's own sentence begins are none."""
    there = words >= 0
    after = lattice.after.repeat_interleave(samples, 0)
    lengths, size = there.sum(1), (lattice.source >= 0).sum(1).repeat_interleave(samples)
    leap = places[:, 1:] != places[:, :-1] + 1
    own = leap | (changed[:, 1:] > 0) | (changed[:, :-1] > 0)
    first, last = places[:, 0], places.gather(1, (lengths - 1).clamp_min(0)[:, None]).squeeze(1)
    before = after.gather(1, (first - 1).clamp_min(0)[:, None]).squeeze(1)
    begins = (first == 0) | ((before == 2) & (first > 0))
    ends = (last == size - 1) | (after.gather(1, last.clamp_min(0)[:, None]).squeeze(1) > 0)
    struck = torch.cat([(~begins)[:, None], own & there[:, 1:], torch.zeros_like(begins)[:, None]], 1)
    return struck.scatter(1, lengths[:, None], (~ends)[:, None]).float()
