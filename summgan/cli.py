"""The ``summgan`` command: train, summarize, score, tokenizer, demo.

Each command is a parser and a function; the functions import what they need, so that ``--help`` is quick.
A mistake of the user's ends with one sentence on standard error and exit status 2.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from jsonargparse import ActionConfigFile, ArgumentError, ArgumentParser, Namespace

from summgan import __version__
from summgan.configuration import DataOptions, ModelOptions, Options, TokenizerOptions
from summgan.configuration import TrainingOptions
from summgan.errors import SummGANError

_OVERVIEW = f"""summgan {__version__} learns to summarize from text nobody labelled.

usage: summgan COMMAND ...

  train       learn from documents and unpaired human sentences
  summarize   summarize files or standard input with a trained model
  score       ROUGE and copy rates of summaries, beside simple baselines
  tokenizer   learn a vocabulary alone
  demo        train, summarize and score on a built-in corpus in minutes

summgan COMMAND --help tells more."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Those of the process by default.

    Returns:
        Exit status: 0, 1 when some rows failed, 2 for a mistake in the call or its files, 130 when
        stopped by the user.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_OVERVIEW)
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(__version__)
        return 0
    name = arguments.pop(0)
    if name not in _COMMANDS:
        hint = _nearest(name, _COMMANDS)
        print(f"summgan: there is no command {name!r}{hint}; see summgan --help", file=sys.stderr)
        return 2
    make_parser, run = _COMMANDS[name]
    return _guarded(name, make_parser(), run, arguments)


def _guarded(name: str, parser: ArgumentParser, run, arguments: list[str]) -> int:
    """Parse and run; turn every expected exception into a sentence and a status."""
    from datasets.exceptions import DatasetGenerationError

    try:
        return run(parser.parse_args(arguments), parser)
    except ArgumentError as error:
        message = _with_nearest_option(str(error), parser)
    except (SummGANError, DatasetGenerationError) as error:
        message = str(error)
    except OSError as error:
        message = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
    except KeyboardInterrupt:
        print(f"\nsummgan {name}: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1
    print(f"summgan {name}: {message}", file=sys.stderr)
    return 2


def _parser(name: str, description: str) -> ArgumentParser:
    return ArgumentParser(prog=f"summgan {name}", description=description, exit_on_error=False)


def _nearest(name: str, names) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _with_nearest_option(message: str, parser: ArgumentParser) -> str:
    """Add the nearest option to a message about one that does not exist."""
    known = [action.dest for action in parser._actions]
    for pattern in (r"[Uu]nrecognized arguments: --([\w.]+)", r"[Kk]ey ['\"]([\w.]+)['\"]"):
        found = re.search(pattern, message)
        if found and found[1] not in known:
            return f"{message}{_nearest(found[1], known)}"
    return message


def _say(sentence: str) -> None:
    from tqdm import tqdm

    tqdm.write(sentence, file=sys.stderr)


# train -------------------------------------------------------------------------------------------


def _train_parser() -> ArgumentParser:
    parser = _parser(
        "train",
        "Learn to summarize from documents nobody labelled and from unpaired human sentences. "
        "Give a YAML file and, after it, any option that should differ.",
    )
    parser.usage = "summgan train CONFIG.yaml [--training.learning_rate 3e-4 ...] [--resume]"
    parser.add_argument("--config", action=ActionConfigFile, help="YAML file with these options")
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    for block, kind in (
        ("data", DataOptions),
        ("tokenizer", TokenizerOptions),
        ("model", ModelOptions),
        ("training", TrainingOptions),
    ):
        parser.add_class_arguments(kind, block)
    return parser


def load_options(arguments: Sequence[str]) -> tuple[Options, bool]:
    """Options of a training from a YAML file and overrides, and whether to resume.

    Args:
        arguments: As after ``summgan train``.

    Raises:
        jsonargparse.ArgumentError: An option is unknown or ill-typed.
    """
    parser = _train_parser()
    return _options(parser.parse_args(_config_first(arguments)), parser)


def _config_first(arguments: Sequence[str]) -> list[str]:
    """A leading file name stands for ``--config FILE``."""
    arguments = list(arguments)
    if arguments and not arguments[0].startswith("-"):
        return ["--config", *arguments]
    return arguments


def _options(namespace: Namespace, parser: ArgumentParser) -> tuple[Options, bool]:
    made = parser.instantiate(namespace)
    return Options(made.data, made.tokenizer, made.model, made.training), namespace.resume


def _train(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.runtime import TrainingInterrupted
    from summgan.trainer import train

    options, resume = _options(namespace, parser)
    try:
        train(options, resume=resume, say=_say)
    except TrainingInterrupted as interruption:
        _say(str(interruption))
        return 130
    return 0
_COMMANDS = {}
