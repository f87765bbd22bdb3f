"""Layers: a file imports only from its own room and from rooms before it in the table of CONTRIBUTING.md."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "summgan"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def levels():
    """Row of each room in the table of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    return {name: level for level, row in enumerate(rows) for name in re.findall(r"`([\w]+?)/?`", row)}


def name_of(module):
    """Turn ``networks/words.py`` into ``networks.words``."""
    return ".".join(module.with_suffix("").parts).removesuffix(".__init__")


def level_of(name):
    return levels()[name.split(".")[0]]


def imports(module):
    for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("summgan."):
            yield node.module.removeprefix("summgan.")
        elif isinstance(node, ast.ImportFrom) and node.module == "summgan":
            yield from (alias.name for alias in node.names if alias.name != "__version__")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_downwards(module):
    name = name_of(module)
    if name in ("__init__", "__main__"):
        return
    for other in imports(module):
        same_room = other.split(".")[0] == name.split(".")[0]
        assert same_room or level_of(other) < level_of(name), f"{name} imports {other}"


def test_every_room_says_what_belongs_there_and_every_file_is_in_the_table():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (`.+?) \| (.+) \|$", text, re.MULTILINE))
    for module in MODULES:
        if module.name.startswith("__") or module.parts[0] == "demo" or len(module.parts) > 2:
            continue
        room = f"`{name_of(module).split('.')[0]}"
        row = next((f"{name} {files}" for name, files in rows.items() if room in name), "")
        assert f"`{module.stem}`" in row, f"{module} is not in the table of CONTRIBUTING.md"


# Declarations, constants and abstract bases, tested through the modules that use them.
WITHOUT_TESTS = {
    "__main__.py",
    "cli/reading_parser.py",
    "cli/shared.py",
    "demo/vocabulary.py",
    "training/callbacks.py",
    "writing/summary.py",
    "writing/writer.py",
}


def test_every_module_with_behaviour_of_its_own_has_tests_of_its_own():
    missing = {
        module.as_posix()
        for module in MODULES
        if module.name != "__init__.py"
        and not (ROOT / "tests" / module.parent / f"test_{module.name}").is_file()
    }
    assert missing == WITHOUT_TESTS


def test_there_is_no_circle_within_a_folder():
    graph = {name_of(m): set(imports(m)) for m in MODULES}

    def visit(name, path=()):
        assert name not in path, " -> ".join([*path, name])
        for other in graph.get(name, ()):
            visit(other, (*path, name))

    for name in graph:
        visit(name)


def test_every_file_is_small_enough_to_hold_in_mind():
    for module in MODULES:
        lines = (PACKAGE / module).read_text(encoding="utf-8").count("\n")
        assert lines <= 400, f"{module}: {lines} lines"


def test_every_public_name_says_what_it_is():
    for module in MODULES:
        tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), module
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{module}: {node.name}"
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 60, f"{module}: {node.name} is too long"
