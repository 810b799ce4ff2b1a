"""Spellings of one version count as one, in every report and export."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pullstats.metrics import Query
from pullstats.pipeline.answer import answer, export_daily
from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan

LINE = '203.0.113.{n} - - [02/Nov/2026:03:04:05 +0000] "GET {path} HTTP/1.1" 200 5 "-" "pip/23.1"\n'
PATHS = [
    "/packages/shop-1.0.0rc1-py3-none-any.whl",
    "/packages/shop-1.0.0-RC1-py3-none-any.whl",
    "/acme/tool/releases/download/v1.2.0/tool-linux-amd64.tar.gz",
    "/acme/tool/releases/download/1.2.0/tool-linux-amd64.tar.gz",
    "/v2/acme/app/manifests/v1.2.0",
    "/v2/acme/app/manifests/1.2.0",
]


def test_spellings_merge_and_tags_do_not(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(LINE.format(n=number, path=path) for number, path in enumerate(PATHS)))
    store = tmp_path / "store"
    ingest(IngestPlan((str(log),), store, key_file=tmp_path / "key"))
    query = Query(metrics=("requests",), dimensions=("ecosystem", "version"), window="all")
    rows = answer(store, query, is_shifting=False).frame.rows()
    said = sorted((row for row in rows if row[0] in ("github", "oci")), key=str)
    assert said == [("github", "1.2.0", 2), ("oci", "1.2.0", 1), ("oci", "v1.2.0", 1)]
    daily = export_daily(store, Query(metrics=("requests", "bytes", "downloads", "downloaders", "checks", "origins"), window="all")).frame
    assert daily.columns[:5] == ["schema_version", "date", "package_type", "package", "version"]
    assert daily.filter(pl.col("package_type") == "github").select("version", "requests").rows() == [("1.2.0", 2)]
    count = answer(store, Query(metrics=("versions",), dimensions=("ecosystem",), window="all"), is_shifting=False).frame
    assert dict(count.rows())["github"] == 1
    assert dict(count.rows())["oci"] == 2
