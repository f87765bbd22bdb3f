import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    AutoModel,
)

from summgan.errors import SummGANError
from summgan.networks.modeling import SummGAN, SummGANConfig
from summgan.text.script import count_units

PACKAGED = Path(__file__).parents[2] / "summgan" / "pretrained" / "news-en"


def same(first, second):
    first, second = first.state_dict(), second.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_saving_and_loading_changes_nothing(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    model.save_pretrained(tmp_path)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"config.json", "generation_config.json", "model.safetensors"}
    for loaded in (SummGAN.from_pretrained(tmp_path), AutoModel.from_pretrained(tmp_path)):
        assert isinstance(loaded, SummGAN)
        assert same(model, loaded)
        assert loaded.reconstructor.encoder.embedding.weight is loaded.embedding.weight
        assert loaded.generator.bottleneck.decoder.embedding.weight is loaded.embedding.weight
    config = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(config, SummGANConfig)
    assert config.generator.d_model == 32


def test_models_of_before_load_with_or_without_tables_that_nothing_reads_now(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    model.save_pretrained(tmp_path)
    weights, config = load_file(tmp_path / "model.safetensors"), tmp_path / "config.json"
    for name in ("succession.ending", "generator.succession.ending"):
        former = weights | {name: torch.tensor([5, -1, -1, -1])}
        save_file(former, tmp_path / "model.safetensors", {"format": "pt"})
        assert same(model, SummGAN.from_pretrained(tmp_path))
    fields = json.loads(config.read_text()) | {"writer": "search", "succession_pairs": 3}
    config.write_text(json.dumps(fields))
    with pytest.raises(SummGANError, match="writer 'search', which paths have replaced"):
        SummGAN.from_pretrained(tmp_path)


def test_half_precision_is_about_a_quarter_of_a_per_cent_off(
    tokenizer, documents, tiny_model, encode, tmp_path
):
    model = tiny_model(tokenizer)
    model.save_pretrained(tmp_path)
    half = SummGAN.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert half.dtype == torch.bfloat16 and half.generator.bottleneck.units.dtype == torch.long
    ids, mask = encode(tokenizer, documents[:4])
    first = model.generator.encode(ids, mask).states
    second = half.generator.encode(ids, mask).states.float()
    assert (first - second).abs().mean() < 0.05 * first.abs().mean()
    assert half.generate(ids, mask, 5).shape[0] == 4


def test_drawn_texts_have_the_wanted_lengths_too(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    ids, mask = encode(tokenizer, documents[:3])
    torch.manual_seed(0)
    words = model.generate(ids, mask, torch.tensor([3, 4, 5]), do_sample=True, num_return_sequences=4)
    texts = tokenizer.batch_decode(words, skip_special_tokens=True)
    assert [count_units(text) for text in texts] == [3] * 4 + [4] * 4 + [5] * 4
    assert len(set(texts)) > 3
    lengths = model.generate(ids, mask, 5, num_beams=4, num_return_sequences=2)
    texts = tokenizer.batch_decode(lengths, skip_special_tokens=True)
    assert [count_units(text) for text in texts] == [5] * 6


def test_without_a_wanted_length_the_human_mean_is_met(tokenizer, documents, tiny_model, encode):
    model = tiny_model(tokenizer)
    model.config.summary_length = 6
    words = model.generate(*encode(tokenizer, documents[:2]))
    assert [count_units(t) for t in tokenizer.batch_decode(words, skip_special_tokens=True)] == [6, 6]


def test_the_loss_of_labels_is_that_of_the_words(tokenizer, documents, sentences, tiny_model, encode):
    model = tiny_model(tokenizer)
    ids, mask = encode(tokenizer, documents[:1])
    words, words_mask = encode(tokenizer, sentences[:1])
    loss = model(ids, mask, labels=words.masked_fill(words_mask == 0, -100)).loss
    source = model.generator.encode(ids, mask)
    expected = -model.generator.bottleneck.log_likelihood(source, words, words_mask) / words_mask.sum(1)
    assert torch.allclose(loss, expected.mean(), atol=1e-5)


def test_without_a_summary_there_is_nothing_to_go_on_with(tokenizer, tiny_model):
    ids = torch.tensor([[5, 6, tokenizer.eos_token_id]])
    with pytest.raises(SummGANError, match="labels or with decoder_input_ids"):
        tiny_model(tokenizer)(ids)
