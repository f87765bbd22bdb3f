import torch

from summgan.networks.lattice import lattice_of


def test_forms_follow_their_word_at_its_place():
    source = torch.tensor([[2, 0, 1], [1, -1, -1]])
    forms = torch.tensor([[3, -1], [-1, -1], [4, 5]])
    nothing = torch.zeros_like(source)
    lattice = lattice_of(source, nothing, nothing.bool(), nothing.bool(), forms)
    assert lattice.words.tolist() == [[2, 4, 5, 0, 3, 1], [1, -1, -1, -1, -1, -1]]
    assert lattice.places[0].tolist() == [0, 0, 0, 1, 1, 2]
    assert lattice.changed.tolist() == [[False, True, True, False, True, False], [False] * 6]


def test_without_forms_every_word_is_a_vertex():
    source = torch.tensor([[7, 8, -1]])
    nothing = torch.zeros_like(source)
    lattice = lattice_of(source, nothing, nothing.bool(), nothing.bool(), torch.zeros(9, 0, dtype=torch.long))
    assert lattice.words.tolist() == [[7, 8]] and not lattice.changed.any()
