"""Sampled summaries as decisions of the generator: straight-through gradients from the critics."""

from dataclasses import replace

import pytest
import torch
from paths_support import (
    make_discriminator,
    make_generator,
    make_reconstruction,
    make_world,
    no_forms,
)

from summgan.data.order import Share
from summgan.data.path_batches import PathBatches
from summgan.randomness import RandomStream
from summgan.text.word_table import of_length
from summgan.training.path_game import PathGame, Rules
from summgan.training.play import relaxed_reward

WORLD = make_world()
WEIGHTS = dict.fromkeys(Rules().weights, 0.0) | {"relaxed": 0.5}
RULES = Rules(
    samples=3, shortest=4, longest=6, alone=0, replayed=8, reconstruction_weight=0.5, free_length=True,
    leaps=False, spoiled=0.0, weights=WEIGHTS,
)  # fmt: skip


@pytest.fixture
def game():
    torch.manual_seed(0)
    shares = torch.tensor([0, 0, 0, 0, 1, 1, 2.0, 0])
    critics = make_discriminator(WORLD), None, make_reconstruction(WORLD)
    return PathGame(make_generator(WORLD), no_forms(WORLD), shares, *critics, rules=RULES, seed=3).eval()


@pytest.fixture
def play(game):
    batch = PathBatches(WORLD.documents, of_length(WORLD.sentences, 4, 6), 0, Share(2))[0]
    return game.draw(batch, RandomStream.of(batch.rows, 0, "step", 1), 1)


def test_the_gradient_is_that_of_the_reward_through_relaxed_words(game, play):
    relaxed = play.relaxed.detach().requires_grad_()
    ours = replace(play, relaxed=relaxed)
    relaxed_reward(ours, game.differentiable(ours)).backward()
    found, relaxed.grad = relaxed.grad.clone(), None
    assert all(p.grad is None for p in game.parameters())
    # The same by differentiating through the words' embeddings themselves.
    for critic, reward in game.differentiable(ours):
        embedded = critic.embed(play.lattice.words).detach()
        change = torch.einsum("bsuv,bvw->bsuw", relaxed - relaxed.detach(), embedded)
        more = torch.zeros(*relaxed.shape[:2], play.drawn.words.shape[1] + 1, embedded.shape[2])
        places = torch.where(play.path.mask, play.drawn.position, more.shape[2] - 1)
        more = more.scatter_add(2, places[..., None].expand(change.shape), change)
        (reward(more[:, :, :-1].flatten(0, 1)) / (relaxed.shape[0] * relaxed.shape[1])).backward()
    there = play.path.mask
    assert torch.allclose(found[there], relaxed.grad[there], atol=1e-5) and found[there].abs().min() > 0


def test_the_generator_follows_the_critics_and_they_do_not_follow_it(game, play):
    objective = game.generator_objective(play)
    assert torch.isfinite(objective.figures["relaxed"])
    objective.total.backward()
    grown = {name for name, p in game.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert grown and all(name.startswith("generator.") for name in grown)


def test_relaxed_samples_are_drawn_only_where_they_are_used(game):
    batch = PathBatches(WORLD.documents, of_length(WORLD.sentences, 4, 6), 0, Share(2))[0]
    stream = RandomStream.of(batch.rows, 0, "step", 1)
    play = game.draw(batch, stream, 1)
    game.rules = replace(RULES, weights=dict(WEIGHTS, relaxed=0.0))
    plain = game.draw(batch, stream, 1)
    assert plain.relaxed is None and torch.equal(plain.drawn.words, play.drawn.words)
    assert torch.equal(play.relaxed.argmax(3)[play.path.mask], play.path.vertices[play.path.mask])
