"""Chooses among the best paths of several lengths: predicts how a language model would judge each one.

A generator scores neighbouring words only. A language model that reads document and path (`critics.Fluency`)
can tell whether the whole path is a complete sentence, but it is large. While it judges paths in training, a
small recurrent network over the generator's states learns to predict its log-likelihoods; only this network
is needed to write. Log-likelihoods of different lengths are compared per word (Wu et al. 2016, section 7).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.networks.lattice import Lattice
from summgan.networks.path_generator import Drawn
from summgan.text.words import NOTHING, SENTENCE

_STEPS = 33
"""Number of different distances between two words; longer distances count as the longest."""
_END, _LEAST = 0.2, 0.2
"""Weights of the end and of the least likely word, in relation to the mean word. Among weights from 0 to 0.5,
they are about the best at separating the accepted from the rejected ones of 807 marked summaries."""


class Reranker(nn.Module):
    """Predicts the log-likelihood of each word of a summary, and of its end, under the language model.

    Args:
        width: Width of the generator's states.
        size: Width of the recurrent layer.
    """

    def __init__(self, width: int, size: int):
        super().__init__()
        self.word, self.before, self.document = (nn.Linear(width, size) for _ in range(3))
        self.step, self.after = nn.Embedding(_STEPS, size), nn.Embedding(1 + SENTENCE, size)
        for table in (self.step, self.after):
            nn.init.normal_(table.weight, std=0.3)
        self.dropout = nn.Dropout(0.1)
        self.recurrent = nn.GRU(size, size, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(size), nn.Linear(size, size), nn.GELU(), nn.Linear(size, 2))

    def forward(self, drawn: Drawn, lattice: Lattice, states: Tensor) -> Tensor:
        """Read summaries from left to right.

        Args:
            drawn: Summaries, the same number for each document.
            lattice: The documents.
            states: ``[batch, vertices + insertable, width]``; see `PathScores.states`.

        Returns:
            ``[batch * samples, units + 1]`` log-likelihood, in nats, of each word given those before it, then
            of the end; padded with 0.
        """
        samples = len(drawn.words) // len(states)
        there = (lattice.words >= 0)[..., None]
        document = (states[:, : there.shape[1]] * there).sum(1) / there.sum(1)
        after = lattice.after.repeat_interleave(samples, 0).gather(1, drawn.places.clamp_min(0))
        after = after.masked_fill(drawn.places < 0, NOTHING)
        reached = F.pad(drawn.places.cummax(1).values, (1, 0), value=-1)  # an inserted word takes no step
        step = (reached[:, 1:] - reached[:, :-1]).clamp_max(_STEPS - 1)

        states = F.pad(states, (0, 0, 0, 1))  # zeros before the first word, at index -1
        row = torch.arange(len(drawn.words), device=states.device)[:, None] // samples
        features = self.word(states)[row, drawn.states]
        features = features + self.before(states)[row, F.pad(drawn.states, (1, -1), value=-1)]
        features = features + self.document(document)[row]
        features = self.dropout((features + self.step(step) + self.after(after)).tanh())
        read, _ = self.recurrent(features)
        words, ends = (F.pad(column, (0, 1)) for column in self.head(features + read).float().unbind(2))

        lengths = (drawn.words >= 0).sum(1, keepdim=True)
        places = torch.arange(words.shape[1], device=words.device)
        return torch.where(places < lengths, words, 0.0).scatter(1, lengths, ends.gather(1, lengths - 1))


def worth_of(nats: Tensor, lengths: Tensor) -> Tensor:
    """Compute the worth of summaries, comparable between lengths.

    Args:
        nats: ``[..., units + 1]`` log-likelihoods from `Reranker`.
        lengths: ``[...]`` number of words of each summary.

    Returns:
        ``[...]`` mean log-likelihood of the words, plus a fifth each of that of the end and of the least
        likely word from the third on, which may join what does not belong together; in nats.
    """
    last = lengths[..., None]
    ends = nats.gather(-1, last).squeeze(-1)
    # The least likely word counts 0 in summaries of one or two words.
    least = F.pad(nats.scatter(-1, last, 0.0), (0, 1))[..., 2:].amin(-1)
    return (nats.sum(-1) - ends) / lengths + _END * ends + _LEAST * least
