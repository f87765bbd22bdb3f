"""The last touch to what a model has written: one line, case as in the document, marks in pairs."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from summgan.text.casing import restore_case
from summgan.text.punctuation import balanced
from summgan.text.script import normalize


def finish(tokenizer: PreTrainedTokenizerBase, text: str, document: str = "") -> str:
    """A summary or reconstruction as it is shown; of the same length in units.

    Args:
        tokenizer: Whose model wrote the text.
        text: Decoded pieces.
        document: What it was written about, whose words keep their case.
    """
    return balanced(restore_case(tokenizer, normalize(text), document))
