import subprocess

import pytest

from summgan.errors import SummGANError
from summgan.evaluation import grammar

TEXTS = ["The dog ran home.", "Government on challenged rand.", "", "!help", "new airport in Berlin"]
ANSWERS = """Found 4 linkages (4 had no P.P. violations)
\tLinkage 1, cost vector = (UNUSED=0 DIS= 0.00 LEN=7)

LEFT-WALL the  dog.n ran.v-d home.n-u .

No complete linkages found.
Found 3 linkages (3 had no P.P. violations) at null count 2
\tLinkage 1, cost vector = (UNUSED=2 DIS= 0.05 LEN=5)

LEFT-WALL new.a airport.n [in] [Berlin]
\tLinkage 2, cost vector
LEFT-WALL new.v airport.n

Bye.
"""


def test_answers_are_read_sentence_by_sentence(monkeypatch):
    done = subprocess.CompletedProcess([], 0, ANSWERS, "")
    monkeypatch.setattr("subprocess.run", lambda *arguments, **options: done)
    figures = grammar.parse_figures(["The dog ran home.", "new airport in Berlin"])
    assert figures == [{"parsed": 1.0, "verbless": 0.0}, {"parsed": 0.0, "verbless": 1.0}]
    with pytest.raises(SummGANError, match="answered only 2 of 3 sentences"):
        grammar.parse_figures(["a", "b", "c"])


@pytest.mark.skipif(not grammar.has_parser(), reason="link-parser is not installed")
def test_the_program_itself():
    figures = grammar.parse_figures(TEXTS)
    assert len(figures) == len(TEXTS)
    assert figures[0] == {"parsed": 1.0, "verbless": 0.0}
    assert figures[1]["parsed"] == 0 and figures[4] == {"parsed": 0.0, "verbless": 1.0}
