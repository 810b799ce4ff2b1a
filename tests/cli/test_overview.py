"""A log looked at on one screen: its numbers are those of the reports, whatever the width, and nothing of it is kept."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest

from pullstats.cli import run
from pullstats.render.cells import width_of
from pullstats.render.panels import Bar, Panel, draw_panels, draw_series
from support.command import pullstats
from support.places import DATA

LINE = '192.0.2.{host} - - [01/Nov/2025:10:{minute:02}:00 +0000] "GET {path} HTTP/1.1" {status} 10 "-" "{agent}"\n'


@pytest.fixture(scope="module", name="log")
def _log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty requests of three packages, and one line that is none."""
    path = tmp_path_factory.mktemp("overview") / "access.log"
    paths = ("/packages/alpha-1.0.tar.gz", "/packages/alpha-1.1.tar.gz", "/packages/beta-2.0.tar.gz", "/nothing")
    rows = [
        LINE.format(host=place % 7, minute=place, path=paths[place % 4], status=404 if place % 4 == 3 else 200, agent="pip/24.0")
        for place in range(40)
    ]
    path.write_text("".join(rows) + "odd\n")
    return path


def shown_panels(text: str) -> dict[str, list[str]]:
    """Take panels that stand below each other apart: title and lines."""
    found: dict[str, list[str]] = {}
    for block in text.split("\n\n"):
        title, *lines = block.strip("\n").split("\n")
        if lines and set(lines[0]) == {"─"}:
            found[title] = lines[1:]
    return found


def test_every_number_is_that_of_a_report(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    said = pullstats("overview", log, "--quiet")
    pullstats("ingest", log, "--store", tmp_path / "s", "--quiet")
    panels = shown_panels(said.out)
    asked = {
        "packages, by downloads": "--by package --metric downloads --where 'package is not null'",
        "clients, by requests": "--by client --metric requests",
        "statuses, by requests": "--by status --metric requests",
        "what failed, by requests": "--by path --metric requests --where status>=400",
        "countries, by requests": "--by country --metric requests",
        "what is asked for, by requests": "--by action --metric requests",
    }
    for title, words in asked.items():
        if title not in panels:
            continue
        arguments = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", words)]
        rows = pullstats("report", *arguments, "--window", "all", "--format", "json", "--limit", "5", "--no-other", "--store", tmp_path / "s").rows
        numbers = [int(re.findall(r" (\d[\d,]*)(?: |$)", line)[-1].replace(",", "")) for line in panels[title]]
        assert numbers == [list(row.values())[-1] for row in rows if list(row.values())[-1]], title
    assert {"packages, by downloads", "clients, by requests", "what failed, by requests"} <= panels.keys()
    assert "40 requests from 7 origins" in said.words
    assert "41 lines: 40 requests, 1 rejected" in said.words


def test_nothing_of_the_log_is_kept(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    pullstats("overview", log, "--quiet")
    assert not list(tmp_path.iterdir())


def test_a_log_alone_is_looked_at_and_options_may_come_first(log: Path, sample_store: Path) -> None:
    assert pullstats(log, "-q").out == pullstats("overview", log, "-q").out == pullstats("-q", "overview", log).out
    assert pullstats("--store", sample_store, "report", "--window", "all").out == pullstats("report", "--window", "all", "--store", sample_store).out
    assert "requests from" in pullstats("--store", sample_store, "-q", "overview").out


@pytest.mark.parametrize("width", [20, 36, 60, 80, 120, 200])
def test_panels_fit_and_no_number_is_cut(width: int) -> None:
    names = ["a", "名前" * 20, "x" * 300, "\x1b[31mred", "ünï"]
    panels = [Panel("t" * 50, tuple(Bar(name, f"{10**9 + place:,}", 1 / (place + 1)) for place, name in enumerate(names)))] * 5
    text = draw_panels(panels, width)
    assert all(f"{10**9 + place:,}" in text for place in range(len(names)))
    assert "\x1b" not in text
    assert max(map(width_of, text.splitlines())) <= max(width, 26)
    series = draw_series(["2026-01-01", "2026-01-02"], [1, None], "requests", width)
    assert max(map(width_of, series.splitlines())) <= max(width, 24)


def test_hostile_texts_end_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "a.log"
    cases = [json.loads(line) for line in (DATA / "hostile_inputs.jsonl").read_text().splitlines()]
    texts = [case["bytes"].replace('"', "").replace("\n", " ").replace("\r", " ").replace(" ", "%20") for case in cases]
    log.write_text("".join(LINE.format(host=1, minute=1, path=f"/{text}", status=500, agent=text) for text in texts), errors="surrogatepass")
    monkeypatch.setenv("COLUMNS", "80")
    said = pullstats("overview", log, "-q", "--rows", "100", code=(0, 4))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", said.out)


def test_what_cannot_be_shown_is_said(tmp_path: Path, sample_store: Path) -> None:
    (tmp_path / "empty.log").write_text("")
    assert "0 lines" in pullstats("overview", tmp_path / "empty.log", "-q", code=4).out
    (tmp_path / "odd.log").write_text("odd\n")
    assert run(["overview", str(tmp_path / "odd.log"), "-q"]) == 2
    assert run(["overview", str(tmp_path / "none.log"), "-q"]) == 2
    assert "no request lies in the window" in pullstats("overview", "--store", sample_store, "--window", "2031-01", "-q", code=4).out
    assert run(["overview", "--store", str(tmp_path / "no-store"), "-q"]) == 2
