"""Files to rows: txt, jsonl, json, csv, tsv and parquet (each also gzipped), folders, and saved datasets."""

from summgan.data.readers.counting import count_rows
from summgan.data.readers.paths import resolve_files
from summgan.data.readers.rows import OnBadRow, Row, read_rows

__all__ = ["OnBadRow", "Row", "count_rows", "read_rows", "resolve_files"]
