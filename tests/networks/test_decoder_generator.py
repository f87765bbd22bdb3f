"""Drawing, writing and scoring with the decoder."""

import pytest
import torch

from summgan.errors import SummGANError
from summgan.networks.generator import Writing
from summgan.networks.words import ended_mask
from summgan.randomness import RandomStream


def test_greedy_generate_is_greedy_sampling(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    ids, mask = encode(tokenizer, documents[:6])
    units = torch.tensor([3, 4, 5, 6, 7, 8])
    words = model.generator.bottleneck.sample(model.generator.encode(ids, mask), units, None)
    generated = model.generate(ids, mask, units)
    texts = (tokenizer.batch_decode(w, skip_special_tokens=True) for w in (words, generated))
    assert next(texts) == next(texts)


def test_more_beams_find_more_probable_words(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    ids, mask = encode(tokenizer, documents[:6])
    units = torch.full((6,), 4)

    def score(words):
        from summgan.networks.words import ended_mask

        source = model.generator.encode(ids, mask)
        words_mask = ended_mask(words, tokenizer.eos_token_id)
        return model.generator.bottleneck.log_likelihood(source, words, words_mask).mean()

    assert score(model.generate(ids, mask, units, num_beams=6)) >= score(model.generate(ids, mask, units))
    assert model.generate(ids, mask, units, num_beams=3, num_return_sequences=3).shape[0] == 18


def test_scores_are_likelihoods_however_candidates_are_filled_up(tokenizer, documents, tiny_model, encode):
    generator = tiny_model(tokenizer).generator
    source = generator.encode(*encode(tokenizer, documents[:4]))
    lengths = [[9, 2], [5], [3, 12, 4], [1]]
    found = generator.write(source, lengths, Writing(num_beams=2, per_length=2))
    assert found.rows == [row for row, several in enumerate(lengths) for _ in range(2 * len(several))]
    assert torch.equal(found.mask, ended_mask(found.words, tokenizer.eos_token_id))
    units = [length for several in lengths for length in several for _ in range(2)]
    assert generator.bottleneck.length_of(found.words, found.mask).tolist() == units
    own = source.take(found.rows)
    expected = generator.log_likelihood(own, found.words, found.mask)
    assert torch.allclose(found.scores, expected, atol=1e-4)


def test_without_noise_the_likeliest_words_are_drawn(tokenizer, documents, tiny_model, encode):
    generator = tiny_model(tokenizer).generator
    source, units = generator.encode(*encode(tokenizer, documents[:3])), torch.tensor([2, 5, 3])
    code = generator.bottleneck(source, units=units)
    assert torch.equal(code.words, generator.bottleneck.sample(source, units, None))
    assert torch.equal(code.one_hot.argmax(2), code.words) and not code.one_hot.requires_grad
    noisy = generator.draw(source, units, RandomStream.of(torch.arange(3), 0))
    assert noisy.words.shape != code.words.shape or not torch.equal(noisy.words, code.words)
    with pytest.raises(ValueError, match="how many units"):
        generator.bottleneck(source)


def test_pieces_of_another_vocabulary_are_refused(tokenizer, tiny_model):
    generator = tiny_model(tokenizer).generator
    pieces = tokenizer.convert_ids_to_tokens([*range(len(tokenizer))])
    generator.check_pieces(pieces)
    with pytest.raises(SummGANError, match="another vocabulary than the model"):
        generator.check_pieces(pieces[::-1])
    with pytest.raises(SummGANError, match=f"has 9 pieces, but the vocabulary .* has {len(pieces)};"):
        generator.check_pieces(pieces[:9])
