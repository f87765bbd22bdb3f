"""The ``summgan`` command: train, summarize, outline, score, compare, encode, search, tokenizer, demo.

Each command is a parser and a function; the functions import what they need, so that ``--help`` is quick.
A mistake of the user's ends with one sentence on standard error and exit status 2.
"""

from __future__ import annotations

import difflib
import io
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from summgan import __version__
from summgan.cli.interruption import call, terminated_like_interrupted
from summgan.cli.outline import outline, outline_parser
from summgan.cli.reading_parser import compare_parser
from summgan.cli.shared import add_options
from summgan.errors import SummGANError
from summgan.options.configuration import TokenizerOptions
from summgan.options.generation import SummarizerOptions
from summgan.options.parsing import config_first, new_parser, to_options, train_parser
from summgan.options.ranges import PositiveInt, refusal, wanted

_OVERVIEW = f"""summgan {__version__} learns to summarize from text nobody labelled.

usage: summgan COMMAND ...

  train       learn from documents and unpaired human sentences
  summarize   summarize files or standard input with a trained model
  outline     outline them: nested summaries, from a title to the text
  score       score summaries by ROUGE, beside simple baselines
  compare     compare systems by blind reading
  encode      encode files as clusters, bits or codebook entries
  search      find the documents of an index that are most similar to a text
  tokenizer   learn a vocabulary alone
  demo        train, summarize and score on made-up news, in minutes

summgan COMMAND --help shows the options of a command."""


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
    if name == "train":
        arguments = config_first(arguments)
    return _guarded(name, make_parser, run, arguments)


def _guarded(name: str, make_parser: Callable[[], ArgumentParser], run, arguments: list[str]) -> int:
    """Parse and run; turn every expected exception into a sentence and a status."""
    try:
        with terminated_like_interrupted() as came:
            return _run(name, make_parser(), run, arguments, came)
    except KeyboardInterrupt:
        print(f"\nsummgan {name}: stopped.", file=sys.stderr)
        return 130


def _run(name: str, parser: ArgumentParser, run, arguments: list[str], came: list[int]) -> int:
    from datasets.exceptions import DatasetGenerationError

    _write_any_character()
    resumable = False
    try:
        namespace = parser.parse_args(arguments)
        _refuse_empty(namespace)
        resumable = bool(namespace.get("output")) and "resume" in namespace
        return call(run, namespace, parser, came)
    except ArgumentError as error:
        message = _with_nearest_option(str(error), parser)
    except (SummGANError, DatasetGenerationError) as error:
        message = str(error)
    except BrokenPipeError:
        # Whoever read has gone; what is still buffered must not be written to it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        message = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
    except KeyboardInterrupt:
        more = " Go on with --resume." if resumable else ""
        print(f"\nsummgan {name}: stopped.{more}", file=sys.stderr)
        return 130
    print(f"summgan {name}: {message}", file=sys.stderr)
    return 2


def _write_any_character() -> None:
    """Characters that the terminal's encoding lacks are written as escapes, not as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse_empty(namespace: Namespace) -> None:
    """An empty word where a name or text is wanted is a slip, as of an empty variable in a script."""
    for name, value in vars(namespace).items():
        if value == "" or (isinstance(value, list) and "" in value):
            raise SummGANError(
                f"{'' if name in ('files', 'text') else '--'}{name}: is empty; give a name or text."
            )


def _nearest(name: str, names) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _with_nearest_option(message: str, parser: ArgumentParser) -> str:
    """Add the nearest option to a message about one that does not exist."""
    known = [action.dest for action in parser._actions]
    found = re.search(r"arguments are required: (.+)", message)
    if found:
        return "; ".join(_required(name) for name in found[1].split(", "))
    found = re.search(r"[Uu]nrecognized arguments: --([\w.]+)", message)
    if found:
        return f"there is no option --{found[1]}{_nearest(found[1], known)}"
    found = re.search(r"Group '([\w.]+)' does not accept option '([\w.]+)'", message)
    if found:
        name = f"{found[1]}.{found[2]}"
        return f"there is no option {name}{_nearest(name, known)}"
    found = re.search(r'Parser key "([\w.]+)":(.*)', message, re.DOTALL)
    if found:
        return _wrong_value(found[1], found[2], parser)
    return " ".join(message.split())


def _wrong_value(name: str, reason: str, parser: ArgumentParser) -> str:
    """A sentence about a value that is not of the type that its option has."""
    value = re.search(
        r"(?:Got value|Given value): (.*)|Not of type \w+: (\S+) (?:does not|not an?) |: '(.*)'$", reason
    )
    actions = (vars(action) for action in parser._actions if action.dest == name)
    kinds = [action["_typehint"] for action in actions if "_typehint" in action]
    if not kinds:
        return f"--{name}: {' '.join(reason.split())}"
    if value is None:
        return f"--{name} must be {wanted(kinds[0])}"
    return refusal(f"--{name}", _number_of(next(filter(None, value.groups()))), kinds[0])


def _number_of(text: str) -> object:
    """The number that a text is, or else the text."""
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _required(name: str) -> str:
    return f"--{name} is needed" if name != "files" else "name the files"


def _say(sentence: str) -> None:
    from tqdm import tqdm

    tqdm.write(sentence, file=sys.stderr)


# train -------------------------------------------------------------------------------------------


def _train(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.codes.task import CodeTask
    from summgan.training.runtime import TrainingInterrupted
    from summgan.training.trainer import train

    options, resume = to_options(namespace, parser)
    task = None if options.code.kind == "words" else CodeTask
    try:
        train(options, resume=resume, say=_say, task=task)
    except TrainingInterrupted as interruption:
        _say(str(interruption))
        return 130
    return 0


# summarize ---------------------------------------------------------------------------------------


def _summarize_parser() -> ArgumentParser:
    parser = new_parser(
        "summarize",
        "Summarize files (txt, jsonl, csv, tsv, parquet, each also .gz, folders, patterns) or "
        "standard input, one document a line.",
    )
    output = "File to write (.jsonl, .txt, .csv or .parquet); the screen if none is given."
    add_options(parser, "files", "model", "document_column", output=output)
    parser.add_class_arguments(SummarizerOptions, None, skip={"reconstruct"})
    parser.add_argument(
        "--reconstruct", action="store_true", help="Also write what the reconstructor makes of the summary."
    )
    parser.add_argument(
        "--dtype", type=str, default="float32", help="Type of the weights: float32, bfloat16 or float16."
    )
    add_options(parser, "device", "resume")
    return parser


def _summarize(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.commands import summarize

    return summarize(namespace.as_dict(), _say)


def _outline(namespace: Namespace, parser: ArgumentParser) -> int:
    return outline(namespace.as_dict(), _say)


# score -------------------------------------------------------------------------------------------


def _score_parser() -> ArgumentParser:
    parser = new_parser(
        "score",
        "Score summaries by ROUGE-1/2/L/Lsum with bootstrap intervals (95 %), in any script. If the "
        "documents are known, add two baselines at equal length (the lead and a rule) and copy rates.",
    )
    parser.add_argument("--predictions", required=True, type=str, help="File of summaries.")
    parser.add_argument(
        "--references", required=True, type=str, help="File of references, which may also hold the documents."
    )
    parser.add_argument("--documents", type=str | None, help="File of documents.")
    parser.add_argument("--compare", type=str | None, help="File of other summaries, for a paired test.")
    parser.add_argument("--reference_column", type=str | None, help="Name of the column with the reference.")
    parser.add_argument("--stemmer", action="store_true", help="Compare Porter stems of English words.")
    output = "File .json for all figures."
    add_options(parser, "prediction_column", "document_column", "seed", output=output)
    return parser


def _score(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.commands import score

    return score(namespace.as_dict(), _say)


# compare -----------------------------------------------------------------------------------------


def _compare(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.reading_commands import compare

    return compare(namespace.as_dict(), _say)


# codes -------------------------------------------------------------------------------------------


def _encode_parser() -> ArgumentParser:
    parser = new_parser("encode", "Encode files with a one-hot, binary, VQ or tree model.")
    parser.add_argument("files", nargs="+", help="Documents in any format that training reads.")
    parser.add_argument("--model", required=True, type=str, help="Folder of a trained code.")
    parser.add_argument(
        "--index", type=str | None, help="Folder to write an index to, for binary codes and trees."
    )
    parser.add_argument("--batch_size", type=PositiveInt, default=256, help="Number of documents at a time.")
    output = "File to write (.parquet, .jsonl or .csv)."
    add_options(parser, "document_column", "device", "resume", output=output)
    return parser


def _encode(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.code_commands import encode

    return encode(namespace.as_dict(), _say)


def _search_parser() -> ArgumentParser:
    parser = new_parser("search", "Find the documents of an index that are most similar to a text.")
    parser.add_argument("text", type=str, help="The text.")
    parser.add_argument(
        "--index", required=True, type=str, help="Folder that summgan encode --index has written."
    )
    parser.add_argument("--model", required=True, type=str, help="Folder of the model that made the index.")
    parser.add_argument("--k", type=PositiveInt, default=10, help="Number of documents to find.")
    add_options(parser, "device")
    return parser


def _search(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.code_commands import search

    return search(namespace.as_dict())


# tokenizer and demo ------------------------------------------------------------------------------


def _tokenizer_parser() -> ArgumentParser:
    parser = new_parser("tokenizer", "Learn a SentencePiece vocabulary from text files and save it.")
    parser.add_argument("files", nargs="+", help="Texts in any format that training reads.")
    parser.add_argument("--output", required=True, type=str, help="Folder to write.")
    parser.add_argument("--column", type=str | None, help="Name of the column with the text.")
    parser.add_class_arguments(TokenizerOptions, None, skip={"path"})
    return parser


def _tokenizer(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.commands import tokenizer

    return tokenizer(namespace.as_dict(), _say)


def _demo_parser() -> ArgumentParser:
    parser = new_parser(
        "demo",
        "Train a plain auto-encoder and summgan on a built-in corpus, then compare them on documents "
        "that neither has seen. About four minutes on two cores.",
    )
    parser.add_argument("--output_dir", type=str, default="runs/demo", help="Folder to write.")
    parser.add_argument("--seed", type=int, default=0, help="Seed of the corpus and of training.")
    return parser


def _demo(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.demo.run import run_demo

    run_demo(Path(namespace.output_dir), namespace.seed, _say)
    return 0


_COMMANDS = {
    "train": (train_parser, _train),
    "summarize": (_summarize_parser, _summarize),
    "outline": (outline_parser, _outline),
    "score": (_score_parser, _score),
    "compare": (compare_parser, _compare),
    "encode": (_encode_parser, _encode),
    "search": (_search_parser, _search),
    "tokenizer": (_tokenizer_parser, _tokenizer),
    "demo": (_demo_parser, _demo),
}
