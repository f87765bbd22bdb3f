"""Damaged model folders: each gives one sentence, and never a network that the folder does not describe."""

import json
import os
import shutil
import socket
import struct
import time

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, T5Config, T5ForConditionalGeneration

from summgan.codes.bags import BagOfWords
from summgan.codes.encoder import Encoder
from summgan.codes.model import CodeAutoencoder, CodeConfig
from summgan.errors import SummGANError
from summgan.networks.architecture import load_backbone
from summgan.networks.modeling import SummGAN
from summgan.options.configuration import ModelOptions
from summgan.text.vocabulary import Vocabulary
from summgan.writing.summarizer import Summarizer

LOADERS = {
    "words": lambda folder: Summarizer.from_pretrained(folder, device="cpu"),
    "codes": lambda folder: Encoder.from_pretrained(folder, device="cpu"),
    "backbone": lambda folder: load_backbone(str(folder)),
}


@pytest.fixture(scope="module")
def lower_vocabulary(documents, sentences):
    return Vocabulary.train(documents + sentences, 400, do_lower_case=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, lower_vocabulary, documents):
    """A folder with one intact model of each kind in ``LOADERS``."""
    root = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "encoder_layers": 1, "decoder_layers": 1, "attention_heads": 2}
    options = ModelOptions("decoder", **sizes, discriminator_hidden_size=16, dropout=0.0)
    model = SummGAN.from_options(options, lower_vocabulary.tokenizer, max_document_length=64)
    Summarizer(model, lower_vocabulary).save_pretrained(root / "words")
    bags = BagOfWords.fit(documents, 50, 0.5)
    code = CodeAutoencoder(CodeConfig("binary", 16, 4, 16, len(bags.words), 10))
    Encoder(code, bags).save_pretrained(root / "codes")
    ids = {"pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 0}
    small = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2}
    T5ForConditionalGeneration(T5Config(vocab_size=400, **small, **ids)).save_pretrained(root / "backbone")
    return root


@pytest.fixture
def copy(whole, tmp_path):
    """A function that copies a model folder, so that a test may damage it."""

    def make(kind):
        return shutil.copytree(whole / kind, tmp_path / kind)

    return make


def refused(kind, folder, *words):
    """Check that a folder is refused at once, in one sentence with these words; return the sentence."""
    begin = time.monotonic()
    with pytest.raises(SummGANError) as caught:
        LOADERS[kind](folder)
    sentence = str(caught.value)
    assert "\n" not in sentence and kind in sentence and time.monotonic() - begin < 10
    for word in words:
        assert word in sentence, sentence
    return sentence


def change(folder, name, value):
    """Set a field of the configuration, such as ``generator.d_model``; None removes it."""
    path = folder / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    *heads, last = name.split(".")
    inner = values
    for head in heads:
        inner = inner[head]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    path.write_text(json.dumps(values), encoding="utf-8")


def test_whole_folders_are_loaded(whole, documents):
    assert LOADERS["words"](whole / "words")(documents[0]).summary_text
    assert LOADERS["codes"](whole / "codes").encode(documents[:2]).bits.shape == (2, 2)
    assert LOADERS["backbone"](whole / "backbone").config.d_model == 32


DAMAGES = {
    "empty": b"",
    "braces": b"{}",
    "list": b"[]",
    "null": b"null",
    "zeros": b"\0" * 100,
    "random": bytes(range(256)),
    "deep": b"[" * 100_000,
    "utf-16": "{}".encode("utf-16"),
    "pickle": b"\x80\x02}q\x00.",
    "long number": b'{"vocab_size": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("words", "config.json"),
        ("words", "model.safetensors"),
        ("words", "tokenizer.json"),
        ("words", "truecase.json"),
        ("codes", "config.json"),
        ("codes", "model.safetensors"),
        ("codes", "bag_of_words.json"),
        ("backbone", "config.json"),
        ("backbone", "model.safetensors"),
    ],
)
def test_damaged_files_are_named(copy, kind, name, damage):
    folder = copy(kind)
    (folder / name).write_bytes(DAMAGES[damage])
    words = () if name == "tokenizer.json" else (name,)
    refused(kind, folder, *words)


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_what_is_no_file_is_refused(copy, kind, name):
    folder = copy(kind)
    path = folder / name
    path.unlink()
    refused(kind, folder, f"it has no {name}")
    for make in (
        path.mkdir,
        lambda: path.symlink_to(path),
        lambda: path.symlink_to("/dev/zero"),
        lambda: os.mkfifo(path),
    ):
        make()
        refused(kind, folder, f"it has no {name}")
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.mark.parametrize("kind", LOADERS)
def test_half_a_file_is_refused(copy, kind):
    for name in ("config.json", "model.safetensors"):
        folder = copy(kind)
        whole = (folder / name).read_bytes()
        for part in (whole[:4], whole[: len(whole) // 2], whole[:-1], whole[8:]):
            (folder / name).unlink()
            (folder / name).write_bytes(part)
            if part == whole[:-1] and name == "config.json":  # only the last line feed is missing
                continue
            refused(kind, folder, name)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        *(("words", "generator.d_model", value) for value in (10**9, 10**30, -3, 0, "32", 1.5, True, [1])),
        *(("words", "generator.encoder_layers", value) for value in (10**9, 1000, 2, -1, 0)),
        ("words", "generator.encoder_attention_heads", 0),
        ("words", "generator.encoder_attention_heads", 5),
        ("words", "generator.max_position_embeddings", 10**7),
        ("words", "generator.activation_function", "evil"),
        ("words", "generator.dropout", 1.5),
        ("words", "generator.model_type", "bert"),
        *(("words", "generator", value) for value in ([], {}, 3, "mbart", {"model_type": ["t5"]})),
        *(("words", "vocab_size", value) for value in (10**9, 399, -1, float("nan"))),
        *(("words", "pieces_per_unit", value) for value in (float("nan"), float("inf"), 0, "2", 10**12)),
        *(("words", "max_document_length", value) for value in (0, -5, 10**12, 3.0)),
        ("words", "copy", "yes"),
        ("words", "writer", "search"),
        ("words", "tied_head", "true"),
        ("words", "discriminator_hidden_size", 10**9),
        ("words", "eos_token_id", 2),
        ("words", "dtype", "nonsense"),
        *(("codes", "hidden_size", value) for value in (10**9, -1, "16", 17)),
        ("codes", "kind", "words"),
        ("codes", "size", 10**9),
        ("codes", "vocabulary_size", 51),
        ("codes", "estimator", "evil"),
        *(("backbone", "d_model", value) for value in (10**9, 64, -1, "32")),
        *(("backbone", "num_layers", value) for value in (10**6, 7, 0)),
        ("backbone", "vocab_size", 10**6),
    ],
)
def test_fields_that_cannot_be_are_refused_before_anything_is_built(copy, kind, field, value):
    folder = copy(kind)
    change(folder, field, value)
    refused(kind, folder)


@pytest.mark.parametrize("kind", ["words", "codes"])
def test_every_field_that_is_needed_must_be_there(copy, kind):
    folder = copy(kind)
    config = {"words": SummGAN, "codes": CodeAutoencoder}[kind].config_class
    whole = (folder / "config.json").read_text(encoding="utf-8")
    for name in config.fields:
        change(folder, name, None)
        refused(kind, folder, f"config.json has no {name}")
        (folder / "config.json").write_text(whole, encoding="utf-8")
    if kind == "words":
        change(folder, "generator.encoder_attention_heads", None)
        refused(kind, folder, "config.json has no generator.encoder_attention_heads")


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("attn_implementation", "stranger/kernel"),
        ("_attn_implementation", "stranger/kernel"),
        ("_attn_implementation", "flash_attention_2"),
        ("auto_map", {"AutoModel": "evil.Model", "AutoConfig": "evil.Config"}),
        ("quantization_config", {"quant_method": "bitsandbytes", "load_in_8bit": True}),
        ("transformers_weights", "../elsewhere.safetensors"),
    ],
)
def test_code_of_strangers_is_refused_and_named(copy, kind, field, value):
    folder = copy(kind)
    (folder / "evil.py").write_text("raise SystemExit('run')", encoding="utf-8")
    change(folder, field, value)
    refused(kind, folder, f"config.json has {field}", "remove that field")


def test_fields_that_are_not_known_change_nothing(copy, documents):
    folder = copy("words")
    expected = LOADERS["words"](folder)(documents[0])
    strange = {
        "return_dict": False,
        "id2label": "x",
        "torch_dtype": "evil",
        "num_beams": 10**6,
        "do_sample": 1,
    }
    for name, value in strange.items():
        change(folder, name, value)
    (folder / "generation_config.json").write_text('{"num_beams": "x"', encoding="utf-8")
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "evil/x"}', encoding="utf-8")
    torch.save({"a": 1}, folder / "pytorch_model.bin")
    assert LOADERS["words"](folder)(documents[0]) == expected


def test_models_of_another_kind_are_refused(whole, tmp_path):
    BertConfig().save_pretrained(tmp_path / "bert-words")
    for kind in LOADERS:
        refused(kind, tmp_path / "bert-words" if kind == "words" else tmp_path / f"no-{kind}")
    for kind, other in (("words", "codes"), ("codes", "words")):
        with pytest.raises(SummGANError, match="model_type .* is not supported"):
            LOADERS[kind](whole / other)
    with pytest.raises(SummGANError, match="'summgan' is not supported"):
        load_backbone(str(whole / "words"))


def first(weights):
    return next(
        name for name in sorted(weights) if weights[name].is_floating_point() and weights[name].ndim > 1
    )


@pytest.mark.parametrize("kind", LOADERS)
@pytest.mark.parametrize(
    ("alter", "word"),
    [
        (lambda w: w[first(w)].view(-1).__setitem__(3, float("nan")), "not finite"),
        (lambda w: w[first(w)].view(-1).__setitem__(3, float("inf")), "not finite"),
        (lambda w: w.__setitem__(first(w), torch.ones(3, 3)), ""),
        (lambda w: w.__setitem__(first(w), w[first(w)].to(torch.int8)), "must be"),
        (lambda w: w.__setitem__(first(w), w[first(w)].to(torch.complex64)), "must be"),
        (lambda w: w.pop(first(w)), "tensors"),
        (lambda w: [w.pop(name) for name in list(w)[1:]], ""),
    ],
)
def test_weights_of_another_network_or_without_numbers_are_refused(copy, kind, alter, word):
    folder = copy(kind)
    weights = load_file(folder / "model.safetensors")
    alter(weights)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    refused(kind, folder, word)


def test_a_header_that_lies_about_sizes_is_refused(copy):
    folder = copy("words")
    path = folder / "model.safetensors"
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["embedding.weight"]["shape"] = [2**40, 2**20]
    lie = json.dumps(header).encode()
    for content in (
        struct.pack("<Q", len(lie)) + lie + data[8 + length :],
        struct.pack("<Q", 2**62) + data[8:],
        struct.pack("<Q", 0) + data[8:],
        data + b"more",
    ):
        path.unlink()
        path.write_bytes(content)
        refused("words", folder, "model.safetensors is damaged")


def test_weights_that_lead_to_no_numbers_are_named_in_their_row(copy, documents):
    folder = copy("words")
    weights = load_file(folder / "model.safetensors")
    huge = {name: w * 1e30 if w.is_floating_point() else w for name, w in weights.items()}
    save_file(huge, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(SummGANError, match="computes NaN"):
        LOADERS["words"](folder)(documents[0])
    with pytest.raises(SummGANError, match="not finite, or too large for torch.float16"):
        Summarizer.from_pretrained(folder, dtype="float16")


def test_tables_beyond_the_vocabulary_are_refused(copy):
    folder = copy("words")
    weights = load_file(folder / "model.safetensors")
    for name, value in (("generator.bottleneck.units", -1),):
        odd = weights | {name: torch.full_like(weights[name], value)}
        save_file(odd, folder / "model.safetensors", {"format": "pt"})
        refused("words", folder, name)


def test_another_tokenizer_is_refused(copy, documents, sentences):
    folder = copy("words")
    kept = (folder / "tokenizer.json").read_text(encoding="utf-8")
    Vocabulary.train(documents + sentences, 350).save_pretrained(folder)
    refused("words", folder, "give the tokenizer that the model was trained with")
    # Of the same size, but with its pieces in another order.
    other = json.loads(kept)
    other["model"]["vocab"][4:] = other["model"]["vocab"][:3:-1]
    (folder / "tokenizer.json").write_text(json.dumps(other), encoding="utf-8")
    refused("words", folder, "another vocabulary than the model")


def test_a_lost_true_case_is_not_lost_in_silence(copy):
    folder = copy("words")
    (folder / "truecase.json").unlink()
    refused("words", folder, "drops case, but there is no truecase.json")


@pytest.mark.parametrize(
    "value",
    [
        {"words": ["a"], "idf": [1.0]},
        {"words": ["a", "b"], "idf": [1.0]},
        {"words": "a" * 50, "idf": [1.0] * 50},
        {"words": list("ab") * 25, "idf": [float("nan")] * 50},
        {"words": list("ab") * 25, "idf": ["1"] * 50},
        {"words": list("ab") * 25, "idf": [-1.0] * 50},
        {"words": [1] * 50, "idf": [1.0] * 50},
        {"words": None, "idf": None},
    ],
)
def test_odd_bags_are_refused(copy, value):
    folder = copy("codes")
    (folder / "bag_of_words.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(SummGANError, match="the model|The bag of words has|must be lists of equal length"):
        LOADERS["codes"](folder)


def test_nothing_is_asked_of_the_network(whole, monkeypatch):
    def no(*arguments, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", no)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    for kind, load in LOADERS.items():
        load(whole / kind)


def test_names_on_the_hub_go_through_its_cache(whole, tmp_path, documents):
    cache = tmp_path / "models--someone--model"
    shutil.copytree(whole / "words", cache / "snapshots" / ("a" * 40))
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("a" * 40, encoding="utf-8")
    loaded = SummGAN.from_pretrained("someone/model", cache_dir=tmp_path)
    expected = SummGAN.from_pretrained(whole / "words").state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in loaded.state_dict().items())
    with pytest.raises(SummGANError, match="no such name on the hub"):
        SummGAN.from_pretrained("someone/other", cache_dir=tmp_path)


def test_odd_tokenizers_are_one_sentence(copy):
    folder = copy("words")
    path = folder / "tokenizer_config.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    for name, value in (
        ("model_max_length", "x"),
        ("added_tokens_decoder", {"x": "y"}),
        ("eos_token", 3),
        ("eos_token", None),
        ("pad_token", "</s>"),
        ("tokenizer_class", 3),
    ):
        path.write_text(json.dumps(whole | {name: value}), encoding="utf-8")
        with pytest.raises(SummGANError) as caught:
            LOADERS["words"](folder)
        assert "tokenizer" in str(caught.value) and "\n" not in str(caught.value)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SummGANError, match="No tokenizer can be loaded"):
        Vocabulary.from_pretrained(folder)
