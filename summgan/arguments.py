"""Checks of the texts and devices that a caller passes, made before any work is done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from summgan.errors import SummGANError
from summgan.text.script import normalize


def one_text(text: Any, name: str) -> str:
    """Normalize a text.

    Args:
        text: The value that the caller passed.
        name: Name of the argument, for the message.

    Raises:
        SummGANError: The value is not a string, is empty, or contains a lone surrogate.
    """
    if not isinstance(text, str):
        raise SummGANError(f"{name} is of type {type(text).__name__}; give a text (str).")
    text = normalize(text)
    if not text:
        raise SummGANError(f"{name} is empty; leave it out.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise SummGANError(
            f"{name} contains a lone surrogate (half a character) at character {error.start}; read the text "
            "again with the correct encoding."
        ) from None
    return text


def texts_of(documents: Any, name: str) -> list[str]:
    """Normalize the texts of a list, tuple, Series, array, column, generator or other iterable, in order.

    Args:
        documents: The iterable; a single string is not one.
        name: Name of the argument, for messages.

    Raises:
        SummGANError: The value is not an ordered iterable of texts, or one of its texts is unusable.
    """
    if isinstance(documents, bytes | bytearray | set | frozenset | Mapping) or not isinstance(
        documents, Iterable
    ):
        raise SummGANError(f"Give a text or a list of texts, not a value of type {type(documents).__name__}.")
    # Iterating over a table (a DataFrame, a two-dimensional array) gives column names or rows, not texts.
    if (dimensions := getattr(documents, "ndim", 1)) != 1:
        raise SummGANError(
            f"Give a text or a list of texts, not a value of type {type(documents).__name__} with "
            f"{dimensions} dimensions; choose one column of it."
        )
    return [one_text(text, f"{name}[{index}]") for index, text in enumerate(documents)]


def device_of(device: str | torch.device | None) -> torch.device:
    """Return the given device; for None, a GPU if there is one and otherwise the CPU.

    Raises:
        SummGANError: PyTorch does not know the device, or cannot use it here.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        if chosen.type == "meta":
            raise RuntimeError("it stores no numbers")
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, TypeError, ValueError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SummGANError(
            f"The device {str(device)!r} cannot be used ({reason.rstrip('.')}); name another, such as cpu."
        ) from error
    return chosen
