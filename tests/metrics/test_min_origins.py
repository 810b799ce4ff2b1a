"""No filter parts few endpoints from the rest, in any command that takes `--min-origins`; enough on both sides pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from pullstats.cli import run
from support.effort import across, some

PEOPLE = {"pip": 7, "uv": 3, "curl": 5}
"""Endpoints of each client, of which one of curl's was only ever answered 401."""
COMMANDS = {
    "report": ["report"],
    "report by client": ["report", "--by", "client", "--metric", "requests"],
    "uniques": ["uniques"],
    "explain": ["explain", "--metric", "requests"],
    "daily": ["export", "--set", "daily", "--format", "csv"],
}
FILTERS = {
    "keeps few": (["--where", "client=uv"], 3, 12),
    "leaves few out": (["--where", "client!=uv"], 12, 3),
    "leaves few out by kind": (["--exclude-kind", "http-library"], 10, 5),
    "leaves out some, then few": (["--where", "client!=curl", "--exclude-kind", "package-manager"], 0, 5),
    "keeps nobody": (["--where", "client=none-such"], 0, 15),
    "leaves nobody out": (["--where", "status<900"], 15, 0),
    "keeps enough": (["--where", "client=pip"], 7, 8),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    lines = [
        f'192.0.2.{10 * number + one} - - [02/Mar/2026:00:00:{one:02} +0000] "GET /simple/a/ HTTP/1.1" {401 if client == "curl" and not one else 200} 9 "-" "{client}/1.0"\n'
        for number, (client, count) in enumerate(PEOPLE.items())
        for one in range(count)
    ]
    (folder / "a.log").write_text("".join(lines))
    assert run(["ingest", "-q", str(folder / "a.log"), "--store", str(folder / "s")]) == 0
    return folder / "s"


@pytest.mark.parametrize(("command", "name"), across(COMMANDS, FILTERS))
def test_a_filter_that_parts_few_is_refused(command: str, name: str, store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options, kept, removed = FILTERS[name]
    for least in (1, 3, 4, 6, 8, 9, 13) if command == "report" else some((3, 4), 2, first=len(name) % 2):
        is_told = not (0 < kept < least or 0 < removed < least)
        code = run([*COMMANDS[command], *options, "--window", "all", "--store", str(store), "--min-origins", str(least)])
        said = capsys.readouterr()
        assert (code in (0, 4)) == is_told, (least, said.err)
        if not is_told:
            assert code == 2
            assert not said.out
            assert said.err.count("\n") == 1
            assert f"fewer than {least} endpoints" in said.err.replace("\n", " ")


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "explain"])
def test_without_a_filter_small_totals_are_hidden_and_not_refused(command: str, store: Path) -> None:
    assert run([*COMMANDS[command], "--window", "all", "--store", str(store), "--min-origins", "16"]) == 0
