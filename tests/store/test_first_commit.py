"""The first commit of each table says what the library would say, and is there as a whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, Schema

from pullstats.errors import StoreError
from pullstats.store import open_store
from pullstats.store.first_commit import DRAFT
from pullstats.store.log_files import LOG_FOLDER, commit_path
from pullstats.store.tables import DELTA_PROPERTIES, DELTA_TYPES, EVENTS, TABLES, Table
from support.command import take_into

OWN_TO_EACH = {"id", "createdTime", "lastUpdated"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose tables hold nothing."""
    folder = tmp_path_factory.mktemp("first") / "store"
    with (opened := open_store(folder, create=True)).lock():
        opened.refresh()
    return folder


def make_with_library(folder: Path, table: Table) -> DeltaTable:
    columns = [{"name": name, "type": DELTA_TYPES[dtype], "nullable": True, "metadata": {}} for name, dtype in table.schema.items()]
    if table.is_daily:
        columns.append({"name": "date", "type": "date", "nullable": True, "metadata": {}})
    schema = Schema.from_json(json.dumps({"type": "struct", "fields": columns}))
    partitions = ["date"] if table.is_daily else []
    return DeltaTable.create(folder, schema, partition_by=partitions, name=table.name, configuration=dict(DELTA_PROPERTIES))


def events_of(store: Path, log: Path) -> int:
    """Take a log in, and count what the store then holds."""
    take_into(store, log)
    return pl.read_delta(store / EVENTS.name).height


def actions_of(table: Path) -> dict[str, Any]:
    """The actions of the first commit, but for what no two have in common."""
    actions = [json.loads(line) for line in commit_path(table, 0).read_text().splitlines()]
    return {kind: {key: value for key, value in action[kind].items() if key not in OWN_TO_EACH} for action in actions for kind in action}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_new_table_is_what_the_library_would_make(store: Path, tmp_path: Path, table: Table) -> None:
    theirs, ours = make_with_library(tmp_path / table.name, table), DeltaTable(store / table.name)
    assert ours.protocol() == theirs.protocol()
    assert ours.schema() == theirs.schema()
    for said in ("name", "description", "partition_columns", "configuration"):
        assert getattr(ours.metadata(), said) == getattr(theirs.metadata(), said)
    mine, other = actions_of(store / table.name), actions_of(tmp_path / table.name)
    assert [mine["protocol"], mine["metaData"]] == [other["protocol"], other["metaData"]]
    assert list(mine) == ["commitInfo", "protocol", "metaData", "txn"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_other_readers_open_a_new_table(store: Path, table: Table) -> None:
    frame = pl.scan_delta(store / table.name).collect()
    assert frame.height == 0
    assert set(frame.columns) == {*table.schema.names(), *(["date"] if table.is_daily else [])}


def test_a_new_table_names_no_folder_of_this_machine(store: Path) -> None:
    assert not any(str(store) in commit_path(store / table.name, 0).read_text() for table in TABLES)


def test_a_writer_that_died_while_it_made_a_table_is_followed_by_one_that_does(tmp_path: Path, small_log: Path) -> None:
    first = commit_path(tmp_path / "store" / EVENTS.name, 0)
    open_store(tmp_path / "store", create=True)
    first.parent.mkdir(parents=True)
    draft = first.with_name(first.name + DRAFT)
    draft.write_text('{"commitInfo":')
    assert events_of(tmp_path / "store", small_log) == 1
    assert not draft.exists()


def test_a_table_that_another_writer_made_meanwhile_stays(tmp_path: Path, small_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link, made = os.link, {}

    def come_late(draft: Path, path: Path) -> None:
        link(draft, path)
        if path.parent.name == LOG_FOLDER:
            made[path] = path.read_bytes()
            link(draft, path)

    monkeypatch.setattr(os, "link", come_late)
    assert events_of(tmp_path / "store", small_log) == 1
    assert made == {path: path.read_bytes() for table in TABLES for path in [commit_path(tmp_path / "store" / table.name, 0)]}


def test_a_table_that_cannot_be_made_is_not_there(tmp_path: Path, small_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def refuse(draft: Path, path: Path) -> None:
        if path.parent.name == LOG_FOLDER:
            raise PermissionError(1, "Operation not permitted")
        link(draft, path)

    with monkeypatch.context() as refusing:
        refusing.setattr(os, "link", refuse)
        with pytest.raises(StoreError, match="Operation not permitted"):
            take_into(tmp_path / "store", small_log)
    assert not list((tmp_path / "store").glob("*/_delta_log/*"))
    assert events_of(tmp_path / "store", small_log) == 1


@pytest.fixture
def small_log(tmp_path: Path) -> Path:
    log = tmp_path / "access.log"
    log.write_text('203.0.113.9 - - [12/Nov/2026:10:00:00 +0000] "GET /simple/six/ HTTP/1.1" 200 5 "-" "pip/23.0"\n')
    return log
