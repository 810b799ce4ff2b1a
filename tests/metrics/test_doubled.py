"""One log under two names, or what is behind a gateway beside it: told where answers go by how often somebody asks, and looked at once where asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.command import pullstats, take_into
from support.effort import across, some
from support.wasteful import gets_what_it_has, make_traffic, polls_fast

COMMANDS = {
    "offenders": ["offenders"],
    "polling": ["offenders", "--level", "origin", "--kind", "polling"],
    "inflation": ["doctor", "inflation"],
    "behaviour": ["behaviour", "--by", "package"],
    "the mix": ["behaviour", "--format", "json"],
    "orgs": ["orgs"],
    "nobody few": ["orgs", "--min-origins", "2"],
}
STORES = {"edge": ["edge"], "copy": ["edge", "copy"], "inner": ["inner", "edge"], "nodes": ["node-1", "node-2"]}
SAID = "are looked at twice here; --same-request id looks at each once"


def write_log(rows: list[tuple[int, dict[str, Any]]], keys: dict[str, str], address: str | None = None) -> str:
    items = (
        {
            keys["time"]: row["time"].isoformat(timespec="milliseconds"),
            keys["from"]: address or f"81.{row['who'] // 25_000}.{row['who'] // 100 % 250}.7",
            keys["how"]: row["method"],
            keys["what"]: row["path"],
            keys["status"]: row["status"],
            keys["size"]: row["size"],
            keys["agent"]: f"{row['client']}/1.{row['who'] // 100 % 3}",
            keys["id"]: f"{number:032x}",
        }
        for number, row in rows
    )
    return "".join(json.dumps(item) + "\n" for item in items)


NGINX = {
    "time": "time_iso8601", "from": "remote_addr", "how": "request_method", "what": "request_uri", "status": "status", "size": "body_bytes_sent",
    "agent": "http_user_agent", "id": "request_id",
}  # fmt: skip
OTHER = {
    "time": "time", "from": "client_ip", "how": "method", "what": "uri", "status": "status_code", "size": "bytes_sent", "agent": "user_agent", "id": "request_id",
}  # fmt: skip


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take in one log of wasteful traffic; with itself in another format; with what is behind it; and cut between two nodes."""
    folder = tmp_path_factory.mktemp("doubled")
    rows = list(
        enumerate(sorted((row for row in make_traffic(3, gets_what_it_has, polls_fast) if row["who"] is not None), key=lambda row: row["time"]))
    )
    logs = {
        "edge": write_log(rows, NGINX),
        "copy": write_log(rows, OTHER),
        "inner": write_log([(number, row) for number, row in rows if row["status"] != 404], NGINX, "10.0.0.7"),
    }
    logs |= {f"node-{node + 1}": "".join(logs["edge"].splitlines(keepends=True)[node::2]) for node in range(2)}
    for name, text in logs.items():
        (folder / f"{name}.log").write_text(text)
    for name, parts in STORES.items():
        take_into(folder / name, *(folder / f"{part}.log" for part in parts))
    return folder


def ask(folder: Path, store: str, *words: str) -> Any:
    usual = [] if "--format" in words else ["--format", "json"]
    found = pullstats(*words, *usual, "--meta", "--window", "all", "--store", folder / store).rows
    return found["rows"], found["meta"]["warnings"]


@pytest.mark.parametrize(("name", "store"), across(COMMANDS, ("copy", "inner")))
def test_what_two_logs_hold_is_told_and_looked_at_once_where_asked_for(name: str, store: str, folder: Path) -> None:
    words = COMMANDS[name]
    single, said = ask(folder, "edge", *words)
    assert single
    assert not any(SAID in text for text in said)
    doubled, warned = ask(folder, store, *words)
    assert doubled != single
    told = [text for text in warned if SAID in text]
    assert len(told) == 1
    assert ("edge.log" in told[0]) == ("--min-origins" not in words)
    once, quiet = ask(folder, store, *words, "--same-request", "id")
    assert once == single
    assert not any(SAID in text for text in quiet)


@pytest.mark.parametrize("name", some(COMMANDS, 2))
def test_of_nodes_that_share_the_work_nothing_is_said(name: str, folder: Path) -> None:
    assert not any(SAID in text for text in ask(folder, "nodes", *COMMANDS[name])[1])


def test_who_writes_a_note_is_told_too(folder: Path) -> None:
    who = ask(folder, "copy", "offenders", "--level", "origin")[0][0]["who"]
    said = pullstats("offenders", "--level", "origin", "--note", who, "--window", "all", "--store", folder / "copy")
    assert SAID in said.err
    assert SAID not in said.words
