"""Texts and devices that are given in Python, checked before any work is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from summgan.errors import SummGANError
from summgan.text.script import normalize


def one_text(text: Any, name: str) -> str:
    """A normalized text.

    Args:
        text: Whatever was given.
        name: What it is called in the message.

    Raises:
        SummGANError: It is none, is empty, or holds half a character.
    """
    if not isinstance(text, str):
        raise SummGANError(f"{name} is a {type(text).__name__}, not a text.")
    text = normalize(text)
    if not text:
        raise SummGANError(f"{name} is empty or no text; leave it out.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SummGANError(
            f"{name} holds a lone surrogate (character {error.start} of it), which is half a character; read "
            "it again with its right encoding."
        ) from None
    return text


def texts_of(documents: Any, name: str) -> list[str]:
    """The normalized texts of a list, tuple, Series, array, column, generator or other iterable, in order.

    Args:
        documents: The iterable, but no text itself.
        name: What it is called in messages.

    Raises:
        SummGANError: It is none, has no order, or one of its texts cannot be used.
    """
    if isinstance(documents, bytes | bytearray | set | frozenset | Mapping) or not isinstance(
        documents, Iterable
    ):
        raise SummGANError(f"Give a text or a list of texts, not a {type(documents).__name__}.")
    # Of a table (a DataFrame, an array of two dimensions) Python would go through names of columns or rows.
    if (dimensions := getattr(documents, "ndim", 1)) != 1:
        raise SummGANError(
            f"Give a text or a list of texts, not a {type(documents).__name__} of {dimensions} dimensions; "
            "choose its column."
        )
    return [one_text(text, f"{name}[{index}]") for index, text in enumerate(documents)]


def device_of(device: str | torch.device | None) -> torch.device:
    """The device wanted; without a wish a GPU if there is one, else the CPU.

    Raises:
        SummGANError: It is none, or cannot be used here.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
        if wanted.type == "meta":
            raise RuntimeError("It holds no numbers.")
        torch.empty(1, device=wanted)
    except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SummGANError(f"The device {str(device)!r} cannot be used: {reason}") from error
    return wanted
