"""One table of requests, written as every kind of log that a map can read: under made-up names, in any order of columns."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

Rows = Sequence[Mapping[str, str]]
SEPARATORS = {"csv": ",", "tsv": "\t", "semicolon": ";", "bar": "|"}


def write_table(
    rows: Rows, names: Mapping[str, str], separator: str, *, is_all_quoted: bool = False, end: str = "\n", has_header: bool = True
) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL if is_all_quoted else csv.QUOTE_MINIMAL, lineterminator=end)
    if has_header:
        writer.writerow(names.values())
    writer.writerows([row[field] for field in names] for row in rows)
    return text.getvalue().encode()


def write_w3c(rows: Rows, names: Mapping[str, str], *, has_header: bool = True) -> bytes:
    head = f"#Version: 1.0\n#Fields: {' '.join(names.values())}\n" if has_header else ""
    return (head + "".join(" ".join(row[field].replace(" ", "+") or "-" for field in names) + "\n" for row in rows)).encode()


def write_ltsv(rows: Rows, names: Mapping[str, str]) -> bytes:
    return "".join("\t".join(f"{name}:{row[field]}" for field, name in names.items()) + "\n" for row in rows).encode()


def write_logfmt(rows: Rows, names: Mapping[str, str]) -> bytes:
    def quote(value: str) -> str:
        return json.dumps(value, ensure_ascii=False) if not value or set(value) & set(' ="\\') else value

    return "".join(" ".join(f"{name}={quote(row[field])}" for field, name in names.items()) + "\n" for row in rows).encode()


def write_json(rows: Rows, names: Mapping[str, str]) -> bytes:
    return "".join(json.dumps({name: row[field] for field, name in names.items()}) + "\n" for row in rows).encode()


def write_parquet(rows: Rows, names: Mapping[str, str]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.table({name: [row[field] for row in rows] for field, name in names.items()}), target, row_group_size=3)
    return target.getvalue()
