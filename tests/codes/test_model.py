import pytest
import torch

from summgan.codes.model import CodeAutoencoder, CodeConfig, bit_agreement, random_prefix
from summgan.networks.code import Code
from summgan.randomness import RandomStream


def terms_of(kind, **fields):
    torch.manual_seed(0)
    model = CodeAutoencoder(CodeConfig(kind, 8, 2, 16, 20, 10, **fields))
    model.projection.normal_()
    stream = RandomStream.of(torch.arange(4), 0)
    return model(torch.rand(4, 20), torch.rand(4, 20), stream, 1.0)


def test_every_kind_has_its_own_terms():
    assert {"reconstruction", "agreement"} <= terms_of("binary").keys()
    assert "agreement" not in terms_of("binary", agreement=0.0)
    assert "agreement" not in terms_of("one-hot")
    assert "commitment" in terms_of("vq")
    terms = terms_of("binary", agreement=2.0)
    assert terms["total"].item() == pytest.approx((terms["reconstruction"] + 2 * terms["agreement"]).item())


def test_bits_that_tell_the_similar_document_cost_little():
    bits = torch.eye(8)
    assert bit_agreement(bits, bits) < bit_agreement(bits, bits.roll(1, 0))


def test_prefixes_of_all_lengths_are_as_likely():
    code = Code(torch.tensor([[[1.0], [10.0], [100.0]]]).expand(3000, 3, 1), torch.ones(3000, 3))
    sums = random_prefix(code, RandomStream.of(torch.arange(3000), 0))
    assert sums.shape == (3000, 1)
    values, counts = sums.unique(return_counts=True)
    assert values.tolist() == [1, 11, 111] and (counts - 1000).abs().max() < 100


def test_models_with_a_field_that_is_gone_load():
    fields = CodeConfig("one-hot").to_dict()
    made = CodeConfig.from_dict(fields | {"balance": 5.0})
    assert made.kind == "one-hot" and "balance" not in made.to_dict()
