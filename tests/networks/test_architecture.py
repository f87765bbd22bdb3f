import pytest
import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    GPT2Config,
    T5Config,
    T5ForConditionalGeneration,
)

from summgan.errors import SummGANError
from summgan.networks.modeling import SummGAN
from summgan.options.configuration import ModelOptions
from summgan.text.vocabulary import Vocabulary


def tiny_bart(vocabulary, **options):
    return BartForConditionalGeneration(
        BartConfig(
            vocab_size=vocabulary,
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            max_position_embeddings=128,
            pad_token_id=0,
            bos_token_id=2,
            eos_token_id=3,
            decoder_start_token_id=3,
            forced_eos_token_id=3,
            **options,
        )
    )


def tiny_t5(vocabulary, **options):
    return T5ForConditionalGeneration(
        T5Config(
            vocab_size=vocabulary,
            d_model=32,
            d_kv=16,
            d_ff=64,
            num_layers=2,
            num_heads=2,
            pad_token_id=0,
            eos_token_id=3,
            decoder_start_token_id=0,
            **options,
        )
    )


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (tiny_bart, {}),
        (tiny_bart, {"scale_embedding": True}),
        (tiny_t5, {}),
        (tiny_t5, {"tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}),
    ],
)
def test_a_pretrained_backbone_is_taken_over(make, options, tokenizer, documents, encode, tmp_path):
    torch.manual_seed(0)
    backbone = make(len(tokenizer), **options).eval()
    if not options.get("tie_word_embeddings", True):
        backbone.lm_head.weight = torch.nn.Parameter(torch.randn(len(tokenizer), 32))
    backbone.save_pretrained(tmp_path / "backbone")
    Vocabulary(tokenizer).save_pretrained(tmp_path / "backbone")
    wanted = ModelOptions(backbone=str(tmp_path / "backbone"), discriminator_hidden_size=8, copy="no")
    model = SummGAN.from_options(wanted, tokenizer).eval()
    ids, mask = encode(tokenizer, documents[:3])
    labels = ids[:, :6].contiguous()
    with torch.no_grad():
        expected = backbone(input_ids=ids, attention_mask=mask, labels=labels)
        source = model.generator.encode(ids, mask)
        assert torch.allclose(source.states, expected.encoder_last_hidden_state, atol=1e-5)
        actual = model(ids, mask, labels=labels).logits
        assert torch.allclose(actual, expected.logits.log_softmax(-1), atol=1e-4)
        # One-hot words are read as ids are.
        one_hot = torch.nn.functional.one_hot(ids, len(tokenizer)).float()
        encoder = model.generator.encoder
        assert torch.allclose(encoder.embed(one_hot), encoder.embed(ids), atol=1e-5)
        assert torch.allclose(encoder(encoder.embed(one_hot), mask), source.states, atol=1e-5)
    model.save_pretrained(tmp_path / "ours")
    assert same(model, SummGAN.from_pretrained(tmp_path / "ours"))
    assert model.generate(ids, mask, 4, num_beams=2).shape[0] == 3


def test_backbones_that_cannot_be_used_are_refused(tokenizer, tmp_path):
    with pytest.raises(SummGANError, match="cannot be loaded"):
        SummGAN.from_options(ModelOptions(backbone=str(tmp_path / "none")), tokenizer)
    tiny_t5(50).save_pretrained(tmp_path / "few")
    with pytest.raises(SummGANError, match=f"has {len(tokenizer)} pieces but the backbone .* only 50"):
        SummGAN.from_options(ModelOptions(backbone=str(tmp_path / "few")), tokenizer)
    GPT2Config().save_pretrained(tmp_path / "gpt2")
    with pytest.raises(SummGANError, match="'gpt2' is not supported"):
        SummGAN.from_options(ModelOptions(backbone=str(tmp_path / "gpt2")), tokenizer)


def same(first, second):
    first, second = first.state_dict(), second.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)
