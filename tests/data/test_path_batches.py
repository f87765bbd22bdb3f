"""Texts as rows of words, and batches by number."""

import torch
from paths_support import DOCUMENTS, make_world

from summgan.data.lattice import CLAUSE, words_of
from summgan.data.order import Share
from summgan.data.path_batches import PathBatches, of_length, rows_of

WORLD = make_world()


def test_rows_say_the_words_of_the_texts():
    taken = WORLD.documents.take([1, 0])
    said = [WORLD.table.strings[row] for row in taken["ids"][0].tolist() if row >= 0]
    assert said == [string.lower() for string in words_of(DOCUMENTS[1]).strings]
    assert taken["ids"].shape == taken["hold"].shape == (2, 18)
    assert taken["ids"][0, 11:].eq(-1).all()
    assert taken["after"][1, 7] == CLAUSE
    assert not taken["hold"][0, 11:].any()


def test_a_long_text_is_read_up_to_its_bound_and_nothing_is_held_beyond():
    words = words_of('"Blue Note" in Porto')
    table = WORLD.table
    rows = {string: row for row, string in enumerate(table.strings)}
    words = words_of('The "old bridge" in Porto')
    assert words.holds[1]
    cut = rows_of(table, [words], 2)
    assert cut.ids.tolist() == [rows["the"], rows["old"]]
    assert cut.hold.tolist() == [False, False]
    assert rows_of(table, [words], 9).hold.tolist()[1]


def test_texts_are_picked_by_length():
    found = of_length(WORLD.sentences, 5, 6)
    assert found.sizes.tolist() == [5, 6]
    assert torch.equal(found.take([0])["ids"], WORLD.sentences.take([1])["ids"])
    assert torch.equal(found.take([1])["ids"], WORLD.sentences.take([3])["ids"])


def test_batches_follow_from_seed_and_number():
    first, again, other = (
        PathBatches(WORLD.documents, WORLD.sentences, seed, Share(2)) for seed in (0, 0, 1)
    )
    batch = first[5]
    again[0]
    assert torch.equal(batch.source, again[5].source)
    assert torch.equal(batch.sentences, again[5].sentences)
    assert batch.rows.tolist() == [10, 11]
    assert batch.sentences.shape[0] == 6
    assert any(not torch.equal(first[n].sentences, other[n].sentences) for n in range(4))
    seen = [tuple(row.tolist()[:3]) for n in range(2) for row in first[n].source]
    assert len(set(seen)) == 4  # an epoch has each document once
    parts = [PathBatches(WORLD.documents, WORLD.sentences, 0, Share(1, rank, 2))[5] for rank in (0, 1)]
    assert [part.rows.tolist() for part in parts] == [[10], [11]]
    assert torch.equal(parts[1].source[0], batch.source[1, : parts[1].source.shape[1]])
    assert batch.to(torch.device("cpu")).source.equal(batch.source)
