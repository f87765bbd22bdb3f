from collections import Counter

import numpy as np
import pytest
import torch
from tests_support import make_batches

from summgan.data.batches import Stage
from summgan.data.order import Share


@pytest.fixture
def stream(tokenizer, documents, sentences):
    def make(batch_size, rank=0, processes=1, **options):
        share = Share(batch_size, rank, processes)
        return make_batches(tokenizer, documents, sentences, share, seed=7, **options)

    return make


def fields(batch):
    """All tensors of a batch, by name."""
    tensors = {"rows": batch.rows}
    for name, texts in batch.texts.items():
        tensors |= {f"{name}.{kind}": v for kind, v in vars(texts).items() if v is not None}
    return tensors


def test_a_batch_depends_on_its_number_alone(stream):
    one, other = stream(8), stream(8)
    for number in (5, 0, 37):
        for name, value in fields(one[number]).items():
            assert torch.equal(value, fields(other[number])[name]), name
    assert not torch.equal(one[0]["documents"].ids[:, :9], one[1]["documents"].ids[:, :9])


def test_two_processes_share_the_batch_of_one(stream):
    whole = stream(8)
    halves = [stream(4, rank, 2) for rank in range(2)]
    for number in (0, 3):
        for name, value in fields(whole[number]).items():
            for rank in range(2):
                part = fields(halves[rank][number])[name]
                mine = value[4 * rank : 4 * rank + 4]
                assert torch.equal(part, mine[:, : part.shape[1]] if part.ndim > 1 else mine), name


def test_every_text_ends_and_masks_are_right(stream, tokenizer):
    batch = stream(8)[0]
    for name in ("documents", "sentences", "noised", "targets", "content", "damaged"):
        ids, mask = batch[name].ids, batch[name].mask
        last = mask.sum(1, keepdim=True) - 1
        assert (ids.gather(1, last) == tokenizer.eos_token_id).all(), name
        assert (ids[mask == 0] == 0).all()
    assert batch["damaged"].labels.shape == batch["damaged"].ids.shape


def test_content_words_come_from_their_document(stream):
    batch = stream(8)[2]
    picked, documents = batch["content"], batch["documents"].ids
    for content, mask, document in zip(picked.ids, picked.mask, documents, strict=True):
        assert set(content[mask == 1].tolist()) <= set(document.tolist())


def test_the_stream_reads_every_text_once_per_epoch(stream, tokenizer, documents, sentences):
    batches = [stream(10)[number] for number in range(30)]
    for name, texts in (("documents", documents), ("sentences", sentences)):
        read = Counter()
        for batch in batches:
            ids, mask = batch[name].ids, batch[name].mask
            read.update(tuple(row[real == 1].tolist()) for row, real in zip(ids, mask, strict=True))
        rows = tokenizer(texts, add_special_tokens=False).input_ids
        assert read == Counter((*row, tokenizer.eos_token_id) for row in rows)
    assert torch.equal(torch.cat([batch.rows for batch in batches]), torch.arange(300))


def test_lengths_of_long_and_short_texts_go_together(stream):
    made = stream(8)
    sizes = []
    for number in range(12):
        batch = made[number]
        for longs, shorts in (("noised", "sentences"), ("documents", "content")):
            sizes += zip(batch[longs].mask.sum(1), batch[shorts].mask.sum(1), strict=True)
    longer, shorter = np.array(sizes).T
    ratios = (longer - 1) / np.maximum(1, shorter - 1) / made.ratio
    assert 0.6 < np.median(ratios) < 1.4
    assert ((ratios > 0.3) & (ratios < 2.5)).mean() > 0.9


def test_damaged_words_are_labelled(stream, tokenizer):
    damaged = stream(8)[1]["damaged"]
    ends = damaged.ids == tokenizer.eos_token_id
    assert (damaged.labels[ends] == 1).all()
    assert (damaged.labels[damaged.mask == 0] == 0).all()
    spoiled = (damaged.labels == 0) & (damaged.mask == 1)
    assert spoiled.any(1).all() and not spoiled.all(1).any()


def test_a_batch_moves_as_a_whole(stream):
    batch = stream(4)[0]
    moved, there = fields(batch.to(torch.device("meta"))), fields(batch)
    assert moved.keys() == there.keys() and len(moved) == 15
    for name, value in moved.items():
        assert value.device.type == "meta" and value.shape == there[name].shape, name


def test_a_stage_has_its_own_texts_and_the_noise_of_all(tokenizer, documents, sentences):
    share, few = Share(2, accumulation=2), frozenset(("documents", "damaged"))
    batches = make_batches(tokenizer, documents, sentences, share)
    whole = [fields(batches[number]) for number in range(10)]
    batches.stages = [Stage(2, few), Stage(1, frozenset(("content",)))]
    for number in range(10):
        batch = batches[number]
        assert set(batch.texts) == (few if number < 4 else {"content"})
        for name, value in fields(batch).items():
            assert torch.equal(value, whole[number][name])
