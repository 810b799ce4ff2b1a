"""`pullstats compact`: fewer files, the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pullstats.store import open_store
from support.command import pullstats

LINE = '192.0.2.{0} - - [0{0}/Mar/2026:10:00:00 +0000] "GET /v2/acme/app/manifests/1.{0} HTTP/1.1" 200 5 "-" "docker/27.0"\n'


@pytest.fixture
def store(tmp_path: Path, take_in: Any) -> Path:
    log = tmp_path / "access.log"
    for day in (1, 1, 2, 2, 1, 3):
        with log.open("a") as file:
            file.write(LINE.format(day))
        take_in(log)
    return tmp_path / "store"


def test_a_merge_changes_no_answer_and_is_told(store: Path) -> None:
    question = [
        "report",
        "--by",
        "version,origin",
        "--metric",
        "requests,downloads,origins",
        "--window",
        "all",
        "--format",
        "csv",
        "--store",
        str(store),
    ]
    before = pullstats(*question).out
    rejects, runs = open_store(store).scan_rejects().collect().height, open_store(store).runs()
    told = pullstats("compact", "--store", store).out
    assert "small files merged; 6 events in 3 files (" in told
    assert len(open_store(store).event_files()) == 3
    assert pullstats(*question).out == before
    assert (open_store(store).scan_rejects().collect().height, open_store(store).runs().drop("commit").rows()) == (
        rejects,
        runs.drop("commit").rows(),
    )
    assert pullstats("compact", "--store", store, "--format", "json").rows.items() >= {"merged": 0, "files": 3, "events": 6}.items()
    assert pullstats("compact", "--store", store).out.startswith("nothing to merge; 6 events in 3 files")


def test_what_cannot_be_merged_is_one_sentence(store: Path, tmp_path: Path) -> None:
    errors = pullstats("compact", "--store", tmp_path / "none", code=2).err.splitlines()
    with open_store(store).lock():
        errors += pullstats("compact", "--store", store, "--lock-timeout", "0", code=2).err.splitlines()
    files = open_store(store).event_files()
    files[0].write_bytes(files[0].read_bytes()[:-9])
    errors += pullstats("compact", "--store", store).err.splitlines()
    assert [line.startswith("pullstats: ") for line in errors] == [True] * 3
    assert "no store at" in errors[0]
    assert "is being written to by process" in errors[1]
    assert "is left out" in errors[2] or "are left out" in errors[2]
    assert files[0].exists()
