import numpy as np

from summgan.data.order import IndexOrder, Share


def test_processes_and_micro_batches_share_the_rows_of_a_step():
    whole = Share(8)
    halves = [Share(2, rank, 2, accumulation=2) for rank in range(2)]
    assert whole.global_batch == halves[0].global_batch == 8
    for step in (0, 3):
        parts = [row for part in (0, 1) for share in halves for row in share.rows(2 * step + part)]
        assert parts == list(whole.rows(step))


def test_an_epoch_has_every_row_once():
    lengths = np.random.default_rng(0).integers(5, 50, 103)
    for order in (IndexOrder(103, 3), IndexOrder(103, 3, lengths, 4)):
        first = [order[p] for p in range(103)]
        second = [order[p] for p in range(103, 206)]
        assert sorted(first) == sorted(second) == list(range(103))
        assert first != second
        assert [order[p] for p in range(103)] == first


def test_batches_are_of_similar_length():
    lengths = np.random.default_rng(0).integers(5, 50, 1024)
    order = IndexOrder(1024, 3, lengths, 8)
    spread = [np.ptp([lengths[order[p]] for p in range(s, s + 8)]) for s in range(0, 1024, 8)]
    assert np.mean(spread) < 4
