import csv
import io
import json

import pytest

from summgan.errors import SummGANError
from summgan.evaluation.reading import (
    SCALES,
    compare_systems,
    describe_comparison,
    key_as_json,
    make_sheet,
    read_key,
    read_marks,
    sheet_as_tsv,
)

DOCUMENTS = [f"Document {number} says a thing or two." for number in range(12)]
SYSTEMS = {
    "good": [f"Thing {number} is said" for number in range(12)],
    "bad": [f"thing thing {number}" for number in range(12)],
    "twin": [f"Thing {number} is said" if number % 2 else f"Other {number}" for number in range(12)],
}


@pytest.fixture
def sheet():
    return make_sheet(DOCUMENTS, SYSTEMS, count=8, seed=3)


def fill(tmp_path, sheet, mark, name="marks.tsv"):
    """Write the table of a sheet as a reader would save it, with marks by a function of the candidate."""
    rows = list(csv.DictReader(io.StringIO(sheet_as_tsv(sheet)), delimiter="\t"))
    for row, candidate in zip(rows, sheet, strict=True):
        row |= mark(candidate) or {}
    path = tmp_path / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return path


def by_quality(candidate):
    good = "good" in candidate.systems
    return {name: highest * good for name, highest in SCALES.items()}


def test_a_sheet_has_every_system_of_every_drawn_document_once(sheet):
    items = sorted({candidate.item for candidate in sheet})
    assert items == list(range(1, 9))
    for item in items:
        mine = [candidate for candidate in sheet if candidate.item == item]
        assert sorted(name for candidate in mine for name in candidate.systems) == sorted(SYSTEMS)
        assert len({candidate.summary for candidate in mine}) == len(mine)  # equal summaries are marked once
        assert [candidate.label for candidate in mine] == ["A", "B", "C"][: len(mine)]
        row = DOCUMENTS.index(mine[0].document)
        for candidate in mine:
            assert all(SYSTEMS[name][row] == candidate.summary for name in candidate.systems)


def test_the_place_of_a_system_says_nothing(sheet):
    first = [next(c for c in sheet if c.item == item).systems for item in range(1, 9)]
    assert len(set(first)) > 1
    assert (
        sheet == make_sheet(DOCUMENTS, SYSTEMS, count=8, seed=3) != make_sheet(DOCUMENTS, SYSTEMS, 8, seed=4)
    )


def test_the_table_names_no_system_and_the_key_all(sheet, tmp_path):
    table = sheet_as_tsv(sheet)
    assert not any(name in table for name in SYSTEMS)
    (tmp_path / "key.json").write_text(key_as_json(sheet), encoding="utf-8")
    assert read_key(tmp_path / "key.json") == sheet


def test_marks_are_put_together_by_system(sheet, tmp_path):
    readers = {"a": read_marks(fill(tmp_path, sheet, by_quality), sheet)}
    comparison = compare_systems(sheet, readers)
    systems = comparison.systems
    assert (
        list(systems)[0] == "good" and systems["good"]["accepted"] == 100 and systems["bad"]["accepted"] == 0
    )
    same = sum("good" in c.systems and "twin" in c.systems for c in sheet)
    assert systems["twin"]["accepted"] == pytest.approx(100 * same / 8)
    assert systems["good"]["grammar"] == 2 and systems["bad"]["useful"] == 0
    pair = comparison.pairs["good", "bad"]
    assert (pair.wins, pair.ties, pair.losses) == (8, 0, 0) and pair.test.difference == 100
    assert comparison.pairs["good", "twin"].ties == same
    assert comparison.agreement == {}
    assert "good against bad: better 8, same 0, worse 0" in describe_comparison(comparison)


def test_readers_are_averaged_and_their_agreement_is_measured(sheet, tmp_path):
    first = read_marks(fill(tmp_path, sheet, by_quality), sheet)
    worst = read_marks(fill(tmp_path, sheet, lambda c: dict.fromkeys(SCALES, 0), "b.tsv"), sheet)
    comparison = compare_systems(sheet, {"a": first, "b": worst})
    assert comparison.systems["good"]["accepted"] == 50 and comparison.systems["good"]["grammar"] == 1
    assert comparison.agreement["accepted"] < 0.3
    assert compare_systems(sheet, {"a": first, "b": first}).agreement["accepted"] == pytest.approx(1)


def test_a_reader_may_stop_early(sheet, tmp_path):
    path = fill(tmp_path, sheet, lambda c: by_quality(c) if c.item <= 2 else None)
    marks = read_marks(path, sheet)
    assert {item for item, _ in marks} == {1, 2}
    assert compare_systems(sheet, {"a": marks}).items == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"grammar": "3"}, r"row 2: grammar is '3'; it must be one of 0, 1, 2"),
        ({"accepted": "yes"}, r"row 2: accepted is 'yes'; it must be one of 0, 1\."),
        ({"useful": ""}, "row 2: useful is ''"),
        ({"item": "99"}, "row 2 is of item 99 A, which is not on the sheet"),
        ({"item": "x"}, "row 2 is of item x"),
    ],
)
def test_a_mark_that_cannot_be_is_named(change, message, sheet, tmp_path):
    path = fill(tmp_path, sheet, lambda c: by_quality(c) | (change if c is sheet[0] else {}))
    with pytest.raises(SummGANError, match=message):
        read_marks(path, sheet)


def test_what_is_no_table_or_key_is_refused(sheet, tmp_path):
    for content, message in (
        (b"a\tb\n1\t2\n", "has no column"),
        (b"\xff\xfe", "not a table of marks"),
        (b"", "no marks"),
    ):
        (tmp_path / "m.tsv").write_bytes(content)
        with pytest.raises(SummGANError, match=message):
            read_marks(tmp_path / "m.tsv", sheet)
    for content in ("[]", "{", '{"sheet": [{"item": 1}]}', json.dumps({"sheet": 3})):
        (tmp_path / "key.json").write_text(content)
        with pytest.raises(SummGANError, match="not the key of a blind reading"):
            read_key(tmp_path / "key.json")


def test_a_blank_document_keeps_its_place_and_is_not_drawn():
    sheet = make_sheet(["One.", "", "Three."], {"s": ["a", "", "c"]})
    assert [(c.document, c.summary) for c in sheet] == [("One.", "a"), ("Three.", "c")]


def test_systems_have_one_summary_of_each_document():
    with pytest.raises(SummGANError, match="12 documents but 2 summaries of short"):
        make_sheet(DOCUMENTS, {"short": ["a", "b"]})
    with pytest.raises(SummGANError, match="at least one document and one system"):
        make_sheet([], {})
