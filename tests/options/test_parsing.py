from pathlib import Path

import pytest

from summgan.options.parsing import load_options

DEMO = Path(__file__).parents[2] / "configs" / "demo.yaml"


def test_the_command_line_overrides_the_file():
    options, _ = load_options([str(DEMO), "--training.learning_rate", "3e-4"])
    assert options.training.learning_rate == 3e-4


@pytest.mark.parametrize(
    "written", ['["a", "caf\udce9.txt"]', '["a", "caf\\udce9.txt"]', "[a, 'caf\udce9.txt']"]
)
def test_files_may_have_names_that_are_no_utf8(written):
    options, _ = load_options([str(DEMO), "--data.documents", written])
    assert options.data.documents == ["a", "caf\udce9.txt"]
