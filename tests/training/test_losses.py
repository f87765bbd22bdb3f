import copy
from dataclasses import replace

import pytest
import torch
from tests_support import make_batch

from summgan.networks.code import Code
from summgan.options.configuration import LossWeights, TrainingOptions
from summgan.randomness import RandomStream
from summgan.training.losses import AutoencoderObjective, DiscriminatorObjective, generator_loss, make_judge


@pytest.fixture
def batch(tokenizer, documents, sentences):
    return make_batch(tokenizer, documents, sentences)


def stream(batch, *parts):
    return RandomStream.of(batch.rows, 5, *parts)


def adversarial(model, batch, **options):
    objective = AutoencoderObjective(model, TrainingOptions(**options))
    return objective(batch, stream(batch), 0.8, make_judge(model.discriminator))


def test_both_stages_name_their_terms(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    warm = AutoencoderObjective(model, TrainingOptions())(batch, stream(batch), None, None)
    assert warm.terms.keys() == {"denoising", "reconstruction"} and warm.words is None
    content = TrainingOptions(warm_start="content")
    warm = AutoencoderObjective(model, content)(batch, stream(batch), None, None)
    assert warm.terms.keys() == {"extraction", "reconstruction"}
    played = adversarial(model, batch)
    names = {"reconstruction", "adversarial", "back_cycle", "denoising", "entropy"}
    assert played.terms.keys() == names
    assert all(torch.isfinite(value) for value in played.terms.values())


def test_the_total_is_the_weighted_sum_of_the_terms(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    weights = LossWeights(reconstruction=0.7, adversarial=0.2, back_cycle=0.3, content=0.6, denoising=0.4)
    played = adversarial(model, batch, loss_weights=weights)
    total = sum(getattr(weights, n) * played.terms[n] for n in vars(weights))
    assert torch.allclose(played.total, total, atol=1e-5)


def test_a_weight_of_zero_drops_the_term(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    plain = LossWeights(adversarial=0.0, back_cycle=0.0, denoising=0.0)
    objective = AutoencoderObjective(model, TrainingOptions(loss_weights=plain))
    assert objective(batch, stream(batch), 0.8, None).terms.keys() == {"reconstruction", "entropy"}


def test_the_warm_start_gradient_agrees_with_finite_differences(tokenizer, tiny_model, batch, monkeypatch):
    # Probabilities are float32 by design; here the numbers have to be finer.
    monkeypatch.setattr(torch.Tensor, "float", torch.Tensor.double)
    model = tiny_model(tokenizer).double()
    objective = AutoencoderObjective(model, TrainingOptions(word_dropout=0.3))
    objective(batch, stream(batch), None, None).total.backward()
    checked = {
        "generator.bottleneck.pointer.gate.bias": 0,
        "generator.bottleneck.countdown.weight": 32 * 2 + 3,
        "reconstructor.pointer.key.weight": 11,
        "embedding.weight": int(batch.documents[0, 0]) * 32 + 5,
    }
    for name, index in checked.items():
        parameter = model.get_parameter(name)
        flat, size = parameter.data.view(-1), 1e-4
        values = []
        for sign in (1, -1):
            flat[index] += sign * size
            values.append(objective(batch, stream(batch), None, None).total.item())
            flat[index] -= sign * size
        difference = (values[0] - values[1]) / (2 * size)
        assert abs(difference) > 1e-7
        assert parameter.grad.view(-1)[index].item() == pytest.approx(difference, rel=1e-4, abs=1e-8)


def test_reinforce_draws_several_summaries_and_gives_gradient_to_the_generator(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    weights = LossWeights(back_cycle=0.0, denoising=0.0)
    played = adversarial(model, batch, estimator="reinforce", samples_per_document=3, loss_weights=weights)
    assert len(played.words) == len(batch.documents)
    played.total.backward()
    assert model.generator.bottleneck.pointer.query.weight.grad.abs().sum() > 0


def test_siblings_see_the_same_document_with_the_same_words_hidden(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    objective = AutoencoderObjective(model, TrainingOptions(word_dropout=0.5))
    words = batch.content.repeat_interleave(3, 0)
    code = model.reconstructor.code_of(words, batch.content_mask.repeat_interleave(3, 0))
    losses = objective.reconstruct(code, batch, stream(batch), 3).view(-1, 3)
    single = model.reconstructor.code_of(batch.content, batch.content_mask)
    expected = objective.reconstruct(single, batch, stream(batch))
    assert torch.allclose(losses, expected[:, None].expand(-1, 3), atol=1e-5)
    assert not torch.allclose(
        expected, objective.reconstruct(single, batch, stream(batch, "other")), atol=1e-4
    )


def test_reinforce_moves_probability_to_the_cheaper_summaries(tokenizer, tiny_model, batch, monkeypatch):
    model = tiny_model(tokenizer)
    weights = LossWeights(reconstruction=1.0, adversarial=0.0, back_cycle=0.0, denoising=0.0)
    options = TrainingOptions(estimator="reinforce", samples_per_document=4, loss_weights=weights)
    objective, seen = AutoencoderObjective(model, options), {}
    forward = model.generator.forward
    monkeypatch.setattr(model.generator, "forward", lambda *a: seen.setdefault("code", forward(*a)))
    played = objective(batch, stream(batch), 1.0, None)
    code = seen["code"]
    costs = objective.reconstruct(code, batch, stream(batch), 4).detach().view(-1, 4)
    siblings = (costs.sum(1, keepdim=True) - costs) / 3
    (gradient,) = torch.autograd.grad(played.total, code.log_probs)
    expected = ((costs - siblings) / costs.numel()).view(-1, 1) * code.mask
    assert torch.allclose(gradient, expected, atol=1e-5)
    assert torch.equal(played.words, code.words[::4])


def test_hybrid_passes_reconstruction_through_the_words_and_rewards_what_reads_well(
    tokenizer, tiny_model, batch, monkeypatch
):
    model = tiny_model(tokenizer)
    weights = LossWeights(reconstruction=0.7, adversarial=2.0, back_cycle=0.0, denoising=0.0)
    options = TrainingOptions(estimator="hybrid", samples_per_document=3, loss_weights=weights)
    objective, seen = AutoencoderObjective(model, options), {}
    judge, forward = make_judge(model.discriminator), model.generator.forward
    monkeypatch.setattr(model.generator, "forward", lambda *a: seen.setdefault("code", forward(*a)))
    total = objective(batch, stream(batch), 1.0, judge).total
    code = seen["code"]
    by_reward, by_words = torch.autograd.grad(total, (code.log_probs, code.one_hot), retain_graph=True)
    costs = generator_loss(judge, code.one_hot.detach(), code, batch, 3).detach().view(-1, 3)
    expected = 2.0 * (costs - (costs.sum(1, keepdim=True) - costs) / 2) / costs.numel()
    assert torch.allclose(by_reward, expected.view(-1, 1) * code.mask, atol=1e-6)
    rebuilt = 0.7 * objective.reconstruct(code, batch, stream(batch), 3).mean()
    (expected,) = torch.autograd.grad(rebuilt, code.one_hot)
    assert torch.allclose(by_words, expected, atol=1e-7) and by_words.abs().sum() > 0


def test_lengths_are_drawn_from_what_the_generator_predicts(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    with torch.no_grad():
        model.generator.length.weight.zero_()
        model.generator.length.bias.fill_(-30.0)[4] = 30.0
    played = adversarial(model, batch)
    bottleneck = model.generator.bottleneck
    mask = bottleneck.end_id != played.words
    assert (bottleneck.length_of(played.words, mask) == 4).all()


@pytest.mark.parametrize(
    "estimator", ["straight-through", "soft-gumbel", "gumbel-rao", "reinmax", "reinforce", "hybrid"]
)
def test_a_row_costs_the_same_whatever_rows_stand_beside_it(tokenizer, tiny_model, batch, estimator):
    model = tiny_model(tokenizer)
    weights = LossWeights(back_cycle=0.0)
    options = {"estimator": estimator, "samples_per_document": 2, "loss_weights": weights}
    whole = adversarial(model, batch, **options).terms
    alone = []
    for row in range(len(batch.rows)):
        fields = {name: value[row : row + 1] for name, value in vars(batch).items()}
        for name in ("documents", "sentences", "noised", "targets", "content", "damaged"):
            length = int(fields[f"{name}_mask"].sum())
            fields |= {key: fields[key][:, :length] for key in (name, f"{name}_mask")}
        fields["supported"] = fields["supported"][:, : fields["targets"].shape[1]]
        alone.append(adversarial(model, replace(batch, **fields), **options).terms)
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
    objective = DiscriminatorObjective(model.discriminator, 0.1)
    optimizer = torch.optim.Adam(model.discriminator.parameters(), 3e-3)
    first = None
    for _ in range(60):
        verdict = objective(batch, None, None)
        first = first or verdict.total.item()
        optimizer.zero_grad()
        verdict.total.backward()
        optimizer.step()
    assert verdict.total < 0.7 * first
    assert verdict.terms["damaged_accuracy"] > 0.8


def test_the_gradient_penalty_is_the_squared_gradient_of_the_score(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    discriminator = model.discriminator
    expected = 0.0
    for words, mask in (
        (batch.sentences, batch.sentences_mask),
        (batch.damaged, batch.damaged_mask),
    ):
        vectors = discriminator.embed(words).detach().requires_grad_()
        discriminator(vectors, mask).sentence.sum().backward()
        expected += vectors.grad.square().sum() / len(words)
    terms = DiscriminatorObjective(discriminator, 1.0)(batch, None, None).terms
    assert torch.allclose(terms["gradient_penalty"], expected, rtol=1e-4)


def test_half_batches_average_to_the_whole(tokenizer, tiny_model, batch):
    """What lets several processes, or several micro-batches, stand for one."""
    model = tiny_model(tokenizer)
    whole = copy.deepcopy(model)
    adversarial(whole, batch).total.backward()
    half = len(batch.rows) // 2
    for part in (slice(0, half), slice(half, None)):
        piece = replace(batch, **{name: value[part] for name, value in vars(batch).items()})
        (adversarial(model, piece).total / 2).backward()
    for (name, one), other in zip(model.named_parameters(), whole.parameters(), strict=True):
        if one.grad is not None:
            assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-5), name


def test_content_is_the_salience_per_piece_of_what_is_said_of_the_document(tokenizer, tiny_model, batch):
    model = tiny_model(tokenizer)
    bottleneck = model.generator.bottleneck
    salience = bottleneck.salience.piece.copy_(torch.linspace(-1, 3, len(tokenizer)))
    objective = AutoencoderObjective(model, TrainingOptions())
    words = torch.stack([batch.documents[:, 1], batch.documents[:, 0], batch.documents[:, 1]], 1)
    words[:, 2] = batch.documents[:, 2]
    one_hot = torch.nn.functional.one_hot(words, len(tokenizer)).float().requires_grad_()
    code = Code(vectors=one_hot, mask=torch.ones_like(words), words=words, one_hot=one_hot)
    loss = objective.content(code, batch)
    expected = [salience[list(set(row))].sum() / 3 for row in words.tolist()]
    distinct = [row for row in range(len(words)) if len(set(words[row].tolist())) == 3]
    assert distinct
    assert torch.allclose(loss[distinct], -torch.stack(expected)[distinct], atol=1e-5)
    # The gradient asks for every piece of the document that nobody else says, as much as it is salient.
    loss.sum().backward()
    row = distinct[0]
    unsaid = next(p for p in batch.documents[row].tolist() if p not in words[row].tolist() and p > 3)
    assert one_hot.grad[row, 0, unsaid].item() == pytest.approx(-salience[unsaid].item() / 3)
    assert one_hot.grad[row, 0, words[row, 1]] == 0
