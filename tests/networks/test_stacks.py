import pytest
import torch
from transformers import BartConfig, BartForConditionalGeneration

from summgan.errors import SummGANError
from summgan.networks.stacks import check_stack, load_stack

SIZES = {
    "vocab_size": 40,
    "d_model": 8,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 16,
    "max_position_embeddings": 16,
}


@pytest.fixture
def saved(tmp_path):
    model = BartForConditionalGeneration(BartConfig(**SIZES))
    model.save_pretrained(tmp_path)
    return model


def test_a_stack_comes_back_from_its_folder(saved, tmp_path):
    config = check_stack(saved.config.to_dict(), "backbone", ("bart",))
    loaded = load_stack(tmp_path, config)
    for name, tensor in saved.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "gpt2"}, "gpt2"),
        ({"d_model": "8"}, "d_model"),
        ({"encoder_layers": 10**6}, "encoder_layers"),
        ({"dropout": 2.0}, "dropout"),
    ],
)
def test_what_no_stack_can_be_is_named(saved, changes, message):
    with pytest.raises(SummGANError, match=message):
        check_stack(saved.config.to_dict() | changes, "backbone", ("bart",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder_layers": 2}, "the weights lack model.encoder.layers.1"),
        ({"vocab_size": 41}, "the weights do not fit"),
        ({"d_model": 80, "encoder_ffn_dim": 900}, "describes a network of"),
    ],
)
def test_weights_of_another_stack_are_refused(saved, tmp_path, changes, message):
    config = check_stack(saved.config.to_dict() | changes, "backbone", ("bart",))
    with pytest.raises(SummGANError, match=message):
        load_stack(tmp_path, config)
