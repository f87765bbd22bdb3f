"""A SentencePiece vocabulary: learned from unlabelled text, and wrapped as a fast tokenizer of transformers.

`learn_pieces` learns a unigram vocabulary (Kudo 2018) over texts of any script, and `wrap` makes a
`PreTrainedTokenizerFast` with the ids of the SentencePiece model. A text that looks like a piece (``</s>``,
``<0x0A>``, "\u2581") is read as text and comes back unchanged; see `harden`.
"""

from __future__ import annotations

import io
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from summgan.errors import SummGANError
from summgan.text.script import is_unspaced
from summgan.text.units import LITERAL_BLANK, STAND_IN

PAD, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<s>", "</s>"
_BYTES = "0x[0-9A-F]{2}"
# SentencePiece skips texts with its own marks, and must not learn pieces that look like special ones.
_ITS_MARKS, _LIKE_PIECES = (
    re.compile("[\u2581\u2585]"),
    re.compile("<(?=/?s>|pad>|unk>|0x[0-9a-fA-F]{2}>|extra_id_)"),
)
_MOST_PIECES = 10_000_000
_FREQUENT, _LONGEST_WORD = 5, 16


def learn_pieces(sample: list[str], vocabulary_size: int, byte_fallback: bool, model_type: str) -> bytes:
    """Learn a vocabulary from texts.

    Args:
        sample: Normalized texts that are not empty.
        vocabulary_size: Largest number of pieces, from 1 to 10,000,000; short texts give fewer.
        byte_fallback: Whether characters without a piece are split into bytes, so that no text is unknown.
        model_type: ``unigram`` for parts of words, or ``char`` for single characters.

    Returns:
        A serialized SentencePiece model.

    Raises:
        SummGANError: The size is out of range, or too small for the script.
    """
    if not 1 <= vocabulary_size <= _MOST_PIECES:
        raise SummGANError(f"vocabulary_size is {vocabulary_size}; it must be from 1 to {_MOST_PIECES:,}.")
    model = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=itertools.chain(map(_without_marks, sample), _whole_words(sample)),
            model_writer=model,
            model_type=model_type,
            vocab_size=vocabulary_size,
            hard_vocab_limit=False,
            byte_fallback=byte_fallback,
            character_coverage=1.0 if model_type == "char" else 0.9995,
            normalization_rule_name="identity",
            add_dummy_prefix=not _mostly_unspaced(sample),
            required_chars=LITERAL_BLANK,  # for blanks in texts that have none
            max_sentence_length=100_000,
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            minloglevel=2,
        )
    except RuntimeError as error:
        needed = re.search(r"required_chars\D*\d+ vs (\d+)", str(error))
        reason = f"it needs at least {needed[1]}" if needed else str(error).splitlines()[-1]
        raise SummGANError(
            f"SentencePiece cannot learn a vocabulary of {vocabulary_size} pieces from this text: "
            f"{reason}. Raise vocabulary_size."
        ) from error
    return model.getvalue()


def _without_marks(text: str) -> str:
    return _LIKE_PIECES.sub("< ", _ITS_MARKS.sub(" ", text))


def _whole_words(sample: list[str]) -> Iterator[str]:
    """Each frequent word once more, with a comma.

    SentencePiece considers only strings that occur in two different words, so a word that is never part of
    another one, as in small corpora, could not become a piece.
    """
    counts = Counter(word for text in sample for word in text.split())
    for word, count in counts.items():
        if count >= _FREQUENT and word[-1].isalnum() and len(word) <= _LONGEST_WORD:
            yield f"{word},"


def _mostly_unspaced(sample: list[str]) -> bool:
    """Tell whether most letters belong to scripts without spaces; then no blank is put before a text."""
    letters = [character for text in sample[:2000] for character in text if character.isalpha()]
    return sum(map(is_unspaced, letters)) > len(letters) / 2


def wrap(model_bytes: bytes, do_lower_case: bool) -> PreTrainedTokenizerFast:
    """Make a fast tokenizer with the pieces, scores and segmentation of a SentencePiece unigram model.

    transformers 5 loads a unigram ``.model`` as BPE without an error, so the tokenizer is built piece by
    piece.

    Args:
        model_bytes: Serialized SentencePiece model.
        do_lower_case: Whether the tokenizer lower-cases its input.
    """
    model = sentencepiece.SentencePieceProcessor(model_proto=model_bytes)
    scores = [model.get_score(i) for i in range(len(model))]
    # A required character that no text has gets a probability of 0, whose logarithm cannot be saved.
    lowest = min(filter(math.isfinite, scores))
    pieces = [(model.id_to_piece(i), max(score, lowest)) for i, score in enumerate(scores)]
    has_bytes = any(model.is_byte(i) for i in range(len(model)))
    # `add_dummy_prefix` cannot be read from the model, but an encoded letter shows it.
    prefix = "always" if model.encode("a", out_type=str)[0].startswith(LITERAL_BLANK) else "never"
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=1, byte_fallback=has_bytes))
    lower = [normalizers.Lowercase()] if do_lower_case else []
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), *lower, normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prefix, split=False)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Replace(LITERAL_BLANK, " "),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.post_processor = TemplateProcessing(single=f"$A {END}", special_tokens=[(END, 3)])
    tokenizer.add_special_tokens([AddedToken(t, special=True) for t in (PAD, UNKNOWN, BEGIN, END)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        clean_up_tokenization_spaces=False,
    )


def harden(tokenizer: PreTrainedTokenizerBase) -> None:
    """Change a tokenizer in place, so that it reads all of a text as text; a second call changes nothing.

    A unigram model would find the names of special pieces and bytes in a text, because they are in its
    vocabulary; so it gets such names in parts. Its mark for a blank, if a text contains one, is read as a
    control character, which is a byte, and decoded to the mark again.
    """
    tokenizer.split_special_tokens = True
    backend = tokenizer.backend_tokenizer if isinstance(tokenizer, PreTrainedTokenizerFast) else None
    if (
        backend is None
        or not isinstance(backend.model, models.Unigram)
        or _BYTES in str(backend.pre_tokenizer)
    ):
        return
    rests = {"<": [f"{_BYTES}>"]}  # by first character, which makes the search quick
    for name in filter(lambda name: len(name) > 1, tokenizer.all_special_tokens):
        rests.setdefault(name[0], []).append(re.escape(name[1:]))
    cuts = "|".join(f"{re.escape(first)}(?={'|'.join(rest)})" for first, rest in rests.items())
    parts = pre_tokenizers.Split(Regex(cuts), "merged_with_previous")
    first = [backend.pre_tokenizer] if backend.pre_tokenizer else []
    backend.pre_tokenizer = pre_tokenizers.Sequence([*first, parts])
    if backend.token_to_id("<0x1A>") is not None:
        back = decoders.Replace(STAND_IN, LITERAL_BLANK)
        backend.decoder = decoders.Sequence([backend.decoder, back])
        away = normalizers.Replace(LITERAL_BLANK, STAND_IN)
        backend.normalizer = normalizers.Sequence([away, *filter(None, [backend.normalizer])])
