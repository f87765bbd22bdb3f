import pytest
import torch

from summgan.networks.discriminator import Discriminator
from summgan.training.losses import make_judge


def test_padding_does_not_change_a_judgement(tokenizer, sentences, tiny_model, encode):
    discriminator = tiny_model(tokenizer).discriminator
    words, mask = encode(tokenizer, sentences[:5])
    judged = discriminator(discriminator.embed(words), mask)
    more, more_mask = (torch.nn.functional.pad(t, (0, 4)) for t in (words, mask))
    again = discriminator(discriminator.embed(more), more_mask)
    assert torch.allclose(judged.sentence, again.sentence, atol=1e-5)
    real = mask.bool()
    assert torch.allclose(judged.words[real], again.words[:, : mask.shape[1]][real], atol=1e-5)


def test_one_hot_words_are_judged_as_ids(tokenizer, sentences, tiny_model, encode):
    discriminator = tiny_model(tokenizer).discriminator
    words, mask = encode(tokenizer, sentences[:5])
    one_hot = torch.nn.functional.one_hot(words, len(tokenizer)).float()
    first = discriminator(discriminator.embed(words), mask)
    second = discriminator(discriminator.embed(one_hot), mask)
    assert torch.allclose(first.sentence, second.sentence, atol=1e-5)


def test_the_judge_gives_gradient_to_words_and_none_to_itself(tokenizer, sentences, tiny_model, encode):
    discriminator = tiny_model(tokenizer).discriminator
    words, mask = encode(tokenizer, sentences[:5])
    one_hot = torch.nn.functional.one_hot(words, len(tokenizer)).float().requires_grad_()
    make_judge(discriminator)(one_hot, mask).sentence.sum().backward()
    assert one_hot.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in discriminator.parameters())


def test_what_stands_behind_the_mask_is_not_seen(tokenizer, sentences, tiny_model, encode):
    discriminator = tiny_model(tokenizer).discriminator
    words, mask = encode(tokenizer, sentences[:5])
    words, mask = words[:, :6], mask[:, :6].clone()
    mask[:, 4:] = 0
    vectors = discriminator.embed(words).detach().requires_grad_()
    other = torch.where(mask[..., None].bool(), vectors.detach(), 100.0)
    judged, again = discriminator(vectors, mask), discriminator(other, mask)
    assert torch.equal(judged.sentence, again.sentence)
    assert torch.equal(judged.words[:, :4], again.words[:, :4])
    (judged.sentence.sum() + judged.words[:, :4].sum()).backward()
    assert (vectors.grad.abs().sum(2) > 0).equal(mask.bool())


def test_a_judgement_does_not_depend_on_the_other_rows(tokenizer, sentences, tiny_model, encode):
    discriminator = tiny_model(tokenizer).discriminator
    words, mask = encode(tokenizer, sentences[:5])
    together = discriminator(discriminator.embed(words), mask)
    alone = discriminator(discriminator.embed(words[2:3]), mask[2:3])
    assert together.sentence.shape == (5,) and together.words.shape == words.shape
    assert torch.allclose(together.sentence[2:3], alone.sentence, atol=1e-5)


def test_the_gradient_of_a_gradient_penalty_agrees_with_finite_differences():
    torch.manual_seed(0)
    discriminator = Discriminator(20, 6).double()
    ids = torch.tensor([[4, 5, 6, 7], [8, 9, 3, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])

    def penalty(create_graph):
        vectors = discriminator.embed(ids).detach().requires_grad_()
        score = discriminator(vectors, mask).sentence.sum()
        (gradient,) = torch.autograd.grad(score, vectors, create_graph=create_graph)
        return gradient.square().sum()

    penalty(True).backward()
    for name, index in (("ngrams.1.weight", 10), ("context.weight", 25), ("sentence.weight", 3)):
        parameter = discriminator.get_parameter(name)
        flat, size, values = parameter.data.view(-1), 1e-4, []
        for sign in (1, -1):
            flat[index] += sign * size
            values.append(penalty(False).item())
            flat[index] -= sign * size
        difference = (values[0] - values[1]) / (2 * size)
        assert abs(difference) > 1e-6
        assert parameter.grad.view(-1)[index].item() == pytest.approx(difference, rel=0.01)


def test_the_judge_judges_as_the_discriminator(tokenizer, sentences, tiny_model, encode):
    discriminator = tiny_model(tokenizer).discriminator
    words, mask = encode(tokenizer, sentences[:5])
    judged, expected = make_judge(discriminator)(words, mask), discriminator(discriminator.embed(words), mask)
    assert torch.allclose(judged.sentence, expected.sentence, atol=1e-6)
    assert torch.allclose(judged.words, expected.words, atol=1e-6)
