from dataclasses import asdict, fields

import numpy as np
import pytest

from summgan.cli.main import _summarize_parser
from summgan.errors import SummGANError
from summgan.networks.words import MAX_UNITS
from summgan.options.generation import SummarizerOptions
from summgan.options.ranges import UpTo256, checked_value


def test_the_command_has_the_options_and_defaults_of_python():
    parsed = _summarize_parser().parse_args(["x.txt"])
    assert {field.name: parsed[field.name] for field in fields(SummarizerOptions)} == asdict(
        SummarizerOptions()
    )
    assert not SummarizerOptions().reconstruct


def test_every_option_has_a_sentence_of_help():
    text = " ".join(_summarize_parser().format_help().split())
    for sentence in (
        "Largest number of words",
        "Smallest number of words",
        "Width of a decoder's beam search",
    ):
        assert sentence in text


def test_plain_numbers_come_back():
    options = SummarizerOptions(max_words=np.int64(5), reconstruct=np.bool_(True)).check()
    assert options == SummarizerOptions(max_words=5, reconstruct=True) and type(options.max_words) is int


def test_fewest_are_not_more_than_most():
    SummarizerOptions(min_words=4, max_words=4).check()
    with pytest.raises(SummGANError, match="min_words .5. is more than max_words .4."):
        SummarizerOptions(min_words=5, max_words=4).check()


def test_a_summary_has_no_more_words_than_the_decoder_counts():
    assert checked_value(MAX_UNITS, UpTo256, "x") == MAX_UNITS
    with pytest.raises(SummGANError):
        checked_value(MAX_UNITS + 1, UpTo256, "x")
