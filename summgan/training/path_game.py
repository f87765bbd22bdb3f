"""The game of a path generator with its critics: what each of them learns in one step.

Paths are drawn exactly from the generator's distribution. A discriminator of gaps says of every gap of a
summary how much it looks as if something was struck out there; this is a reward of every edge, on which the
learned score of the edge regresses. A frozen language model that has read the document says how likely each
word is, which counts as the same reward. A reconstructor says how likely the document is, given the summary
alone, and a frozen sentence encoder how like the two are; these are rewards of the whole, to which the log-
variance over the samples of a document brings the learned scores of the words. The discriminator learns from
human sentences, some with a span struck out, from the summaries, and from some of earlier steps, so that the
generator cannot return to old faults. The reconstructor learns from the summaries of the step. The reranker
learns to foresee what the language model says of the words and the end of a summary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from summgan.data.path_batches import PathBatch
from summgan.networks.critics import gap_rewards
from summgan.networks.lattice import Lattice, lattice_of
from summgan.networks.path_generator import (
    Drawn,
    PathGenerator,
    PathScores,
    inserted_words,
    write,
)
from summgan.networks.paths import FORBIDDEN, Path, Paths, Scores, score_of, step_scores
from summgan.networks.reranker import Reranker
from summgan.randomness import RandomStream, derive_seed
from summgan.training.losses import means, weigh
from summgan.training.path_losses import (
    edge_regression,
    free_log_partition,
    gap_loss,
    log_variance,
    reinforce,
    struck_out,
    suspicion,
)
from summgan.training.replay import Replay
from summgan.training.task import Objective


@dataclass(frozen=True)
class Rules:
    """How the game is played. The defaults are those of the runs that readers liked best.

    Attributes:
        samples: Summaries that are drawn of each document.
        temperature: Temperature of the distribution that they are drawn from.
        shortest: Words of the shortest summary.
        longest: Words of the longest summary.
        gap_weight: Weight of the discriminator's reward of each edge.
        likeness_weight: Weight of the cosine of summary and document.
        fluency_weight: Weight of the nats of each word under the language model.
        reconstruction_weight: Weight of the log-likelihood of the document, in nats, given the summary.
        alone: First steps in which the discriminator learns alone, from summaries of the counted prior.
        replayed: Number of earlier summaries that are kept.
        spoiled: Share of the human sentences that are shown with a span struck out too.
        leaps: Whether the discriminator looks for leaps; else it takes every gap of a summary for one, and
            so tells summaries from human sentences.
        free_length: Whether the generator chooses the length of each summary; else all of a document have
            one that human sentences have.
        weights: Weight of each loss by name.
    """

    samples: int = 4
    temperature: float = 0.6
    shortest: int = 6
    longest: int = 15
    gap_weight: float = 2.0
    likeness_weight: float = 10.0
    fluency_weight: float = 0.5
    reconstruction_weight: float = 0.0
    alone: int = 80
    replayed: int = 4096
    spoiled: float = 0.25
    leaps: bool = True
    free_length: bool = False
    weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "edges": 3.0,
            "words": 1.0,
            "paths": 0.3,
            "whole": 0.0,
            "reinforce": 0.0,
            "human": 1.0,
            "written": 1.0,
            "reconstruction": 1.0,
            "foresight": 1.0,
        }
    )


@dataclass(frozen=True)
class Play:
    """Summaries of a batch, and the generator's decisions.

    Attributes:
        lattice: The documents.
        scores: Scores of the lattice, with gradients.
        path: ``[batch, samples, units]``.
        inserted: ``[batch, samples, units]`` index of the word inserted before each vertex, -1 for none.
        drawn: The words.
    """

    lattice: Lattice
    scores: PathScores
    path: Path
    inserted: Tensor
    drawn: Drawn


class PathGame(nn.Module):
    """Generator and critics, and the objectives of one step.

    Everything is a function of weights, batch, seed and step, but for the replay.

    Args:
        generator: Writes.
        forms: ``[table, forms]`` rows of other forms of every word of the table, -1 beyond the last.
        length_shares: ``[longest + 1]`` share of the human sentences with each number of words.
        discriminator: Answers logits and gaps of rows of words, as `GapDiscriminator`; None for a game
            without it, in which the learned scores of edges stay near 0.
        likeness: Answers unit vectors of rows of words, as `Likeness`; None for a game without it.
        reconstruction: Answers log-probabilities of documents, as `Reconstruction`; None for a game without.
        fluency: Answers log-probabilities of words, as `Fluency`; None for a game without it.
        reranker: Learns to foresee what `fluency` answers; None for a game without it.
        rules: How the game is played.
        seed: Seed of all noise.
    """

    forms: Tensor
    lengths: Tensor
    log_shares: Tensor

    def __init__(
        self,
        generator: PathGenerator,
        forms: Tensor,
        length_shares: Tensor,
        discriminator: nn.Module | None,
        likeness: nn.Module | None,
        reconstruction: nn.Module | None = None,
        fluency: nn.Module | None = None,
        reranker: Reranker | None = None,
        rules: Rules | None = None,
        seed: int = 0,
    ):
        super().__init__()
        self.rules, self.seed = rules or Rules(), seed
        self.generator, self.discriminator, self.likeness = generator, discriminator, likeness
        self.reconstruction, self.fluency, self.reranker = reconstruction, fluency, reranker
        self.replay = Replay(self.rules.replayed, self.rules.longest)
        self.register_buffer("forms", forms, persistent=False)
        shares = length_shares[self.rules.shortest : self.rules.longest + 1].float()
        self.register_buffer("lengths", (shares / shares.sum()).cumsum(0), persistent=False)
        log_shares = F.pad((shares / shares.sum()).log(), (self.rules.shortest, 0), value=FORBIDDEN)
        self.register_buffer("log_shares", log_shares.clamp_min(FORBIDDEN), persistent=False)

    def alone(self, step: int) -> bool:
        """Whether the discriminator learns alone at a step."""
        return self.discriminator is not None and step < self.rules.alone

    def draw(self, batch: PathBatch, stream: RandomStream, step: int) -> Play:
        """Draw summaries of the documents, each of a length that human sentences have.

        While the discriminator learns alone they are of the prior, at one, two or three times the temperature
        by turns, so that it sees good and bad ones.
        """
        lattice = lattice_of(batch.source, batch.after, batch.hold, batch.need, self.forms)
        alone = self.alone(step)
        scores = self.generator(lattice, learned=not alone)
        factor = 1 + derive_seed(self.seed, "temperature", step) % 3 if alone else 1
        temperature = self.rules.temperature * factor
        with torch.no_grad():
            samples = self.rules.samples
            if self.rules.free_length:
                paths = Paths(scores.at(temperature), self.longest_of(lattice))
                chances = free_log_partition(paths, self.log_shares)[:, None]
                noise = stream.fork("lengths").exponential(samples, paths.longest)
                lengths = (chances - noise.log()).argmax(2) + 1
            else:
                lengths = self._draw_lengths(batch.source, stream)
                paths = Paths(scores.at(temperature), int(lengths.max()))
            units = int(lengths.max())
            path = paths.sample(lengths, stream.fork("path").uniform(samples, units, paths.choices))
            insertable = self.generator.prior.inserted
            noise = stream.fork("inserted").uniform(samples, units, len(insertable))
            inserted = inserted_words(scores, path, temperature, noise)
            drawn = write(lattice, insertable, path, inserted)
        return Play(lattice, scores, path, inserted, drawn)

    def longest_of(self, lattice: Lattice) -> int:
        """Words of the longest summary of any of the documents."""
        return min(self.rules.longest, lattice.source.shape[1])

    def _draw_lengths(self, source: Tensor, stream: RandomStream) -> Tensor:
        """``[batch]`` words of a summary, at most those of the document."""
        index = torch.searchsorted(self.lengths, stream.fork("lengths").uniform(), right=True)
        lengths = self.rules.shortest + index.clamp_max(len(self.lengths) - 1)
        return torch.minimum(lengths, (source >= 0).sum(1))

    # The generator -------------------------------------------------------------------------------

    def generator_objective(self, play: Play) -> Objective:
        """What the generator learns, by name.

        ``edges`` brings the learned score of each edge to its reward, ``paths`` the sum over a path to the
        sum of its rewards but for a constant of the document, ``words`` the learned scores of its words to
        the reward of the whole. Where the generator chooses the length, ``whole`` brings the log-likelihood
        of a path to the sum of all rewards and of the log share of its length, whatever the prior says, and
        ``reinforce`` raises the sum of all rewards. ``foresight`` teaches the reranker alone.
        """
        rules, mask = self.rules, play.path.mask
        steps = F.pad(mask, (0, 1), value=True).float()  # the end is a step too
        with torch.no_grad():
            gaps, whole, nats, found = self.judge(play)
            rewards = edge_rewards(gaps, play)
        nodes, edges = learned_steps(play)
        losses = {
            "edges": edge_regression(edges, rewards, steps),
            "words": log_variance(whole, (nodes * mask).sum(2), rules.temperature),
            "paths": log_variance((rewards * steps).sum(2), (edges * steps).sum(2), rules.temperature),
        }
        if rules.free_length:
            total = (whole + (rewards * steps).sum(2)) / rules.temperature
            likelihood, shares = self.log_probability(play)
            losses["whole"] = log_variance(total + shares, likelihood, 1.0)
            losses["reinforce"] = reinforce(total, likelihood)
        if self.reranker is not None and nats is not None:
            losses["foresight"] = self.foresight(play, nats, self.reranker)
        mean = (rewards * steps).sum() / steps.sum()
        summaries = len(play.drawn.words)
        figures = {
            **means(losses),
            "reward": mean,
            "reward_variance": ((rewards - mean).square() * steps).sum() / steps.sum(),
            **means(found),
            "struck": play.drawn.struck.sum() / summaries,
            "inserted": (play.inserted >= 0).sum() / summaries,
        }
        return Objective(weigh(losses, rules.weights), figures)

    def log_probability(self, play: Play) -> tuple[Tensor, Tensor]:
        """Log-likelihood of paths among those of all lengths, and log share of their length.

        Returns:
            ``[batch, samples]`` both.
        """
        scores = play.scores.at(self.rules.temperature)
        lengths = (play.drawn.words >= 0).sum(1).view(play.path.vertices.shape[:2])
        paths, shares = Paths(scores, self.longest_of(play.lattice)), self.log_shares[lengths]
        whole = free_log_partition(paths, self.log_shares).logsumexp(1, keepdim=True)
        return score_of(scores, play.path) + shares - whole, shares

    def foresight(self, play: Play, nats: Tensor, reranker: Reranker) -> Tensor:
        """Mean squared error of the reranker, which alone gets a gradient; ``nats`` as from `judge`."""
        assert play.scores.states is not None
        foreseen = reranker(play.drawn, play.lattice, play.scores.states.detach())
        words = (play.drawn.words >= 0).float()
        return edge_regression(foreseen, nats.flatten(0, 1), F.pad(words, (1, 0), value=1.0))

    def judge(self, play: Play) -> tuple[Tensor, Tensor, Tensor | None, dict[str, Tensor]]:
        """Ask the critics; 0 where there is none.

        Returns:
            ``[batch, samples, units + 1]`` reward of each gap, ``[batch, samples]`` reward of the whole,
            ``[batch, samples, units + 1]`` nats of each word and of the end if there is a language model, and
            by name what is rewarded: ``likeness`` (cosine), ``rebuilt`` (nats of the document), and
            ``fluency`` (nats of a word or an end).
        """
        words, shape = play.drawn.words, play.path.vertices.shape[:2]
        gaps = torch.zeros(*shape, words.shape[1] + 1, device=words.device)
        nats, found = None, {"likeness": torch.zeros(shape, device=words.device)}
        if self.discriminator is not None:
            logits, there = in_evaluation(self.discriminator, words)
            gaps = gap_rewards(logits, there, self.rules.gap_weight).view_as(gaps)
        if self.fluency is not None:
            nats = self.fluency(words, play.lattice.source, play.lattice.after).view_as(gaps)
            gaps = gaps + self.rules.fluency_weight * nats
            found["fluency"] = nats.sum(2) / (nats < 0).sum(2).clamp_min(1)
        if self.likeness is not None:
            documents = self.likeness(play.lattice.source, play.lattice.after)
            found["likeness"] = (self.likeness(words).unflatten(0, shape) * documents[:, None]).sum(2)
        whole = self.rules.likeness_weight * found["likeness"]
        if self.reconstruction is not None:
            documents = play.lattice.source.repeat_interleave(shape[1], 0)
            found["rebuilt"] = in_evaluation(self.reconstruction, words, documents)[0].sum(1).view(shape)
            whole = whole + self.rules.reconstruction_weight * found["rebuilt"]
        return gaps, whole, nats, found

    # The reconstructor ---------------------------------------------------------------------------

    def reconstruction_objective(self, drawn: Drawn, source: Tensor) -> Objective:
        """What the reconstructor learns: ``reconstruction``, nats per piece of the documents.

        Args:
            drawn: Summaries of this step. Every other one is shown.
            source: ``[batch, words]`` the documents.
        """
        assert self.reconstruction is not None
        shown = torch.arange(0, len(drawn.words), 2, device=source.device)
        documents = source[shown // self.rules.samples]
        scores, pieces = self.reconstruction(drawn.words[shown], documents)
        losses = {"reconstruction": -scores.sum() / pieces.sum()}
        return Objective(weigh(losses, self.rules.weights), means(losses))

    # The discriminator ---------------------------------------------------------------------------

    def discriminator_objective(self, drawn: Drawn, sentences: Tensor, stream: RandomStream) -> Objective:
        """What the discriminator learns: ``human`` of human sentences, ``written`` of summaries.

        Args:
            drawn: Summaries of this step. Every other one is shown, with a third as many from the replay;
                some of the rest are kept for later steps.
            sentences: ``[sentences, words]`` human sentences, as many for each document.
            stream: Noise of the documents.
        """
        assert self.discriminator is not None
        longest = self.rules.longest
        words = F.pad(drawn.words, (0, longest - drawn.words.shape[1]), value=-1)
        struck = drawn.struck if self.rules.leaps else torch.ones_like(drawn.struck)
        struck = F.pad(struck, (0, longest + 1 - struck.shape[1]))
        shown = torch.arange(0, len(words), 2, device=words.device)
        kept = torch.arange(1, len(words), 6, device=words.device)
        noise = stream.fork("replay").uniform(self.rules.samples).flatten()[: len(shown) // 3]
        old_words, old_struck = self.replay.draw(noise)
        self.replay.add(words[kept], struck[kept])

        human = F.pad(sentences, (0, longest - sentences.shape[1]), value=-1)
        each = len(human) // len(stream.rows)
        spoiled = int(self.rules.spoiled * len(human))
        noise = stream.fork("struck").uniform(each, 2).flatten(0, 1)[:spoiled]
        cut_words, cut_struck = struck_out(human[:spoiled], noise)
        whole = torch.zeros(len(human), longest + 1, device=words.device)

        rows = torch.cat([cut_words, human, words[shown], old_words])
        labels = torch.cat([cut_struck, whole, struck[shown], old_struck])
        logits, gaps = self.discriminator(rows)
        bound = spoiled + len(human)
        losses = {
            "human": gap_loss(logits[:bound], labels[:bound], gaps[:bound].float()),
            "written": gap_loss(logits[bound:], labels[bound:], gaps[bound:].float()),
        }
        figures = means(losses) | suspicion(logits, gaps, labels, spoiled, bound)
        return Objective(weigh(losses, self.rules.weights), figures)


def in_evaluation(critic: nn.Module, *inputs: Tensor) -> tuple[Tensor, Tensor]:
    """What a critic answers without dropout; its mode stays."""
    mode = critic.training
    found = critic.eval()(*inputs)
    critic.train(mode)
    return found


def learned_steps(play: Play) -> tuple[Tensor, Tensor]:
    """What was learned of each step of the paths; differentiable.

    Returns:
        ``[batch, samples, units]`` of the vertices, and ``[batch, samples, units + 1]`` of the begin, of the
        edges with what is inserted on them, and, last of all, of the end. Beyond the path, edges are 0.
    """
    path, learned, table = play.path, play.scores.learned, play.scores.edges.table
    nodes, edges, ends = step_scores(
        Scores(learned.begin, learned.node, table(learned.edge), learned.end), path
    )
    if learned.inserted.shape[1]:
        chosen = play.inserted[..., 1:]
        more = learned.inserted[play.scores.edges.between(path), chosen.clamp_min(0)]
        edges = torch.cat([edges[..., :1], torch.where(chosen >= 0, more, edges[..., 1:])], 2)
    return nodes, torch.cat([edges, ends[..., None]], 2)


def edge_rewards(gaps: Tensor, play: Play) -> Tensor:
    """Rewards of the gaps as rewards of the generator's decisions.

    Args:
        gaps: ``[batch, samples, units + 1]`` reward of the gap before each word, and before the end.
        play: The summaries.

    Returns:
        ``[batch, samples, units + 1]`` of each edge to a vertex, and, last of all, of the end. An edge with
        an inserted word has both gaps beside that word.
    """
    position = play.drawn.position
    own = gaps.gather(2, position.clamp_min(0))
    before = gaps.gather(2, (position - 1).clamp_min(0))
    own = own + torch.where(play.inserted >= 0, before, 0.0)
    total = (play.drawn.words >= 0).sum(1).view(gaps.shape[:2])
    return torch.cat([own, gaps.gather(2, total[..., None])], 2)
