"""--keep-attributes: what a JSON log carries beyond what is known is kept as JSON, and nothing in it that must not be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.cli import run
from pullstats.enrich.attributes import redact_attributes
from pullstats.formats.json_keys import KNOWN
from pullstats.formats.json_rest import LONGEST, collect_rest
from pullstats.store import open_store
from support.command import pullstats
from support.effort import examples
from support.plants import CLIENT, FORBIDDEN, PLANTS, URL, USER, assert_clean, every_text

ITEM = {"time": "2026-03-02T00:00:01Z", "remote_addr": CLIENT, "request": "GET /simple/a/ HTTP/1.1", "status": 200, "http_user_agent": "pip/23.1"}


def keep(items: list[dict[str, Any]], tmp_path: Path, *more: str) -> list[Any]:
    log = tmp_path / "a.log"
    log.write_text("".join(f"{json.dumps(item)}\n" for item in items))
    assert run(["ingest", "-q", str(log), "--store", str(tmp_path / "store"), *more]) == 0
    kept = open_store(tmp_path / "store").scan_events().sort("source_line").collect()["attributes"]
    return [None if text is None else json.loads(text) for text in kept]


EXTRA = {
    "trace_id": "4bf92f35",
    "geo": {"colo": "FRA", "n": 3},
    "tags": ["a", "b"],
    "tls": True,
    "empty": "",
    "none": None,
    "dash": "-",
    "big": 1234567890123,
}
KEPT = {"trace_id": "4bf92f35", "geo": {"colo": "FRA", "n": 3}, "tags": ["a", "b"], "tls": True, "big": "1234567890123"}


@pytest.mark.parametrize("way", ["fast", "safe"])
def test_what_is_not_known_is_kept_and_only_where_asked(way: str, tmp_path: Path) -> None:
    odd = [{**ITEM, "note": "\ud83d"}] if way == "safe" else []  # half a surrogate pair sends the piece the safe way
    items = [ITEM | EXTRA, ITEM, *odd]
    assert keep(items, tmp_path, "--keep-attributes")[:2] == [KEPT, None]
    (tmp_path / "plain").mkdir()
    assert keep(items, tmp_path / "plain") == [None] * len(items)


def test_keys_of_a_map_and_of_own_templates_are_known(tmp_path: Path) -> None:
    item = {"when": 1772409601, "who": "192.0.2.1", "target": "/simple/a/", "status": 200, "left": "over"}
    assert keep([item], tmp_path, "--keep-attributes", "--map", "time=when:s,client=who,path=target") == [{"left": "over"}]


def test_exports_give_them(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    keep([ITEM | EXTRA], tmp_path, "--keep-attributes")
    capfdbinary.readouterr()
    assert (
        json.loads(pullstats("export", "--set", "events", "--window", "all", "--format", "ndjson", "--store", tmp_path / "store").rows["attributes"])
        == KEPT
    )


def test_nothing_planted_gets_in(tmp_path: Path) -> None:
    """In any value, nested or listed, under keys that say so and under others; the client's own address; refused lines."""
    named = {
        "my_token": "s3cr3ts3cr3t",
        "db-password": "hunter2",
        "owner": {"user_name": USER, "session-id": "f00dfeed"},
        "set_cookie": ["a=s3cr3ts3cr3t"],
    }
    items = [ITEM | {"odd": plant, "deep": {"list": [plant, {"x": plant}]}, "kept": "yes"} for plant in [*PLANTS, URL, f"for {CLIENT}"]]
    items += [ITEM | named | {"pin": 1234, "otp": 987654, "kept": "yes"}, ITEM | {"ip_as_number": 3405803853, "list": [CLIENT], "kept": "yes"}]
    items += [{**item, "time": "never"} for item in items]
    kept = keep(items, tmp_path, "--keep-attributes")
    assert len(kept) == len(items) // 2
    assert all(one["kept"] == "yes" for one in kept)
    assert kept[-2]["owner"] == {"user_name": "USER", "session-id": "REDACTED"}
    assert kept[-2]["otp"] == "REDACTED"
    assert run(["export", "--set", "events", "--window", "all", "--format", "csv", "--store", str(tmp_path / "store")]) == 0
    assert_clean(pullstats("export", "--set", "rejects", "--format", "csv", "--store", tmp_path / "store").out, "the output")
    for text in every_text(tmp_path / "store"):
        assert_clean(text, "the store")
        assert "987654" not in text
        assert "3405803853" not in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=12) | st.sampled_from(PLANTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.sampled_from(["token", "user", "a"]), inner, max_size=3),
    max_leaves=8,
)


@examples(40)
@given(st.lists(st.dictionaries(st.text(max_size=6) | st.sampled_from([*PLANTS, "password", "b"]), JSON, max_size=4), min_size=1, max_size=4))
def test_whatever_an_object_holds_stays_json_without_what_must_be_hidden(items: list[dict[str, Any]]) -> None:
    texts = collect_rest(pl.Series([json.dumps(item) for item in items]), KNOWN.tree)
    for text in redact_attributes(texts):
        if text is not None:
            assert isinstance(json.loads(text), dict)
            assert len(text) <= LONGEST * 2
            assert not [secret for secret in FORBIDDEN if secret in text]
