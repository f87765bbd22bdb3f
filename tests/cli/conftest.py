import pytest

from summgan.cli.main import main
from summgan.text.vocabulary import Vocabulary


@pytest.fixture
def model(tokenizer, tiny_model, tmp_path):
    tiny_model(tokenizer).save_pretrained(tmp_path / "model")
    Vocabulary(tokenizer).save_pretrained(tmp_path / "model")
    return str(tmp_path / "model")


@pytest.fixture
def call(capsys):
    def run(*arguments):
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return status, captured.out, captured.err

    return run
