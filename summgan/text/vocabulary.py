"""SentencePiece trained on unlabelled text, wrapped as a transformers fast tokenizer.

`train_tokenizer` learns a unigram vocabulary (Kudo 2018) over documents and human sentences of any
script and returns a `PreTrainedTokenizerFast` whose ids equal those of the SentencePiece model.
Saving writes ``tokenizer.json`` with the plain ``spiece.model`` beside it.

Whatever stands in a text is text: what looks like a piece (``</s>``, ``<0x0A>``, "\u2581") is read, and comes
back, as it stands; see `harden`. `length_table` says for every vocabulary entry how many length units (see
`summgan.text.script`) it adds; the generator meets an exact length with it.
"""

from __future__ import annotations

import io
import itertools
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import sentencepiece
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.utils import cached_file

from summgan.errors import SummGANError
from summgan.files import write_file
from summgan.text.casing import TRUECASE_FILE, Truecaser
from summgan.text.script import is_unspaced, normalize, split_units
from summgan.text.units import (
    BLANK,
    CLUSTER,
    LITERAL_BLANK,
    NOTHING,
    STAND_IN,
    LengthTable,
    UnitCounter,
    effect_of,
)

PAD, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<s>", "</s>"
_BYTES = "0x[0-9A-F]{2}"
_BYTE = re.compile("<0x([0-9A-F]{2})>")
_SENTINEL = re.compile(r"<extra_id_\d+>")
# SentencePiece leaves texts with its own marks out, and must not learn pieces that look like special ones.
_ITS_MARKS, _LIKE_PIECES = (
    re.compile("[\u2581\u2585]"),
    re.compile("<(?=/?s>|pad>|unk>|0x[0-9a-fA-F]{2}>|extra_id_)"),
)
_MAX_TRAINING_TEXTS = 400_000
_MOST_PIECES = 10_000_000
_FREQUENT, _LONGEST_WORD = 5, 16
_MODEL_FILE = "spiece.model"


def train_tokenizer(
    texts: Iterable[str],
    vocabulary_size: int = 8000,
    byte_fallback: bool = True,
    model_type: str = "unigram",
    do_lower_case: bool = False,
) -> PreTrainedTokenizerFast:
    """Learn a vocabulary from texts.

    Args:
        texts: Documents and sentences; the first 400,000 are read.
        vocabulary_size: Pieces wanted; fewer are made when the text holds no more.
        byte_fallback: Write unseen characters as bytes, so that no text becomes unknown.
        model_type: ``unigram`` pieces, or ``char``: every character is a piece.
        do_lower_case: Whether case is dropped in reading, and put back in writing; see `truecasing.py`.

    Raises:
        SummGANError: There is no text, or the vocabulary is too small for the script.
    """
    if not 1 <= vocabulary_size <= _MOST_PIECES:
        raise SummGANError(f"vocabulary_size is {vocabulary_size}; it must be from 1 to {_MOST_PIECES:,}.")
    sample = [normalize(text) for text in itertools.islice(texts, _MAX_TRAINING_TEXTS)]
    sample = [text for text in sample if text]
    if not sample:
        raise SummGANError("There is no text to train a tokenizer on.")
    truecaser = None
    if do_lower_case:
        truecaser, sample = Truecaser.fit(sample), [text.lower() for text in sample]
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
            required_chars=LITERAL_BLANK,  # between words of texts that have no blanks
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
            f"SentencePiece cannot make a vocabulary of {vocabulary_size} pieces of this text: "
            f"{reason}. Raise vocabulary_size."
        ) from error
    tokenizer = _wrap(model.getvalue(), do_lower_case)
    tokenizer.truecaser = truecaser
    return tokenizer


def _without_marks(text: str) -> str:
    return _LIKE_PIECES.sub("< ", _ITS_MARKS.sub(" ", text))


def _whole_words(sample: list[str]) -> Iterator[str]:
    """Every frequent word once more, with a comma.

    SentencePiece considers only strings that stand in two different words, so a word that never
    occurs in another one (as in small corpora) could not become a piece.
    """
    counts = Counter(word for text in sample for word in text.split())
    for word, count in counts.items():
        if count >= _FREQUENT and word[-1].isalnum() and len(word) <= _LONGEST_WORD:
            yield f"{word},"


def _mostly_unspaced(sample: list[str]) -> bool:
    """Whether most characters belong to scripts without spaces; then no blank starts a text."""
    letters = [character for text in sample[:2000] for character in text if character.isalpha()]
    return sum(map(is_unspaced, letters)) > len(letters) / 2


def _wrap(model_bytes: bytes, do_lower_case: bool) -> PreTrainedTokenizerFast:
    """A fast tokenizer with the pieces, scores and segmentation of a SentencePiece unigram model.

    transformers 5 reads a unigram ``.model`` as BPE without an error, so the tokenizer is built
    piece by piece instead.
    """
    model = sentencepiece.SentencePieceProcessor(model_proto=model_bytes)
    scores = [model.get_score(i) for i in range(len(model))]
    # A required character that no text has, has a chance of 0, of which the logarithm cannot be saved.
    lowest = min(filter(math.isfinite, scores))
    pieces = [(model.id_to_piece(i), max(score, lowest)) for i, score in enumerate(scores)]
    has_bytes = any(model.is_byte(i) for i in range(len(model)))
    # `add_dummy_prefix` is not readable from the model; an encoded letter shows it.
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
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        eos_token=END,
        clean_up_tokenization_spaces=False,
    )
    wrapped.sentencepiece_model = model_bytes
    harden(wrapped)
    return wrapped


def harden(tokenizer: PreTrainedTokenizerBase) -> None:
    """Let a tokenizer read all of a text as text, in place; once more changes nothing.

    Special pieces are pieces only where they are added as such. A unigram model would find them, and bytes,
    in a text too, as they stand in its vocabulary: it gets such texts in parts. Its mark for a blank,
    where a text has one, is read as a control character, which is a byte, and becomes that mark again.
    """
    tokenizer.split_special_tokens = True
    backend = tokenizer.backend_tokenizer if isinstance(tokenizer, PreTrainedTokenizerFast) else None
    if (
        backend is None
        or not isinstance(backend.model, models.Unigram)
        or _BYTES in str(backend.pre_tokenizer)
    ):
        return
    rests = {"<": [f"{_BYTES}>"]}  # by first characters, of which the search is quick
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


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: str | Path) -> None:
    """Write ``tokenizer.json`` and, for a tokenizer of ours, ``spiece.model`` beside it, and
    ``truecase.json`` where it drops case.
    """
    folder = Path(folder)
    tokenizer.save_pretrained(folder)
    if truecaser := tokenizer.__dict__.get("truecaser"):
        truecaser.save(folder)
    if isinstance(model := tokenizer.__dict__.get("sentencepiece_model"), bytes):
        write_file(folder / _MODEL_FILE, lambda file: file.write_bytes(model))


def load_tokenizer(folder: str | Path) -> PreTrainedTokenizerBase:
    """Load a tokenizer from a folder or a hub name; never runs code from there.

    Raises:
        SummGANError: There is no tokenizer, or what lies beside it is damaged.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False)
        # How it was loaded is no property of a tokenizer, but would be saved with it.
        for name in ("is_local", "local_files_only"):
            tokenizer.init_kwargs.pop(name, None)
        tokenizer("a")  # brings out what is wrong with its options
        # Without its true case a model would write lower case, so these are read wherever the rest is.
        if path := _file_beside(folder, _MODEL_FILE):
            tokenizer.sentencepiece_model = path.read_bytes()
        path = _file_beside(folder, TRUECASE_FILE)
        tokenizer.truecaser = Truecaser.load(path) if path else None
        harden(tokenizer)
    except Exception as error:  # transformers and tokenizers have one of their own for every kind of damage
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SummGANError(
            f"No tokenizer can be loaded from {str(folder)!r}: {reason.rstrip('.: ')}. Give a folder with "
            "the tokenizer.json that training has made."
        ) from error
    return tokenizer


def _file_beside(folder: str | Path, name: str) -> Path | None:
    """A file of a folder or a hub name, None where it has none."""
    found = cached_file(str(folder), name, _raise_exceptions_for_missing_entries=False)
    return Path(found) if found else None


def length_table(tokenizer: PreTrainedTokenizerBase, vocabulary_size: int | None = None) -> LengthTable:
    """Read the length of every piece of a SentencePiece or byte-level BPE vocabulary."""
    size = vocabulary_size or len(tokenizer)
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special, texts = set(tokenizer.all_special_ids), _surfaces(tokenizer)
    # Units, then whether it continues, ends inside, is writable, glues, and is a byte.
    columns = [(0, False, False, False, False, False)] * size
    effects, values = [NOTHING] * size, [-1] * size
    for index, (piece, text) in enumerate(zip(pieces, texts, strict=True)):
        if text is None:
            units, continues, inside = _byte_length(piece or "")
            lone = index not in special and (units > 0 or inside)
            # Unless it begins a character of a script without spaces, a byte belongs to what is before it.
            columns[index] = (units, continues, inside, False, inside, lone)
            values[index] = int(_BYTE.fullmatch(piece)[1], 16) if lone else -1
            continue
        effect = effects[index] = effect_of(text)
        continues = not (text[0].isspace() or is_unspaced(text[0]))
        inside = not (text[-1].isspace() or is_unspaced(text[-1]))
        # Compounds and double names ("Guinea-Bissau") are one word, and marks belong to their letter.
        glues = continues and (text[0].isalnum() or text[0] == "-")
        glues |= effect.costs[CLUSTER] < effect.costs[BLANK]
        columns[index] = (effect.costs[BLANK], continues, inside, True, glues, False)
    units, *flags = map(torch.tensor, zip(*columns, strict=True))
    return LengthTable(units, *flags, UnitCounter(effects, values), _parts(texts, values))


def _parts(texts: list[str | None], values: list[int]) -> dict[int, list[int]]:
    """For pieces with several units one piece for each unit, or for each character or byte of it."""
    known: dict[str, int] = {}
    for index, text in enumerate(texts):
        if text:
            known.setdefault(text, index)
    bytes_of = {value: index for index, value in enumerate(values) if value >= 0}
    found = {}
    for index, text in enumerate(texts):
        if not text or len(units := split_units(text)) < 2:
            continue
        spelled = []
        for unit in [" "] * text[0].isspace() + units:
            for part in [unit] if unit in known else unit:
                spelled += [known[part]] if part in known else map(bytes_of.get, part.encode())
        if None not in spelled:
            found[index] = spelled
    return found


def spellings(tokenizer: PreTrainedTokenizerBase, stemming: str | None = None) -> list[int]:
    """For every piece the first one that is the same but for case and the blank before it.

    Args:
        tokenizer: Whose pieces.
        stemming: A language of the Snowball stemmers, for which endings make no difference either:
            "kills" is as "killed".
    """
    stem: Callable[[str], str] = str
    if stemming:
        from nltk.stem.snowball import SnowballStemmer  # nltk takes a second to load

        stem = SnowballStemmer(stemming).stem
    first: dict[str, int] = {}
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    texts = [
        text.strip() if text else piece or ""
        for text, piece in zip(_surfaces(tokenizer), pieces, strict=True)
    ]
    return [first.setdefault(stem(text.lower()), index) for index, text in enumerate(texts)]


def word_pieces(tokenizer: PreTrainedTokenizerBase, words: Iterable[str]) -> list[int]:
    """The pieces that are one of these words, as it stands after a blank where the script has blanks."""
    wanted = {word.lower().strip() for word in words if word.strip()}
    wanted = {word if is_unspaced(word[0]) else f" {word}" for word in wanted}
    return [index for index, text in enumerate(_surfaces(tokenizer)) if text and text.lower() in wanted]


def punctuation_pieces(tokenizer: PreTrainedTokenizerBase) -> list[bool]:
    """Which pieces are punctuation: they have a text, and no letter, digit or mark of a letter in it."""
    texts = _surfaces(tokenizer)
    return [bool(text) and not any(unicodedata.category(c)[0] in "LMN" for c in text) for text in texts]


def _surfaces(tokenizer: PreTrainedTokenizerBase) -> list[str | None]:
    """The text of every piece, None for special tokens, lone bytes and incomplete characters."""
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    special = set(tokenizer.all_special_ids)
    byte_level = _byte_level_alphabet() if any(p and p.startswith("\u0120") for p in pieces) else None
    return [
        None if index in special or piece is None else _surface(piece, byte_level)
        for index, piece in enumerate(pieces)
    ]


def _surface(piece: str, byte_level: dict[str, int] | None) -> str | None:
    """The text of a piece, or None for a lone byte or an incomplete character."""
    if byte_level is not None:
        try:
            return bytes(byte_level[character] for character in piece).decode() or None
        except (KeyError, UnicodeDecodeError):
            return None
    if _BYTE.fullmatch(piece) or _SENTINEL.fullmatch(piece):
        return None
    return piece.replace(LITERAL_BLANK, " ")


def _byte_length(piece: str) -> tuple[int, bool, bool]:
    """(units, continues, ends_inside) of a lone byte; only its script's usual case is known."""
    found = _BYTE.fullmatch(piece)
    byte = int(found[1], 16) if found else -1
    if 0x80 <= byte < 0xC0:  # inside a character that its first byte has counted
        return 0, False, True
    # Where Thai, Kana, Han and full-width forms begin; Hangul, between these, has spaces.
    unspaced = byte in (0xE0, 0xEF) or 0xE3 <= byte <= 0xE9
    return int(byte >= 0), byte >= 0 and not unspaced, byte >= 0 and not unspaced


def _byte_level_alphabet() -> dict[str, int]:
    """GPT-2's map from printable characters to the bytes that they stand for (Radford 2019)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in printable]
    characters = {chr(byte): byte for byte in printable}
    return characters | {chr(256 + index): byte for index, byte in enumerate(hidden)}
