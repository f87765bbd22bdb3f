import torch

from summgan.codes.bags import BagOfWords, most_similar


def test_bags_are_unit_vectors_that_survive_saving(tmp_path, documents):
    bags = BagOfWords.fit(documents, 50, 0.5)
    bags.save(tmp_path)
    assert BagOfWords.load(tmp_path) == bags
    vectors = bags.vectors([*documents[:3], "xyzzy"])
    torch.testing.assert_close(vectors.norm(dim=1), torch.tensor([1.0, 1, 1, 0]))
    near = most_similar(bags.vectors(documents), 3)
    assert not (near == torch.arange(len(documents)).unsqueeze(1)).any()


def test_bags_hold_whole_words_however_a_text_comes_in():
    bags = BagOfWords.fit(["काम İzmir", "काम izmir", "कम cafe\u0301", "कम\x0bCAFÉ"], 10, 1.0)
    assert set(bags.words) == {"काम", "कम", "izmir", "café"}
    vectors = bags.vectors(["काम\x85İZMİR", "काम izmir", "कम"])
    torch.testing.assert_close(vectors[0], vectors[1])
    assert vectors[0] @ vectors[2] == 0
