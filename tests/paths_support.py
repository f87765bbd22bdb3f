"""A tiny world for path generators: two piles, their words, and new encoders of one layer."""

import itertools
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    MBartConfig,
    MBartForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from summgan.data.word_counts import count_words
from summgan.networks.critics import GapDiscriminator, Reconstruction
from summgan.networks.path_generator import CountedPrior, PathGenerator
from summgan.networks.paths import FORBIDDEN, Scores, banded
from summgan.networks.spelling import Speller
from summgan.text.word_table import TextRows, WordTable, rows_of
from summgan.text.words import words_of

DOCUMENTS = [
    "The old bridge in Porto opens on Monday, and many people like it. It is 90 years old.",
    "A new library in Turin closes on Friday after heavy rain.",
    "Old trains run in Graz on Sunday, and many people like to see them.",
    "The mayor of Porto sees a new hall. It opens on Friday after heavy rain.",
]
SENTENCES = [
    "Bridge in Porto opens",
    "Library in Turin is closed",
    "Old hall opens in Graz on Monday",
    "Mayor of Turin sees old trains",
]


@dataclass(frozen=True)
class World:
    """Both piles by rows of their word table."""

    table: WordTable
    documents: TextRows
    sentences: TextRows
    rows: dict[str, int]


def make_world(inserted=2):
    """Count the words of both piles."""
    documents, sentences = [[words_of(text) for text in pile] for pile in (DOCUMENTS, SENTENCES)]
    table = count_words(documents, sentences, forms=0, inserted=inserted, least=1)
    rows = {string: row for row, string in enumerate(table.strings)}
    return World(table, rows_of(table, documents, 40), rows_of(table, sentences, 40), rows)


def make_speller(world):
    """One piece for each word."""
    size = len(world.table.strings)
    return Speller(torch.arange(size)[:, None] + 4, torch.tensor([-1, 1, 2]), size + 4, size + 5, 0)


def make_encoder(world):
    """One layer, 16 wide, without dropout."""
    config = BertConfig(
        vocab_size=len(world.table.strings) + 6,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return BertModel(config, add_pooling_layer=False)


def make_generator(world):
    """A generator that knows what was counted only."""
    names = ("classes", "worth", "unseen", "pairs", "gains", "inserted")
    prior = CountedPrior(*(torch.as_tensor(getattr(world.table, name)) for name in names))
    return PathGenerator(make_encoder(world), make_speller(world), prior, rank=8)


def make_discriminator(world):
    """A new discriminator of gaps."""
    return GapDiscriminator(make_encoder(world), make_speller(world))


def make_reconstruction(world):
    """A new reconstructor of one layer, without dropout."""
    config = MBartConfig(
        vocab_size=len(world.table.strings) + 6,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=64,
        dropout=0.0,
        pad_token_id=0,
    )
    return Reconstruction(MBartForConditionalGeneration(config), make_speller(world))


def make_language_model(world):
    """A new causal language model of two layers."""
    config = LlamaConfig(
        vocab_size=len(world.table.strings) + 6,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
    )
    return LlamaForCausalLM(config)


def byte_level_tokenizer(texts):
    """A small tokenizer as those of GPT-2 are: the blank before a word is a part of its first piece."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, special_tokens=["<end>"])
    backend.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>")


def no_forms(world):
    """A table of forms in which no word has one."""
    return torch.zeros(len(world.table.strings), 0, dtype=torch.long)


PILES = (
    ["Police in Hong Kong paid 5 million on Monday for a car", "A man kills a bear in Hong Kong"] * 9,
    ["Man killed in Hong Kong", "Bear killed on Monday", "Car sold for 7 million"] * 20,
)


def counted_table(stem=None, least=1):
    """The words of two piles of three sentences, and the documents."""
    documents, sentences = [[words_of(text) for text in pile] for pile in PILES]
    return count_words(documents, sentences, stem, forms=1, inserted=2, least=least), documents


def lattice(vertices=6, band=5, batch=2, inserted=False, costs=False, seed=0):
    """Random scores; the second lattice has a vertex less."""
    random = torch.Generator().manual_seed(seed)

    def table(*shape):
        return torch.randn(batch, *shape, generator=random)

    node = table(vertices)
    node[1, -1] = FORBIDDEN
    edge = banded(table(vertices, vertices), band)
    more = banded(table(vertices, vertices), band) if inserted else None
    cost = torch.randint(1, 3, (batch, vertices), generator=random) if costs else None
    return Scores(table(vertices), node, edge, table(vertices), more, cost)


def all_paths(scores, row, units):
    """Vertices, flags of what is inserted before each, and score of every path with so many units."""
    vertices, band = scores.edge.shape[1:]
    flags = (False,) if scores.inserted is None else (False, True)
    for size in range(1, units + 1):
        for places in itertools.combinations(range(vertices), size):
            if any(after - before > band for before, after in itertools.pairwise(places)):
                continue
            cost = size if scores.costs is None else int(scores.costs[row, list(places)].sum())
            for between in itertools.product(flags, repeat=size - 1):
                if cost + sum(between) != units:
                    continue
                total = (
                    scores.begin[row, places[0]]
                    + scores.end[row, places[-1]]
                    + scores.node[row, places].sum()
                )
                for (a, b), flag in zip(itertools.pairwise(places), between, strict=True):
                    total = total + (scores.inserted if flag else scores.edge)[row, a, b - a - 1]
                if total > FORBIDDEN / 2:
                    yield places, (False, *between), total


def lengths_of(*units):
    return torch.tensor(units)
