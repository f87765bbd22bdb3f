import pytest

from summgan.data.readers import read_rows
from summgan.errors import SummGANError


@pytest.fixture
def read(tmp_path):
    """Texts of a file with these bytes, and its errors as ``line: reason``."""

    def run(content, name="a.csv", column=None, role="document"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        errors = []
        rows = list(read_rows(path, column, role, errors.append))
        return [row.text for row in rows], [(error.line, error.reason) for error in errors]

    return run


SEPARATED = {
    "semicolons": "id;text\n1;Hallo, Welt\n2;a, b\n",
    "tabs": "id\ttext\n1\tHallo, Welt\n2\ta, b\n",
    "bars": "id|text\n1|Hallo, Welt\n2|a, b\n",
    "said by Excel": "sep=;\nid;text\n1;Hallo, Welt\n2;a, b\n",
    "said by Excel in quotes": '"sep=|"\r\nid|text\r\n1|Hallo, Welt\r\n2|a, b\r\n',
    "a comma in the header too": "id;text;a, b\n1;Hallo, Welt;x\n2;a, b;y\n",
    "a comma in each row": "id;text;n\n1;Hallo, Welt;3,5\n2;a, b;4,5\n",
    "a bad row first": 'id;text\n1;"open\n1;Hallo, Welt\n2;a, b\n',
    "a mark": "\ufeffid;text\r\n1;Hallo, Welt\r\n2;a, b\r\n",
    "blank lines": "\n\nid;text\n\n1;Hallo, Welt\n\n\n2;a, b\n\n",
    "UTF-16": "id;text\r\n1;Hallo, Welt\r\n2;a, b\r\n".encode("utf-16"),
    "UTF-16 of the other order": "\ufeffid\ttext\n1\tHallo, Welt\n2\ta, b\n".encode("utf-16-be"),
}


@pytest.mark.parametrize("case", SEPARATED)
def test_the_delimiter_is_found_where_it_is_sure(case, read):
    assert read(SEPARATED[case])[0] == ["Hallo, Welt", "a, b"]


DOUBTFUL = {
    "neither is better": "a;b,c\n1;2,3\n4;5,6\n",
    "no row agrees": "a;b\n1,2\n3,4\n",
}


@pytest.mark.parametrize("case", DOUBTFUL)
def test_a_doubtful_delimiter_is_refused(case, read):
    with pytest.raises(SummGANError, match=r"a.csv:1: the delimiter may be .*sep=;"):
        read(DOUBTFUL[case])


def test_a_tsv_without_tabs_is_refused(read):
    with pytest.raises(SummGANError, match=r"a.tsv:1: the delimiter may be .*a comma\."):
        read("id,text\n1,x\n", "a.tsv")
    assert read("id\ttext, or not\n1\ta\n", "a.tsv", "text, or not") == (["a"], [])


def test_one_column_stays_one(read):
    assert read("text\none; two\nthree | four\n") == (["one; two", "three | four"], [])
    assert read('"text"\n"one, two"\n') == (["one, two"], [])
    texts, errors = read("text\none, two\nthree\n")
    assert texts == ["three"] and errors[0][0] == 2 and "2 columns where the header has 1" in errors[0][1]


QUOTES = {
    # content, texts, lines of errors
    "breaks within": ('id,text\n1,"two\nlines"\n2,x\n', ["two lines", "x"], []),
    "no line ends within": ('id,text\n1,"a\u2028b\x85c\x0bd"\n2,x\n', 2, []),
    "never closed": ('id,text\n1,"open\n2,x\n3,y\n', ["x", "y"], [2]),
    "closed by the next": ('id,text\n1,"open\n2,"x"\n3,y\n', ["x", "y"], [2]),
    "never closed in the last row": ('id,text\n1,x\n2,"open', ["x"], [3]),
    "never closed, second line of a row": ('a,text,c\n1,"x\ny","open\n2,z,c\n', ["z"], [3]),
    "text after the quote": ('id,text\n1,"x" y\n2,z\n', ["z"], [2]),
    "quotes within, not doubled": ('id,text\n1,"he said "no" again"\n2,z\n', ["z"], [2]),
    "quotes within, doubled": ('id,text\n1,"he said ""no"" again"\n', ['he said "no" again'], []),
    "quotes within, not at the beginning": ('id,text\n1,5" of rain\n2,x\n', ['5" of rain', "x"], []),
    "several never closed": ('id,text\n1,"a\n2,"b\n3,c\n4,"d\n5,e\n', ["c", "e"], [2, 3, 5]),
    "empty": ('id,text\n1,""\n2,x\n', ["x"], [2]),
    "returns alone": ("id,text\n1,a\rb\n2,x\n", ["a b", "x"], []),
    "mixed ends": ('id,text\r\n1,a\n2,"b\r\nc"\r\n3,d', ["a", "b c", "d"], []),
    "NUL": ("id,text\n1,a\0b\n2,x\n", ["x"], [2]),
    "too few": ("id,text\n1\n2,x\n", ["x"], [2]),
    "bytes that are not UTF-8 in quotes": (b'id,text\n1,"a\n\xff\nb"\n2,x\n', ["x"], [3]),
}


@pytest.mark.parametrize("case", QUOTES)
def test_a_bad_row_harms_no_other(case, read):
    content, texts, lines = QUOTES[case]
    found, errors = read(content)
    assert [line for line, _ in errors] == lines
    assert found == texts if isinstance(texts, list) else len(found) == texts


def test_many_rows_after_an_open_quote_are_kept(read):
    rows = [f"{number},text {number}" for number in range(5000)]
    rows[10] = '10,"open'
    texts, errors = read("id,text\n" + "\n".join(rows))
    assert len(texts) == 4999 and [line for line, _ in errors] == [12]
    assert "a quoted cell begins here and is never closed" in errors[0][1]


HEADERS = {
    "id,text,text\n1,a,b\n": r"a.csv:1: the column 'text' is twice in the header",
    "1,some words\n2,others\n": r"a.csv:1|2: .* only|usual name .*put a header above it, such as: id,text",
    ",,\na,b,c\n": r"a.csv:1: no column has a name. Put a header above the rows",
    "some words\nothers\n": "put a header above it",
    "some words, and more\n": r"a.csv:1: is the only line, and not a header: .* Put a header above it",
    '"open\n1,x\n': r"a.csv:1: a quoted cell begins here .* This line is the header",
    "caf\udce9,text\n".encode("utf-8", "surrogateescape"): r"a.csv:1: byte 4 is not UTF-8.* is the header",
    "id,text\r1,a\r2,b\r": r"its lines end with \\r alone",
    "id,text\n1,a\n".encode("utf-16-le"): "is UTF-16 without a byte order mark",
    "id,text\n1,a\n".encode("utf-32"): "is UTF-32; save it as UTF-8",
}


@pytest.mark.parametrize("content", HEADERS)
def test_a_header_that_cannot_be_used_is_refused(content, read):
    with pytest.raises(SummGANError, match=HEADERS[content]):
        read(content)


def test_columns_without_a_name_are_nothing(read):
    assert read(",text,,\n0,a,,\n1,b,,\n") == (["a", "b"], [])


def test_names_in_the_header_may_have_blanks(read):
    assert read("id, text\n1,a\n") == (["a"], [])


def test_utf_16_that_is_cut_off_gives_the_rows_before(read):
    texts, errors = read("id;text\n1;a\n2;b\n".encode("utf-16")[:-1])
    assert texts == ["a", "b"] and "ends within a character" in errors[0][1]


def test_nothing_has_no_rows(read):
    assert read("") == read("\n\n") == read("id,text\n") == ([], [])
