import json

import pytest

from summgan.data.readers import read_rows
from summgan.errors import SummGANError

ROWS = {
    # a bad row, and its error
    '{"text": "\\ud83d"}': "text contains half a character (the lone surrogate U+D83D)",
    '{"text": "x", "id": "\\udc00"}': "id contains half a character",
    '{"text": "a\\u0000b"}': "text contains a NUL character",
    '{"text": ' + "[" * 100_000 + "]" * 100_000 + "}": "broken JSON (nested too deeply)",
    "[" * 100_000: "broken JSON (nested too deeply)",
    '{"text": ' + "9" * 6000 + "}": "broken JSON (a number of 6,000 digits)",
    '{"text": 1e999}': "text is a float (inf), not a text",
    '{"text": NaN}': "broken JSON (NaN is not a JSON value; write null)",
    '{"text": "x", "score": -Infinity}': "broken JSON (-Infinity is not a JSON value",
    '{"text": "a", "text": "b"}': "broken JSON (the key 'text' appears twice)",
    '{"text": "a\tb"}': "broken JSON (Invalid control character at, character 12)",
    '{"text": "a"} {"text": "b"}': "broken JSON (Extra data, character 15)",
    '{"text": "a"},': "broken JSON (Extra data, character 14)",
    "{'text': 'a'}": "broken JSON (Expecting property name",
    '{"text": "a"': "broken JSON (Expecting ',' delimiter",
    '"\\ud800"': "text contains half a character",
    "null": "is null, not an object or a text",
    "12": "is an int (12), not an object or a text",
    "[{}]": "is a list, not an object or a text",
    "{}": "no column has a usual name",
    "{": "broken JSON (Expecting property name",
    '{"text": {"a": ["b"]}}': "text is a dict, not a text",
    "text": "broken JSON (Expecting value, character 1)",
}


def read(path, **options):
    errors = []
    rows = list(read_rows(path, on_bad_row=errors.append, **options))
    return [row.text for row in rows], [(error.line, error.reason) for error in errors]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[:40].encode("unicode_escape").decode())
def test_a_bad_line_is_named_and_harms_no_other(row, write):
    texts, errors = read(write("a.jsonl", ['{"text": "one"}', row, '{"text": "three"}']))
    assert texts == ["one", "three"]
    assert [line for line, _ in errors] == [2] and errors[0][1].startswith(ROWS[row])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[:40].encode("unicode_escape").decode())
def test_nor_does_it_where_it_is_the_first(row, write):
    texts, errors = read(write("a.jsonl", [row, '{"text": "two"}']))
    assert texts == ["two"] and [line for line, _ in errors] == [1]


@pytest.mark.parametrize("first", ['[{"text": "one"}', '["one"]', '[{"text": "x"}]', '[] {"text": "one"}'])
def test_a_first_line_like_an_array_is_a_bad_row_where_rows_follow(first, write):
    assert read(write("a.jsonl", [first, "", '{"text": "two"}', '{"text": "three"}']))[0] == ["two", "three"]


@pytest.mark.parametrize(
    "text",
    [
        '["one",\n"two"]',
        '["one"\n, "two"]',
        '\n[\n"one", "two"\n]\n',
        '[{"text":\n"one"}, "two"]',
        '[{\n"text": "one"\n},\n{"text": "two"}]',
        '[{"text": "one"\n}, {"text": "two"}]',
        '["one", "two"\n]',
        '["one", "two"]\n\n',
    ],
)
def test_arrays_may_be_broken_into_lines_where_they_like(text, write):
    assert read(write("a.jsonl", [text])) == (["one", "two"], [])


def test_lines_end_with_line_feeds_alone(tmp_path):
    odd = "a\u2028b\u2029c\x85d"
    (tmp_path / "a.jsonl").write_bytes(
        "\r\n".join(json.dumps({"text": odd, "id": odd}, ensure_ascii=False) for _ in range(3)).encode()
    )
    rows = list(read_rows(tmp_path / "a.jsonl"))
    assert [row.line for row in rows] == [1, 2, 3] and all(row.fields["id"] == odd for row in rows)


ARRAYS = {
    "[]": ([], []),
    " \n[\n]\n": ([], []),
    '\ufeff[{"text": "a"}, "b"]': (["a", "b"], []),
    '["a", 3, null, ["x"], "b"]': (["a", "b"], [2, 3, 4]),
    '["a", "\\ud800", "b"]': (["a", "b"], [2]),
    '["a", "b", {"text": }, "c"]': (["a", "b"], [3]),
    '["a", "b"': (["a", "b"], [3]),
    '["a", "b",': (["a", "b"], [3]),
    '["a", "b", "c': (["a", "b"], [3]),
    '["a", "b",]': (["a", "b"], [3]),
    '["a" "b"]': (["a"], [2]),
    '["a", "b"] "c"': (["a", "b"], [3]),
    '["a", NaN, "b"]': (["a", "b"], [2]),
    '["a", {"text": "b", "x": [-Infinity]}, {"text": "c", "text": "d"}, "e"]': (["a", "e"], [2, 3]),
    '["a", ' + "[" * 100_000 + ', "b"]': (["a"], [2]),
}


@pytest.mark.parametrize("content", ARRAYS, ids=lambda content: content[:30])
def test_rows_of_an_array_come_before_what_breaks_it(content, tmp_path):
    (tmp_path / "a.json").write_text(content, encoding="utf-8")
    texts, errors = read(tmp_path / "a.json")
    assert (texts, [line for line, _ in errors]) == ARRAYS[content]


def test_bytes_that_are_not_utf_8_spoil_one_row_of_an_array(tmp_path):
    (tmp_path / "a.json").write_bytes(b'[{"text": "a"}, {"text": "caf\xe9"}, {"text": "b"}]')
    texts, errors = read(tmp_path / "a.json")
    assert texts == ["a", "b"] and errors == [
        (2, "text contains bytes that are not UTF-8; save the file as UTF-8.")
    ]


def test_an_array_larger_than_what_is_read_at_once(tmp_path):
    rows = [
        {"text": f"{number} " + "wörd " * (number % 50) ** 2, "n": number * 10**20} for number in range(500)
    ]
    rows.append({"text": "long " * 200_000})
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=3, ensure_ascii=False), encoding="utf-8")
    found = list(read_rows(tmp_path / "a.json"))
    assert [row.fields for row in found] == rows


@pytest.mark.parametrize("values", [{"text": "a", "id": 3}, {"data": [{"text": "a"}]}])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_one_object_over_many_lines_is_refused(name, values, tmp_path):
    (tmp_path / name).write_text(json.dumps(values, indent=2))
    with pytest.raises(SummGANError, match=f"{name}:1: is one JSON object over many lines; write each row"):
        read(tmp_path / name)


@pytest.mark.parametrize("depth", [10, *range(900, 1000, 5), 3000])
def test_an_id_of_any_depth_is_text_or_an_error(depth, write):
    row = f'{{"text": "a", "id": {"[" * depth}{"]" * depth}}}'
    rows, errors = [], []
    rows += read_rows(write("a.jsonl", [row, '{"text": "b"}']), on_bad_row=errors.append)
    assert [row.text for row in rows][-1:] == ["b"] and len(rows) + len(errors) == 2
    assert all(isinstance(row.fields.get("id", ""), str) for row in rows)
