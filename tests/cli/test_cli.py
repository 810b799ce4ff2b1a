"""The command line as a user and as a script meets it."""

from __future__ import annotations

import csv
import gzip
import io
import ipaddress
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pullstats.cli import _CALLED, COMMANDS, run
from pullstats.cli.start import STEPS
from support.command import pullstats
from support.places import ROOT

SAMPLES = ROOT / "sample_logs"


@pytest.fixture
def store(sample_store: Path) -> Path:
    return sample_store


def test_ingest_says_what_became_of_every_line(store: Path, tmp_path: Path) -> None:
    arguments = ["ingest", str(SAMPLES), "--format", "json", "--store"]
    first = pullstats(*arguments, tmp_path / "s", "--dry-run").rows
    assert (first["lines"], first["events"], first["ignored"], first["rejected"], first["duplicates"]) == (10837, 10836, 0, 1, 0)
    assert first["rejects"] == {"format": 1}
    assert {source["format"] for source in first["sources"]} == {"nginx-combined", "json"}
    again = pullstats(*arguments, shutil.copytree(store, tmp_path / "copy")).rows
    assert (again["events"], again["duplicates"]) == (0, 10837)


def test_max_bad_is_exit_3(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text('1.2.3.4 - - [01/Nov/2025:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\nodd\n')
    assert run(["ingest", str(log), "--store", str(tmp_path / "s"), "--max-bad", "60%", "--quiet"]) == 0
    assert run(["ingest", str(log), "--store", str(tmp_path / "t"), "--max-bad", "1%", "--quiet"]) == 3


def count_endpoints(addresses: list[str]) -> int:
    """Count addresses with the standard library alone: IPv6 cut to /64."""
    found = {ipaddress.ip_address(address) for address in addresses}
    return len({str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address) for address in found})


def test_endpoints_of_a_real_log_are_its_addresses(store: Path) -> None:
    site = gzip.decompress((SAMPLES / "website-2015.log.gz").read_bytes()).decode().splitlines()
    registry = gzip.decompress((SAMPLES / "rubygems-2018.jsonl.gz").read_bytes()).decode().splitlines()
    addresses = {"2015": [line.split(" ")[0] for line in site], "2018": [json.loads(line)["client_ip"] for line in registry]}
    assert (len(set(addresses["2015"])), len(set(addresses["2018"]))) == (1753, 411)  # as counted by the samples' authors
    for window, found in addresses.items():
        assert pullstats("report", "--store", store, "--by", "", "--metric", "endpoints", "--window", window, "--format", "json").rows[0][
            "endpoints"
        ] == count_endpoints(found)


def test_json_csv_and_ndjson_agree(store: Path) -> None:
    base = ["report", "--store", str(store), "--by", "client", "--metric", "requests,bytes,origins", "--window", "all", "--limit", "0"]
    outputs = {}
    for name in ("json", "csv", "ndjson"):
        outputs[name] = pullstats(*base, "--format", name).out
    rows = json.loads(outputs["json"])
    assert rows == [json.loads(line) for line in outputs["ndjson"].splitlines()]
    table = list(csv.DictReader(io.StringIO(outputs["csv"])))
    assert [int(row["requests"]) for row in table] == [row["requests"] for row in rows]
    assert sum(row["requests"] for row in rows) == 10836


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ("report --by contry", 2, "did you mean 'country'?"),
        ("report --metric requets", 2, "did you mean 'requests'?"),
        ("report --window sometime", 2, "is no window; write one of"),
        ("report --tz Europe/Berlim", 2, "did you mean 'Europe/Berlin'?"),
        ("report --count-as dokcer", 2, "no counting rule"),
        ("report --where status<x", 2, "^"),
        ("report --by client,arch,os,country", 2, "up to 3 dimensions"),
        ("report --sort bytes", 2, "is not in this report"),
        ("series --every fortnight", 2, "--every 'fortnight' is no size"),
        ("report --window 2001", 4, ""),
        ("raport", 2, "did you mean 'report'?"),
        ("report --nonsense", 2, "nonsense"),
        ("ingest", 2, "PATH"),
        ("ingest /nowhere.log", 2, "no such file or folder"),
        ("ingest {samples} --geo-db {samples}/README.md", 2, "--geo-db"),
        ("ingest {samples} --input-format ngnix-main", 2, "did you mean 'nginx-main'?"),
        ("ingest {samples} --log-format hello", 2, "no $variables"),
        ("ingest {samples} --max-bad lots", 2, "is no share"),
        ("export --set daily -o /nowhere/x.csv", 2, "cannot write"),
        ("export --set daily -o x.xyz", 2, "names no format"),
    ],
)
def test_mistakes_are_told_in_one_sentence(arguments: str, code: int, says: str, store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(arguments.format(samples=SAMPLES))
    with_store = words[0] in {"report", "series", "export"}
    assert run([*words, "--store", str(store)] if with_store else words) == code
    error = capfd.readouterr().err
    assert says in error
    assert "Traceback" not in error


def test_a_store_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    for store in (tmp_path / "no", tmp_path):
        assert len(pullstats("report", "--store", store, code=2).err.strip().splitlines()) == 1


def test_exports_are_files_that_parse(store: Path, tmp_path: Path) -> None:
    daily = tmp_path / "daily.csv"
    assert run(["export", "--set", "daily", "--store", str(store), "-o", str(daily), "--quiet"]) == 0
    rows = list(csv.DictReader(io.StringIO(daily.read_text())))
    heads = "schema_version,date,package_type,package,version,client,os,arch,country,requests,bytes,downloads,downloaders,checks,origins,final"
    assert list(rows[0]) == heads.split(",")
    assert sum(int(row["requests"]) for row in rows) == 10836
    events = tmp_path / "events.ndjson"
    gateways = ["--window", "2026"]
    assert run(["export", "--set", "events", "--store", str(store), "-o", str(events), "--quiet", *gateways]) == 0
    assert len(events.read_text().splitlines()) == sum(path.read_bytes().count(b"\n") for path in SAMPLES.glob("gateway-*.log"))
    some = tmp_path / "some.ndjson"
    assert run(["export", "--set", "events", "--store", str(store), "-o", str(some), "--where", "status=404", "--quiet", *gateways]) == 0
    missing = [row for row in map(json.loads, events.read_text().splitlines()) if row["http_response_status_code"] == 404]
    assert list(map(json.loads, some.read_text().splitlines())) == missing
    assert missing
    assert run(["export", "--set", "rejects", "--store", str(store), "--where", "status=404"]) == 2
    rejects = tmp_path / "rejects.csv"
    assert run(["export", "--set", "rejects", "--store", str(store), "-o", str(rejects), "--quiet"]) == 0
    assert [row["source_line"] for row in csv.DictReader(io.StringIO(rejects.read_text()))] == ["8899"]


def test_options_come_from_the_environment_and_from_toml(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULLSTATS_STORE", str(store))
    (tmp_path / "pullstats.toml").write_text(
        'window = "all"\nformat = "json"\n[report]\nby = "client"\nmetrics = "requests"\nlimit = 1\nother = false\noutput_format = "json"\n'
    )
    by_toml = pullstats("report").rows
    arguments = "report --by client --metric requests --limit 1 --no-other --window all --format json --store"
    (tmp_path / "pullstats.toml").unlink()
    assert by_toml == pullstats(*arguments.split(), store).rows
    assert len(by_toml) == 1
    (tmp_path / "pullstats.toml").write_text("[ingest]\nkeep_addresses = true\n")
    assert run(["ingest", str(SAMPLES)]) == 2
    assert b"may not set" in capsysbinary.readouterr().err


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_and_option_has_help(command: str) -> None:
    text = pullstats(command, "--help").out
    assert COMMANDS[command].help.split(".")[0].split(",")[0][:12] in text
    assert "--help" in text


def test_help_imports_neither_polars_nor_pyarrow() -> None:
    code = "import sys; from pullstats.cli import run; run(['--help']); sys.exit(bool({'polars', 'pyarrow', 'deltalake'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_the_demo_walks_through(few_samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pullstats.cli.start.find_sample_logs", lambda: few_samples)
    shown = pullstats("demo").out
    assert shown.count("$ pullstats") == len(STEPS) >= 10
    assert "orchard/api" in shown
    os.environ.pop("PULLSTATS_STORE", None)


@pytest.mark.parametrize("command", ["clients", "packages"])
def test_a_group_alone_shows_its_commands(command: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run([command]) == 2
    out, err = capsysbinary.readouterr()
    assert out.startswith(b"Usage: pullstats")
    assert b"test" in out
    assert not err


def test_help_keeps_its_examples_on_lines_of_their_own() -> None:
    lines = [one.strip() for one in pullstats("--help").out.splitlines()]
    assert "pullstats ingest access.log" in lines
    assert "pullstats report --by country --window 30d" in lines
    assert "\\b" not in " ".join(lines)
    assert "\b" not in " ".join(lines)


@pytest.mark.parametrize("command", ["report --by nonsense", "report --window nonsense", "report --metric nonsense"])
def test_a_long_mistake_is_wrapped_on_a_terminal_alone(command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert run(command.split()) == 2
    whole = capsys.readouterr().err
    assert whole.count("\n") == 1
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert run(command.split()) == 2
    wrapped = capsys.readouterr().err
    assert max(map(len, wrapped.splitlines())) <= 60 < len(whole)
    assert " ".join(wrapped.split()) == " ".join(whole.split())


@pytest.mark.parametrize(("word", "command"), [("who", "origins"), ("Top", "report"), ("trend", "series"), ("diff", "compare")])
def test_a_command_by_another_name_is_answered_with_ours(word: str, command: str) -> None:
    assert f"no command '{word}'; what you may mean is {command}: {COMMANDS[command].help}" in " ".join(pullstats(word, code=2).err.split())


def test_no_other_name_of_a_command_is_one() -> None:
    assert not set(_CALLED) & set(COMMANDS)
    assert set(_CALLED.values()) <= set(COMMANDS)


def test_a_report_imports_no_statistics_of_comparisons_and_nothing_that_writes() -> None:
    """What a question does not need costs every run of it a share of its start."""
    asked = "import sys, pullstats.cli.look; print([name for name in sys.modules if name.endswith(('.noise', '.verdicts')) or name == 'deltalake'])"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert ran.stdout == "[]\n"


def test_a_log_that_is_known_imports_nothing_that_reads_lines_or_answers_questions(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes((SAMPLES / "gateway-edge.log").read_bytes())
    arguments = ["ingest", str(log), "--store", str(tmp_path / "store"), "--quiet"]
    assert run(arguments) == 0
    parts = (
        "pullstats.metrics",
        "pullstats.enrich.enricher",
        "pullstats.formats.advice",
        "pullstats.formats.own_formats",
        "pyarrow",
        "numpy",
        "deltalake",
    )
    code = f"import sys; from pullstats.cli import run; code = run({arguments!r}); print(code, sorted(set({parts!r}) & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert ran.stdout == "0 []\n"
