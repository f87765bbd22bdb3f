"""Project files: supported Pythons, pins, one version of ruff, and no use of deprecated features."""

import importlib.metadata
import logging
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = [
    found[1]
    for line in PROJECT["project"]["classifiers"]
    if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
]
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
GPU = re.compile("nvidia|cuda|triton")  # dependencies of torch's GPU builds


def applies(requirement, python, extra=""):
    environment = {"python_version": python, "python_full_version": f"{python}.9", "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def pinned(python):
    return {canonicalize_name(pin.name): pin for pin in PINS if applies(pin, python)}


def version(pin):
    (one,) = pin.specifier
    assert one.operator == "==" and "*" not in one.version, pin
    return one.version


def test_the_pythons_promised_are_the_pythons_named():
    oldest = PYTHONS[0]
    assert PROJECT["project"]["requires-python"] == f">={oldest}"
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert [f"3.{minor}" for minor in range(10, 10 + len(PYTHONS))] == PYTHONS


@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_has_one_pin_for_every_python(python):
    names = [canonicalize_name(pin.name) for pin in PINS if applies(pin, python)]
    assert sorted(names) == sorted(set(names))
    assert all(version(pin) for pin in PINS)


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_needed_is_pinned_within_its_bounds(python):
    needed = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    pins = pinned(python)
    for requirement in map(Requirement, needed):
        assert version(pins[canonicalize_name(requirement.name)]) in requirement.specifier, requirement


def test_what_is_installed_is_pinned_and_admits_the_pythons_of_its_pin():
    """The metadata of an installed package says which Pythons it supports."""
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    pins, waiting, seen = pinned(running), [("summgan", "dev")], set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen or GPU.match(name):
            continue
        seen.add((name, extra))
        found = importlib.metadata.distribution(name)
        for requirement in map(Requirement, found.requires or ()):
            if applies(requirement, running, extra):
                other = canonicalize_name(requirement.name)
                waiting += [(other, ""), *((other, wanted) for wanted in requirement.extras)]
        if name == "summgan":
            continue
        assert name in pins, f"{name} has no line in constraints.txt"
        if found.version == version(pins[name]):
            admitted = SpecifierSet(found.metadata.get("Requires-Python", ""))
            for python in PYTHONS:
                if applies(pins[name], python):
                    assert f"{python}.99" in admitted, f"{name} {found.version} cannot have {python}"


def test_one_ruff_checks_everywhere():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    (ruff,) = (repo for repo in hooks if "ruff" in repo["repo"])
    assert ruff["rev"] == f"v{version(pinned(PYTHONS[0])['ruff'])}"
    commands = {"ruff-check": ["check"], "ruff-format": ["format", "--check"]}
    for hook in ruff["hooks"]:
        command = [sys.executable, "-m", "ruff", *commands[hook["id"]], "--no-cache", "."]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_announced_removals_fail_a_test():
    with pytest.raises(FutureWarning):
        warnings.warn("`old` will be removed in version 6", FutureWarning, stacklevel=1)
    with pytest.raises(AssertionError, match=r"transformers.x announces a removal"):
        logging.getLogger("transformers.x").warning("`old` is deprecated, use `new`")
    logging.getLogger("transformers.x").warning("something else")
