"""Options from YAML files and the command line, by jsonargparse over the dataclasses of `configuration`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml
from jsonargparse import (
    ActionConfigFile,
    ArgumentParser,
    Namespace,
    get_loader,
    set_loader,
    set_parsing_settings,
)

from summgan.options.configuration import (
    CodeOptions,
    DataOptions,
    ModelOptions,
    Options,
    TokenizerOptions,
    TrainingOptions,
    refuse_weights,
)

set_parsing_settings(docstring_parse_attribute_docstrings=True)
_load_yaml = get_loader("yaml")
_SURROGATE = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F]")


class _AnyNameLoader(yaml.SafeLoader):
    """Reads the lone surrogates by which Python knows names of files that are no UTF-8; libyaml does not."""

    NON_PRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ufeff\ufffc-\U0010ffff]")  # type: ignore[misc]


def _load(text: str) -> Any:
    return yaml.load(text, _AnyNameLoader) if _SURROGATE.search(text) else _load_yaml(text)


set_loader("yaml", _load, (yaml.YAMLError,))


def new_parser(name: str, description: str) -> ArgumentParser:
    """A parser for a command that raises `ArgumentError` and takes options by their full names."""
    return ArgumentParser(
        prog=f"summgan {name}", description=description, exit_on_error=False, allow_abbrev=False
    )


def train_parser() -> ArgumentParser:
    """The parser of ``summgan train``."""
    parser = new_parser(
        "train",
        "Learn to summarize from documents nobody labelled and from unpaired human sentences. "
        "Give a YAML file and, after it, any option that shall differ.",
    )
    parser.usage = "summgan train CONFIG.yaml [--training.learning_rate 3e-4 ...] [--resume]"
    parser.add_argument("--config", action=ActionConfigFile, help="YAML file with these options.")
    parser.add_argument("--resume", action="store_true", help="Go on from the newest checkpoint.")
    for block, kind in (
        ("data", DataOptions),
        ("tokenizer", TokenizerOptions),
        ("model", ModelOptions),
        ("training", TrainingOptions),
        ("code", CodeOptions),
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
    parser = train_parser()
    return to_options(parser.parse_args(config_first(arguments)), parser)


def config_first(arguments: Sequence[str]) -> list[str]:
    """A leading file name stands for ``--config FILE``."""
    arguments = list(arguments)
    if arguments and not arguments[0].startswith("-"):
        return ["--config", *arguments]
    return arguments


def to_options(namespace: Namespace, parser: ArgumentParser) -> tuple[Options, bool]:
    """Parsed arguments of ``summgan train`` as options, and whether to resume.

    Raises:
        SummGANError: A weight is given for a term that the code does not have.
    """
    made = parser.instantiate(namespace)
    options = Options(made.data, made.tokenizer, made.model, made.training, made.code)
    if options.code.kind != "words":
        given = parser.parse_args(parser.args, defaults=False)
        refuse_weights(vars(given.get("training.loss_weights", Namespace())))
    return options, namespace.resume
