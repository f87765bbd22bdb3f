from collections import Counter

import numpy as np
import pytest
import torch
from datasets import Dataset

from summgan.data.batches import BatchStream, IndexOrder, Share, pad
from summgan.networks.salience import Salience
from summgan.text.boundaries import UnitBoundaries
from summgan.text.pieces import length_table


@pytest.fixture
def stream(tokenizer, documents, sentences):
    def tokenized(texts):
        ids = tokenizer(texts, add_special_tokens=False).input_ids
        ids = [[*row, tokenizer.eos_token_id] for row in ids]
        return Dataset.from_dict({"input_ids": ids, "length": [len(row) for row in ids]})

    boundaries = UnitBoundaries(length_table(tokenizer))
    weights = torch.ones(len(tokenizer))

    def make(batch_size, rank=0, processes=1, **options):
        return BatchStream(
            tokenized(documents),
            tokenized(sentences),
            boundaries,
            weights,
            7,
            Share(batch_size, rank, processes),
            **options,
        )

    return make


def fields(batch):
    return vars(batch)


def test_a_batch_depends_on_its_number_alone(stream):
    one, other = stream(8), stream(8)
    for number in (5, 0, 37):
        for name, value in fields(one[number]).items():
            assert torch.equal(value, getattr(other[number], name)), name
    assert not torch.equal(one[0].documents[:, :9], one[1].documents[:, :9])


def test_two_processes_share_the_batch_of_one(stream):
    whole = stream(8)
    halves = [stream(4, rank, 2) for rank in range(2)]
    for number in (0, 3):
        for name, value in fields(whole[number]).items():
            for rank in range(2):
                part = getattr(halves[rank][number], name)
                mine = value[4 * rank : 4 * rank + 4]
                assert torch.equal(part, mine[:, : part.shape[1]] if part.ndim > 1 else mine), name


def test_every_text_ends_and_masks_are_right(stream, tokenizer):
    batch = stream(8)[0]
    for name in ("documents", "sentences", "noised", "targets", "content", "damaged"):
        ids, mask = getattr(batch, name), getattr(batch, f"{name}_mask")
        last = mask.sum(1, keepdim=True) - 1
        assert (ids.gather(1, last) == tokenizer.eos_token_id).all(), name
        assert (ids[mask == 0] == 0).all()
    assert batch.damaged_human.shape == batch.damaged.shape


def test_content_words_come_from_their_document(stream):
    batch = stream(8)[2]
    for content, mask, document in zip(batch.content, batch.content_mask, batch.documents, strict=True):
        assert set(content[mask == 1].tolist()) <= set(document.tolist())


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


def test_padding():
    ids, mask = pad([[4, 5], [6]])
    assert ids.tolist() == [[4, 5], [6, 0]] and mask.tolist() == [[1, 1], [1, 0]]


def test_the_stream_reads_every_text_once_per_epoch(stream, tokenizer, documents, sentences):
    batches = [stream(10)[number] for number in range(30)]
    for name, texts in (("documents", documents), ("sentences", sentences)):
        read = Counter()
        for batch in batches:
            ids, mask = getattr(batch, name), getattr(batch, f"{name}_mask")
            read.update(tuple(row[real == 1].tolist()) for row, real in zip(ids, mask, strict=True))
        rows = tokenizer(texts, add_special_tokens=False).input_ids
        assert read == Counter((*row, tokenizer.eos_token_id) for row in rows)
    assert torch.equal(torch.cat([batch.rows for batch in batches]), torch.arange(300))


def test_lengths_of_long_and_short_texts_go_together(stream):
    made = stream(8)
    sizes = []
    for number in range(12):
        batch = made[number]
        pairs = [(batch.noised_mask, batch.sentences_mask), (batch.documents_mask, batch.content_mask)]
        sizes += [(long, short) for a, b in pairs for long, short in zip(a.sum(1), b.sum(1), strict=True)]
    longer, shorter = np.array(sizes).T
    ratios = (longer - 1) / np.maximum(1, shorter - 1) / made.ratio
    assert 0.6 < np.median(ratios) < 1.4
    assert ((ratios > 0.3) & (ratios < 2.5)).mean() > 0.9


def test_damaged_words_are_labelled(stream, tokenizer):
    batch = stream(8)[1]
    ends = batch.damaged == tokenizer.eos_token_id
    assert (batch.damaged_human[ends] == 1).all()
    assert (batch.damaged_human[batch.damaged_mask == 0] == 0).all()
    spoiled = (batch.damaged_human == 0) & (batch.damaged_mask == 1)
    assert spoiled.any(1).all() and not spoiled.all(1).any()


def test_a_batch_moves_as_a_whole(stream):
    batch = stream(4)[0]
    moved = batch.to(torch.device("meta"))
    assert fields(moved).keys() == fields(batch).keys()
    for name, value in fields(moved).items():
        assert value.device.type == "meta" and value.shape == getattr(batch, name).shape, name


def test_documents_are_compressed_where_that_shall_be_learned(stream, tokenizer):
    def first_words(documents, worth, lengths):
        assert worth.shape == (1, len(documents[0]))
        return [ids[:length] for ids, length in zip(documents, lengths, strict=True)]

    salience = Salience(len(tokenizer))
    taught, plain = stream(8, salience=salience, teacher=first_words)[0], stream(8)[0]
    for batch in (taught, plain):
        assert torch.equal(batch.supported, batch.targets_mask)
    assert torch.equal(plain.targets, plain.sentences)
    assert not torch.equal(plain.noised, plain.documents)
    assert torch.equal(taught.noised, taught.documents)
    for document, target, mask in zip(taught.documents, taught.targets, taught.targets_mask, strict=True):
        length = int(mask.sum()) - 1
        assert 0 < length < (document != 0).sum() / 2
        assert target[:length].tolist() == document[:length].tolist()
        assert target[length] == tokenizer.eos_token_id
    assert torch.equal(taught.sentences, plain.sentences)
