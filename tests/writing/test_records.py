from summgan.data.readers import Row
from summgan.errors import RowError, SummGANError
from summgan.writing.records import failed_record, in_order, read_items, read_summaries, record


def test_errors_stand_in_the_place_of_their_rows(write):
    path = write("a.jsonl", ['{"text": "one"}', "{broken", '{"text": "three"}', '{"text": ""}'])
    items = list(read_items(path, None, "document", "--document_column"))
    assert [item.text if isinstance(item, Row) else item.line for item in items] == ["one", 2, "three", 4]


def test_every_item_has_a_record_in_its_place(write):
    path = write("a.txt", ["one", "", "three", "four", "five"])
    items = list(read_items(path, None, "document", "--document_column"))
    items[3] = RowError("is odd.", "a.txt", 4)
    asked = []

    def make(rows):
        asked.append([row.text for row in rows])
        return [record(row, {"length": len(row.text)}) for row in rows]

    found = list(in_order(items, 2, make, {"length": None}))
    assert [values["length"] for values in found] == [3, None, 5, None, 4]
    assert [values["line"] for values in found] == [1, 2, 3, 4, 5]
    assert found[3]["error"] == "a.txt:4: is odd." and "error" not in found[1]
    assert asked == [["one"], ["three"], ["five"]]


def test_what_is_there_does_not_wait_for_what_is_not(write):
    items = list(read_items(write("a.txt", list("abcd")), None, "document", "--document_column"))
    sizes = []

    def make(rows):
        sizes.append(len(rows))
        return [record(row, {}) for row in rows]

    assert len(list(in_order(items, 3, make, {}, lambda: False))) == 4
    assert sizes == [1, 1, 1, 1]


def test_a_mistake_without_a_row_has_no_place():
    assert failed_record(SummGANError("no"), {"a": None}) == {"a": None, "error": "no"}


def test_missing_summaries_are_counted_and_the_first_is_named(write):
    said = []
    path = write("s.txt", ["one", "", "three", ""])
    assert read_summaries(path, None, "scored 0", said.append) == ["one", "", "three", ""]
    assert said == [f"2 of 4 rows of {path} had no summary and scored 0: {path}:2: is blank."]
