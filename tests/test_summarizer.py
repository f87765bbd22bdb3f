import pytest
import torch
from safetensors.torch import load_file, save_file

from summgan.bottlenecks.words import ended_mask
from summgan.errors import SummGANError
from summgan.salience import POSITION_BIN
from summgan.summarizer import Summarizer
from summgan.summary import SummarizerOptions
from summgan.text import count_units
from summgan.tokenization import save_tokenizer


@pytest.fixture
def folder(tokenizer, tiny_model, tmp_path):
    model = tiny_model(tokenizer)
    model.config.shortest_summary, model.config.summary_length = 3, 5
    model.config.longest_summary = 7
    model.save_pretrained(tmp_path / "model")
    save_tokenizer(tokenizer, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def summarizer(folder):
    return Summarizer.from_pretrained(folder)


def test_a_text_gives_a_summary_and_a_list_gives_a_list(summarizer, documents):
    one = summarizer(documents[0])
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
    ids, mask = encode(tokenizer, documents[:1])
    words = summarizer.model.generate(
        ids, mask, 5, num_beams=4, num_return_sequences=4, no_repeat_bigrams=True
    )
    reconstructor = summarizer.model.reconstructor
    words_mask = ended_mask(words, tokenizer.eos_token_id)
    ids, mask = ids.expand(4, -1), mask.expand(4, -1)
    losses = reconstructor(reconstructor.code_of(words, words_mask), ids, mask)
    best = []
    for weight in (0.0, 0.2, 50.0):
        summarizer.model.config.channel_weight = weight
        scores, _ = summarizer.writer.judge(words, summarizer.model.encode(ids, mask))
        best.append(int(scores.argmax()))
        found = summarizer(documents[0], min_words=5, max_words=5, num_beams=4, num_candidates=4)
        assert found.summary_text == tokenizer.decode(words[best[-1]], skip_special_tokens=True).strip()
        assert found.reconstruction_loss == pytest.approx(losses[best[-1]].item(), rel=1e-4)
    assert best[2] == int(losses.argmin())


def test_long_documents_are_summarized_in_windows_and_not_cut(summarizer, documents):
    text = " ".join(documents[:12])
    windows = summarizer._windows(text)
    assert len(windows) > 3 and " ".join(windows) == text
    room = summarizer.model.config.max_document_length
    assert all(len(summarizer.writer.ids(part)) < room for part in windows)
    changed = " ".join(documents[:11]) + " " + "Greta opens theatre in Graz again. " * 3
    assert summarizer(text).summary_text
    assert summarizer._windows(changed)[-1].endswith("Graz again.")
    without_sentences = "word " * 300
    assert " ".join(summarizer._windows(without_sentences.strip())).split() == without_sentences.split()


def test_the_search_goes_through_all_of_a_long_document(tokenizer, tiny_model, documents):
    model = tiny_model(tokenizer, writer="search")
    summarizer = Summarizer(model.eval(), tokenizer)
    text = " ".join(documents[:12]) + " Zorba quivered"
    ids = summarizer.writer.ids(text)
    window = model.config.max_document_length
    assert len(summarizer._windows(text)) == 1 and len(ids) > 3 * window
    # What is salient stands at the very end.
    model.generator.bottleneck.salience.position[len(ids) // POSITION_BIN - 1 :] += 9
    found, alone = summarizer([text, documents[0]], min_words=2, max_words=2)
    assert found.summary_text == "Zorba quivered"
    assert alone.reconstruction_loss == pytest.approx(
        summarizer(documents[0], min_words=2, max_words=2).reconstruction_loss, rel=1e-4
    )
    batch = torch.tensor([[*ids, tokenizer.eos_token_id]])
    states = model.encode(batch, torch.ones_like(batch)).states
    part = slice(window, 2 * window)
    expected = model.generator.encode(batch[:, part], torch.ones_like(batch[:, part])).states
    assert torch.allclose(states[:, part], expected, atol=1e-5)
    enormous = " ".join(documents[:60])
    assert len(summarizer._windows(enormous)) > 1 and summarizer(enormous).summary_text


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
        ([documents[0], None], {}, r"documents\[1\] is a NoneType, not a text"),
        (" \n", {}, "The document is empty"),
        (documents[0], {"num_beams": 0}, "num_beams must be at least 1"),
        (documents[0], {"max_words": 0}, "max_words must be from 1 to 256"),
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


@pytest.mark.parametrize("name", ["generator.length.weight", "succession.spelling"])
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
        generator.length.bias.copy_(torch.arange(257) % 7)  # 6, 13, ... are likeliest, then 5, 12, ...

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
    with pytest.raises(SummGANError, match="that is no name of a folder"):
        Summarizer.from_pretrained(folder)
