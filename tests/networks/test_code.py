"""The contract of bottlenecks, which all of them fulfil."""

import inspect

import pytest
import torch

from summgan.codes.categorical import BinaryBottleneck, OneHotBottleneck
from summgan.codes.codebook import CodebookBottleneck
from summgan.networks.code import Bottleneck, Code, Source
from summgan.networks.words import WordsBottleneck
from summgan.randomness import RandomStream


def states(batch):
    torch.manual_seed(0)
    return Source(torch.randn(batch, 1, 6), torch.ones(batch, 1, dtype=torch.long))


@pytest.mark.parametrize("kind", [WordsBottleneck, OneHotBottleneck, BinaryBottleneck, CodebookBottleneck])
def test_every_bottleneck_has_one_signature(kind):
    assert issubclass(kind, Bottleneck)
    assert inspect.signature(kind.forward) == inspect.signature(Bottleneck.forward)


@pytest.mark.parametrize(
    "bottleneck", [OneHotBottleneck(6, 4), BinaryBottleneck(6, 8), CodebookBottleneck(6, 4, 2)]
)
def test_a_code_has_a_vector_for_every_real_position(bottleneck):
    code = bottleneck(states(5), RandomStream.of(torch.arange(5), 0), "straight-through", 0.7)
    assert isinstance(code, Code)
    assert code.vectors.shape[:2] == code.mask.shape and code.mask.all() and code.vectors.shape[2] == 6
    assert len(code.codes) == 5 and code.words is None
    assert code.given("codes") is code.codes
    with pytest.raises(ValueError, match="no words"):
        code.given("words")


def test_without_a_bottleneck_of_its_own_there_is_none():
    with pytest.raises(TypeError, match="abstract"):
        Bottleneck()


def test_documents_are_taken_with_their_pieces_if_they_have_any():
    ids = torch.arange(6).view(3, 2)
    source = Source(ids[..., None].float(), torch.ones_like(ids), ids)
    for taken, rows in ((source.repeat(2), [0, 0, 1, 1, 2, 2]), (source.take([2, 0, 2]), [2, 0, 2])):
        assert torch.equal(taken.ids, ids[rows]) and torch.equal(taken.states, source.states[rows])
        assert torch.equal(taken.mask, source.mask[rows])
    assert states(3).repeat(2).input_ids is None
    with pytest.raises(ValueError, match="no ids to copy"):
        _ = states(3).take([0]).ids
