"""Spelling: turns rows of the word table into the pieces of a pretrained encoder, without strings.

Every word is tokenized once. A batch of words, given by their rows in the table, then becomes the encoder's
input by tensor operations alone, so that judging drawn summaries costs no more than running the encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase

from summgan.text.script import is_unspaced

_REMEMBERED = 500_000  # most words whose pieces are remembered


@dataclass(frozen=True)
class Spelled:
    """Texts as pieces, with the place of each word.

    Attributes:
        input_ids: ``[batch, pieces]``.
        attention_mask: ``[batch, pieces]``.
        first: ``[batch, words + 2]`` place of the begin piece, of the first piece of each word, and of the
            end piece.
        last: ``[batch, words + 2]`` place of the begin piece, of the last piece of each word, and of the end
            piece.
    """

    input_ids: Tensor
    attention_mask: Tensor
    first: Tensor
    last: Tensor


class Speller(nn.Module):
    """Spells words by a table of their pieces.

    Args:
        pieces: ``[words, longest]`` pieces of each word, padded with -1.
        marks: ``[kinds]`` piece of each kind of punctuation after a word; the first kind is none.
        begin: Piece at the beginning of every text.
        end: Piece at the end of every text.
        padding: Piece that pads.
    """

    pieces: Tensor
    marks: Tensor

    def __init__(self, pieces: Tensor, marks: Tensor, begin: int, end: int, padding: int):
        super().__init__()
        self.register_buffer("pieces", pieces, persistent=False)
        self.register_buffer("marks", marks, persistent=False)
        self.begin, self.end, self.padding = begin, end, padding

    def forward(self, words: Tensor, after: Tensor | None = None) -> Spelled:
        """Spell texts.

        Args:
            words: ``[batch, words]`` rows of the word table, padded with -1.
            after: ``[batch, words]`` kind of the punctuation after each word; none by default.
        """
        batch = len(words)
        there = words >= 0
        parts = self.pieces[words.clamp_min(0)].masked_fill(~there[..., None], -1)
        own = (parts >= 0).sum(2)
        if after is not None:
            marks = torch.where((after > 0) & there, self.marks[after], -1)
            parts = torch.cat([parts, marks[..., None]], 2)
        sizes = (parts >= 0).sum(2)
        ends = sizes.cumsum(1)
        total = ends[:, -1]
        width = int(total.max()) + 2
        flat = parts.flatten(1)
        places = torch.where(flat >= 0, (flat >= 0).cumsum(1), width)
        ids = flat.new_full((batch, width + 1), self.padding).scatter(1, places, flat)[:, :width]
        ids[:, 0] = self.begin
        ids.scatter_(1, total[:, None] + 1, self.end)
        mask = torch.arange(width, device=words.device) <= total[:, None] + 1
        start = ends - sizes + 1
        first = torch.where(there, start, (total + 1)[:, None])
        last = torch.where(there, start + own - 1, (total + 1)[:, None])
        close = (total + 1)[:, None]
        first = torch.cat([F.pad(first, (1, 0)), close], 1)
        last = torch.cat([F.pad(last, (1, 0)), close], 1)
        return Spelled(ids, mask.long(), first, last)

    def mean_embedding(self, rows: Tensor, embed: Callable[[Tensor], Tensor]) -> Tensor:
        """Average the embeddings of each word's pieces.

        Args:
            rows: ``[...]`` rows of the word table, padded with -1.
            embed: Embeds pieces ``[...]`` as ``[..., width]``.

        Returns:
            ``[..., width]``, in float32; arbitrary for padding.
        """
        pieces = self.pieces[rows.clamp_min(0)]
        there = (pieces >= 0)[..., None]
        return (embed(pieces.clamp_min(0)).float() * there).sum(-2) / there.sum(-2).clamp_min(1)


class Spelling:
    """Tokenizes words and remembers their pieces.

    Args:
        tokenizer: Tokenizer of the encoder.
        longest: Largest number of pieces of a word; the rest is cut off.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, longest: int = 6):
        self.tokenizer, self.longest = tokenizer, longest
        self._known: dict[str, list[int]] = {}
        self._marks = torch.tensor([-1, *(ids[-1] for ids in _tokenized(tokenizer, [",", "."]))])

    def speller(self, words: Sequence[str]) -> Speller:
        """Make a speller of these words; a word without pieces is spelled as the unknown piece."""
        tokenizer, longest = self.tokenizer, self.longest
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        new = [word for word in words if word not in self._known]
        for word, ids in zip(new, _tokenized(tokenizer, new) if new else [], strict=True):
            kept = (ids or [tokenizer.unk_token_id])[:longest]
            self._known[word] = kept + [-1] * (longest - len(kept))
        pieces = torch.tensor([self._known[word] for word in words]).view(-1, longest)
        begin = tokenizer.eos_token_id if tokenizer.cls_token_id is None else tokenizer.cls_token_id
        end = tokenizer.eos_token_id if tokenizer.sep_token_id is None else tokenizer.sep_token_id
        return Speller(pieces, self._marks, begin, end, tokenizer.pad_token_id)


def speller_of_running_text(
    tokenizer: PreTrainedTokenizerBase, words: Sequence[str], longest: int = 6
) -> Speller:
    """Make a speller for a causal language model.

    Its tokenizer treats the blank before a word as a part of the word. Texts begin with a blank line and end
    with a full stop.

    Args:
        tokenizer: Tokenizer of the language model.
        words: All words, in the order of their rows.
        longest: Largest number of pieces of a word; the rest is cut off.
    """
    few = len(_tokenized(tokenizer, ["a"])[0])
    spaced = ["a" + word if any(map(is_unspaced, word[:1])) else "a " + word for word in words]
    rows = [ids[few : few + longest] for ids in _tokenized(tokenizer, spaced)]
    pieces = torch.tensor([row + [-1] * (longest - len(row)) for row in rows])
    comma, stop, line = (ids[-1] for ids in _tokenized(tokenizer, ["a,", "a.", "a\n\n"]))
    return Speller(pieces.view(-1, longest), torch.tensor([-1, comma, stop]), line, stop, stop)


def _tokenized(tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> list[list[int]]:
    return tokenizer(
        texts,
        add_special_tokens=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )["input_ids"]


def at_pieces(spelled: Spelled, vectors: Tensor) -> Tensor:
    """Repeat vectors ``[batch, words, width]`` at each piece of their word, as ``[batch, pieces, width]``.

    The vectors are 0 at the pieces of the begin, the end and the padding.
    """
    pieces = torch.arange(spelled.input_ids.shape[1], device=vectors.device).expand_as(spelled.input_ids)
    word = torch.searchsorted(spelled.first[:, :-1].contiguous(), pieces.contiguous(), right=True) - 1
    word = torch.where(pieces < spelled.first[:, -1:], word, 0)
    return states_at(F.pad(vectors, (0, 0, 1, 0)), word)


def states_at(states: Tensor, places: Tensor) -> Tensor:
    """Select states ``[batch, pieces, width]`` at places ``[batch, words]``, as ``[batch, words, width]``."""
    return states.gather(1, places[..., None].expand(-1, -1, states.shape[2]))
