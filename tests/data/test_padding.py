import torch

from summgan.data.padding import Texts, pad


def test_padding():
    ids, mask = pad([[4, 5], [6]])
    assert ids.tolist() == [[4, 5], [6, 0]] and mask.tolist() == [[1, 1], [1, 0]]


def test_texts_are_padded_repeated_and_moved_with_their_labels():
    texts = Texts.of([[4, 5], [6]], [[0, 1], [1]]).repeat(2)
    assert texts.ids.tolist() == [[4, 5], [4, 5], [6, 0], [6, 0]]
    assert texts.mask.tolist() == [[1, 1], [1, 1], [1, 0], [1, 0]]
    assert texts.labels.tolist() == [[0, 1], [0, 1], [1, 0], [1, 0]]
    moved = texts.to(torch.device("meta"))
    assert {tensor.device.type for tensor in vars(moved).values()} == {"meta"}
    assert Texts.of([[4]]).repeat(2).to(torch.device("cpu")).labels is None
