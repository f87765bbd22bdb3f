"""Parsing of YAML files and the command line: jsonargparse over the dataclasses of `configuration`."""

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
    """Accepts lone surrogates, in which Python keeps file names that are not UTF-8; libyaml refuses them."""

    NON_PRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ufeff\ufffc-\U0010ffff]")  # type: ignore[misc]


def _load(text: str) -> Any:
    return yaml.load(text, _AnyNameLoader) if _SURROGATE.search(text) else _load_yaml(text)


set_loader("yaml", _load, (yaml.YAMLError,))


def new_parser(name: str, description: str) -> ArgumentParser:
    """Make the parser of a command; it raises `ArgumentError` and accepts only full names of options."""
    return ArgumentParser(
        prog=f"summgan {name}", description=description, exit_on_error=False, allow_abbrev=False
    )


def train_parser() -> ArgumentParser:
    """Make the parser of ``summgan train``."""
    parser = new_parser(
        "train",
        "Learn to summarize from unlabelled documents and unpaired human sentences. "
        "Give a YAML file and, after it, the options that override it.",
    )
    parser.usage = "summgan train CONFIG.yaml [--training.learning_rate 3e-4 ...] [--resume]"
    parser.add_argument("--config", action=ActionConfigFile, help="YAML file of the options below.")
    parser.add_argument("--resume", action="store_true", help="Continue from the newest checkpoint.")
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
    """Parse the options of a training run, and whether to resume it.

    Args:
        arguments: Arguments of ``summgan train``: a YAML file and overrides.

    Raises:
        jsonargparse.ArgumentError: An option is unknown, or its value has the wrong type.
    """
    parser = train_parser()
    return to_options(parser.parse_args(config_first(arguments)), parser)


def config_first(arguments: Sequence[str]) -> list[str]:
    """Turn a leading file name into ``--config FILE``."""
    arguments = list(arguments)
    if arguments and not arguments[0].startswith("-"):
        return ["--config", *arguments]
    return arguments


def to_options(namespace: Namespace, parser: ArgumentParser) -> tuple[Options, bool]:
    """Turn the parsed arguments of ``summgan train`` into options, and whether to resume.

    Raises:
        SummGANError: A weight is given for a loss term that a code does not have.
    """
    made = parser.instantiate(namespace)
    options = Options(made.data, made.tokenizer, made.model, made.training, made.code)
    if options.code.kind != "words":
        given = parser.parse_args(parser.args, defaults=False)
        refuse_weights(vars(given.get("training.loss_weights", Namespace())))
    return options, namespace.resume
