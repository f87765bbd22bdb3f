import torch

from summgan.codes.codebook import CodebookBottleneck, perplexity
from summgan.networks.code import Source
from summgan.randomness import RandomStream

STREAM = RandomStream.of(torch.arange(8), 0)


def make(**sizes):
    torch.manual_seed(0)
    bottleneck = CodebookBottleneck(**{"hidden": 6, "size": 4, "length": 2, "width": 3} | sizes)
    states = torch.randn(8, 1, 6, requires_grad=True)
    return bottleneck, Source(states, torch.ones(8, 1, dtype=torch.long))


def test_every_position_is_the_nearest_entry():
    bottleneck, source = make()
    code = bottleneck.eval()(source)
    wanted = bottleneck.inward(source.states).view(8, 2, 3)
    for row in range(8):
        for place in range(2):
            distances = (bottleneck.entries[place] - wanted[row, place]).norm(dim=-1)
            assert code.codes[row, place] == distances.argmin()
            vector = bottleneck.entries[place, distances.argmin()] @ bottleneck.outward[place]
            torch.testing.assert_close(code.vectors[row, place], vector)


def test_the_gradient_passes_straight_through_and_commits():
    bottleneck, source = make()
    code = bottleneck(source)
    (through,) = torch.autograd.grad(code.vectors.sum(), source.states, retain_graph=True)
    plain = torch.einsum("blw,lwh->blh", bottleneck.inward(source.states).view(8, 2, 3), bottleneck.outward)
    (expected,) = torch.autograd.grad(plain.sum(), source.states)
    torch.testing.assert_close(through, expected)
    assert code.penalty > 0 and torch.autograd.grad(code.penalty, source.states)[0].abs().sum() > 0


def test_the_codebook_follows_the_moving_average():
    bottleneck, source = make(decay=0.9)
    counts, sums = bottleneck.counts.clone(), bottleneck.sums.clone()
    wanted = bottleneck.inward(source.states).view(8, 2, 3).detach()
    ids = bottleneck(source, STREAM).codes
    for place in range(2):
        for entry in range(4):
            mine = wanted[ids[:, place] == entry, place]
            count = 0.9 * counts[place, entry] + 0.1 * len(mine)
            total = 0.9 * sums[place, entry] + 0.1 * mine.sum(0)
            torch.testing.assert_close(bottleneck.entries[place, entry], total / count)


def test_a_dead_entry_comes_back_as_a_vector_of_the_batch_and_the_same_one_again():
    found = []
    for _ in range(2):
        bottleneck, source = make()
        bottleneck.counts[0, 2] = 0.0
        bottleneck.entries[0, 2] = 100.0
        bottleneck(source, STREAM)
        wanted = bottleneck.inward(source.states).view(8, 2, 3)[:, 0].detach()
        assert (wanted - bottleneck.entries[0, 2]).abs().sum(-1).min() < 1e-5
        found.append(bottleneck.entries.clone())
    assert torch.equal(*found)


def test_nothing_moves_without_noise():
    bottleneck, source = make()
    before = bottleneck.entries.clone()
    bottleneck(source)
    assert torch.equal(bottleneck.entries, before)


def test_perplexity_counts_the_entries_in_use():
    assert perplexity(torch.tensor([5.0, 5, 0, 0])).item() == torch.tensor(2.0)
    torch.testing.assert_close(perplexity(torch.ones(3, 7)), torch.full((3,), 7.0))
