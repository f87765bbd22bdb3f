"""A path model writes the same after saving and loading, and refuses damaged folders."""

import pytest
import torch
from transformers import AutoModel, BertConfig

from summgan.errors import SummGANError
from summgan.networks.path_model import PathModel, batches_by_size, start_from
from summgan.text.words import words_of


def texts_of(model, documents):
    return [written.text for written in model.write([words_of(text) for text in documents], (3, 6), 2)]


def test_saving_and_loading_changes_nothing(tiny_paths, documents, tmp_path):
    tiny_paths.save(tmp_path)
    for dtype in (torch.float32, torch.bfloat16):
        again = PathModel.from_pretrained(tmp_path, dtype=dtype)
        assert again.generator.encoder.dtype == dtype and again.generator.edge.weight.dtype == torch.float32
    again = PathModel.from_pretrained(tmp_path)
    assert texts_of(again, documents[:5]) == texts_of(tiny_paths, documents[:5])
    assert again.table.strings == tiny_paths.table.strings


def test_every_word_is_in_the_document_at_its_place(tiny_paths, documents):
    (written,) = tiny_paths.write([words_of(documents[0])], (3, 6), 1)
    assert 3 <= len(written.words) <= 6
    for source in written.words:
        if source.start is not None:
            assert documents[0][source.start : source.end].lower() == source.word.lower()
        assert 0 <= source.probability <= 1


@pytest.mark.parametrize("name", ["words.npz", "tokenizer.json", "model.safetensors"])
def test_a_folder_that_lacks_something_is_refused(tiny_paths, tmp_path, name):
    tiny_paths.save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(SummGANError, match="No path model can be loaded|no weights|model.safetensors"):
        PathModel.from_pretrained(tmp_path)


def test_a_shallow_encoder_takes_layers_evenly_from_a_deep_one():
    sizes = {"vocab_size": 9, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    deep, made = (AutoModel.from_config(BertConfig(**sizes, num_hidden_layers=n)) for n in (5, 3))
    start_from(made, deep)
    for place, taken in enumerate((0, 2, 4)):
        one, other = made.encoder.layer[place].state_dict(), deep.encoder.layer[taken].state_dict()
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(made.get_input_embeddings().weight, deep.get_input_embeddings().weight)
    assert not made.get_input_embeddings().weight.requires_grad


def test_a_batch_has_texts_of_about_the_same_size():
    sizes = [5, 40, 8, 38, 7, 41, 6, 39, 100, 8]
    batches = batches_by_size(sizes, 3)
    assert sorted(row for part in batches for row in part) == list(range(len(sizes)))
    found = [[sizes[row] for row in part] for part in batches]
    assert found == [[100], [41, 40, 39], [38], [8, 8, 7], [6, 5]]
    assert batches_by_size([], 3) == []


def test_batches_change_no_summary(tiny_paths, documents):
    texts, counts = [words_of(text) for text in documents], []
    each = [tiny_paths.write([text], (3, 6), 1)[0].text for text in texts]
    assert [summary.text for summary in tiny_paths.write(texts, (3, 6), 4, counts.append)] == each
    assert sum(counts) == len(texts) and max(counts) <= 4
