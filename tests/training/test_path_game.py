"""The game of a path generator: which network learns from which rewards, and that it does."""

from dataclasses import replace

import pytest
import torch
from paths_support import (
    make_discriminator,
    make_encoder,
    make_generator,
    make_language_model,
    make_reconstruction,
    make_speller,
    make_world,
    no_forms,
)
from torch import nn

from summgan.data.order import Share
from summgan.data.path_batches import PathBatches
from summgan.networks.critics import Fluency, Likeness
from summgan.networks.path_generator import write
from summgan.networks.paths import Path, Paths
from summgan.networks.reranker import Reranker
from summgan.randomness import RandomStream
from summgan.text.word_table import of_length
from summgan.training.path_game import PathGame, Rules
from summgan.training.play import Play, edge_rewards, learned_steps

WORLD = make_world()
RULES = Rules(samples=4, shortest=4, longest=6, alone=2, replayed=8)


def make_game(
    discriminator=None, likeness=None, reconstruction=None, fluency=None, reranker=None, rules=RULES
):
    torch.manual_seed(0)
    shares = torch.tensor([0, 0, 0, 0, 1, 1, 2.0, 0])
    critics = discriminator, likeness, reconstruction, fluency, reranker
    return PathGame(make_generator(WORLD), no_forms(WORLD), shares, *critics, rules=rules, seed=3)


def whole_game(rules=RULES):
    torch.manual_seed(0)
    likeness = Likeness(make_encoder(WORLD), make_speller(WORLD))
    return make_game(make_discriminator(WORLD), likeness, rules=rules)


def batches(size=4):
    sentences = of_length(WORLD.sentences, 4, 6)
    return PathBatches(WORLD.documents, sentences, 0, Share(size))


def objectives(game, batch, step):
    """Objectives of generator, reconstructor and discriminator, all on the same summaries."""
    stream = RandomStream.of(batch.rows, game.seed, "step", step)
    play = game.draw(batch, stream, step)
    if not game.alone(step):
        yield game.generator_objective(play)
    if game.reconstruction is not None:
        yield game.reconstruction_objective(play.drawn, batch.source)
    if game.discriminator is not None:
        yield game.discriminator_objective(play.drawn, batch.sentences, stream)


def gradients(network):
    return sum(float(p.grad.abs().sum()) for p in network.parameters() if p.grad is not None)


def test_each_player_learns_from_its_own_losses_alone():
    game = whole_game().train()
    first = list(objectives(game, batches()[0], 0))
    assert len(first) == 1  # only the discriminator learns
    human, written = first[0].figures["human"], first[0].figures["written"]
    assert float(first[0].total.detach()) == pytest.approx(float(human + written), rel=1e-5)
    generator, discriminator = objectives(game, batches()[2], 2)
    weights = {"edges": 3.0, "words": 1.0, "paths": 0.3}
    expected = sum(weight * float(generator.figures[name]) for name, weight in weights.items())
    assert float(generator.total.detach()) == pytest.approx(expected, rel=1e-5)
    figures = {**generator.figures, **discriminator.figures}
    assert all(torch.isfinite(value) and not value.requires_grad for value in figures.values())
    generator.total.backward()
    assert gradients(game.generator) > 0
    assert gradients(game.generator.encoder) == 0  # the heads are zero at first
    assert gradients(game.discriminator) == gradients(game.likeness) == 0
    game.zero_grad()
    discriminator.total.backward()
    assert gradients(game.discriminator.encoder) > 0
    assert gradients(game.generator) == 0
    assert game.discriminator.training


def test_a_step_follows_from_seed_and_number():
    game, again = whole_game().eval(), whole_game().eval()
    losses = [terms.total.item() for g in (game, again) for terms in objectives(g, batches()[3], 5)]
    assert losses[:2] == losses[2:]
    other = [terms.total.item() for terms in objectives(whole_game().eval(), batches()[3], 6)]
    assert losses[0] != other[0]


def test_summaries_have_lengths_of_human_sentences():
    game, batch = make_game(), batches()[0]
    drawn = [game.draw(batch, RandomStream.of(batch.rows, step), step).drawn.words for step in range(40)]
    sizes = torch.cat([(words >= 0).sum(1)[::4] for words in drawn])
    shares = [(sizes == units).float().mean().item() for units in (4, 5, 6)]
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=0.1)


def test_rewards_of_inserted_words_are_credited_to_their_edges():
    game, batch = make_game(), batches()[0]
    lattice = game.draw(batch, RandomStream.of(batch.rows, 0), 0).lattice
    vertices = torch.tensor([0, 3, 5, -1, -1]).expand(4, 1, 5)
    chosen = torch.tensor([-1, 1, -1, -1, -1]).expand(4, 1, 5)
    path = Path(vertices, chosen >= 0)
    scores = game.generator(lattice)
    drawn = write(lattice, game.generator.prior.inserted, path, chosen)
    play = Play(lattice, scores, path, chosen, drawn)
    gaps = -torch.tensor([1.0, 2, 4, 8, 16, 0]).expand(4, 1, 6)  # begin, inserted, second, third, end
    rewards = edge_rewards(gaps, play)
    assert rewards[0, 0, [0, 1, 2, 5]].tolist() == [-1, -6, -8, -16]
    with torch.no_grad():
        first, second = scores.edges.between(path)[0, 0, :2].tolist()
        assert scores.edges.to[[first, second]].tolist() == [3, 5]
        scores.learned.inserted[first, 1] = 7.0
        scores.learned.edge[first], scores.learned.edge[second] = 100.0, 3.0
        scores.learned.begin[0, 0], scores.learned.end[0, 5], scores.learned.node[0, 3] = 1.0, 5.0, 9.0
        nodes, edges = learned_steps(play)
    assert edges[0, 0, [0, 1, 2, 5]].tolist() == [1, 7, 3, 5]
    assert edges[0, 0, 3:5].tolist() == [0, 0]
    assert nodes[0, 0, 1] == 9


class Dislikes(nn.Module):
    """Finds a span struck out before one word, and nowhere else."""

    def __init__(self, word):
        super().__init__()
        self.word = word

    def forward(self, words):
        gaps = torch.arange(words.shape[1] + 1) <= (words >= 0).sum(1)[:, None]
        before = nn.functional.pad(words == self.word, (0, 1))
        return torch.where(before, 4.0, -8.0), gaps


class Likes(nn.Module):
    """Finds summaries with one word similar to their document, and no others."""

    def __init__(self, word):
        super().__init__()
        self.word = word

    def forward(self, words, after=None):
        says = (words == self.word).any(1).float() if after is None else torch.ones(len(words))
        return torch.stack([says, 1 - says], 1)


def learn(game, steps, rate=0.01):
    """Train the generator alone; return the first and the last figures."""
    optimizer = torch.optim.Adam(game.generator.parameters(), rate)
    figures = []
    for step in range(steps):
        batch = batches()[step]
        terms = game.generator_objective(game.draw(batch, RandomStream.of(batch.rows, step), step))
        optimizer.zero_grad()
        terms.total.backward()
        optimizer.step()
        figures.append(terms.figures)
    return figures


def chance_of(game, word):
    """Probability that a summary of six words of the first document has a word."""
    batch = batches()[0]
    play = game.draw(batch, RandomStream.of(batch.rows, 0), 99)
    lengths = torch.full((4,), 6)
    with torch.no_grad():
        marginals = Paths(play.scores.at(game.rules.temperature), 6).marginals(lengths).node
    row = int((play.lattice.words == word).any(1).nonzero()[0])
    return float((marginals[row] * (play.lattice.words[row] == word)).sum())


def test_edges_that_the_critic_dislikes_are_no_longer_taken():
    word = WORLD.rows["old"]
    game = make_game(Dislikes(word), rules=replace(RULES, alone=0))
    before = chance_of(game, word)
    assert before > 0.3
    figures = learn(game, 40)
    assert chance_of(game, word) < before / 8
    assert figures[-1]["reward"] > figures[0]["reward"] / 4
    assert figures[-1]["edges"] < figures[0]["edges"] / 4


def test_words_that_make_a_summary_like_its_document_are_chosen():
    word = WORLD.rows["people"]
    game = make_game(None, Likes(word), rules=replace(RULES, likeness_weight=3.0))
    before = chance_of(game, word)
    figures = learn(game, 40)
    assert chance_of(game, word) > before + 0.4
    assert figures[-1]["likeness"] > figures[0]["likeness"] + 0.15


class Rebuilds(nn.Module):
    """Finds a document likely if the summary has one word of it."""

    def __init__(self, word):
        super().__init__()
        self.word = word

    def forward(self, words, documents):
        says = (words == self.word).any(1).float()
        pieces = documents >= 0
        return -2 * (1 - says[:, None]) * pieces, pieces


def test_words_from_which_the_document_is_rebuilt_are_chosen():
    word = WORLD.rows["people"]
    game = make_game(reconstruction=Rebuilds(word), rules=replace(RULES, reconstruction_weight=0.1))
    before = chance_of(game, word)
    figures = learn(game, 40)
    assert chance_of(game, word) > before + 0.4
    assert figures[0]["rebuilt"] < -10 and figures[-1]["rebuilt"] > figures[0]["rebuilt"] + 3


def test_the_reconstructor_learns_from_drawn_summaries_and_from_nothing_else():
    game = make_game(reconstruction=make_reconstruction(WORLD), rules=replace(RULES, reconstruction_weight=1))
    batch, first = batches()[2], []
    optimizer = torch.optim.Adam(game.reconstruction.parameters(), 0.01)
    for _ in range(30):
        generator, reconstruction = objectives(game, batch, 2)
        first.append((generator.figures["rebuilt"], reconstruction.figures["reconstruction"]))
        optimizer.zero_grad()
        reconstruction.total.backward()
        optimizer.step()
    assert gradients(game.generator) == 0
    assert first[-1][1] < first[0][1] / 2
    assert first[-1][0] > first[0][0] / 2  # nats of the document, negative
    assert game.reconstruction.training


def test_the_discriminator_learns_to_find_leaps():
    game = whole_game().train()
    optimizer = torch.optim.Adam(game.discriminator.parameters(), 0.01)
    for step in range(40):
        (terms,) = objectives(game, batches()[step], 0)
        optimizer.zero_grad()
        terms.total.backward()
        optimizer.step()
    assert float(terms.figures["doubt_leap"]) > float(terms.figures["doubt_human"]) + 0.3


def test_a_game_goes_on_from_its_state_as_if_nothing_had_happened():
    game, loaded = whole_game().eval(), whole_game().eval()
    for step in range(3):
        list(objectives(game, batches()[step], step))
    assert int(game.replay.seen) == 9
    torch.nn.init.normal_(loaded.generator.edge.weight)
    loaded.load_state_dict(game.state_dict())
    expected = [terms.total.item() for terms in objectives(game, batches()[3], 3)]
    assert [terms.total.item() for terms in objectives(loaded, batches()[3], 3)] == expected


def test_the_generator_chooses_the_length_that_is_rewarded():
    class Short(nn.Module):
        """Finds a document likely only given a summary of four words."""

        def forward(self, words, documents):
            pieces = documents >= 0
            return -((words >= 0).sum(1) - 4)[:, None] * pieces / pieces.sum(1, keepdim=True), pieces

    for chosen in ("whole", "reinforce"):
        weights = dict(RULES.weights) | {"words": 0.0, "edges": 0.0, "paths": 0.0, chosen: 1.0}
        rules = replace(RULES, free_length=True, reconstruction_weight=2.0, temperature=1.0, weights=weights)
        game = make_game(reconstruction=Short(), rules=rules)
        figures = learn(game, 60)
        early, late = (
            sum(figure["rebuilt"] for figure in part) / 10 for part in (figures[:10], figures[-10:])
        )
        assert early < -1.0 and late > early / 2
        batch = batches()[0]
        play = game.draw(batch, RandomStream.of(batch.rows, 0), 99)
        with torch.no_grad():
            likelihood, shares = game.log_probability(play)
        assert (likelihood < 0).all() and set(shares.exp().unique().tolist()) <= {0.25, 0.5}


def test_without_leaps_every_gap_of_a_summary_is_suspicious():
    game = whole_game(replace(RULES, leaps=False, spoiled=0.0)).train()
    (terms,) = objectives(game, batches()[0], 0)
    assert terms.figures["doubt_other"] == 0 < terms.figures["doubt_leap"]


def test_nats_of_the_language_model_are_rewards_of_edges():
    torch.manual_seed(0)
    fluency = Fluency(make_language_model(WORLD), make_speller(WORLD))
    batch = batches()[2]
    stream = RandomStream.of(batch.rows, 3, "step", 2)
    for weight in (0.0, 0.5):
        game = make_game(fluency=fluency, rules=replace(RULES, fluency_weight=weight))
        play = game.draw(batch, stream, 2)
        gaps, whole, _, found = game.judge(play)
        nats = fluency(play.drawn.words, play.lattice.source, play.lattice.after).view_as(gaps)
        assert torch.allclose(gaps, weight * nats) and not whole.any()
        steps = (play.drawn.words >= 0).sum(1).view(4, 4) + 1  # one for the end
        assert torch.allclose(found["fluency"], nats.sum(2) / steps)
        game.generator_objective(play).total.backward()
        assert gradients(fluency) == 0
        assert (gradients(game.generator) > 0) == (weight > 0)


def test_the_reranker_learns_to_foresee_the_language_model_and_teaches_nobody():
    torch.manual_seed(1)
    fluency = Fluency(make_language_model(WORLD), make_speller(WORLD))
    game = make_game(fluency=fluency, reranker=Reranker(16, 8)).train()
    batch = batches()[2]
    play = game.draw(batch, RandomStream.of(batch.rows, 3), 2)
    *_, nats, _ = game.judge(play)
    game.foresight(play, nats, game.reranker).backward()
    assert gradients(game.reranker) > 0
    assert gradients(game.generator) == gradients(fluency) == 0
    optimizer = torch.optim.Adam(game.reranker.parameters(), 1e-2)
    errors = []
    for step in range(60):
        play = game.draw(batch, RandomStream.of(batch.rows, step), 2)
        found = game.generator_objective(play)
        optimizer.zero_grad()
        found.total.backward()
        optimizer.step()
        errors.append(float(found.figures["foresight"]))
    assert sum(errors[-5:]) < 0.5 * sum(errors[:5])
    without = make_game(fluency=fluency).generator_objective(play)
    assert "foresight" not in without.figures
