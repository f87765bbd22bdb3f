"""The path generator starts from the counted prior, learns, and reports where its words come from."""

import pytest
import torch
from transformers import BertConfig, BertModel

from summgan.data.word_counts import count_words
from summgan.networks.critics import GapDiscriminator, Likeness
from summgan.networks.lattice import lattice_of
from summgan.networks.path_generator import (
    CountedPrior,
    PathGenerator,
    inserted_words,
    write,
)
from summgan.networks.paths import Path, Paths
from summgan.networks.spelling import Speller
from summgan.text.words import words_of

DOCUMENTS = [
    "The old bridge in Porto opens on Monday, and many people like it. It is 90 years old.",
    "A new library in Turin closes on Friday after heavy rain.",
]
SENTENCES = ["Bridge in Porto opens", "Library in Turin is closed", "Old hall opens in Graz on Monday"]


@pytest.fixture(scope="module")
def world():
    """Word table, arrays of both documents, and a small new encoder."""
    documents, sentences = [[words_of(text) for text in pile] for pile in (DOCUMENTS, SENTENCES)]
    table = count_words(documents, sentences, forms=0, inserted=2, least=1)
    rows = {string: row for row, string in enumerate(table.strings)}
    arrays = []
    longest = max(len(words.strings) for words in documents)
    for words in documents:
        ids = [rows[string.lower()] for string in words.strings]
        hold, need = table.holds(words, ids)
        padding = longest - len(ids)
        arrays.append((ids + [-1] * padding, [*words.after, *[0] * padding]))
        arrays[-1] += ([*hold, *[False] * padding], [*need, *[False] * padding])
    source, after, hold, need = (torch.tensor(list(column)) for column in zip(*arrays, strict=True))
    torch.manual_seed(0)
    size = len(rows)
    pieces = torch.stack([torch.arange(size) + 4, torch.full((size,), -1)], 1)
    pieces[rows["bridge"], 1] = 3
    speller = Speller(pieces, torch.tensor([-1, 1, 2]), size + 4, size + 5, 0)
    return table, rows, (source, after, hold, need), speller


def encoder(size):
    config = BertConfig(
        vocab_size=size + 6, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    return BertModel(config, add_pooling_layer=False).eval()


def generator(world):
    table, rows, _, speller = world
    names = ("classes", "worth", "unseen", "pairs", "gains", "inserted")
    prior = CountedPrior(*(torch.as_tensor(getattr(table, name)) for name in names))
    return PathGenerator(encoder(len(rows)), speller, prior, rank=8).eval()


def no_forms(world):
    return torch.zeros(len(world[1]), 0, dtype=torch.long)


def test_words_become_pieces_with_their_punctuation(world):
    _, rows, (source, after, *_), speller = world
    spelled = speller(source, after)
    first = spelled.input_ids[0, : int(spelled.attention_mask[0].sum())].tolist()
    begin = [rows["the"] + 4, rows["old"] + 4, rows["bridge"] + 4, 3, rows["in"] + 4]
    assert first[:6] == [len(rows) + 4, *begin]
    monday = first.index(rows["monday"] + 4)
    assert first[monday + 1] == 1  # the comma
    assert first[-2:] == [2, len(rows) + 5]
    assert spelled.first[0, 3] == 3  # the bridge has two pieces
    assert spelled.last[0, 3] == 4
    places = spelled.first[1][: 2 + int((source[1] >= 0).sum())]
    assert spelled.input_ids[1, places[-1]] == len(rows) + 5
    assert spelled.input_ids[1, int(spelled.attention_mask[1].sum()) :].eq(0).all()


def test_it_begins_as_what_was_counted_and_learns(world):
    lattice = lattice_of(*world[2], no_forms(world))
    model = generator(world)
    prior, whole = model(lattice, learned=False), model(lattice)
    lengths = torch.tensor([5, 4])
    expected = Paths(prior.total, 5).log_partition_of(lengths)
    assert torch.allclose(Paths(whole.total, 5).log_partition_of(lengths), expected, atol=1e-3)
    path = Path(torch.tensor([[[0, 2, 3, 4, 5]], [[1, 2, 3, 4, -1]]]), torch.zeros(2, 1, 5, dtype=torch.bool))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    before = None
    for _ in range(30):
        chance = Paths(model(lattice).total, 5).log_probability(path, lengths).sum()
        before = float(chance.detach()) if before is None else before
        optimizer.zero_grad()
        (-chance).backward()
        optimizer.step()
    assert float(chance.detach()) > before + 3
    assert model.encoder.embeddings.word_embeddings.weight.grad.abs().sum() > 0


def test_to_begin_within_a_sentence_costs_where_the_text_has_sentences(world):
    source, after, hold, need = world[2]
    model = generator(world)
    with torch.no_grad():
        marked = model(lattice_of(source, after, hold, need, no_forms(world)), learned=False).whole.begin
        nothing = torch.zeros_like(after)
        plain = model(lattice_of(source, nothing, hold, need, no_forms(world)), learned=False).whole.begin
    first = [0, words_of(DOCUMENTS[0]).strings.index("It")]
    expected = torch.full_like(plain, 2.0)
    expected[0, first], expected[1, 0] = 0.0, 0.0
    there = source >= 0
    assert torch.allclose((plain - marked)[there], expected[there], atol=1e-5)


def test_padding_and_company_change_nothing(world):
    model = generator(world)
    torch.nn.init.normal_(model.edge.weight)
    torch.nn.init.normal_(model.node.weight)
    both = lattice_of(*world[2], no_forms(world))
    length = int((world[2][0][1] >= 0).sum())
    alone = lattice_of(*(table[1:, :length] for table in world[2]), no_forms(world))
    lengths = torch.tensor([4, 4])
    together = Paths(model(both).total, 4).log_partition_of(lengths)[1]
    apart = Paths(model(alone).total, 4).log_partition_of(lengths[:1])[0]
    assert float(together.detach()) == pytest.approx(float(apart.detach()), abs=1e-3)


def test_written_words_are_the_path_and_what_is_inserted(world):
    table, rows, arrays, _ = world
    lattice = lattice_of(*arrays, no_forms(world))
    path = Path(
        torch.tensor([[[1, 2, 5]], [[0, 1, 2]]]), torch.tensor([[[False, False, True]], [[False] * 3]])
    )
    scores = generator(world)(lattice)
    inserted = inserted_words(scores, path, 1.0, None)
    assert (inserted >= 0).tolist() == path.inserted.tolist()
    wide = Path(
        torch.nn.functional.pad(path.vertices, (0, 1), value=-1),
        torch.nn.functional.pad(path.inserted, (0, 1)),
    )
    drawn = write(
        lattice, torch.as_tensor(table.inserted), wide, torch.nn.functional.pad(inserted, (0, 1), value=-1)
    )
    said = [table.strings[row] for row in drawn.words[0].tolist()]
    assert said[:2] == ["old", "bridge"]
    assert said[2] in {table.strings[row] for row in table.inserted}
    assert said[3] == "opens"
    assert drawn.places[0].tolist() == [1, 2, -1, 5]
    assert drawn.struck[0].tolist() == [1, 0, 1, 1, 1]  # "the" is missing, a word is inserted, the end is cut
    assert drawn.struck[1, :4].tolist() == [0, 0, 0, 1]
    assert drawn.words[1].tolist() == [rows["a"], rows["new"], rows["library"], -1]


def test_other_forms_are_vertices_of_the_same_place(world):
    _, rows, arrays, _ = world
    forms = torch.full((len(rows), 1), -1)
    forms[rows["closes"], 0] = rows["closed"]
    lattice = lattice_of(*arrays, forms)
    place = (lattice.words[1] == rows["closed"]).nonzero().item()
    assert lattice.words[1, place - 1] == rows["closes"]
    assert lattice.places[1, place] == lattice.places[1, place - 1]
    assert lattice.changed[1].nonzero().flatten().tolist() == [place]
    scores = generator(world)(lattice)
    assert scores.total.edge[1, place - 1, 0] < -1e5  # no edge between two forms of a word


def test_critics_judge_every_gap_and_the_whole(world):
    torch.manual_seed(1)
    _, rows, (source, after, *_), speller = world
    critic = GapDiscriminator(encoder(len(rows)), speller).eval()
    logits, gaps = critic(source)
    sizes = (source >= 0).sum(1)
    assert gaps.sum(1).tolist() == (sizes + 1).tolist()
    alone, _ = critic(source[1:, : int(sizes[1])])
    assert torch.allclose(logits[1, : int(sizes[1]) + 1], alone[0], atol=1e-4)
    like = Likeness(encoder(len(rows)), speller)
    vectors = like(source, after)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2), atol=1e-5)
    assert not like.train().training
