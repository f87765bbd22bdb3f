from paths_support import lattice, lengths_of

from summgan.networks.k_best import k_best
from summgan.networks.paths import possible


def test_where_there_are_fewer_paths_the_rest_of_the_k_best_are_impossible():
    _, ranked = k_best(lattice(vertices=3, band=2), lengths_of(3, 2), 3)
    assert possible(ranked).tolist() == [[True, False, False], [True, False, False]]
