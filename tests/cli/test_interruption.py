import os
import signal
import time

import pytest

from summgan.cli import main as cli


def interrupted_import(number):
    """Make a command in which a signal interrupts the import of a compiled module."""

    def run(namespace, parser):
        try:
            os.kill(os.getpid(), number)
            time.sleep(60)
        except KeyboardInterrupt:
            raise ImportError("initialization failed") from None

    return run


@pytest.fixture
def listening():
    """Let Ctrl-C interrupt, also where the tests run in a background that ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_a_library_makes_of_a_signal_is_the_interruption(number, listening, monkeypatch, capsys):
    before = signal.getsignal(number)
    monkeypatch.setitem(cli._COMMANDS, "demo", (cli._demo_parser, interrupted_import(number)))
    assert cli.main(["demo"]) == 130
    assert capsys.readouterr().err == "\nsummgan demo: stopped.\n"
    assert signal.getsignal(number) is before


def test_an_error_without_a_signal_stays_one(monkeypatch):
    def run(namespace, parser):
        raise ImportError("no such module")

    monkeypatch.setitem(cli._COMMANDS, "demo", (cli._demo_parser, run))
    with pytest.raises(ImportError, match="no such module"):
        cli.main(["demo"])


def test_where_ctrl_c_is_ignored_it_stays_so(monkeypatch):
    def run(namespace, parser):
        os.kill(os.getpid(), signal.SIGINT)
        return 0

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        monkeypatch.setitem(cli._COMMANDS, "demo", (cli._demo_parser, run))
        assert cli.main(["demo"]) == 0
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
