"""What the documents say is what the code does."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pullstats.cli import run
from pullstats.events import EVENT_FIELDS, json_schema
from pullstats.store import open_store
from support.places import ROOT, TESTS


def test_generated_files_are_in_sync() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "generate_docs.py"), "--check"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout


def test_the_event_schema_is_published() -> None:
    assert json.loads((ROOT / "schemas" / "event.json").read_text()) == json.loads(json.dumps(json_schema()))


def test_parquet_files_carry_names_units_and_meanings(tmp_path: Path) -> None:
    assert run(["ingest", str(ROOT / "sample_logs" / "gateway-edge.log"), "--store", str(tmp_path / "s"), "--quiet"]) == 0
    schema = pq.read_schema(open_store(tmp_path / "s").event_files()[0])
    fields = {field.name: field for field in EVENT_FIELDS}
    assert len(schema.names) > len(fields) / 2
    for name in schema.names:
        assert schema.field(name).metadata[b"origin"] == fields[name].origin.encode()


def readme_commands() -> list[str]:
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = (line for block in blocks for line in block.splitlines() if line.startswith("pullstats "))
    return list(dict.fromkeys(line.split("#")[0].strip() for line in lines))


def test_the_commands_of_the_readme_run(
    few_samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink(few_samples, tmp_path / "sample_logs")
    commands = readme_commands()
    assert len(commands) >= 6
    for command in commands:
        words = shlex.split(command, comments=True)[1:]
        assert run(words) == 0, (command, capfd.readouterr().err)


def test_every_test_that_the_docs_name_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "formats.md").read_text()))
    defined = {name for path in TESTS.rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}
    assert named
    assert named <= defined


HOUSE = ("docs/architecture.md", "CONTRIBUTING.md")


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = "\n".join((ROOT / page).read_text() for page in HOUSE)
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_./-]*|[a-z_]+\.py)`", text))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists() and not (ROOT / "pullstats" / name).exists() and name != "rejects/"] == []


def test_what_git_asks_before_a_commit_is_what_ci_asks() -> None:
    asked = re.findall(r"entry: (.+)", (ROOT / ".pre-commit-config.yaml").read_text())
    assert asked
    assert set(asked) <= {*(ROOT / ".ci" / "run").read_text().splitlines()}
