"""The generator that writes a summary as a path through the words of its document.

Each score is a *prior* plus a learned score. The prior is counted in documents and human sentences: the
salience of each word, which word follows which, and which neighbours stay together. The learned scores come
from an encoder that reads the document: one for each word, and one for each edge from a word to a later word,
directly or with a word inserted between them. The features of an edge are the encoder's states of both words,
their distance and the punctuation between them. Learned scores start at zero, so training starts from the
best path of the prior. Training, sampling and writing use the same distribution (`paths.py`).
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from summgan.networks.lattice import LEAPS, OVER_SENTENCE, Edges, Lattice, edges_of, leaps_over
from summgan.networks.paths import FORBIDDEN, Path, Scores
from summgan.networks.spelling import Speller, states_at
from summgan.text.word_table import BEGIN, END, SPREAD
from summgan.text.words import NOTHING, SENTENCE

DISTANCES = 32
"""Number of different distances in the features of edges; longer distances count as the longest."""
_SUCCESSION = 0.25  # weight of the gains of pairs of words
_TOGETHER = 1.4  # nats of an edge to the next word of the document
_AGAIN = -1.0  # highest salience, in nats, of a repeated word
_EARLY = -0.045  # nats per word between the document's beginning and the word
_ACROSS = -2.0  # nats of an edge from one sentence into another: what it joins is hardly ever true
_AMID = -2.0  # nats of beginning within a sentence, often without its subject; 0 in texts without full stops
_PARTED = -6.0  # nats of an edge that parts words that stay together
_CHANGED, _INSERTED = -2.5, -2.0  # nats of another form of a word; nats of an inserted word


@dataclass(frozen=True)
class Parts:
    """Scores of a batch of lattices, in nats, with those of all edges in one list (see `Edges`).

    Attributes:
        begin: ``[batch, vertices]`` score of beginning with each vertex.
        node: ``[batch, vertices]`` score of each vertex.
        edge: ``[edges]`` score of each edge.
        end: ``[batch, vertices]`` score of ending after each vertex.
        inserted: ``[edges, insertable]`` score of each edge with each word inserted on it.
    """

    begin: Tensor
    node: Tensor
    edge: Tensor
    end: Tensor
    inserted: Tensor

    def __add__(self, other: Parts) -> Parts:
        tables = (getattr(self, f.name) + getattr(other, f.name) for f in fields(self))
        return Parts(*tables)


@dataclass(frozen=True)
class PathScores:
    """Scores of a batch of lattices, and the parts that training needs.

    Attributes:
        edges: The edges of the lattices.
        whole: Sums of prior and learned scores.
        learned: Learned scores alone.
        states: ``[batch, vertices + insertable, width]`` encoding of each vertex, then embedding of each word
            that may be inserted; None for the prior alone.
    """

    edges: Edges
    whole: Parts
    learned: Parts
    states: Tensor | None = None

    @cached_property
    def total(self) -> Scores:
        """Scores of the distribution at temperature 1."""
        return self.at(1.0)

    def at(self, temperature: float) -> Scores:
        """Return the scores of the distribution at a temperature."""
        parts, table = self.whole, self.edges.table
        inserted = None
        if parts.inserted.shape[1]:
            inserted = table(torch.logsumexp(parts.inserted / temperature, 1))
        begin, node, end = (scores / temperature for scores in (parts.begin, parts.node, parts.end))
        return Scores(begin, node, table(parts.edge / temperature), end, inserted)


class CountedPrior(nn.Module):
    """The counts of a `summgan.text.word_table.WordTable` from which the prior is computed.

    Args:
        classes: ``[words]`` as in the table.
        worth: ``[words]`` as in the table, in nats.
        unseen: ``[words]`` as in the table, in nats.
        pairs: ``[pairs]`` as in the table.
        gains: ``[pairs]`` as in the table, in nats.
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

    def of(self, classes: Tensor, worth: Tensor, unseen: Tensor, inserted: Tensor) -> CountedPrior:
        """Make a prior with the same counts of pairs for a table of other words."""
        return CountedPrior(classes, worth, unseen, self.pairs, self.gains, inserted)

    def succession(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the gain, in nats, of each word ``second`` after ``first``; both are rows and broadcast."""
        keys = self.classes[first] * SPREAD + self.classes[second]
        found = torch.searchsorted(self.pairs, keys).clamp_max(len(self.pairs) - 1)
        return torch.where(self.pairs[found] == keys, self.gains[found], self.unseen[first])


class PathGenerator(nn.Module):
    """Scores the lattices of documents.

    Args:
        encoder: An encoder of transformers, new or pretrained.
        speller: Spells words as pieces of the encoder.
        prior: The counted prior.
        rank: Width of the features of an edge.
        band: Largest number of vertices that an edge goes ahead.
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
        self.distance, self.between = nn.Embedding(DISTANCES, rank), nn.Embedding(LEAPS, rank)
        self.edge = nn.Linear(rank, 1 + len(prior.inserted))
        self.form = nn.Linear(width, width)
        self.node, self.begin, self.end = (nn.Linear(width, 1) for _ in range(3))
        for layer in (self.edge, self.form, self.node, self.begin, self.end):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        for table in (self.distance, self.between):
            nn.init.normal_(table.weight, std=0.5)

    def knowing(self, prior: CountedPrior, speller: Speller) -> PathGenerator:
        """Make a generator that has these weights and another table of words; this one is unchanged."""
        other = copy(self)
        other._modules = {**self._modules, "prior": prior, "speller": speller}
        return other

    def forward(self, lattice: Lattice, learned: bool = True) -> PathScores:
        """Score a batch of lattices.

        Args:
            lattice: The documents.
            learned: Whether to add the learned scores; without them the encoder does not run.
        """
        edges = edges_of(lattice, self.band)
        over = leaps_over(lattice, edges)
        prior = self._prior(lattice, edges, over)
        if not learned:
            zero = Parts(*(torch.zeros_like(getattr(prior, f.name)) for f in fields(prior)))
            return PathScores(edges, prior, zero)
        states = self._states(lattice)
        mine = self._learned(lattice, edges, over, states)
        inserted = self._embedded(self.prior.inserted).expand(len(states), -1, -1)
        return PathScores(edges, prior + mine, mine, torch.cat([states, inserted], 1))

    def _prior(self, lattice: Lattice, edges: Edges, over: Tensor) -> Parts:
        """Compute the scores of the prior."""
        words, places, prior = lattice.words.clamp_min(0), lattice.places, self.prior
        worth = torch.where(self._again(lattice), prior.worth[words].clamp_max(_AGAIN), prior.worth[words])
        node = worth + _EARLY * places + _CHANGED * lattice.changed
        hold, need = lattice.hold.gather(1, places), lattice.need.gather(1, places)
        bounds = torch.tensor([BEGIN, END], device=words.device)
        ends = lattice.after == SENTENCE
        amid = (places > 0) & ~ends.gather(1, (places - 1).clamp_min(0)) & ends.any(1, keepdim=True)
        begin = _SUCCESSION * prior.succession(bounds[:1, None], words) + _PARTED * need + _AMID * amid
        end = _SUCCESSION * prior.succession(words, bounds[1:, None]) + _PARTED * hold
        first, second = words.flatten()[edges.here], words.flatten()[edges.to]
        beside = places.flatten()[edges.to] - places.flatten()[edges.here] == 1
        tied = hold.flatten()[edges.here] | need.flatten()[edges.to]
        across = _ACROSS * (over == OVER_SENTENCE)
        edge = _SUCCESSION * prior.succession(first, second) + _TOGETHER * beside
        edge = edge + _PARTED * (tied & ~beside) + across
        before = prior.succession(words.flatten()[:, None], prior.inserted)
        after = prior.succession(prior.inserted, words.flatten()[:, None])
        inserted = _SUCCESSION * (before[edges.here] + after[edges.to])
        inserted = inserted + (_PARTED * tied + across + _INSERTED)[:, None]
        return Parts(begin, node.masked_fill(lattice.words < 0, FORBIDDEN), edge, end, inserted)

    @staticmethod
    def _again(lattice: Lattice) -> Tensor:
        """Tell ``[batch, vertices]`` whether the document has each word at an earlier place too."""
        same = lattice.words[:, :, None] == lattice.words[:, None]
        earlier = lattice.places[:, None] < lattice.places[:, :, None]
        return (same & earlier).any(2)

    def _states(self, lattice: Lattice) -> Tensor:
        """Encode each vertex as ``[batch, vertices, width]``, in float32 whatever the encoder's type."""
        spelled = self.speller(lattice.source, lattice.after)
        encoded = self.encoder(input_ids=spelled.input_ids, attention_mask=spelled.attention_mask)
        hidden = encoded.last_hidden_state.float()
        states = states_at(hidden, spelled.first[:, 1:-1].gather(1, lattice.places))
        return states + self.form(self._difference(lattice))

    def _learned(self, lattice: Lattice, edges: Edges, over: Tensor, states: Tensor) -> Parts:
        """Compute the learned scores from the states ``[batch, vertices, width]``."""
        places = lattice.places.flatten()
        steps = (places[edges.to] - places[edges.here]).clamp_max(DISTANCES - 1)
        leaps = self.distance.weight[:, None] + self.between.weight
        # The features of an edge are the sum of three rows of one table.
        tables = [self.left(states).flatten(0, 1), self.right(states).flatten(0, 1), leaps.flatten(0, 1)]
        size = len(places)
        rows = [edges.here, size + edges.to, 2 * size + steps * LEAPS + over]
        feature = F.embedding_bag(torch.stack(rows, 1), torch.cat(tables), mode="sum")
        scores = self.edge(feature.tanh_()).float()
        begin, node, end = (layer(states).squeeze(2).float() for layer in (self.begin, self.node, self.end))
        return Parts(begin, node, scores[:, 0], end, scores[:, 1:])

    def _difference(self, lattice: Lattice) -> Tensor:
        """Subtract each word's embedding from that of its vertex ``[batch, vertices, width]``; 0 if equal."""
        width = self.encoder.config.hidden_size
        difference = torch.zeros(*lattice.words.shape, width, device=lattice.words.device)
        where = lattice.changed
        own = lattice.source.gather(1, lattice.places)
        difference[where] = self._embedded(lattice.words[where]) - self._embedded(own[where])
        return difference

    def _embedded(self, rows: Tensor) -> Tensor:
        """Average the embeddings of the pieces of words ``[...]``, as ``[..., width]``."""
        return self.speller.mean_embedding(rows, self.encoder.get_input_embeddings())


def inserted_words(scores: PathScores, path: Path, temperature: float, uniforms: Tensor | None) -> Tensor:
    """Draw the words that are inserted on the edges of paths.

    Args:
        scores: Scores of the lattices.
        path: Paths ``[batch, samples, units]``.
        temperature: Temperature of the distribution.
        uniforms: ``[batch, samples, units, insertable]`` random numbers in [0, 1); None to take the likeliest
            words instead.

    Returns:
        ``[batch, samples, units]`` index, among the insertable words, of the one before each vertex; -1 for
        none.
    """
    if not scores.whole.inserted.shape[1]:
        return torch.full_like(path.vertices, -1)
    logits = scores.whole.inserted[scores.edges.between(path)].detach() / temperature
    if uniforms is not None:
        logits = logits - (-torch.log1p(-uniforms[:, :, 1:])).clamp_min(1e-20).log()
    chosen = torch.where(path.inserted[..., 1:], logits.argmax(3), -1)
    return F.pad(chosen, (1, 0), value=-1)


def chances_of(scores: PathScores, path: Path, inserted: Tensor, temperature: float) -> Tensor:
    """Compute the probability of each inserted word, given that a word is inserted there.

    Args:
        scores: Scores of the lattices, with inserted words.
        path: Paths ``[batch, samples, units]``.
        inserted: Inserted words from `inserted_words`.
        temperature: Temperature of the distribution.

    Returns:
        ``[batch, samples, units]`` probability of the word before each vertex, 0 where none is inserted.
    """
    shares = torch.softmax(scores.whole.inserted[scores.edges.between(path)] / temperature, 3)
    share = shares.gather(3, inserted[..., 1:, None].clamp_min(0)).squeeze(3)
    return F.pad(share * path.inserted[..., 1:], (1, 0))


@dataclass(frozen=True)
class Drawn:
    """Summaries as rows of the word table, and how they follow from paths.

    Attributes:
        words: ``[batch * samples, units]`` rows of the word table, padded with -1.
        struck: ``[batch * samples, units + 1]``, 1 for each gap, before a word or the end, where the summary
            departs from the document: words are left out, inserted or changed.
        position: ``[batch, samples, units]`` index in ``words`` of each vertex of the path.
        states: ``[batch * samples, units]`` index of each word in `PathScores.states`, padded with -1.
        places: ``[batch * samples, units]`` place of each word in the document, -1 for inserted words and
            beyond the last.
    """

    words: Tensor
    struck: Tensor
    position: Tensor
    states: Tensor
    places: Tensor


def write(lattice: Lattice, insertable: Tensor, path: Path, inserted: Tensor) -> Drawn:
    """Turn paths into words.

    Args:
        lattice: The documents.
        insertable: ``[insertable]`` rows of the words that may be inserted.
        path: Paths ``[batch, samples, units]``.
        inserted: Inserted words from `inserted_words`.
    """
    batch, samples, units = path.vertices.shape
    vertices = path.vertices.clamp_min(0)
    rows = torch.arange(batch, device=vertices.device)[:, None, None]
    more, mask = inserted >= 0, path.mask
    position = (mask.long() + more.long()).cumsum(2) - 1
    padding = units  # column that is cut off

    def arranged(values: Tensor, extra: Tensor, filling: int) -> Tensor:
        table = values.new_full((batch, samples, units + 1), filling)
        table.scatter_(2, torch.where(mask, position, padding), torch.where(mask, values, filling))
        table.scatter_(2, torch.where(more, position - 1, padding), torch.where(more, extra, filling))
        return table[..., :units].flatten(0, 1)

    own, place = lattice.words[rows, vertices], lattice.places[rows, vertices]
    words = arranged(own, insertable[inserted.clamp_min(0)] if len(insertable) else own, -1)
    places = arranged(place, torch.full_like(place, -1), -1)
    states = arranged(vertices, lattice.words.shape[1] + inserted, -1)
    changed = arranged(lattice.changed[rows, vertices].long(), torch.ones_like(place), 0)
    return Drawn(words, _struck(lattice, words, places, changed, samples), position, states, places)


def _struck(lattice: Lattice, words: Tensor, places: Tensor, changed: Tensor, samples: int) -> Tensor:
    """Compute `Drawn.struck`; the beginning is no such gap if a sentence of the document begins there."""
    there = words >= 0
    after = lattice.after.repeat_interleave(samples, 0)
    lengths, size = there.sum(1), (lattice.source >= 0).sum(1).repeat_interleave(samples)
    leap = places[:, 1:] != places[:, :-1] + 1
    own = leap | (changed[:, 1:] > 0) | (changed[:, :-1] > 0)
    first, last = places[:, 0], places.gather(1, (lengths - 1).clamp_min(0)[:, None]).squeeze(1)
    before = after.gather(1, (first - 1).clamp_min(0)[:, None]).squeeze(1)
    begins = (first == 0) | ((before == SENTENCE) & (first > 0))
    ends = (last == size - 1) | (after.gather(1, last.clamp_min(0)[:, None]).squeeze(1) > NOTHING)
    struck = torch.cat([(~begins)[:, None], own & there[:, 1:], torch.zeros_like(begins)[:, None]], 1)
    return struck.scatter(1, lengths[:, None], (~ends)[:, None]).float()
