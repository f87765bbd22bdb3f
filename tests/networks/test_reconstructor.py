from dataclasses import replace

import pytest
import torch

from summgan.networks.backbone import mix_log_probs
from summgan.networks.code import Code
from summgan.randomness import RandomStream


def parts(model, tokenizer, documents, sentences, encode):
    documents, mask = encode(tokenizer, documents[:4])
    code = model.reconstructor.code_of(*encode(tokenizer, sentences[:4]))
    return code, documents, mask


@torch.no_grad()
def distributions(reconstructor, code, ids):
    """Log-probabilities of the words, each from a pass over the words before it."""
    states = reconstructor.encoder(code.vectors, code.mask)
    keys = reconstructor.pointer.keys(states, code.vectors)
    begun, steps = torch.full_like(ids[:, :1], reconstructor.start_id), []
    for step in range(ids.shape[1]):
        hidden = reconstructor.decoder(reconstructor.decoder.embed(begun), states, code.mask)[:, -1:]
        pointed = reconstructor.pointer(hidden, keys, code.mask)
        steps.append(mix_log_probs(reconstructor.decoder.logits(hidden), pointed, code.words))
        begun = torch.cat([begun, ids[:, step, None]], 1)
    return torch.cat(steps, 1)


def log_probs_of(reconstructor, code, ids):
    return distributions(reconstructor, code, ids).gather(2, ids[..., None]).squeeze(2)


def test_the_loss_is_that_of_writing_word_by_word(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    losses = model.reconstructor(code, ids, mask)
    expected = -(log_probs_of(model.reconstructor, code, ids) * mask).sum(1) / mask.sum(1)
    assert torch.allclose(losses, expected, atol=1e-4)


def test_padding_changes_no_loss(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    losses = model.reconstructor(code, ids, mask)
    longer, longer_mask = (torch.nn.functional.pad(t, (0, 3)) for t in (ids, mask))
    assert torch.allclose(losses, model.reconstructor(code, longer, longer_mask), atol=1e-5)
    words, words_mask = (torch.nn.functional.pad(t, (0, 2)) for t in (code.words, code.mask))
    padded = model.reconstructor.code_of(words, words_mask)
    assert torch.allclose(losses, model.reconstructor(padded, ids, mask), atol=1e-5)


def test_rare_words_can_count_more(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    weights = torch.rand(len(tokenizer), generator=torch.Generator().manual_seed(0))
    model.reconstructor.word_weights.copy_(weights)
    scores = log_probs_of(model.reconstructor, code, ids)
    shares = weights[ids] * mask
    expected = -(scores * shares).sum(1) / shares.sum(1)
    assert torch.allclose(model.reconstructor(code, ids, mask), expected, atol=1e-4)


@pytest.mark.parametrize("wanted", [{"word_dropout": 0.5}, {"stride": 2}])
def test_noise_needs_a_stream(tokenizer, documents, sentences, tiny_model, encode, wanted):
    model = tiny_model(tokenizer)
    with pytest.raises(ValueError, match="stream of noise"):
        model.reconstructor(*parts(model, tokenizer, documents, sentences, encode), **wanted)


def test_one_hot_words_are_read_and_copied_as_ids(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    one_hot = torch.nn.functional.one_hot(code.words, len(tokenizer)).float().requires_grad_()
    drawn = Code(model.reconstructor.encoder.embed(one_hot), code.mask, code.words, one_hot)
    losses = model.reconstructor(drawn, ids, mask)
    assert torch.allclose(losses, model.reconstructor(code, ids, mask), atol=1e-5)
    # Gradients pass through both reading and copying.
    for read in (True, False):
        vectors = drawn.vectors if read else drawn.vectors.detach()
        part = replace(drawn, vectors=vectors, one_hot=one_hot.detach() if read else one_hot)
        (gradient,) = torch.autograd.grad(
            model.reconstructor(part, ids, mask).sum(), one_hot, retain_graph=True
        )
        assert (gradient.abs().sum(2) > 0).equal(code.mask.bool())


def test_a_code_without_words_is_read_and_not_copied(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    vectors = torch.randn_like(code.vectors, requires_grad=True)
    model.reconstructor(Code(vectors, code.mask), ids, mask).sum().backward()
    assert (vectors.grad.abs().sum(2) > 0).equal(code.mask.bool())
    assert model.reconstructor.pointer.query.weight.grad is None


def test_greedy_documents_are_the_most_probable_words(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    # Without an end piece to copy, the documents do not end at once.
    words = encode(tokenizer, sentences[:4])[0][:, :4]
    code = model.reconstructor.code_of(words, torch.ones_like(words))
    greedy = model.reconstructor.sample(code, 9)[:, :-1]
    best = distributions(model.reconstructor, code, greedy)
    for step in range(2, greedy.shape[1]):
        twice = greedy[:, step - 1] == greedy[:, step - 2]
        best[twice, step, greedy[twice, step - 1]] = float("-inf")
    chosen = best.gather(2, greedy[..., None]).squeeze(2)
    real = model.reconstructor.mask_of(greedy).bool()
    assert real.sum() > 20
    assert torch.allclose(chosen[real], best.amax(2)[real], atol=1e-5)


def test_word_dropout_hides_the_documents_words(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    other = ids.roll(1, 0)
    targets = ids[:, -1:]
    stream = RandomStream.of(torch.arange(4), 0)

    def last_word(prefix, dropout):
        text = torch.cat([prefix, targets], 1)
        only = torch.zeros_like(text)
        only[:, -1] = 1
        return model.reconstructor(code, text, only, stream, dropout)

    assert torch.allclose(last_word(ids, 1.0), last_word(other, 1.0), atol=1e-5)
    assert not torch.allclose(last_word(ids, 0.0), last_word(other, 0.0), atol=1e-3)


def test_written_documents_end_and_are_the_same_with_the_same_noise(
    tokenizer, documents, sentences, tiny_model, encode
):
    model = tiny_model(tokenizer)
    code, _, _ = parts(model, tokenizer, documents, sentences, encode)
    stream = RandomStream.of(torch.arange(4), 0)
    first = model.reconstructor.sample(code, 20, stream)
    assert torch.equal(first, model.reconstructor.sample(code, 20, stream))
    assert (first[:, -1] == tokenizer.eos_token_id).all() and first.shape[1] <= 20
    assert model.reconstructor.mask_of(first).sum(1).min() >= 1
    greedy = model.reconstructor.sample(code, 20)
    for row in greedy.tolist():
        words = row[: row.index(tokenizer.eos_token_id)]
        assert not any(a == b == c for a, b, c in zip(words, words[1:], words[2:], strict=False))


def test_a_stride_asks_for_every_so_many_th_piece(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    scores = log_probs_of(model.reconstructor, code, ids) * mask
    possible = torch.stack(
        [-scores[:, first::3].sum(1) / mask[:, first::3].sum(1) for first in range(3)], dim=1
    )
    met = set()
    for seed in range(12):
        stream = RandomStream.of(torch.arange(len(ids)), seed)
        losses = model.reconstructor(code, ids, mask, stream, stride=3)
        close = torch.isclose(possible, losses[:, None], atol=1e-4)
        assert close.any(1).all()
        met |= set(close.float().argmax(1).tolist())
    assert met == {0, 1, 2}
    # The only piece of a text of one piece is always predicted.
    one = torch.full_like(ids[:, :2], model.reconstructor.start_id)
    alone = torch.tensor([[1, 0]]).expand(len(ids), -1)
    assert model.reconstructor(code, one, alone, stream, stride=3).isfinite().all()
