"""Stacks that read vectors, and the pointer's mixture, compared with the original models."""

import math

import pytest
import torch
from torch.nn import functional as F
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    GPT2Config,
    MBartConfig,
    MBartForConditionalGeneration,
    MT5Config,
    MT5ForConditionalGeneration,
    PegasusConfig,
    T5Config,
    T5ForConditionalGeneration,
)

from summgan.errors import SummGANError
from summgan.networks.backbone import (
    CopyBias,
    Pointer,
    build_stacks,
    check_backbone,
    embed_words,
    mix_log_probs,
    new_cache,
    target_log_probs,
)

VOCABULARY, HIDDEN = 50, 32
BART = {
    "vocab_size": VOCABULARY,
    "d_model": HIDDEN,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 32,
    "decoder_start_token_id": 2,
}
T5 = {
    "vocab_size": VOCABULARY,
    "d_model": HIDDEN,
    "d_kv": 16,
    "d_ff": 64,
    "num_layers": 2,
    "num_heads": 2,
    "decoder_start_token_id": 0,
}
SCALED, UNSCALED = {"scale_embedding": True}, {"scale_embedding": False}
TIED, UNTIED = {"tie_word_embeddings": True}, {"tie_word_embeddings": False}
BACKBONES = {
    "bart": (BartForConditionalGeneration, BartConfig, BART | UNSCALED),
    "bart-scaled": (BartForConditionalGeneration, BartConfig, BART | SCALED),
    "mbart": (MBartForConditionalGeneration, MBartConfig, BART | UNSCALED),
    "mbart-scaled": (MBartForConditionalGeneration, MBartConfig, BART | SCALED),
    "t5": (T5ForConditionalGeneration, T5Config, T5 | TIED),
    "t5-untied": (T5ForConditionalGeneration, T5Config, T5 | UNTIED),
    "mt5": (MT5ForConditionalGeneration, MT5Config, T5 | TIED),
    "mt5-untied": (MT5ForConditionalGeneration, MT5Config, T5 | UNTIED),
}


@pytest.fixture(params=sorted(BACKBONES))
def backbone(request):
    """A model, our two stacks made of a copy of it, documents with padding, and summaries."""
    build, configure, options = BACKBONES[request.param]
    torch.manual_seed(0)
    model, copy = (build(configure(**options)).eval() for _ in range(2))
    tied = options.get("tie_word_embeddings", True)
    if not tied:
        model.lm_head.weight = torch.nn.Parameter(torch.randn(VOCABULARY, HIDDEN))
    copy.load_state_dict(model.state_dict())
    embedding = torch.nn.Embedding(VOCABULARY, HIDDEN)
    embedding.weight.data.copy_(model.get_input_embeddings().weight)
    encoder, decoder = build_stacks(copy, embedding, tied)
    if not tied:
        decoder.head.load_state_dict(model.lm_head.state_dict())
    ids = torch.randint(4, VOCABULARY, (3, 9))
    mask = (torch.arange(9) < torch.tensor([[9], [6], [3]])).long()
    return model, encoder.eval(), decoder.eval(), ids, mask, torch.randint(4, VOCABULARY, (3, 5))


def one_hot(ids):
    return F.one_hot(ids, VOCABULARY).float()


@torch.no_grad()
def test_one_hot_words_are_read_as_ids_are(backbone):
    _, encoder, decoder, ids, mask, answers = backbone
    for stack in (encoder, decoder):
        assert torch.allclose(stack.embed(one_hot(ids)), stack.embed(ids), atol=1e-6)
    states = encoder(encoder.embed(ids), mask)
    assert torch.allclose(encoder(encoder.embed(one_hot(ids)), mask), states, atol=1e-5)
    written = decoder(decoder.embed(answers), states, mask)
    assert torch.allclose(decoder(decoder.embed(one_hot(answers)), states, mask), written, atol=1e-5)


@torch.no_grad()
def test_stacks_answer_as_the_model_that_they_are_taken_from(backbone):
    model, encoder, decoder, ids, mask, answers = backbone
    expected = model(input_ids=ids, attention_mask=mask, decoder_input_ids=answers)
    states = encoder(encoder.embed(ids), mask)
    real = mask.bool()
    assert torch.allclose(states[real], expected.encoder_last_hidden_state[real], atol=1e-5)
    logits = decoder.logits(decoder(decoder.embed(answers), states, mask))
    assert torch.allclose(logits, expected.logits, atol=1e-4)


@torch.no_grad()
def test_a_cache_changes_nothing(backbone):
    _, encoder, decoder, ids, mask, answers = backbone
    states, vectors, cache = encoder(encoder.embed(ids), mask), decoder.embed(answers), new_cache()
    steps = [decoder(vectors[:, t : t + 1], states, mask, cache) for t in range(answers.shape[1])]
    assert torch.allclose(torch.cat(steps, 1), decoder(vectors, states, mask), atol=2e-5)


@torch.no_grad()
def test_padding_is_not_read(backbone):
    _, encoder, decoder, ids, mask, answers = backbone
    other = torch.where(mask.bool(), ids, 1)
    assert not torch.equal(ids, other)
    first, second = (encoder(encoder.embed(words), mask) for words in (ids, other))
    assert torch.allclose(first[mask.bool()], second[mask.bool()], atol=1e-5)
    vectors = decoder.embed(answers)
    assert torch.allclose(decoder(vectors, first, mask), decoder(vectors, second, mask), atol=1e-5)


def test_gradient_reaches_one_hot_words_and_the_one_table(backbone):
    _, encoder, decoder, ids, mask, answers = backbone
    words = one_hot(ids).requires_grad_()
    hidden = decoder(decoder.embed(answers), encoder(encoder.embed(words), mask), mask)
    decoder.logits(hidden).square().sum().backward()
    assert (words.grad.abs().sum(2) > 0).equal(mask.bool())
    assert encoder.embedding is decoder.embedding
    assert encoder.embedding.weight.grad.abs().sum() > 0


def test_mixing_rows_by_one_hot_words_has_the_gradient_of_the_table():
    table = torch.randn(5, 3)
    words = one_hot(torch.tensor([[1, 4]]))[..., :5].requires_grad_()
    embed_words(words, table).sum().backward()
    assert torch.allclose(words.grad, table.sum(1).expand(1, 2, 5))


def pointed_at(source, mask, length, seed=0):
    """A pointer's result for random states of a source, and random logits."""
    torch.manual_seed(seed)
    pointer = Pointer(8)
    batch, places = source.shape
    keys = pointer.keys(3 * torch.randn(batch, places, 8), torch.randn(batch, places, 8))
    pointed = pointer(3 * torch.randn(batch, length, 8), keys, mask)
    return 2 * torch.randn(batch, length, VOCABULARY), pointed


@pytest.fixture
def mixture():
    source = torch.tensor([[7, 8, 7, 9, 7], [5, 6, 5, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    return source, mask, *pointed_at(source, mask, 4)


def test_the_pointer_never_looks_at_padding(mixture):
    _, mask, _, (attention, copy, write) = mixture
    assert torch.allclose(attention.sum(2), torch.ones(2, 4), atol=1e-6)
    assert (attention[1, :, 3:] == 0).all() and (attention[1, :, :3] > 0).all()
    assert torch.allclose(copy.exp() + write.exp(), torch.ones(2, 4, 1), atol=1e-6)


def test_a_key_knows_the_token_before_it_and_none_after():
    torch.manual_seed(0)
    pointer, states, vectors = Pointer(8), torch.zeros(1, 5, 8), torch.randn(1, 5, 8)
    changed = vectors.clone()
    changed[0, 2] += 1.0
    moved = (pointer.keys(states, vectors) != pointer.keys(states, changed)).any(2)
    assert moved.tolist() == [[False, False, False, True, False]]
    assert (pointer.keys(states, vectors)[0, 0] == 0).all()


def test_the_mixture_is_a_distribution(mixture):
    source, _, logits, pointed = mixture
    for answer in (pointed, None):
        total = mix_log_probs(logits, answer, source).exp().sum(2)
        assert torch.allclose(total, torch.ones(2, 4), atol=1e-5)


def test_the_mixture_is_equation_nine_of_see_2017(mixture):
    source, _, logits, (attention, copy, write) = mixture
    expected = torch.softmax(logits, 2) * write.exp()
    for row in range(2):
        for step in range(4):
            for place, word in enumerate(source[row]):
                expected[row, step, word] += (attention * copy.exp())[row, step, place]
    assert torch.allclose(mix_log_probs(logits, (attention, copy, write), source).exp(), expected, atol=1e-6)


@pytest.mark.parametrize("copies", [True, False])
def test_log_probs_of_targets_are_those_of_the_whole_mixture(mixture, copies):
    source, _, logits, pointed = mixture
    # Targets that are in the source once, three times, never, and only as padding.
    targets = torch.tensor([[8, 7, 30, 0], [6, 5, 30, 0]])
    matches = (source[:, :, None] == targets[:, None]).float()
    pointed = pointed if copies else None
    expected = mix_log_probs(logits, pointed, source).gather(2, targets[..., None]).squeeze(2)
    actual = target_log_probs(logits, pointed, matches if copies else None, targets)
    assert torch.allclose(actual, expected, atol=1e-5)


def test_log_probs_of_targets_have_the_gradient_of_the_whole_mixture(mixture):
    source, mask, _, _ = mixture
    targets = torch.tensor([[8, 7, 30, 1], [6, 5, 30, 1]])
    matches = (source[:, :, None] == targets[:, None]).float()
    gradients = []
    for cheap in (True, False):
        logits, (attention, copy, write) = pointed_at(source, mask, 4)
        leaves = [t.detach().requires_grad_() for t in (logits, attention, copy, write)]
        if cheap:
            scores = target_log_probs(leaves[0], tuple(leaves[1:]), matches, targets)
        else:
            mixed = mix_log_probs(leaves[0], tuple(leaves[1:]), source)
            scores = mixed.gather(2, targets[..., None])
        gradients.append(torch.autograd.grad(scores.sum(), leaves))
    for first, second in zip(*gradients, strict=True):
        assert torch.allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("config", [GPT2Config(), PegasusConfig()], ids=lambda c: c.model_type)
def test_other_models_are_refused_by_name(config):
    with pytest.raises(SummGANError, match=f"'{config.model_type}' is not supported; use one of bart"):
        check_backbone(config)


@pytest.mark.parametrize("config", [BartConfig(), MBartConfig(), T5Config(), MT5Config()])
def test_supported_models_are_not_refused(config):
    assert check_backbone(config) is None


def test_a_copy_bias_goes_on_where_it_is_and_knows_what_was_said():
    bias = CopyBias(4)
    for layer in (bias.follow, bias.again, bias.keep):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    written, source = torch.tensor([[2, 7, 8]]), torch.tensor([[7, 8, 9, 7]])
    states = torch.zeros(1, 4, 4)
    scores = bias(torch.zeros(1, 3, 4), written, source, states) - math.log(0.5)
    # Plus two nats for what follows the last piece in the document, minus one for what was said.
    expected = [[0, 0, 0, 0], [-1, 2, 0, -1], [-1, -1, 2, -1]]
    assert torch.allclose(scores[0], torch.tensor(expected, dtype=torch.float32), atol=1e-6)
    last = bias(torch.zeros(1, 1, 4), written, source, states) - math.log(0.5)
    assert torch.allclose(last[0, 0], scores[0, 2])
