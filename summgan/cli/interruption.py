"""Interruption of a command: Ctrl-C and SIGTERM end it alike, whatever a library turns the signal into."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from jsonargparse import ArgumentParser, Namespace


@contextmanager
def terminated_like_interrupted() -> Iterator[list[int]]:
    """Let SIGTERM end a command as Ctrl-C does, so that unfinished work is cleaned up.

    Yields:
        A list of the signals received, to which later ones are added.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came  # Python lets only the main thread handle signals
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        came.append(number)
        signal.default_int_handler(number, frame)

    # Where Ctrl-C is ignored, as behind nohup, it stays so.
    caught = [signal.SIGTERM]
    caught += [signal.SIGINT] * (signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    before = {number: signal.signal(number, interrupt) for number in caught}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def call(
    run: Callable[[Namespace, ArgumentParser], int],
    namespace: Namespace,
    parser: ArgumentParser,
    came: list[int],
) -> int:
    """Run a command, and treat any exception after a signal as the interruption itself.

    A compiled module whose import is interrupted, for example, raises an ImportError.

    Args:
        run: Function of the command.
        namespace: Parsed options.
        parser: Parser of the command.
        came: Signals received so far.

    Returns:
        Exit status of the command.

    Raises:
        KeyboardInterrupt: A signal has ended the command.
    """
    try:
        return run(namespace, parser)
    except Exception as error:
        if came:
            raise KeyboardInterrupt from error
        raise
