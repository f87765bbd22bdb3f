import copy

import pytest
import torch
from tests_support import make_batch, make_batches, make_task

from summgan.data.batches import Batch
from summgan.data.order import Share
from summgan.data.padding import Texts
from summgan.options.configuration import LossWeights
from summgan.randomness import RandomStream
from summgan.training import losses as module


@pytest.fixture
def batch(tokenizer, documents, sentences):
    return make_batch(tokenizer, documents, sentences)


def stream(batch, *parts):
    return RandomStream.of(batch.rows, 5, *parts)


def part_of(batch, rows):
    """Select rows of a batch, with minimal padding."""
    texts = {}
    for name, (ids, mask, labels) in ((name, vars(texts).values()) for name, texts in batch.texts.items()):
        length = int(mask[rows].sum(1).max())
        cut = (tensor if tensor is None else tensor[rows, :length] for tensor in (ids, mask, labels))
        texts[name] = Texts(*cut)
    return Batch(batch.rows[rows], texts)


def adversarial(model, batch, **options):
    return make_task(model, **options).adversarial(batch, stream(batch), 0.8)


def test_both_stages_name_their_terms(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    warm = make_task(model).warm_start(batch, stream(batch))
    assert warm.figures.keys() == {"denoising", "reconstruction"} and warm.summaries is None
    warm = make_task(model, warm_start="content").warm_start(batch, stream(batch))
    assert warm.figures.keys() == {"extraction", "reconstruction"}
    played = adversarial(model, batch)
    names = {"reconstruction", "adversarial", "back_cycle", "denoising", "entropy"}
    assert played.figures.keys() == names
    assert all(torch.isfinite(value) for value in played.figures.values())


def test_the_total_is_the_weighted_sum_of_the_terms(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    weights = LossWeights(reconstruction=0.7, adversarial=0.2, back_cycle=0.3, content=0.6, denoising=0.4)
    played = adversarial(model, batch, loss_weights=weights)
    total = sum(getattr(weights, n) * played.figures[n] for n in vars(weights))
    assert torch.allclose(played.total, total, atol=1e-5)


def test_a_weight_of_zero_drops_the_term(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    plain = LossWeights(adversarial=0.0, back_cycle=0.0, denoising=0.0)
    task = make_task(model, loss_weights=plain)
    assert not task.plays and not model.config.has_discriminator
    assert task.adversarial(batch, stream(batch), 0.8).figures.keys() == {"reconstruction", "entropy"}


def test_the_warm_start_gradient_agrees_with_finite_differences(tokenizer, tiny_model, batch, monkeypatch):
    # Probabilities are float32 by design; this comparison needs float64.
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    model = tiny_model(tokenizer).double()
    task = make_task(model, word_dropout=0.3)
    task.warm_start(batch, stream(batch)).total.backward()
    checked = {
        "generator.bottleneck.pointer.gate.bias": 0,
        "generator.bottleneck.countdown.weight": 32 * 2 + 3,
        "reconstructor.pointer.key.weight": 11,
        "embedding.weight": int(batch["documents"].ids[0, 0]) * 32 + 5,
    }
    for name, index in checked.items():
        parameter = model.get_parameter(name)
        flat, size = parameter.data.view(-1), 1e-4
        values = []
        for sign in (1, -1):
            flat[index] += sign * size
            values.append(task.warm_start(batch, stream(batch)).total.item())
            flat[index] -= sign * size
        difference = (values[0] - values[1]) / (2 * size)
        assert abs(difference) > 1e-7
        assert parameter.grad.view(-1)[index].item() == pytest.approx(difference, rel=1e-4, abs=1e-8)


def test_reinforce_draws_several_summaries_and_gives_gradient_to_the_generator(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    weights = LossWeights(back_cycle=0.0, denoising=0.0)
    played = adversarial(model, batch, estimator="reinforce", samples_per_document=3, loss_weights=weights)
    assert len(played.summaries[0]) == len(batch.rows)
    played.total.backward()
    assert model.generator.bottleneck.pointer.query.weight.grad.abs().sum() > 0


def test_siblings_see_the_same_document_with_the_same_words_hidden(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    task = make_task(model, word_dropout=0.5)
    content, several = batch["content"], batch["content"].repeat(3)
    code = model.reconstructor.code_of(several.ids, several.mask)
    losses = task.reconstruction(code, batch, stream(batch), 3).view(-1, 3)
    single = model.reconstructor.code_of(content.ids, content.mask)
    expected = task.reconstruction(single, batch, stream(batch))
    assert torch.allclose(losses, expected[:, None].expand(-1, 3), atol=1e-5)
    assert not torch.allclose(expected, task.reconstruction(single, batch, stream(batch, "other")), atol=1e-4)


def test_reinforce_moves_probability_to_the_cheaper_summaries(tokenizer, tiny_model, batch, monkeypatch):
    model = tiny_model(tokenizer)
    weights = LossWeights(reconstruction=1.0, adversarial=0.0, back_cycle=0.0, denoising=0.0)
    task = make_task(model, estimator="reinforce", samples_per_document=4, loss_weights=weights)
    seen = {}
    draw = model.generator.draw
    monkeypatch.setattr(model.generator, "draw", lambda *a: seen.setdefault("code", draw(*a)))
    played = task.adversarial(batch, stream(batch), 1.0)
    code = seen["code"]
    costs = task.reconstruction(code, batch, stream(batch), 4).detach().view(-1, 4)
    siblings = (costs.sum(1, keepdim=True) - costs) / 3
    (gradient,) = torch.autograd.grad(played.total, code.log_probs)
    expected = ((costs - siblings) / costs.numel()).view(-1, 1) * code.mask
    assert torch.allclose(gradient, expected, atol=1e-5)
    assert torch.equal(played.summaries[0], code.words[::4])


def test_hybrid_passes_reconstruction_through_the_words_and_rewards_what_reads_well(
    tokenizer, tiny_model, batch, monkeypatch
):
    model = tiny_model(tokenizer)
    weights = LossWeights(reconstruction=0.7, adversarial=2.0, back_cycle=0.0, denoising=0.0)
    task = make_task(model, estimator="hybrid", samples_per_document=3, loss_weights=weights)
    seen = {}
    judge, draw = module.make_judge(model.discriminator), model.generator.draw
    monkeypatch.setattr(model.generator, "draw", lambda *a: seen.setdefault("code", draw(*a)))
    total = task.adversarial(batch, stream(batch), 1.0).total
    code = seen["code"]
    by_reward, by_words = torch.autograd.grad(total, (code.log_probs, code.one_hot), retain_graph=True)
    costs = module.adversarial(judge, code.one_hot.detach(), code, batch, 3).detach().view(-1, 3)
    expected = 2.0 * (costs - (costs.sum(1, keepdim=True) - costs) / 2) / costs.numel()
    assert torch.allclose(by_reward, expected.view(-1, 1) * code.mask, atol=1e-6)
    rebuilt = 0.7 * task.reconstruction(code, batch, stream(batch), 3).mean()
    (expected,) = torch.autograd.grad(rebuilt, code.one_hot)
    assert torch.allclose(by_words, expected, atol=1e-7) and by_words.abs().sum() > 0


def test_lengths_are_drawn_from_what_the_generator_predicts(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    with torch.no_grad():
        model.generator.length.weight.zero_()
        model.generator.length.bias.fill_(-30.0)[4] = 30.0
    played = adversarial(model, batch)
    bottleneck = model.generator.bottleneck
    words, _ = played.summaries
    assert (bottleneck.length_of(words, bottleneck.end_id != words) == 4).all()


@pytest.mark.parametrize(
    "estimator", ["straight-through", "soft-gumbel", "gumbel-rao", "reinmax", "reinforce", "hybrid"]
)
def test_a_row_costs_the_same_whatever_rows_stand_beside_it(tokenizer, tiny_model, batch, estimator):
    model = tiny_model(tokenizer)
    weights = LossWeights(back_cycle=0.0)
    options = {"estimator": estimator, "samples_per_document": 2, "loss_weights": weights}
    whole = adversarial(model, batch, **options).figures
    alone = []
    for row in range(len(batch.rows)):
        alone.append(adversarial(model, part_of(batch, slice(row, row + 1)), **options).figures)
    for name in ("reconstruction", "adversarial", "denoising"):
        mean = torch.stack([terms[name] for terms in alone]).mean()
        assert torch.allclose(whole[name], mean, atol=1e-5), name


def test_no_gradient_of_the_generators_step_stays_in_the_discriminator(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    adversarial(model, batch).total.backward()
    assert all(parameter.grad is None for parameter in model.discriminator.parameters())
    assert all(parameter.grad is not None for parameter in model.reconstructor.parameters())


def test_the_discriminator_learns_to_tell_damaged_sentences(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    task = make_task(model, gradient_penalty=0.1)
    optimizer = torch.optim.Adam(model.discriminator.parameters(), 3e-3)
    first = None
    for _ in range(60):
        verdict = task.discriminate(batch, None)
        first = first or verdict.total.item()
        optimizer.zero_grad()
        verdict.total.backward()
        optimizer.step()
    assert verdict.total < 0.7 * first
    assert verdict.figures["damaged_accuracy"] > 0.8


def test_half_batches_average_to_the_whole(tokenizer, tiny_model, batch):
    """This makes several processes or micro-batches equivalent to one."""
    model = tiny_model(tokenizer)
    whole = copy.deepcopy(model)
    adversarial(whole, batch).total.backward()
    half = len(batch.rows) // 2
    for part in (slice(0, half), slice(half, None)):
        (adversarial(model, part_of(batch, part)).total / 2).backward()
    for (name, one), other in zip(model.named_parameters(), whole.parameters(), strict=True):
        if one.grad is not None:
            assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-5), name


@pytest.mark.parametrize(
    ("options", "warm_start", "game"),
    [
        (
            {},
            "content damaged documents noised sentences targets",
            "damaged documents noised sentences targets",
        ),
        (
            {"warm_start": "content", "loss_weights": LossWeights(denoising=0.0)},
            "content damaged documents sentences",
            "damaged documents sentences",
        ),
        (
            {"loss_weights": LossWeights(adversarial=0.0, back_cycle=0.0, denoising=0.0)},
            "content documents noised targets",
            "documents",
        ),
        (
            {"loss_weights": LossWeights(adversarial=0.0, denoising=0.0)},
            "content documents noised targets",
            "documents sentences",
        ),
    ],
)
def test_batches_hold_what_the_losses_of_a_stage_read_and_nothing_else(
    tokenizer, tiny_model, documents, sentences, options, warm_start, game
):
    task = make_task(tiny_model(tokenizer), **options)
    read = []

    class Watched(Batch):
        def __getitem__(self, name):
            read.append(name)
            return super().__getitem__(name)

    for stage, names, temperature in zip(task.stages(), (warm_start, game), (None, 0.8), strict=True):
        whole = make_batches(tokenizer, documents, sentences, Share(4), texts=stage.texts)[0]
        read.clear()
        batch = Watched(whole.rows, whole.texts)
        learned = task.autoencode(batch, stream(batch), temperature)
        if task.plays:
            task.discriminate(batch, learned.summaries)
        assert set(read) == set(whole.texts) == set(names.split())
