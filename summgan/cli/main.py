"""The ``summgan`` command: train, summarize, score, compare, encode, search, tokenizer, demo.

Each command is a parser and a function; the functions import what they need, so that ``--help`` is quick.
A mistake of the user's ends with one sentence on standard error and exit status 2.
"""

from __future__ import annotations

import difflib
import io
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jsonargparse import ArgumentError, ArgumentParser, Namespace

from summgan import __version__
from summgan.cli.reading_parser import compare_parser
from summgan.errors import SummGANError
from summgan.options.configuration import DEFAULT_MODEL, TokenizerOptions
from summgan.options.parsing import config_first, new_parser, to_options, train_parser

_OVERVIEW = f"""summgan {__version__} learns to summarize from text nobody labelled.

usage: summgan COMMAND ...

  train       learn from documents and unpaired human sentences
  summarize   summarize files or standard input with a trained model
  score       ROUGE and copy rates of summaries, beside simple baselines
  compare     blind reading of several systems: make a sheet, read marks back
  encode      clusters, bits or code ids of files, with a code that was trained
  search      nearest documents by Hamming distance of their bits
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
    if name == "train":
        arguments = config_first(arguments)
    return _guarded(name, make_parser(), run, arguments)


def _guarded(name: str, parser: ArgumentParser, run, arguments: list[str]) -> int:
    """Parse and run; turn every expected exception into a sentence and a status."""
    try:
        with _terminated_like_interrupted():
            return _run(name, parser, run, arguments)
    except KeyboardInterrupt:
        print(f"\nsummgan {name}: stopped.", file=sys.stderr)
        return 130


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, so that what it has begun is cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread handle signals
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(name: str, parser: ArgumentParser, run, arguments: list[str]) -> int:
    from datasets.exceptions import DatasetGenerationError

    _write_any_character()
    resumable = False
    try:
        namespace = parser.parse_args(arguments)
        _refuse_empty(namespace)
        resumable = bool(namespace.get("output")) and "resume" in namespace
        return run(namespace, parser)
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
        return _wrong_value(found[1], found[2])
    return " ".join(message.split())


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "list": "a list",
}


def _wrong_value(name: str, reason: str) -> str:
    """A sentence about a value that is not of the kind that its option has."""
    value = re.search(r"(?:Got value|Given value): (.*)", reason)
    choice = re.search(r"Literal\[(.*?)\]", reason)
    kinds = [_KINDS[kind] for kind in re.findall(r"Expected an? <class '(\w+)'>", reason) if kind in _KINDS]
    if value is None or not (choice or kinds):
        return f"--{name}: {' '.join(reason.split())}"
    wanted = f"one of {choice[1]}" if choice else " or ".join(dict.fromkeys(kinds))
    return f"--{name} is {value[1]!r}; it must be {wanted}"


def _required(name: str) -> str:
    return f"--{name} is needed" if name != "files" else "name the files"


def _say(sentence: str) -> None:
    from tqdm import tqdm

    tqdm.write(sentence, file=sys.stderr)


# train -------------------------------------------------------------------------------------------


def _train(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.training.runtime import TrainingInterrupted

    options, resume = to_options(namespace, parser)
    if options.code.kind == "words":
        from summgan.training.trainer import train as run
    else:
        from summgan.codes.trainer import train_codes as run
    try:
        run(options, resume=resume, say=_say)
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
    parser.add_argument("files", nargs="*", help="documents; none, or -, for standard input")
    parser.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        type=str,
        help="folder of a trained model; by default the one in the package, for English news",
    )
    parser.add_argument(
        "--output",
        type=str | None,
        help="file .jsonl, .txt, .csv or .parquet; standard output if none",
    )
    parser.add_argument("--document_column", type=str | None, help="column of the document")
    parser.add_argument("--max_words", type=int | None, help="most words (or characters)")
    parser.add_argument("--min_words", type=int | None, help="fewest words (or characters)")
    parser.add_argument("--num_beams", type=int, default=4, help="width of the decoder's beam search")
    parser.add_argument(
        "--num_candidates",
        type=int,
        default=4,
        help="summaries written of each document; the one that rebuilds and reads best is kept",
    )
    parser.add_argument("--batch_size", type=int, default=32, help="documents at a time")
    parser.add_argument("--reconstruct", action="store_true", help="write reconstructions too")
    parser.add_argument("--device", type=str | None, help="cpu, cuda, ...; a GPU if there is one")
    parser.add_argument("--dtype", type=str, default="float32", help="float32, bfloat16, float16")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted output")
    return parser


def _summarize(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.commands import summarize

    settings = namespace.as_dict()
    return summarize(settings, _say)


# score -------------------------------------------------------------------------------------------


def _score_parser() -> ArgumentParser:
    parser = new_parser(
        "score",
        "ROUGE-1/2/L/Lsum with bootstrap 95 % intervals, in any script. Where the documents are "
        "known, also lead and rule baselines at equal length, copy rates and new words.",
    )
    parser.add_argument("--predictions", required=True, type=str, help="file of summaries")
    parser.add_argument(
        "--references", required=True, type=str, help="file of references (may hold the documents)"
    )
    parser.add_argument("--documents", type=str | None, help="file of documents")
    parser.add_argument("--compare", type=str | None, help="other summaries, for a paired test")
    parser.add_argument("--prediction_column", type=str | None, help="column of the summaries")
    parser.add_argument("--reference_column", type=str | None, help="column of the references")
    parser.add_argument("--document_column", type=str | None, help="column of the documents")
    parser.add_argument("--stemmer", action="store_true", help="Porter stemmer (English)")
    parser.add_argument("--output", type=str | None, help="file .json for all figures")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
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
    parser = new_parser("encode", "Encode files with a one-hot, binary or VQ model.")
    parser.add_argument("files", nargs="+", help="documents of any format that training reads")
    parser.add_argument("--model", required=True, type=str, help="folder of a trained code")
    parser.add_argument("--output", type=str | None, help="file .parquet, .jsonl or .csv")
    parser.add_argument("--index", type=str | None, help="folder of a search index (binary codes)")
    parser.add_argument("--document_column", type=str | None, help="column of the document")
    parser.add_argument("--batch_size", type=int, default=256, help="documents at a time")
    parser.add_argument("--device", type=str | None, help="cpu, cuda, ...")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted output")
    return parser


def _encode(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.code_commands import encode

    return encode(namespace.as_dict(), _say)


def _search_parser() -> ArgumentParser:
    parser = new_parser("search", "Find the documents of an index that are nearest to a text.")
    parser.add_argument("text", type=str, help="what is looked for")
    parser.add_argument("--index", required=True, type=str, help="folder made by summgan encode --index")
    parser.add_argument("--model", required=True, type=str, help="the binary model that it was made by")
    parser.add_argument("--k", type=int, default=10, help="documents wanted")
    parser.add_argument("--device", type=str | None, help="cpu, cuda, ...")
    return parser


def _search(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.cli.code_commands import search

    return search(namespace.as_dict())


# tokenizer and demo ------------------------------------------------------------------------------


def _tokenizer_parser() -> ArgumentParser:
    parser = new_parser("tokenizer", "Learn a SentencePiece vocabulary from text files and save it.")
    parser.add_argument("files", nargs="+", help="texts of any format that training reads")
    parser.add_argument("--output", required=True, type=str, help="folder to write")
    parser.add_argument("--column", type=str | None, help="column of the text")
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
    parser.add_argument("--output_dir", type=str, default="runs/demo", help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="of corpus and training")
    return parser


def _demo(namespace: Namespace, parser: ArgumentParser) -> int:
    from summgan.demo.run import run_demo

    run_demo(Path(namespace.output_dir), namespace.seed, _say)
    return 0


_COMMANDS = {
    "train": (train_parser, _train),
    "summarize": (_summarize_parser, _summarize),
    "score": (_score_parser, _score),
    "compare": (compare_parser, _compare),
    "encode": (_encode_parser, _encode),
    "search": (_search_parser, _search),
    "tokenizer": (_tokenizer_parser, _tokenizer),
    "demo": (_demo_parser, _demo),
}
