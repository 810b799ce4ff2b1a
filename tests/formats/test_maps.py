"""`[map]` in a configuration: for all logs, by source, by kind of log; and what the command line says goes over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pullstats.cli import run
from support.command import pullstats

ROW = "began,peer,where,code\n2024-03-12T15:22:28Z,198.51.100.1,/general,200\n"
CONFIGURATION = """
[map]
time = "began"
path = "where"
client = "peer"

[map.source."web*"]
time = "began"
path = "code2"

[map.source."web1"]
time = "began"
path = "other"

[map.format.csv]
time = "began"
path = "kind"
client = "peer"
"""
LOGS = {
    "general": ('{"began":"2024-03-12T15:22:28Z","peer":"198.51.100.1","where":"/general","code":200}\n', None),
    "kind": ("began,peer,where,kind\n2024-03-12T15:22:28Z,198.51.100.1,/general,/kind\n", None),
    "source": ("began,peer,where,code2\n2024-03-12T15:22:28Z,198.51.100.1,/general,/source\n", "web2"),
    "exact": ("began,peer,where,other\n2024-03-12T15:22:28Z,198.51.100.1,/general,/exact\n", "web1"),
}


def path_of(log: Path, store: Path, *options: str) -> str:
    assert run(["ingest", str(log), "--store", str(store), "-q", *options]) == 0
    from pullstats.store import open_store

    (path,) = open_store(store).scan_events(["url_path"]).collect()["url_path"]
    return str(path)


@pytest.mark.parametrize("name", LOGS)
def test_the_most_exact_map_counts_alone(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pullstats.toml").write_text(CONFIGURATION)
    (tmp_path / "a.log").write_text(LOGS[name][0])
    source = LOGS[name][1]
    options = ["--source", source] if source else []
    assert path_of(tmp_path / "a.log", tmp_path / "s", *options) == f"/{name}"
    assert path_of(tmp_path / "a.log", tmp_path / "t", *options, "--map", "time=began,path=where") == "/general"


def test_a_log_format_on_the_command_line_goes_over_a_map_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pullstats.toml").write_text(CONFIGURATION)
    (tmp_path / "a.log").write_text("198.51.100.1 2024-03-12T15:22:28Z /own 200\n")
    assert path_of(tmp_path / "a.log", tmp_path / "s", "--log-format", "$remote_addr $time_iso8601 $request_uri $status") == "/own"


def test_formats_detect_goes_by_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pullstats.toml").write_text(CONFIGURATION)
    (tmp_path / "a.csv").write_text(LOGS["kind"][0] * 2)
    (check,) = pullstats("formats", "detect", "a.csv", "--format", "json").rows
    assert (check["format"], check["failed"]) == ("csv-mapped", 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[map]\nstatus = 5", r"[map] of 'pullstats.toml' must be a table of field = "),
        ('[map.format]\ncsv = "a"', r"[map.format] of 'pullstats.toml' must hold tables, as in [map.format.csv]"),
        ('[map]\nsource = "a"', """[map.source] of 'pullstats.toml' must hold tables, as in [map.source."web*"]"""),
        ('[map.format.cvs]\ntime = "a"\npath = "b"', "did you mean 'csv'"),
        ('[map.source."w"]\ntiem = "a"', "did you mean 'time'"),
        ('[map.format.csv]\nagent = "a"', "[map.format.csv] of 'pullstats.toml': --map names no time, no client and no path"),
    ],
)
def test_a_map_that_cannot_serve_is_named_with_its_table(text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pullstats.toml").write_text(text)
    (tmp_path / "a.csv").write_text(ROW)
    said = pullstats("ingest", "a.csv", "--store", "s", code=2).err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "s").exists()
