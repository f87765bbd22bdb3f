"""How a command ends that is interrupted or terminated: as one, whatever a library makes of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from jsonargparse import ArgumentParser, Namespace


@contextmanager
def terminated_like_interrupted() -> Iterator[list[int]]:
    """Let SIGTERM end a command as Ctrl-C does, so that what it has begun is cleaned up.

    Yields the signals that have come.
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
    """Run a command; what is raised after a signal has come is the interruption, whatever became of it.

    A compiled module whose import is interrupted raises an ImportError.
    """
    try:
        return run(namespace, parser)
    except Exception as error:
        if came:
            raise KeyboardInterrupt from error
        raise
