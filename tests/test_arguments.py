import math
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch
from datasets import Dataset

from summgan.arguments import device_of, one_text, texts_of
from summgan.errors import SummGANError

TEXTS = ["One text.", "Another  text."]
NORMAL = ["One text.", "Another text."]


@pytest.mark.parametrize(
    "documents",
    [
        TEXTS,
        tuple(TEXTS),
        iter(TEXTS),
        (text for text in TEXTS),
        dict.fromkeys(TEXTS).keys(),
        {1: TEXTS[0], 2: TEXTS[1]}.values(),
        pandas.Series(TEXTS, index=[7, 5]),
        pandas.Series(TEXTS, dtype="string"),
        pandas.Index(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        Dataset.from_dict({"text": TEXTS})["text"],
    ],
)
def test_texts_of_every_iterable_are_taken_in_order(documents):
    assert texts_of(documents, "documents") == NORMAL


def test_no_texts_are_no_texts():
    assert texts_of([], "documents") == texts_of(pandas.Series([], dtype=str), "documents") == []


@pytest.mark.parametrize(
    "documents",
    [
        b"bytes",
        bytearray(b"bytes"),
        {"a": 1},
        set(TEXTS),
        frozenset(TEXTS),
        Path("file.txt"),
        None,
        5,
        pandas.DataFrame({"text": TEXTS}),
        np.array([TEXTS]),
        np.array("one"),
    ],
)
def test_what_has_no_order_or_no_texts_is_refused(documents):
    with pytest.raises(SummGANError, match="Give a text or a list of texts, not a"):
        texts_of(documents, "documents")


@pytest.mark.parametrize(
    ("odd", "word"),
    [
        (None, "NoneType"),
        (math.nan, "float"),
        (3, "int"),
        (b"text", "bytes"),
        (["text"], "list"),
        (pandas.NA, "NAType"),
        ("", "empty"),
        (" \n\t", "empty"),
        ("half \ud800", "surrogate"),
    ],
)
def test_an_odd_text_is_named_by_its_place(odd, word):
    with pytest.raises(SummGANError, match=rf"documents\[1\] .*{word}"):
        texts_of(["One.", odd], "documents")
    with pytest.raises(SummGANError, match=f"The text .*{word}"):
        one_text(odd, "The text")


def test_devices_are_tried_before_anything_is_loaded():
    assert device_of("cpu") == torch.device("cpu") == device_of(torch.device("cpu"))
    for device in ("nonsense", "cuda:77", "meta", "", 3.5, "cpu:x"):
        with pytest.raises(SummGANError, match=r"The device .* cannot be used"):
            device_of(device)
