import itertools

import torch

from summgan.networks.code import Source
from summgan.networks.decoding import ExactLength


def test_a_word_that_may_not_be_ended_is_broken_and_the_length_kept(tokenizer, tiny_model):
    bottleneck = tiny_model(tokenizer).generator.bottleneck
    start = int((bottleneck.writable & ~bottleneck.continues).nonzero()[0])
    tail = int(bottleneck.glues.nonzero()[0])
    ids = torch.tensor([[start, tail, bottleneck.end_id]])
    source = Source(torch.zeros(1, 3, bottleneck.countdown.weight.shape[1]), torch.ones_like(ids), ids)
    exact = ExactLength(bottleneck, torch.tensor([1]), source)
    written = torch.tensor([[bottleneck.start_id, start]])
    scores = torch.zeros(1, len(bottleneck.units))
    assert exact(written, scores).isfinite().nonzero().tolist() == [[0, tail]]
    scores[0, tail] = float("-inf")  # as if it would repeat a bigram
    possible = exact(written, scores)[0].isfinite()
    assert possible[bottleneck.end_id] and not possible[~bottleneck.continues & (bottleneck.units > 0)].any()


def test_no_two_pieces_stand_in_a_row_twice_but_bytes(tokenizer, tiny_model, documents, encode):
    model = tiny_model(tokenizer)
    ids, mask = encode(tokenizer, documents[:8])
    for row in model.generate(ids, mask, 20, num_beams=2, no_repeat_bigrams=True).tolist():
        pairs = list(itertools.pairwise(row[: row.index(tokenizer.eos_token_id)]))
        assert len(pairs) == len(set(pairs))
    bottleneck = model.generator.bottleneck
    byte, piece = int(bottleneck.bytes.nonzero()[0]), int(bottleneck.writable.nonzero()[0])
    source = model.generator.encode(ids[:1], mask[:1])
    exact = ExactLength(bottleneck, torch.tensor([9]), source, no_repeat_bigrams=True)
    again = exact._repeating(torch.tensor([[piece, byte, piece, piece, piece]]))[0]
    assert again.nonzero().tolist() == [[piece]]
