import torch

from summgan.losses import make_judge


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
