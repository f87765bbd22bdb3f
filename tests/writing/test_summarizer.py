import base64
import hashlib
import random
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
import torch
from safetensors.torch import load_file, save_file

from summgan.data.readers import Row
from summgan.errors import SummGANError
from summgan.networks.generator import Writing
from summgan.networks.words import ended_mask
from summgan.options.generation import SummarizerOptions
from summgan.text.script import count_units
from summgan.text.vocabulary import Vocabulary
from summgan.text.words import words_of
from summgan.writing.summarizer import Summarizer
from summgan.writing.summary import Summary


@pytest.fixture
def folder(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    model.config.shortest_summary, model.config.summary_length = 3, 5
    model.config.longest_summary = 7
    model.save_pretrained(tmp_path / "model")
    Vocabulary(tokenizer).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def summarizer(folder):
    return Summarizer.from_pretrained(folder)


def test_a_text_gives_a_summary_and_a_list_gives_a_list(summarizer, documents):
    one = summarizer(documents[0], reconstruct=True)
    assert one.summary_text and one.reconstruction is not None
    assert one.reconstruction_loss > 0 and 0 <= one.human_likeness <= 1
    assert summarizer([documents[0]])[0].summary_text == one.summary_text
    assert summarizer([]) == []


def test_order_is_kept_and_batches_do_not_matter(summarizer, documents):
    texts = documents[:7] + ["Short text.", documents[8] + " " + documents[9]]
    together = summarizer(texts, batch_size=32, reconstruct=False)
    for size in (1, 4):
        again = summarizer(texts, batch_size=size, reconstruct=False)
        assert [s.summary_text for s in again] == [s.summary_text for s in together]
    assert summarizer(texts[3], reconstruct=False).summary_text == together[3].summary_text


def test_lengths_are_within_what_is_asked(summarizer, documents):
    for options in ({"max_words": 4}, {"min_words": 9}, {"min_words": 4, "max_words": 4}, {}):
        low, high = options.get("min_words", 3), options.get("max_words", 7)
        for summary in summarizer(documents[:4], **options):
            assert min(low, high) <= count_units(summary.summary_text) <= max(low, high)


def test_a_summary_is_never_longer_than_its_document(summarizer):
    assert count_units(summarizer("Two words", min_words=6).summary_text) == 2
    assert count_units(summarizer("Anna", max_words=6).summary_text) == 1


def test_candidates_are_ranked_by_their_score(summarizer, documents, encode, tokenizer):
    source = summarizer.model.encode(*encode(tokenizer, documents[:1]))
    candidates = summarizer.model.generator.write(source, [[5]], Writing(4, 4, no_repeat_bigrams=True))
    words, reconstructor = candidates.words, summarizer.model.reconstructor
    assert len(words) == 4 and torch.equal(candidates.mask, ended_mask(words, tokenizer.eos_token_id))
    code, documents_of = reconstructor.code_of(words, candidates.mask), source.repeat(4)
    losses = reconstructor(code, documents_of.ids, documents_of.mask)
    best, how = [], {"min_words": 5, "max_words": 5, "num_beams": 4, "num_candidates": 4}
    for weight in (0.0, 0.2, 50.0):
        options = SummarizerOptions(**how, channel_weight=weight)
        scores, _ = summarizer.writer.judge(candidates, source, options)
        best.append(int(scores.argmax()))
        (found,) = summarizer.writer(documents[:1], options)
        assert found.summary_text == tokenizer.decode(words[best[-1]], skip_special_tokens=True).strip()
        assert found.reconstruction_loss == pytest.approx(losses[best[-1]].item(), rel=1e-4)
    assert best[2] == int(losses.argmin())


def test_long_documents_are_summarized_in_windows_and_not_cut(summarizer, documents):
    text = " ".join(documents[:12])
    windows = summarizer._windows(text)
    assert len(windows) > 3 and " ".join(windows) == text
    room = summarizer.model.config.max_document_length
    assert all(summarizer.writer.size(part) < room for part in windows)
    changed = " ".join(documents[:11]) + " " + "Greta opens theatre in Graz again. " * 3
    assert summarizer(text).summary_text
    assert summarizer._windows(changed)[-1].endswith("Graz again.")
    without_sentences = "word " * 300
    assert " ".join(summarizer._windows(without_sentences.strip())).split() == without_sentences.split()


def test_files_of_every_kind_are_summarized_in_order(summarizer, documents, write):
    texts = documents[:5]
    path = write("documents.txt", texts)
    other = write("documents.jsonl", [f'{{"body": "{text}"}}' for text in texts[:2]])
    expected = [s.summary_text for s in summarizer(texts)]
    assert [s.summary_text for s in summarizer.summarize_file(path)] == expected
    both = summarizer.summarize_files([path, other], num_beams=4)
    assert [s.summary_text for s in both] == expected + expected[:2]


def test_mistakes_are_named(summarizer, documents, tmp_path):
    for arguments, options, message in (
        (["", documents[0]], {}, r"documents\[0\] is empty"),
        ([documents[0], None], {}, r"documents\[1\] is of type NoneType; give a text"),
        (" \n", {}, "The document is empty"),
        (documents[0], {"num_beams": 0}, "num_beams is 0; it must be from 1 to 256"),
        (documents[0], {"max_words": 0}, "max_words is 0; it must be from 1 to 256"),
        (documents[0], {"max_words": 3, "min_words": 4}, "min_words .4. is more than max_words"),
    ):
        with pytest.raises(SummGANError, match=message):
            summarizer(arguments, **options)
    with pytest.raises(SummGANError, match="No summgan model can be loaded from"):
        Summarizer.from_pretrained(tmp_path / "none")


def test_devices_and_types_are_checked(folder, documents):
    half = Summarizer.from_pretrained(folder, dtype="bfloat16", device="cpu")
    assert half.model.dtype == torch.bfloat16 and half(documents[0]).summary_text
    with pytest.raises(SummGANError, match="dtype must be one of float32, bfloat16, float16"):
        Summarizer.from_pretrained(folder, dtype="int8")
    with pytest.raises(SummGANError, match="The device 'cuda:77' cannot be used"):
        Summarizer.from_pretrained(folder, device="cuda:77")


def test_pickled_weights_are_not_loaded(folder):
    (folder / "model.safetensors").rename(folder / "elsewhere")
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(SummGANError, match="No summgan model can be loaded"):
        Summarizer.from_pretrained(folder)


@pytest.mark.parametrize("name", ["generator.length.weight", "generator.bottleneck.units"])
def test_weights_that_lack_something_or_have_more_are_refused(folder, name):
    weights = load_file(folder / "model.safetensors")
    tensor = weights.pop(name)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(SummGANError, match=f"another version of summgan: {name} and 0 more tensors"):
        Summarizer.from_pretrained(folder)
    save_file(
        weights | {name: tensor, "generator.a": tensor.clone()},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(SummGANError, match="generator.a and 0 more tensors are missing or unknown"):
        Summarizer.from_pretrained(folder)


def test_chinese_is_summarized_by_character(chinese_tokenizer, chinese_documents, tiny_model):
    summarizer = Summarizer(tiny_model(chinese_tokenizer), chinese_tokenizer)
    summary = summarizer(chinese_documents[0], min_words=6, max_words=6)
    assert len(summary.summary_text.replace(" ", "")) == 6
    long = "".join(chinese_documents[:9])
    assert "".join(summarizer._windows(long)) == long
    assert summarizer(long, max_words=8).summary_text


def test_the_likeliest_lengths_allowed_are_tried(summarizer, encode, tokenizer):
    generator = summarizer.model.generator
    with torch.no_grad():
        generator.length.weight.zero_()
        generator.length.bias.copy_(torch.arange(257) % 7)  # 6, 13, ... are the likeliest, then 5, 12, ...

    def tried(text, **options):
        source = generator.encode(*encode(tokenizer, [text]))
        return summarizer.writer.lengths(source, SummarizerOptions(**options))[0]

    text = "one two three four five six seven eight nine ten"
    assert tried(text, num_candidates=3) == [6, 5, 4]
    assert tried(text, num_candidates=1, max_words=4) == [4]
    assert tried(text, num_candidates=2, min_words=7) == [7]
    assert tried(text, num_candidates=2, min_words=7, max_words=9) == [9, 8]
    assert sorted(tried(text, num_candidates=9)) == [3, 4, 5, 6, 7]
    assert tried("one two", min_words=5) == [2]


def test_what_is_no_text_is_refused_and_odd_texts_are_answered(summarizer):
    for wrong in (None, 5, {"document": "text"}):
        with pytest.raises(SummGANError, match="a text or a list of texts"):
            summarizer(wrong)
    for text in ("A", "Ⅷ", "台", "😀😀", "word " * 500, "x" * 3000):
        assert summarizer(text, reconstruct=False).summary_text is not None


def test_a_text_of_which_nothing_can_be_written_is_named(
    chinese_tokenizer, chinese_documents, tiny_model, caplog
):
    summarizer = Summarizer(tiny_model(chinese_tokenizer), chinese_tokenizer)
    assert summarizer(["\U0001f600", chinese_documents[0]])[0].summary_text
    (record,) = caplog.records
    assert "\U0001f600" in record.getMessage() and "vocabulary" in record.getMessage()


@pytest.mark.parametrize("folder", [None, 3, "", b"news-en"])
def test_what_is_no_name_of_a_folder_is_refused_at_once(folder):
    with pytest.raises(SummGANError, match="the name of a folder must be a text"):
        Summarizer.from_pretrained(folder)


def test_saving_and_loading_is_one_call_each(documents, sentences, tiny_model, tmp_path):
    vocabulary = Vocabulary.train(documents + sentences, 500, do_lower_case=True)
    summarizer = Summarizer(tiny_model(vocabulary.tokenizer), vocabulary)
    summarizer.save_pretrained(tmp_path / "model")
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names >= {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "spiece.model",
        "truecase.json",
    }
    again = Summarizer.from_pretrained(tmp_path / "model", device="cpu")
    assert again(documents[:4]) == summarizer(documents[:4])
    assert again.writer.vocabulary.truecaser == vocabulary.truecaser and vocabulary.truecaser.forms
    again.save_pretrained(tmp_path / "model")  # over itself
    assert Summarizer.from_pretrained(tmp_path / "model", device="cpu")(documents[0]) == again(documents[0])


def test_saving_replaces_nothing_of_others(summarizer, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(SummGANError, match="contains files that summgan has not made"):
        summarizer.save_pretrained(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]
    with pytest.raises(SummGANError, match="is a file"):
        summarizer.save_pretrained(tmp_path / "mine" / "notes.txt")


def test_pushing_uploads_the_same_files(summarizer, monkeypatch, tmp_path):
    calls = []

    class Hub:
        def __init__(self, token):
            calls.append(token)

        def create_repo(self, repo_id, **options):
            calls.append((repo_id, options))
            return SimpleNamespace(repo_id=repo_id)

        def upload_folder(self, repo_id, folder_path, **options):
            calls.append((repo_id, {path.name for path in Path(folder_path).iterdir()}, options))
            return "https://hub/commit"

    monkeypatch.setattr("summgan.writing.summarizer.HfApi", Hub)
    assert summarizer.push_to_hub("me/model", private=True, token="t") == "https://hub/commit"
    summarizer.save_pretrained(tmp_path / "saved")
    saved = {path.name for path in (tmp_path / "saved").iterdir()} - {"summgan.json"}
    message = {"commit_message": "Upload a summgan model"}
    assert calls == ["t", ("me/model", {"private": True, "exist_ok": True}), ("me/model", saved, message)]

    def refuse(self, repo_id, **options):
        raise OSError("no\nconnection")

    monkeypatch.setattr(Hub, "create_repo", refuse)
    with pytest.raises(SummGANError, match="cannot be pushed to 'me/model': no$"):
        summarizer.push_to_hub("me/model")


def test_a_model_and_its_tokenizer_go_together(summarizer, chinese_tokenizer, tiny_model):
    model, tokenizer = summarizer.model, summarizer.tokenizer
    for pair in (
        (model,),
        (model, None),
        (None, tokenizer),
        (None, None),
        ("folder", None),
        (tokenizer, model),
    ):
        with pytest.raises(SummGANError, match="needs a SummGAN and its tokenizer"):
            Summarizer(*pair)
    with pytest.raises(SummGANError, match="needs a SummGAN and its tokenizer"):
        Summarizer(tokenizer=tokenizer)
    with pytest.raises(SummGANError, match="give the tokenizer that the model was trained with"):
        Summarizer(model, chinese_tokenizer)


@pytest.mark.parametrize("name", ["max_words", "min_words", "num_beams", "num_candidates", "batch_size"])
def test_odd_options_are_refused_at_once(summarizer, name):
    def never():
        raise AssertionError("no text is read")
        yield

    for value in (3.0, "5", float("nan"), True, [3], -1, 0, 10**12):
        with pytest.raises(SummGANError, match=f"{name} is .*; it must be"):
            summarizer(never(), **{name: value})
        with pytest.raises(SummGANError, match=f"{name} is .*; it must be"):
            summarizer.summarize_file("none.txt", **{name: value})
    if name.endswith("words"):
        assert summarizer("A text.", **{name: None}).summary_text
    else:
        with pytest.raises(SummGANError, match=f"{name} is .*; it must be"):
            summarizer("A text.", **{name: None})
    assert summarizer("A text.", **{name: np.int64(2)}) == summarizer("A text.", **{name: 2})


@pytest.mark.parametrize("name", ["channel_weight"])
def test_odd_weights_are_refused(summarizer, name):
    for value in (-1, float("nan"), float("inf"), "1", True):
        with pytest.raises(SummGANError, match=f"{name} .*must be"):
            summarizer("A text.", **{name: value})
    assert summarizer("A text.", **{name: 0}) == summarizer("A text.", **{name: 0.0})


def test_unknown_options_are_type_errors(summarizer, write, documents):
    path = write("documents.txt", documents[:1])
    for call in (summarizer.summarize_file, summarizer):
        with pytest.raises(TypeError, match="max_length"):
            call(path, max_length=5)
    with pytest.raises(SummGANError, match="reconstruct is 'yes'; it must be true or false"):
        summarizer("A text.", reconstruct="yes")


def test_series_arrays_and_generators_are_lists(summarizer, documents):
    expected = summarizer(documents[:3])
    series = pandas.Series(documents[:3], index=[3, 1, 2])
    for texts in (series, np.array(documents[:3]), iter(documents[:3]), tuple(documents[:3])):
        assert summarizer(texts) == expected


def test_an_odd_row_harms_no_other(summarizer, documents):
    texts = [documents[0], "half \ud800", documents[1], "", documents[2], None]
    rows = [Row(text, "file", line) for line, text in enumerate(texts, 1)]
    for size in (1, 2, 32):
        pairs = list(summarizer.stream(rows, SummarizerOptions(batch_size=size)))
        assert [row for row, _ in pairs] == rows
        failed = [row.line for row, answer in pairs if isinstance(answer, SummGANError)]
        assert failed == [2, 4, 6]
        good = [answer.summary_text for _, answer in pairs if isinstance(answer, Summary)]
        assert good == [summary.summary_text for summary in summarizer(documents[:3])]


def test_a_row_that_the_model_cannot_compute_is_found_in_its_batch(summarizer, documents, monkeypatch):
    encode = summarizer.model.encode
    poison = summarizer.writer.vocabulary.encode(documents[3])

    def spoiled(ids, mask):
        source = encode(ids, mask)
        for row, pieces in enumerate(ids.tolist()):
            if pieces[: len(poison)] == poison:
                source.states[row] = float("nan")
        return source

    rows = [Row(text, "file", line) for line, text in enumerate(documents[:6])]
    expected = [answer.summary_text for _, answer in summarizer.stream(rows, SummarizerOptions())]
    monkeypatch.setattr(summarizer.model, "encode", spoiled)
    answers = [answer for _, answer in summarizer.stream(rows, SummarizerOptions())]
    assert isinstance(answers[3], SummGANError) and "computes NaN" in str(answers[3])
    texts = [answer.summary_text for answer in answers[:3] + answers[4:]]
    assert texts == expected[:3] + expected[4:]
    with pytest.raises(SummGANError, match=r"documents\[3\]: The model computes NaN"):
        summarizer(documents[:6])


def test_with_a_batch_size_of_one_a_row_is_answered_before_the_next_is_read(summarizer, documents):
    read = []

    def rows():
        for line, text in enumerate(documents[:3]):
            read.append(line)
            yield Row(text, "-", line)

    answers = summarizer.stream(rows(), SummarizerOptions(batch_size=1))
    for line in range(3):
        assert next(answers)[0].line == line and read == [*range(line + 1)]


def emoji(count):
    return "\U0001f600\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea" * count


ENDLESS = {
    "base64 in brackets": "He sent (" + base64.b64encode(bytes(range(256)) * 8).decode() + ") to Porto. ",
    "link": "See https://example.com/" + "a1b2c3/" * 700 + " for the old hall.",
    "hexadecimal": " ".join(hashlib.sha256(bytes([i])).hexdigest() for i in range(20)),
    "lines of signs": ("=" * 80 + "\n") * 20,
    "emoji": emoji(300),
    "punctuation": "!?.,;:-" * 400,
    "brackets": "(" * 1500 + ")" * 1500,
    "one word": "x" * 8000,
    "marks": "a" + "\u0301\u0327" * 3000,
    "one character again and again": "a " * 1500,
    "no blanks": "".join(chr(0x4E00 + 37 * i % 20_000) for i in range(1500)),
    "blanks": "word\u2003\u00a0\t\n\x0b" * 400,
    "cyrillic": "Красноармейская улица в Москве закрыта. " * 40,
    "pieces": "</s> <pad> <0x0A> \u2581 " * 150,
}


@pytest.fixture(scope="module")
def byteless(documents, sentences):
    return Vocabulary.train(documents + sentences, 400, byte_fallback=False).tokenizer


@pytest.mark.parametrize("text", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("kind", ["decoder", "byteless", "paths"])
def test_texts_of_many_pieces_come_to_an_end(
    tiny_model, tiny_paths, tokenizer, byteless, kind, text, documents
):
    for pieces in (byteless if kind == "byteless" else tokenizer,):
        summarizer = Summarizer(*((tiny_paths,) if kind == "paths" else (tiny_model(pieces), pieces)))
        rows = [Row(each, "file", line) for line, each in enumerate((documents[0], text, documents[1]))]
        begin = time.monotonic()
        first, odd, last = (answer for _, answer in summarizer.stream(rows, SummarizerOptions(max_words=4)))
        assert time.monotonic() - begin < 60
        alone = summarizer([documents[0], documents[1]], max_words=4)
        assert [first.summary_text, last.summary_text] == [summary.summary_text for summary in alone]
        if isinstance(odd, SummGANError):  # a text with nothing of the vocabulary
            assert kind != "decoder"
        else:
            assert odd.summary_text and summarizer.writer.size(odd.summary_text) < 400


def test_a_text_that_does_not_get_shorter_stops(tiny_model, tokenizer):
    model = tiny_model(tokenizer)
    model.config.max_document_length = 4  # a summary of one word has as many pieces
    summarizer = Summarizer(model, tokenizer)
    with pytest.raises(SummGANError, match="The document: .* cannot be shortened to the 3 pieces"):
        summarizer("Q7z Kx9 Wv4 " * 30)


def test_a_length_that_windows_cannot_have_is_refused(tiny_model, tokenizer, documents):
    summarizer = Summarizer(tiny_model(tokenizer), tokenizer)
    text = " ".join(documents[:4])
    with pytest.raises(SummGANError, match="The document: min_words is 60, but the model can write at most"):
        summarizer(text, min_words=60)
    assert count_units(summarizer(text, min_words=8, max_words=9).summary_text) >= 8


@pytest.mark.parametrize("kind", ["decoder", "paths"])
def test_summaries_are_the_same_in_other_batches_orders_and_threads(
    tiny_model, tiny_paths, tokenizer, documents, kind
):
    models = {"decoder": (tiny_model(tokenizer), tokenizer), "paths": (tiny_paths,)}
    summarizer = Summarizer(*models[kind])
    rng = random.Random(0)
    texts = [" ".join(documents[i : i + rng.randint(1, 6)])[: rng.randint(15, 600)] for i in range(16)]
    expected = [summary.summary_text for summary in summarizer(texts, reconstruct=False)]
    for size in (1, 2, 7):
        order = rng.sample(range(16), 16)
        found = summarizer([texts[i] for i in order], batch_size=size, reconstruct=False)
        assert [summary.summary_text for summary in found] == [expected[i] for i in order]
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(
            lambda start: summarizer(texts[start : start + 4], reconstruct=False), range(0, 16, 4)
        )
    assert [summary.summary_text for part in parts for summary in part] == expected


def test_an_outline_unfolds_from_a_title_to_the_text(tiny_paths, tiny_model, tokenizer, documents):
    summarizer = Summarizer(tiny_paths)
    levels = summarizer.outline(documents[0], (2, 4, 200))
    words = [[word.lower() for word in words_of(level.summary_text).strings] for level in levels]
    assert [len(level) for level in words] == [2, 4, len(words_of(documents[0]).strings)]
    for coarse, fine in pairwise(words):
        rest = iter(fine)
        assert all(word in rest for word in coarse)
    spans = [[(source.start, source.end) for source in level.sources] for level in levels]
    for coarse, fine in pairwise(spans):
        assert set(coarse) < set(fine) and coarse == sorted(coarse)
    for level in levels:
        for source in level.sources:
            assert source.word.lower() == documents[0][source.start : source.end].lower()
            assert 0 <= source.probability <= 1 + 1e-6
    for lengths in ((), (0, 3), (3, 3), (4, 2), (2.0, 3), (True, 3), (3, 300)):
        with pytest.raises(SummGANError, match="it must be rising whole numbers from 1 to"):
            summarizer.outline(documents[0], lengths)
    for text, message in (
        ("", "empty"),
        ("!!!", "it has no outline"),
        ("word " * 900, "at most 160 at once"),
    ):
        with pytest.raises(SummGANError, match=message):
            summarizer.outline(text)
    with pytest.raises(SummGANError, match="this one has a decoder"):
        Summarizer(tiny_model(tokenizer), tokenizer).outline(documents[0])


def test_every_word_of_a_summary_has_its_source(tiny_paths, documents):
    summarizer = Summarizer(tiny_paths)
    for document, summary in zip(documents[:8], summarizer(documents[:8]), strict=True):
        assert " ".join(source.word for source in summary.sources) == summary.summary_text
        for source in summary.sources:
            assert 0 <= source.probability <= 1 + 1e-5
            if source.start is not None:
                assert document[source.start : source.end].lower() == source.word.lower()
    long = summarizer(" ".join(documents[:40]))
    assert long.summary_text and long.sources is None
    with pytest.raises(SummGANError, match="cannot rebuild"):
        summarizer(documents[0], reconstruct=True)
