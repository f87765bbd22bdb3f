"""`Vocabulary`: texts to pieces and back, with the properties of the pieces.

It wraps a tokenizer of transformers: a SentencePiece one that is learned from unlabelled text
(`sentencepieces.py`), or that of a pretrained model. It encodes, cuts and ends documents, decodes what a
model writes, restores its case (`casing.py`), removes unpaired punctuation (`punctuation.py`), and measures
pieces in units of length (`pieces.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import cached_file

from summgan.errors import SummGANError
from summgan.files import write_file
from summgan.text.boundaries import UnitBoundaries
from summgan.text.casing import TRUECASE_FILE, Truecaser
from summgan.text.pieces import length_table, pieces_of_words, punctuation_pieces, spellings
from summgan.text.punctuation import balanced
from summgan.text.script import normalize
from summgan.text.sentencepieces import harden, learn_pieces, wrap
from summgan.text.units import LengthTable

_MOST_TRAINING_TEXTS = 400_000
_MODEL_FILE = "spiece.model"


def load_tokenizer(folder: str | Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer of transformers from a folder or a hub name; saving it again changes nothing."""
    tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
    # Options of loading are not properties of the tokenizer, but would be saved with it.
    for name in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(name, None)
    return tokenizer


class Vocabulary:
    """A tokenizer with the properties of its pieces.

    Args:
        tokenizer: Tokenizer of transformers with an end piece. It is changed in place; see
            `sentencepieces.harden`.
        truecaser: Restores case if the tokenizer drops it.
        sentencepiece_model: Serialized SentencePiece model of the tokenizer, to save beside it.

    Attributes:
        tokenizer: The tokenizer.
        truecaser: The truecaser, or None if case is kept.
        end_id: Id of the piece that ends a text.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        truecaser: Truecaser | None = None,
        sentencepiece_model: bytes | None = None,
    ):
        harden(tokenizer)
        self.tokenizer, self.truecaser = tokenizer, truecaser
        self.end_id: int = tokenizer.eos_token_id
        self._model = sentencepiece_model

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocabulary_size: int = 8000,
        byte_fallback: bool = True,
        model_type: str = "unigram",
        do_lower_case: bool = False,
    ) -> Vocabulary:
        """Learn a vocabulary from texts.

        Args:
            texts: Documents and sentences, of which the first 400,000 are read.
            vocabulary_size: Largest number of pieces, from 1 to 10,000,000; short texts give fewer.
            byte_fallback: Whether characters without a piece are split into bytes, so that no text is
                unknown.
            model_type: ``unigram`` for parts of words, or ``char`` for single characters.
            do_lower_case: Whether input is lower-cased, and case is restored in the output; see `casing.py`.

        Raises:
            SummGANError: There is no text, or the size is out of range or too small for the script.
        """
        sample = [normalize(text) for text in itertools.islice(texts, _MOST_TRAINING_TEXTS)]
        sample = [text for text in sample if text]
        if not sample:
            raise SummGANError("There is no text to learn a vocabulary from; give at least one.")
        truecaser = None
        if do_lower_case:
            truecaser, sample = Truecaser.fit(sample), [text.lower() for text in sample]
        model = learn_pieces(sample, vocabulary_size, byte_fallback, model_type)
        return cls(wrap(model, do_lower_case), truecaser, model)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Vocabulary:
        """Load a vocabulary from a folder or a hub name; no code from there is run.

        Raises:
            SummGANError: There is no tokenizer, or a file beside it is damaged.
        """
        try:
            tokenizer = load_tokenizer(folder)
            tokenizer("a")  # raises an error if its options are wrong
            # Without these files a model would write lower case, so they are read from the hub too.
            model, case = (_file_beside(folder, name) for name in (_MODEL_FILE, TRUECASE_FILE))
            return cls(
                tokenizer, Truecaser.load(case) if case else None, model.read_bytes() if model else None
            )
        except Exception as error:  # transformers and tokenizers raise many classes for damaged files
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise SummGANError(
                f"No tokenizer can be loaded from {str(folder)!r}: {reason.rstrip('.: ')}. Give a folder "
                "with the tokenizer.json that training has made."
            ) from error

    def save_pretrained(self, folder: str | Path) -> None:
        """Write ``tokenizer.json`` to a folder, with ``spiece.model`` and ``truecase.json`` if they exist."""
        folder, model = Path(folder), self._model
        self.tokenizer.save_pretrained(folder)
        if self.truecaser:
            self.truecaser.save(folder)
        if model is not None:
            write_file(folder / _MODEL_FILE, lambda file: file.write_bytes(model))

    def __len__(self) -> int:
        return len(self.tokenizer)

    # Texts to pieces and back ---------------------------------------------------------------------

    def encode(self, text: str) -> list[int]:
        """Return the ids of the pieces of a text, without begin and end."""
        return self.tokenizer(text, add_special_tokens=False, verbose=False).input_ids

    def encode_documents(self, texts: Sequence[str], most: int | None = None) -> list[list[int]]:
        """Return the pieces of each text, cut to at most ``most`` pieces, the end piece included."""
        rows = self.tokenizer(list(texts), add_special_tokens=False, verbose=False).input_ids
        return [self.ended(row, most) for row in rows]

    def ended(self, ids: Sequence[int], most: int | None = None) -> list[int]:
        """Add the end piece to pieces, and cut them to at most ``most`` pieces, the end included."""
        return [*ids[: None if most is None else most - 1], self.end_id]

    def decode(self, ids: list[int]) -> str:
        """Return the text of pieces, without special ones."""
        return self.decode_all([ids])[0]

    def decode_all(self, rows: list[list[int]] | Tensor) -> list[str]:
        """Return the text of each row of pieces ``[batch, length]``, without special ones."""
        return self.tokenizer.batch_decode(rows, skip_special_tokens=True)

    def finish(self, text: str, document: str = "") -> str:
        """Finish a summary or reconstruction: one line, case as in the document, punctuation in pairs.

        The length in units does not change.

        Args:
            text: Decoded pieces.
            document: Document from which words take their case.
        """
        line = normalize(text)
        return balanced(line if self.truecaser is None else self.truecaser.restore(line, document))

    @property
    def drops_case(self) -> bool:
        """Whether the tokenizer lower-cases its input."""
        return self.decode(self.encode("A")).strip() == "a"

    # What is known of pieces ----------------------------------------------------------------------

    @cached_property
    def lengths(self) -> LengthTable:
        """Lengths of the pieces."""
        return length_table(self.tokenizer)

    def lengths_for(self, size: int) -> LengthTable:
        """Return the lengths for a model with ``size`` entries; those beyond the pieces are unused."""
        return self.lengths if size == len(self) else length_table(self.tokenizer, size)

    @cached_property
    def boundaries(self) -> UnitBoundaries:
        """Boundaries of units in sequences of pieces."""
        return UnitBoundaries(self.lengths)

    @cached_property
    def punctuation(self) -> list[bool]:
        """Which pieces are punctuation, ``[vocabulary]``."""
        return punctuation_pieces(self.tokenizer)

    def spellings(self, stemming: str | None = None) -> list[int]:
        """Return the first piece that is spelled like each piece ``[vocabulary]``; see `pieces.spellings`.

        Args:
            stemming: Language of a Snowball stemmer, to ignore endings too.
        """
        return spellings(self.tokenizer, stemming)

    def pieces_of_words(self, words: Iterable[str]) -> list[int]:
        """Return the pieces that are one of these words, after a blank in scripts with blanks."""
        return pieces_of_words(self.tokenizer, words)


def _file_beside(folder: str | Path, name: str) -> Path | None:
    """Find a file in a folder or under a hub name; None if there is none."""
    found = cached_file(str(folder), name, _raise_exceptions_for_missing_entries=False)
    return Path(found) if found else None
