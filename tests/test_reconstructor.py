import torch

from summgan.randomness import RandomStream


def parts(model, tokenizer, documents, sentences, encode):
    documents, mask = encode(tokenizer, documents[:4])
    code = model.reconstructor.code_of(*encode(tokenizer, sentences[:4]))
    return code, documents, mask


def test_the_loss_is_that_of_writing_word_by_word(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    losses = model.reconstructor(code, ids, mask)
    prefix = model.reconstructor(code, ids[:, :5], mask[:, :5])
    longer = torch.cat([ids, torch.zeros_like(ids[:, :3])], 1)
    longer_mask = torch.cat([mask, torch.zeros_like(mask[:, :3])], 1)
    assert torch.allclose(losses, model.reconstructor(code, longer, longer_mask), atol=1e-5)
    assert losses.shape == prefix.shape == (4,)


def test_rare_words_can_count_more(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    code, ids, mask = parts(model, tokenizer, documents, sentences, encode)
    model.reconstructor.word_weights.zero_()
    model.reconstructor.word_weights[ids[0, 0]] = 5.0
    (first,) = model.reconstructor(code, ids, mask)[:1]
    model.reconstructor.word_weights.fill_(1.0)
    (only,) = model.reconstructor(code, ids[:, :1], mask[:, :1])[:1]
    positions = (ids[0] == ids[0, 0]).sum()
    assert positions > 1 or torch.allclose(first, only, atol=1e-5)


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
