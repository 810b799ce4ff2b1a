"""Spellings of one version count as one, in every report and export."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from pullstats.enrich.path_reading import normalised_version
from pullstats.metrics import Breakdown, Daily, Query
from pullstats.pipeline.answer import answer
from support.command import take_into

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
    take_into(store, log, key_file=tmp_path / "key")
    query = Query(metrics=("requests",), dimensions=("ecosystem", "version"), window="all")
    rows = answer(store, Breakdown(query)).frame.rows()
    said = sorted((row for row in rows if row[0] in ("github", "oci")), key=str)
    assert said == [("github", "1.2.0", 2), ("oci", "1.2.0", 1), ("oci", "v1.2.0", 1)]
    daily = answer(store, Daily(Query(metrics=("requests", "bytes", "downloads", "downloaders", "checks", "origins"), window="all"))).frame
    assert daily.columns[:5] == ["schema_version", "date", "package_type", "package", "version"]
    assert daily.filter(pl.col("package_type") == "github").select("version", "requests").rows() == [("1.2.0", 2)]
    count = answer(store, Breakdown(Query(metrics=("versions",), dimensions=("ecosystem",), window="all"))).frame
    assert dict(count.rows())["github"] == 1
    assert dict(count.rows())["oci"] == 2


def spell(version: str, package_type: str = "pypi") -> str | None:
    found = pl.DataFrame({"version": [version]}).select(normalised_version(pl.col("version"), package_type))
    spelled: str | None = found.item()
    return spelled


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("1.0", None),
        ("01.0", "1.0"),
        ("1.0.0", None),
        ("v1.0", "1.0"),
        ("1.0.RC1", "1.0rc1"),
        ("1.0-alpha.2", "1.0a2"),
        ("1.0_beta", "1.0b0"),
        ("1.0c3", "1.0rc3"),
        ("1.0-pre", "1.0rc0"),
        ("1.0-1", "1.0.post1"),
        ("1.0-rev2", "1.0.post2"),
        ("1.0.dev", "1.0.dev0"),
        ("1.0a1.post.dev3", "1.0a1.post0.dev3"),
        ("1!1.0-A", "1!1.0a0"),
        ("1.0+Ubuntu-1", "1.0+ubuntu.1"),
        ("1.0.post", "1.0.post0"),
        ("2004d", None),
        ("1.0-SNAPSHOT", None),
        ("1.0-linux-x86_64", None),
        ("1." + "9" * 5000, None),
    ],
)
def test_a_python_version_is_spelled_as_pep_440_says(written: str, normal: str | None) -> None:
    """The examples of PEP 440's "Normalization", and what it knows nothing of."""
    assert spell(written) == normal


RELEASES = st.lists(st.integers(0, 30).map(str) | st.sampled_from(["00", "007"]), min_size=1, max_size=4).map(".".join)
PRE = st.sampled_from(["", "a", "alpha1", "-beta.2", "_rc3", ".c4", "-PREVIEW_5", "pre"])
POST = st.sampled_from(["", "-1", ".post", "-r4", "_REV.2", "post7"])
DEV = st.sampled_from(["", ".dev", "-dev3", "dev_04"])
LOCAL = st.sampled_from(["", "+Ubuntu_1", "+abc.5"])


@given(st.sampled_from(["", "v", "1!"]), RELEASES, PRE, POST, DEV, LOCAL)
def test_spellings_of_one_python_version_are_one(epoch: str, release: str, pre: str, post: str, dev: str, local: str) -> None:
    written = f"{epoch}{release}{pre}{post}{dev}{local}"
    assert (spell(written) or written) == str(Version(written))
