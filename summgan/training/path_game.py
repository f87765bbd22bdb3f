"""The game of a path generator with its critics: what each network learns in one step.

Paths are exact samples of the generator's distribution. The discriminator gives each gap of a summary the
probability that something was struck out there, and a frozen language model that has read the document gives
each word its log-probability. From both, each edge has a reward, on which its learned score is regressed.
The log-likelihood of the document, under a reconstructor that reads only the summary, and the similarity of
the two, under a frozen sentence encoder, reward the whole summary; the learned scores of its words follow
this reward by a log-variance loss. The discriminator learns from human sentences, some with a span struck
out, from the summaries of the step, and from some of earlier steps, so that the generator cannot return to
old faults. The reconstructor learns from the summaries of the step. The reranker learns to predict the
language model's log-probabilities of the words and the end of each summary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    inserted_words,
    write,
)
from summgan.networks.paths import FORBIDDEN, Paths, score_of
from summgan.networks.processes import share_of
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
from summgan.training.play import Play, edge_rewards, learned_steps, relaxed_reward
from summgan.training.replay import Replay
from summgan.training.task import Objective


@dataclass(frozen=True)
class Rules:
    """Rules of the game. The defaults are those of the runs whose summaries readers liked best.

    Attributes:
        samples: Number of summaries that are drawn of each document.
        temperature: Temperature of the distribution that summaries are drawn from.
        shortest: Number of words of the shortest summary.
        longest: Number of words of the longest summary.
        gap_weight: Weight of the discriminator's reward of each gap.
        likeness_weight: Weight of the cosine of summary and document.
        fluency_weight: Weight of each word's log-probability, in nats, under the language model.
        reconstruction_weight: Weight of the document's log-likelihood, in nats, given the summary.
        alone: Number of first steps in which only critics learn, from summaries of the counted prior.
        replayed: Number of earlier summaries that are kept.
        spoiled: Share of the human sentences that are also shown with a span struck out.
        leaps: Whether the discriminator's target is 1 for the leaps of a summary only; otherwise it is 1 for
            all gaps of a summary, so that it tells summaries from human sentences.
        free_length: Whether the generator chooses the length of each summary; otherwise all summaries of a
            document have one length, drawn from those of human sentences.
        relaxation: Temperature of the softmax whose gradient replaces that of a drawn path.
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
    relaxation: float = 0.5
    weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "edges": 3.0,
            "words": 1.0,
            "paths": 0.3,
            "whole": 0.0,
            "reinforce": 0.0,
            "relaxed": 0.0,
            "human": 1.0,
            "written": 1.0,
            "reconstruction": 1.0,
            "foresight": 1.0,
        }
    )


class PathGame(nn.Module):
    """Generator and critics, and the objectives of one step.

    Except for the replay, all results are functions of weights, batch, seed and step.

    Args:
        generator: The generator.
        forms: ``[table, forms]`` rows of the other forms of each word in the table, padded with -1.
        length_shares: ``[longest + 1]`` share of the human sentences with each number of words.
        discriminator: Module with the interface of `GapDiscriminator`, or None.
        likeness: Module with the interface of `Likeness`, or None.
        reconstruction: Module with the interface of `Reconstruction`, or None.
        fluency: Module with the interface of `Fluency`, or None.
        reranker: Network that learns to predict the output of ``fluency``, or None.
        rules: Rules of the game; the defaults if None.
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
        """Tell whether only critics learn at a step."""
        return self.discriminator is not None and step < self.rules.alone

    def draw(self, batch: PathBatch, stream: RandomStream, step: int) -> Play:
        """Draw summaries of the documents.

        While only critics learn, summaries are drawn from the prior at one, two or three times the
        temperature, at random, so that critics see good and bad ones.
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
            uniforms = stream.fork("path").uniform(samples, units, paths.choices)
            path = paths.sample(lengths, uniforms)
            insertable = self.generator.prior.inserted
            noise = stream.fork("inserted").uniform(samples, units, len(insertable))
            inserted = inserted_words(scores, path, temperature, noise)
            drawn = write(lattice, insertable, path, inserted)
        relaxed = None
        if self.rules.weights["relaxed"] and not alone:
            differentiable = Paths(scores.at(temperature), paths.longest)
            _, relaxed = differentiable.relaxed_sample(lengths, uniforms, self.rules.relaxation)
        return Play(lattice, scores, path, inserted, drawn, relaxed)

    def longest_of(self, lattice: Lattice) -> int:
        """Return the largest number of words that a summary of these documents may have."""
        return min(self.rules.longest, lattice.source.shape[1])

    def _draw_lengths(self, source: Tensor, stream: RandomStream) -> Tensor:
        """Draw the number of words ``[batch]`` of each document's summaries, at most that of the document."""
        index = torch.searchsorted(self.lengths, stream.fork("lengths").uniform(), right=True)
        lengths = self.rules.shortest + index.clamp_max(len(self.lengths) - 1)
        return torch.minimum(lengths, (source >= 0).sum(1))

    # The generator -------------------------------------------------------------------------------

    def generator_objective(self, play: Play) -> Objective:
        """Compute the losses of generator and reranker.

        ``edges`` regresses the learned score of each edge on its reward. Up to a constant for each document,
        ``paths`` fits the sum of the edges' learned scores to the sum of their rewards, and ``words`` that of
        the words' learned scores to the reward of the whole. If the generator chooses the length, ``whole``
        likewise fits the log-probability of a path to the sum of all rewards and the log share of its length;
        ``reinforce`` and ``relaxed`` raise the sum of all rewards, without and with the gradients of critics.
        ``foresight`` trains only the reranker.
        """
        rules, mask = self.rules, play.path.mask
        steps = F.pad(mask, (0, 1), value=True).float()  # the end counts as a step
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
        if play.relaxed is not None:
            losses["relaxed"] = -relaxed_reward(play, self.differentiable(play)) / rules.temperature
        if self.reranker is not None and nats is not None:
            losses["foresight"] = self.foresight(play, nats, self.reranker)
        mean = (rewards * steps).sum() / share_of(steps.sum())
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
        """Compute the log-probability of paths among those of all lengths, and the log share of their length.

        Returns:
            Two tensors ``[batch, samples]``, in nats.
        """
        scores = play.scores.at(self.rules.temperature)
        lengths = (play.drawn.words >= 0).sum(1).view(play.path.vertices.shape[:2])
        paths, shares = Paths(scores, self.longest_of(play.lattice)), self.log_shares[lengths]
        whole = free_log_partition(paths, self.log_shares).logsumexp(1, keepdim=True)
        return score_of(scores, play.path) + shares - whole, shares

    def foresight(self, play: Play, nats: Tensor, reranker: Reranker) -> Tensor:
        """Compute the mean squared error of the reranker, given ``nats`` from `judge`."""
        assert play.scores.states is not None
        foreseen = reranker(play.drawn, play.lattice, play.scores.states.detach())
        words = (play.drawn.words >= 0).float()
        return edge_regression(foreseen, nats.flatten(0, 1), F.pad(words, (1, 0), value=1.0))

    def differentiable(self, play: Play) -> Iterator[tuple[nn.Module, Callable[[Tensor], Tensor]]]:
        """Yield the trained critics, each with its reward of the summaries as a function.

        The function's argument is added to the embeddings of the summaries' words, so that the reward can be
        differentiated: ``[batch * samples, units, width]``.
        """
        words, rules = play.drawn.words, self.rules
        if (discriminator := self.discriminator) is not None:

            def human(more: Tensor) -> Tensor:
                return gap_rewards(*in_evaluation(discriminator, words, more), rules.gap_weight).sum()

            yield discriminator, human
        if (reconstruction := self.reconstruction) is not None:
            documents = play.lattice.source.repeat_interleave(rules.samples, 0)

            def rebuilt(more: Tensor) -> Tensor:
                scores, _ = in_evaluation(reconstruction, words, documents, more)
                return rules.reconstruction_weight * scores.sum()

            yield reconstruction, rebuilt

    def judge(self, play: Play) -> tuple[Tensor, Tensor, Tensor | None, dict[str, Tensor]]:
        """Compute the rewards by all critics; a missing critic adds 0.

        Returns:
            ``[batch, samples, units + 1]`` reward of each gap; ``[batch, samples]`` reward of the whole;
            ``[batch, samples, units + 1]`` log-probability, in nats, of each word and the end, or None if
            there is no language model; and the rewarded quantities by name: ``likeness`` (cosine),
            ``rebuilt`` (nats of the document) and ``fluency`` (mean nats of words and end).
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
        """Compute the loss of the reconstructor: ``reconstruction``, in nats per piece of the documents.

        Args:
            drawn: Summaries of this step, of which every other one is used.
            source: ``[batch, words]`` documents as rows of the word table.
        """
        assert self.reconstruction is not None
        shown = torch.arange(0, len(drawn.words), 2, device=source.device)
        documents = source[shown // self.rules.samples]
        scores, pieces = self.reconstruction(drawn.words[shown], documents)
        losses = {"reconstruction": -scores.sum() / share_of(pieces.sum())}
        return Objective(weigh(losses, self.rules.weights), means(losses))

    # The discriminator ---------------------------------------------------------------------------

    def discriminator_objective(self, drawn: Drawn, sentences: Tensor, stream: RandomStream) -> Objective:
        """Compute the losses of the discriminator: ``human`` on human sentences, ``written`` on summaries.

        Args:
            drawn: Summaries of this step. Every other one is shown, with a third as many from the replay;
                a third of the rest are added to the replay.
            sentences: ``[sentences, words]`` human sentences, the same number for each document.
            stream: Random numbers of the documents.
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
    """Apply a critic without dropout, and restore its mode."""
    mode = critic.training
    found = critic.eval()(*inputs)
    critic.train(mode)
    return found
