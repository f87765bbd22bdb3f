import datetime
import decimal
import json

import pyarrow as pa
import pyarrow.parquet
import pytest
from datasets import Dataset

from summgan.data.readers import read_rows
from summgan.errors import SummGANError

TEXTS = ["one", "two", "three"]


@pytest.fixture
def parquet(tmp_path):
    def run(columns, **options):
        table = columns if isinstance(columns, pa.Table) else pa.table(columns)
        pyarrow.parquet.write_table(table, tmp_path / "a.parquet", **options)
        return tmp_path / "a.parquet"

    return run


def read(path, **options):
    errors = []
    rows = list(read_rows(path, on_bad_row=errors.append, **options))
    return [row.text for row in rows], [(error.line, error.reason) for error in errors]


IDS = [
    (pa.array([datetime.date(2020, 1, 2)] * 3), "2020-01-02"),
    (pa.array([datetime.datetime(2020, 1, 2, 3)] * 3), "2020-01-02 03:00:00"),
    (pa.array([1_600_000_000_123_456_789] * 3, pa.timestamp("ns")), "2020-09-13 12:26:40.123456789"),
    (pa.array([2**62] * 3, pa.timestamp("us")), None),
    (pa.array([decimal.Decimal("1.50")] * 3), "1.50"),
    (pa.array([b"doc-1"] * 3), "doc-1"),
    (pa.array([b"\xff\x00"] * 3), "ff00"),
    (pa.array([float("nan")] * 3), None),
    (pa.array([float("inf")] * 3), "inf"),
    (pa.array([None] * 3), None),
    (pa.array([7] * 3), 7),
    (pa.array(["x"] * 3).dictionary_encode(), "x"),
    (pa.array([[1, 2]] * 3), "[1, 2]"),
    (pa.array([{"a": datetime.date(2020, 1, 2)}] * 3), '{"a": "2020-01-02"}'),
]


@pytest.mark.parametrize(("ids", "expected"), IDS, ids=lambda value: str(getattr(value, "type", "")))
def test_ids_of_every_type_can_be_written(ids, expected, parquet):
    errors = []
    rows = list(read_rows(parquet({"ID": ids, "text": TEXTS}), on_bad_row=errors.append))
    if ids.type == pa.timestamp("us") and ids[0].value == 2**62:  # beyond the range of printable dates
        assert not rows and "id is a timestamp[us] that cannot be read" in errors[0].reason
        return
    assert [row.text for row in rows] == TEXTS and not errors
    assert all(row.fields["id"] == expected for row in rows)
    assert json.loads(json.dumps(rows[0].fields["id"], allow_nan=False)) == expected


def not_utf8(values):
    binary = pa.array(values, pa.binary())
    return pa.StringArray.from_buffers(len(values), *binary.buffers()[1:])


@pytest.mark.parametrize(
    "column",
    [
        not_utf8([b"one", b"\xff\xfe", b"three"]),
        pa.array([b"one", b"\xff\xfe", b"three"]),
        pa.array(["one", None, "three"], pa.large_string()),
        pa.array(["one", "\0", "three"]).dictionary_encode(),
        pa.array(["one", " ", "three"]),
    ],
    ids=lambda column: str(column.type),
)
def test_a_bad_cell_is_named_and_harms_no_other(column, parquet):
    texts, errors = read(parquet({"text": column, "id": [1, 2, 3]}))
    assert texts == ["one", "three"] and [line for line, _ in errors] == [2]


def test_a_bad_value_in_a_dictionary_spoils_its_rows_alone(parquet):
    values = not_utf8([b"good", b"\xff", b"fine"])
    column = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 0], pa.int32()), values)
    texts, errors = read(parquet({"text": column}))
    assert texts == ["good", "fine", "good"] and [line for line, _ in errors] == [2]


@pytest.mark.parametrize("other", [not_utf8([b"\xff"] * 3), pa.array([2**62] * 3, pa.timestamp("us"))])
def test_a_bad_cell_that_nobody_asks_for_does_no_harm(other, parquet):
    assert read(parquet({"text": TEXTS, "other": other})) == (TEXTS, [])


@pytest.mark.parametrize(
    "column", [[["a"]] * 3, [{"a": "b"}] * 3, [1, 2, 3], [datetime.date(2020, 1, 1)] * 3]
)
def test_columns_that_are_no_text_are_named(column, parquet):
    texts, errors = read(parquet({"text": column}))
    assert not texts and len(errors) == 3 and "text is a" in errors[0][1] and "not a text" in errors[0][1]


def test_odd_tables(parquet):
    assert read(parquet(pa.table({"text": pa.array([], pa.string())}))) == ([], [])
    with pytest.raises(SummGANError, match="two columns have the name 'text'"):
        read(parquet(pa.table([["a"], ["b"]], names=["text", "text"])))
    parquet(pa.table({"text": ["a"]}).select([]))
    assert read(parquet(pa.table({"text": ["a"]}).select([]))) == ([], [])


@pytest.mark.parametrize("keep", [0, 3, 4, 11, 100, -1, -9])
def test_a_parquet_file_that_is_cut_off_is_named(keep, parquet):
    path = parquet({"text": TEXTS})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SummGANError, match=r"a.parquet: not a readable parquet file"):
        read(path)


def test_a_damaged_row_group_costs_its_rest_and_no_other(parquet):
    texts = [f"text {number} " + "x" * 50 for number in range(3000)]
    path = parquet(
        {"text": texts, "id": list(range(3000))},
        row_group_size=1000,
        compression="gzip",
        use_dictionary=False,
        data_page_size=4000,
        write_batch_size=100,
    )
    group = pyarrow.parquet.ParquetFile(path).metadata.row_group(1).column(0)
    damaged = bytearray(path.read_bytes())
    place = group.data_page_offset + group.total_compressed_size // 2
    damaged[place : place + 200] = bytes(200)
    path.write_bytes(damaged)
    found, errors = read(path)
    assert len(errors) == 1 and found[:1000] == texts[:1000] and found[-1000:] == texts[2000:]
    first = errors[0][0]
    assert 1100 < first <= 2000 and found[1000 : first - 1] == texts[1000 : first - 1]
    assert f"rows {first:,} to 2,000 of this parquet file are damaged" in errors[0][1]


def test_damaged_saved_datasets_are_named(tmp_path):
    def save(name):
        Dataset.from_dict({"text": TEXTS, "id": [1, 2, 3]}).save_to_disk(tmp_path / name)
        return tmp_path / name

    whole = save("whole")
    assert read(whole) == (TEXTS, [])
    arrow = next(whole.glob("*.arrow")).name
    for number, (name, content) in enumerate(
        [
            ("state.json", b"{}"),
            ("state.json", b"\xff"),
            ("dataset_info.json", b"["),
            (arrow, b""),
            (arrow, b"x"),
        ]
    ):
        folder = save(f"damaged{number}")
        (folder / name).write_bytes(content)
        with pytest.raises(SummGANError, match=f"damaged{number}: the saved dataset cannot be read"):
            read(folder)
    folder = save("cut")
    (folder / arrow).write_bytes((folder / arrow).read_bytes()[:300])
    with pytest.raises(SummGANError, match="cut: the saved dataset"):
        read(folder)
    (folder / arrow).unlink()
    with pytest.raises(SummGANError, match="cut: the saved dataset"):
        read(folder)
