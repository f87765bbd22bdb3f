"""The search beside its decoder: lengths out of one table, what it teaches, what it counts."""

import pytest
import torch
from datasets import Dataset

from summgan.data.succession_counts import succession_of
from summgan.errors import SummGANError
from summgan.networks.decoder_generator import DecoderGenerator
from summgan.networks.generator import Writing
from summgan.networks.modeling import SummGAN, SummGANConfig
from summgan.networks.words import ended_mask
from summgan.text.vocabulary import Vocabulary


def test_the_search_finds_exactly_so_many_words(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer, writer="search")
    ids, mask = encode(tokenizer, documents[:6])
    units = torch.tensor([1, 3, 5, 7, 9, 11])
    words = model.generate(ids, mask, units)
    lengths = model.generator.bottleneck.length_of(words, ended_mask(words, tokenizer.eos_token_id))
    assert torch.equal(lengths, units)
    for row in range(6):  # alone as in a batch
        mine = slice(row, row + 1)
        alone = model.generate(ids[mine, : mask[row].sum()], None, units[mine])
        assert alone[0].tolist() == words[row, : alone.shape[1]].tolist()
    with pytest.raises(SummGANError, match="num_return_sequences must be 1"):
        model.generate(ids, mask, units, num_return_sequences=2)


def test_a_model_that_searches_is_loaded_to_write_with_its_decoder(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer, writer="search")
    model.save_pretrained(tmp_path)
    config = SummGANConfig.from_pretrained(tmp_path)
    config.writer = "decoder"
    loaded = SummGAN.from_pretrained(tmp_path, config=config)
    assert type(loaded.generator) is DecoderGenerator
    assert torch.equal(loaded.generator.length.weight, model.generator.length.weight)


def test_all_lengths_at_once_are_those_found_one_by_one(tokenizer, documents, tiny_model, encode):
    generator = tiny_model(tokenizer, writer="search", salience_weight=1.0).generator
    generator.bottleneck.salience.piece.normal_(generator=torch.Generator().manual_seed(0))
    source = generator.encode(*encode(tokenizer, [*documents[:4], "Anna (9.5) opens: ..."]))
    lengths = [[3, 9, 1], [7], [5, 6, 30], [2, 4], [5, 1]]  # some need all of the document, punctuation too
    together = generator.write(source, lengths)
    assert together.rows == [row for row, several in enumerate(lengths) for _ in several]
    asked = [(row, length) for row, several in enumerate(lengths) for length in several]
    for index, (row, length) in enumerate(asked):
        alone = generator.write(source.take([row]), [[length]])
        assert alone.words[0].tolist() == together.words[index, : alone.words.shape[1]].tolist()
        assert alone.scores.item() == pytest.approx(together.scores[index].item(), abs=1e-4)


def test_options_of_beams_make_no_difference_to_a_search(tokenizer, documents, tiny_model, encode):
    generator = tiny_model(tokenizer, writer="search").generator
    source = generator.encode(*encode(tokenizer, documents[:3]))
    one, other = (generator.write(source, [[4]] * 3, how) for how in (None, Writing(7, 5, True)))
    assert torch.equal(one.words, other.words) and one.rows == other.rows == [0, 1, 2]


def test_it_reads_more_at_once_than_was_learned(tokenizer, tiny_model):
    for writer, longest in (("decoder", 64), ("search", 1024)):
        model = tiny_model(tokenizer, writer=writer)
        assert model.config.window == 64 and model.generator.longest_document == longest


def test_counts_are_kept_with_their_sizes_and_teach(
    tokenizer, tiny_model, tmp_path, documents, sentences, encode
):
    model, vocabulary = tiny_model(tokenizer, writer="search"), Vocabulary(tokenizer)
    plain = tiny_model(tokenizer)
    assert plain.generator.teacher() is None
    asked = []

    def succession():
        asked.append(True)
        tables = (vocabulary.boundaries, vocabulary.spellings(), vocabulary.punctuation)
        rows = Dataset.from_dict({"input_ids": vocabulary.encode_documents(sentences[:50])})
        return succession_of(rows, *tables)

    for each in (model, plain):
        each.set_counts(each.reconstructor.word_weights, each.generator.bottleneck.salience, succession)
    assert asked == [True]  # what takes a while is counted for the search alone
    counted = model.generator.succession
    assert model.config.succession_pairs == len(counted.pair_keys) > 0
    model.save_pretrained(tmp_path)
    again = SummGAN.from_pretrained(tmp_path).generator.succession
    assert torch.equal(again.pair_gains, counted.pair_gains)
    ids, _ = encode(tokenizer, documents[:1])
    (sentence,) = model.generator.teacher()(ids.tolist(), torch.zeros(ids.shape), [4])
    rest = iter(ids[0].tolist())
    assert len(sentence) >= 4 and all(piece in rest for piece in sentence)
