"""The ``summgan`` command: train, summarize, outline, score, compare, encode, search, tokenizer, demo.

Each command is a parser and a function. The functions import what they need, so that ``--help`` is quick.
A user's mistake ends with one sentence on standard error and exit status 2.
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

_OVERVIEW = f"""summgan {__version__} learns to summarize from unlabelled text.

usage: summgan COMMAND ...

  train       train a model on documents and unpaired human sentences
  summarize   summarize files or standard input
  outline     write nested summaries of documents, from a title to the text
  score       score summaries by ROUGE, beside simple baselines
  compare     compare systems by blind reading
  encode      encode files as clusters, bits or codebook entries
  search      find the documents of an index that are most similar to a text
  tokenizer   learn only a vocabulary
  demo        train, summarize and score on made-up news, in minutes

summgan COMMAND --help shows the options of a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Command and its options; by default those of the process.

    Returns:
        Exit status: 0 for success, 1 if some rows failed, 2 for a mistake in the call or its files, 130 if
        the command was interrupted.
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
    """Parse the options and run a command; turn an interruption into a message and a status."""
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
        # The reader of the pipe has gone; Python must not flush the rest of the buffer to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        message = f"{error.strerror or error}: {error.filename or ''}".rstrip(": ")
    except KeyboardInterrupt:
        more = " Continue with --resume." if resumable else ""
        print(f"\nsummgan {name}: stopped.{more}", file=sys.stderr)
        return 130
    print(f"summgan {name}: {message}", file=sys.stderr)
    return 2


def _write_any_character() -> None:
    """Write characters that the terminal's encoding lacks as escapes, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _refuse_empty(namespace: Namespace) -> None:
    """Refuse an empty name or text, which is a slip such as an empty variable in a script."""
    for name, value in vars(namespace).items():
        if value == "" or (isinstance(value, list) and "" in value):
            option = name if name in ("files", "text") else f"--{name}"
            raise SummGANError(f"{option} is empty; give a name or text.")


def _nearest(name: str, names) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _with_nearest_option(message: str, parser: ArgumentParser) -> str:
    """Rewrite a message of the parser as one sentence, with the nearest option for an unknown one."""
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
    """Say in one sentence that a value does not have the type of its option."""
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
    """Return a text as the number that it represents, or unchanged."""
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _required(name: str) -> str:
    return f"--{name} is needed" if name != "files" else "name at least one file"


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
        "Summarize files (txt, jsonl, csv, tsv or parquet, also gzipped; folders; patterns) or "
        "standard input, one document per line.",
    )
    output = "File to write (.jsonl, .txt, .csv or .parquet); by default the screen."
    add_options(parser, "files", "model", "document_column", output=output)
    parser.add_class_arguments(SummarizerOptions, None, skip={"reconstruct"})
    parser.add_argument(
        "--reconstruct",
        action="store_true",
        help="Also write the document that the reconstructor makes of the summary.",
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
        "Score summaries in any script by ROUGE-1/2/L/Lsum with 95 % bootstrap intervals. If the "
        "documents are given, add two baselines of equal length (the lead and a rule) and copy rates.",
    )
    parser.add_argument("--predictions", required=True, type=str, help="File of summaries.")
    parser.add_argument(
        "--references", required=True, type=str, help="File of references; it may contain the documents too."
    )
    parser.add_argument("--documents", type=str | None, help="File of documents.")
    parser.add_argument("--compare", type=str | None, help="File of other summaries, for a paired test.")
    parser.add_argument("--reference_column", type=str | None, help="Name of the column with the reference.")
    parser.add_argument("--stemmer", action="store_true", help="Compare Porter stems, for English only.")
    output = "File of all figures (.json)."
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
    parser = new_parser("encode", "Encode documents with a trained one-hot, binary, VQ or tree code.")
    parser.add_argument("files", nargs="+", help="Files of documents, in any format that training reads.")
    parser.add_argument("--model", required=True, type=str, help="Folder of a trained code.")
    parser.add_argument("--index", type=str | None, help="Folder of a new index, for binary and tree codes.")
    parser.add_argument("--batch_size", type=PositiveInt, default=256, help="Number of documents in a batch.")
    output = "File to write (.parquet, .jsonl or .csv)."
    add_options(parser, "document_column", "device", "resume", output=output)
    return parser


def _encode(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.code_commands import encode

    return encode(namespace.as_dict(), _say)


def _search_parser() -> ArgumentParser:
    parser = new_parser("search", "Find the documents of an index that are most similar to a text.")
    parser.add_argument("text", type=str, help="Text to search for.")
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
    parser = new_parser("tokenizer", "Learn a SentencePiece vocabulary from texts and save it.")
    parser.add_argument("files", nargs="+", help="Files of texts, in any format that training reads.")
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
        "Train a plain auto-encoder and summgan on a made-up corpus, and compare them on documents that "
        "neither has seen. This takes about six minutes on two cores.",
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
