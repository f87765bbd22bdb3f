"""Scores of the critics on small examples."""

import pytest
import torch
from paths_support import (
    make_discriminator,
    make_language_model,
    make_reconstruction,
    make_speller,
    make_world,
)

from summgan.networks.critics import Fluency, gap_rewards


def test_rewards_are_costs_of_what_looks_struck_out():
    logits, gaps = torch.tensor([[0.0, 9.0, 3.0]]), torch.tensor([[True, True, False]])
    found = gap_rewards(logits, gaps, 2.0)
    assert found[0].tolist() == pytest.approx([-1.3863, -18.0002, 0.0], abs=1e-3)


def test_documents_are_rebuilt_from_the_summary_alone():
    torch.manual_seed(0)
    world = make_world()
    critic = make_reconstruction(world).eval()
    documents = world.documents.take(range(2))["ids"]
    summaries = torch.tensor([[5, 6, 7], [8, 9, -1]])
    with torch.no_grad():
        scores, pieces = critic(summaries, documents)
        assert pieces.sum(1).tolist() == [(row >= 0).sum() + 1 for row in documents]  # one for the end
        assert (scores[pieces] < 0).all() and (scores[~pieces] == 0).all()
        longer = torch.nn.functional.pad(summaries, (0, 2), value=-1)
        assert torch.allclose(critic(longer, documents)[0], scores, atol=1e-5)
        changed = documents.clone()
        changed[0, 4] = documents[0, 5]
        before, after = scores[0], critic(summaries, changed)[0][0]
        assert torch.equal(before[:4], after[:4]) and not torch.equal(before[5:], after[5:])
        said = critic(torch.tensor([[5, 6, 8], [8, 9, -1]]), documents)[0]
        assert not torch.equal(said[0], scores[0]) and torch.equal(said[1], scores[1])


def test_a_language_model_that_has_read_the_document_scores_every_word_and_the_end():
    torch.manual_seed(0)
    world = make_world()
    network, speller = make_language_model(world), make_speller(world)
    critic = Fluency(network, speller).train()
    assert not network.training and not any(p.requires_grad for p in critic.parameters())
    critic.least = -1e9
    taken = world.documents.take(range(2))
    summaries = torch.tensor([[5, 6, 7], [8, 9, -1], [5, 6, 8], [7, -1, -1]])  # two of each document
    found = critic(summaries, taken["ids"], taken["after"])
    assert found.shape == (4, 4)
    for row, summary in enumerate(summaries):
        document, after = taken["ids"][row // 2], taken["after"][row // 2]
        read = []
        for word, mark in zip(document.tolist(), after.tolist(), strict=True):
            read += [word + 4, *([mark] if mark else [])] if word >= 0 else []
        said = [int(word) + 4 for word in summary if word >= 0] + [speller.end]
        ids = torch.tensor([[speller.begin, *read, speller.begin, *said]])
        with torch.no_grad():
            nats = network(input_ids=ids).logits[0, :-1].log_softmax(1).gather(1, ids[0, 1:, None])
        expected = nats[-len(said) :, 0].tolist()
        assert found[row].tolist() == pytest.approx(expected + [0.0] * (4 - len(said)), abs=1e-4)
    critic.least = -2.0
    assert critic(summaries, taken["ids"], taken["after"]).min() == -2.0


def test_critics_read_what_is_added_to_the_embeddings_of_words():
    torch.manual_seed(0)
    world = make_world()
    documents, summaries = world.documents.take(range(2))["ids"], torch.tensor([[5, 6, 7], [8, 9, -1]])
    other = torch.tensor([[5, 4, 7], [8, 9, -1]])
    rebuilding, judging = make_reconstruction(world).eval(), make_discriminator(world).eval()
    for critic, judge in (
        (judging, lambda words, more=None: judging(words, more)[0]),
        (rebuilding, lambda words, more=None: rebuilding(words, documents, more)[0]),
    ):
        with torch.no_grad():
            step = critic.embed(other) - critic.embed(summaries)  # here every word is one piece
            assert torch.allclose(judge(summaries, torch.zeros_like(step)), judge(summaries), atol=1e-5)
            found, wanted = judge(summaries, step), judge(other)
            assert not torch.allclose(found, judge(summaries), atol=1e-5)
            same = (found - wanted).abs() < 1e-5
            assert same.all() or critic is rebuilding and int((~same).sum()) == 1  # which copies word 4
