"""The tree of documents: its draw, its gradient, its start, its prefixes, and branches that die."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from summgan.codes.model import CodeAutoencoder, CodeConfig
from summgan.codes.tree import TreeBottleneck
from summgan.networks.code import Source
from summgan.randomness import RandomStream

HIDDEN, BRANCHING, DEPTH = 5, 3, 2
PATHS = list(itertools.product(range(BRANCHING), repeat=DEPTH))


def make(**sizes):
    torch.manual_seed(0)
    return TreeBottleneck(**{"hidden": HIDDEN, "branching": BRANCHING, "depth": DEPTH} | sizes)


def source(batch=6):
    torch.manual_seed(1)
    return Source(torch.randn(batch, 1, HIDDEN), torch.ones(batch, 1, dtype=torch.long))


def stream(batch, seed=0):
    return RandomStream.of(torch.arange(batch), seed)


def leaf_probabilities(tree, states):
    """Probabilities ``[batch, leaves]`` by enumeration, in the order of ``PATHS``."""
    logits = (states @ tree.gates.weight.T + tree.gates.bias).view(len(states), -1, BRANCHING)
    root, below = logits[:, 0].softmax(-1), logits[:, 1:].softmax(-1)
    return torch.stack([root[:, first] * below[:, first, second] for first, second in PATHS], 1)


def test_a_code_is_the_nodes_on_a_path():
    tree, documents = make(), source()
    code = tree(documents, stream(6))
    assert code.codes.shape == (6, DEPTH) and code.words is None
    likely = leaf_probabilities(tree, documents.states[:, 0])
    for row, (first, second) in enumerate(code.codes.tolist()):
        # The first three rows are the branches of the root, the next three those of its first branch.
        child, grandchild = tree.table[first], tree.table[3 + 3 * first + second]
        torch.testing.assert_close(code.vectors[row], torch.stack([child, grandchild]))
        torch.testing.assert_close(tree.vectors_of(code.codes[row : row + 1])[0], child + grandchild)
        branch = likely[row].view(3, 3)[first]
        torch.testing.assert_close(code.probabilities[row], torch.stack([branch.sum(), branch[second]]))
        torch.testing.assert_close(code.log_probs[row].sum().exp(), branch[second])


def test_leaves_are_drawn_with_their_probabilities():
    tree, draws = make(), 6000
    expected = leaf_probabilities(tree, source(1).states[:, 0])[0].detach()
    code = tree(source(1).repeat(draws), stream(draws))
    leaves = (code.codes[:, 0] * BRANCHING + code.codes[:, 1]).bincount(minlength=BRANCHING**DEPTH)
    torch.testing.assert_close(leaves / draws, expected, atol=0.02, rtol=0)


def test_without_noise_the_likeliest_branch_is_taken_at_every_node():
    tree, documents = make(), source()
    likely = leaf_probabilities(tree, documents.states[:, 0]).view(-1, 3, 3)
    first = likely.sum(-1).argmax(-1)
    second = likely[torch.arange(6), first].argmax(-1)
    assert torch.equal(tree(documents).codes, torch.stack([first, second], 1))


def linear_costs(tree):
    """Draw a cost for every node, and compute the expected cost of a path over all leaves."""
    torch.manual_seed(2)
    weight = torch.randn(DEPTH, HIDDEN)
    costs = tree.table.detach() @ weight.T
    paths = torch.tensor([costs[a, 0] + costs[3 + 3 * a + b, 1] for a, b in PATHS])
    return weight, paths, (leaf_probabilities(tree, source(1).states[:, 0])[0] * paths).sum()


def test_the_gradient_is_that_of_the_expectation_over_all_leaves():
    tree, draws = make(), 20000
    weight, _, expected = linear_costs(tree)
    exact = torch.autograd.grad(expected, tree.gates.bias)[0]
    # ReinMax is exact for a cost that is linear in what is drawn.
    code = tree(source(1).repeat(draws), stream(draws), "reinmax")
    found = torch.autograd.grad((code.vectors * weight).sum((1, 2)).mean(), tree.gates.bias)[0]
    assert exact.abs().max() > 0.1
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0)


def test_log_probabilities_of_paths_give_the_same_gradient():
    tree, draws = make(), 40000
    _, paths, expected = linear_costs(tree)
    exact = torch.autograd.grad(expected, tree.gates.bias)[0]
    code = tree(source(1).repeat(draws), stream(draws))
    costs = paths[code.codes[:, 0] * BRANCHING + code.codes[:, 1]]
    score = ((costs - costs.mean()) * code.log_probs.sum(1)).mean()
    torch.testing.assert_close(torch.autograd.grad(score, tree.gates.bias)[0], exact, atol=0.03, rtol=0)


def test_the_relaxed_tree_has_the_gradient_of_finite_differences():
    tree = make().double()
    documents = Source(source().states.double(), source().mask)
    branches = tree.gates(documents.states[:, 0]).view(6, -1, BRANCHING).detach().requires_grad_()
    weights = [torch.randn(size, dtype=torch.double) for size in tree.levels]

    def cost(logits):
        return sum((m @ w).sum() for m, w in zip(tree.members(logits.softmax(-1)), weights, strict=True))

    assert torch.autograd.gradcheck(cost, (branches,))


@pytest.mark.parametrize("estimator", ["straight-through", "soft-gumbel", "gumbel-rao", "reinmax"])
def test_every_parameter_learns(estimator):
    tree = make()
    tree(source(64), stream(64), estimator).vectors.square().sum().backward()
    assert all(p.grad.abs().sum(-1).gt(0).all() for p in (tree.gates.weight, tree.table))


def test_a_dead_branch_is_lifted_until_documents_take_it_and_no_other_one_is():
    tree = make()
    with torch.no_grad():
        tree.gates.weight.mul_(0.1)
        tree.gates.bias.zero_()
        tree.gates.bias[1] = -8.0
    documents = source(64)
    found = []
    for _ in range(2):
        tree.usage.copy_(torch.cat([torch.full((size,), 1 / size) for size in tree.levels]))
        tree.lift.zero_()
        for step in range(200):
            code = tree(documents, stream(64, step))
        assert tree.lift[1] > 3 and tree.lift.count_nonzero() == 1
        share = (code.codes[:, 0] == 1).float().mean()
        assert 0.01 < share < 0.2  # an equal share is a third; a tenth of it is required
        found.append(tree.lift.clone())
    assert torch.equal(*found)


def test_nothing_is_lifted_without_noise_or_training():
    tree = make()
    with torch.no_grad():
        tree.gates.bias[1] = -20.0
    before = tree.usage.clone()
    tree(source())
    tree.eval()(source(), stream(6))
    assert torch.equal(tree.usage, before) and not tree.lift.any()


def test_a_tree_with_too_many_leaves_is_none():
    with pytest.raises(ValueError, match="2 \\*\\* 17 leaves has more than 65536"):
        make(branching=2, depth=17)


def families(noise=0.25):
    """Documents of four topics in two families: families share 10 words of 40, topics 5 of their own."""
    generator = torch.Generator().manual_seed(3)
    bags = noise * torch.rand(400, 40, generator=generator)
    topic = torch.arange(400) % 4
    for row, number in enumerate(topic.tolist()):
        bags[row, 10 * (number // 2) : 10 * (number // 2) + 10] += 1
        bags[row, 20 + 5 * number : 25 + 5 * number] += 1
    return F.normalize(bags, dim=-1), topic


def test_the_start_splits_families_first_and_topics_next():
    bags, topic = families()
    tree = make(hidden=40, branching=2)
    centred = F.normalize(bags - bags.mean(0), dim=-1)
    tree.start(centred, 0)
    codes = tree(Source((centred * 40**0.5).unsqueeze(1), torch.ones(400, 1))).codes
    assert all(len(codes[topic // 2 == family, 0].unique()) == 1 for family in range(2))
    assert len({tuple(codes[topic == number].unique(dim=0)[0].tolist()) for number in range(4)}) == 4


def test_every_further_node_of_a_path_rebuilds_better():
    bags, topic = families()
    torch.manual_seed(0)
    model = CodeAutoencoder(CodeConfig("tree", 2, 2, vocabulary_size=40, directions=10))
    model.projection.copy_(torch.linalg.svd(bags, full_matrices=False).Vh[:10].T)
    model.start(bags, 0)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    for step in range(60):
        terms = model(bags, bags, RandomStream.of(torch.arange(400), 0, step), 1.0)
        optimizer.zero_grad()
        terms["total"].backward()
        optimizer.step()
    assert {"reconstruction", "perplexity"} <= terms.keys()
    model.eval()
    with torch.no_grad():
        code = model.encode(bags)
        costs = model.rebuild_prefixes(code, bags)
        none = -(bags / bags.sum(1, keepdim=True) * model.reconstructor.bias.log_softmax(-1)).sum(1).mean()
    torch.testing.assert_close(costs[:, -1], model.rebuild(code, bags))
    first, second = costs.mean(0)
    assert none - first > 0.2 and first - second > 0.05
    assert all(len(code.codes[topic // 2 == family, 0].unique()) == 1 for family in range(2))
    assert len(code.codes.unique(dim=0)) == 4
