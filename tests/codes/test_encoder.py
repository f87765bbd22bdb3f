import numpy as np
import pandas
import pytest
from codes_support import DEPTH, SIZES

from summgan.codes.bags import BagOfWords
from summgan.codes.encoder import Encoder
from summgan.errors import SummGANError


@pytest.mark.parametrize("name", SIZES)
def test_codes_do_not_depend_on_the_batch(code_run, name, documents):
    folder = code_run(name)
    encoder = Encoder.from_pretrained(folder, device="cpu")
    one, many = encoder.encode(documents[:20], batch_size=1), encoder.encode(documents[:20])
    for first, second in zip(vars(one).values(), vars(many).values(), strict=True):
        assert (first is None) == (second is None)
        if first is not None:
            np.testing.assert_allclose(first, second, atol=1e-6)
    shape = {"onehot": one.ids, "binary": one.bits, "vq": one.ids, "tree": one.probabilities}[name].shape
    assert shape == {"onehot": (20,), "binary": (20, 2), "vq": (20, 8), "tree": (20, DEPTH)}[name]
    report = (folder / "report.html").read_text()
    assert ("<details open>" if name == "tree" else "typical words") in report
    assert "Encoder" in (folder / "README.md").read_text()


@pytest.mark.parametrize("name", SIZES)
def test_an_encoder_is_saved_by_one_call(code_run, name, documents, tmp_path):
    encoder = Encoder.from_pretrained(code_run(name), device="cpu")
    encoder.save_pretrained(tmp_path / "saved")
    again = Encoder.from_pretrained(tmp_path / "saved", device="cpu")
    assert again.fingerprint == encoder.fingerprint
    first, none = again.encode(documents[:3]), again.encode([])
    series = encoder.encode(pandas.Series(documents[:3]), batch_size=np.int64(2))
    for one, other, empty in zip(*(vars(codes).values() for codes in (first, series, none)), strict=True):
        if one is not None:
            np.testing.assert_allclose(one, other, atol=1e-6)
            assert empty.shape == (0, *one.shape[1:])
    refused = ((b"x", "of type bytes"), ({"a": 1}, "of type dict"), (["a", None], r"texts\[1\]"))
    for texts, words in refused:
        with pytest.raises(SummGANError, match=words):
            encoder.encode(texts)
    for size in (0, -1, 2.5, "3", True, None):
        with pytest.raises(SummGANError, match="batch_size is .*; it must be"):
            encoder.encode(documents[:2], size)
    with pytest.raises(SummGANError, match="needs a CodeAutoencoder and its BagOfWords"):
        Encoder(encoder.model, None)
    with pytest.raises(SummGANError, match="The bag of words has 1 words"):
        Encoder(encoder.model, BagOfWords(("a",), (1.0,)))
