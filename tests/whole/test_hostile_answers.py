"""No agent, path or name of an owner that a stranger chose leaves any answer about people as it came: not in tables, CSV, JSON or Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pullstats.render.sanitise import HIDDEN
from support.command import pullstats
from support.effort import across
from support.places import DATA

TEXTS = [
    str(case["bytes"]).encode("latin-1").decode("utf-8", "replace")[:300]
    for case in map(json.loads, (DATA / "hostile_inputs.jsonl").read_text().splitlines())
    if case["where"] in {"user_agent", "path", "referer"} and case["bytes"] and "format" not in case
]
BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
COMMANDS = (
    "behaviour",
    "behaviour --by client,org",
    "behaviour --explain ID",
    "orgs --window 2026-03-02..2026-03-03",
    "offenders",
    "offenders --level org",
    "offenders --note ID",
    "origins",
    "origins ID",
    "origins --unique-by org",
    "doctor inflation",
    "report --by class,client",
    "series --every d --by class",
    "explain",
    "explain behaviour",
    "explain offenders",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store in which each text is an agent, a path and an owner's name, of a loop on 429 and of downloads."""
    folder = tmp_path_factory.mktemp("hostile")
    lines, owners = [], io.StringIO()
    rows = csv.writer(owners)
    for number, text in enumerate(TEXTS):
        address = f"198.{18 + number // 250}.{number % 250}.9"
        rows.writerow([f"{address}/32", text])
        for turn in range(26):
            moment = BEGIN + timedelta(minutes=7 * number, seconds=20 * turn)
            path, status = (f"/packages/lib-{turn}.{number % 7}-py3-none-any.whl", 200) if turn < 3 else ("/v2/" + text + "/manifests/" + text, 429)
            lines.append(
                {
                    "remote_addr": address,
                    "time_iso8601": moment.isoformat(),
                    "request_method": "GET",
                    "request_uri": path,
                    "server_protocol": "HTTP/1.1",
                    "status": status,
                    "body_bytes_sent": 10,
                    "http_user_agent": text,
                }
            )
    lines.sort(key=lambda line: str(line["time_iso8601"]))
    (folder / "access.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (folder / "owners.csv").write_text(owners.getvalue())
    assert pullstats("ingest", "-q", folder / "access.log", "--orgs", folder / "owners.csv", "--store", folder / "store").code == 0
    return folder / "store"


@pytest.fixture(scope="module")
def who(store: Path) -> str:
    return str(pullstats("offenders", "--window", "all", "--format", "json", "--store", store).rows[0]["who"])


def ask(command: str, output: str, store: Path, who: str) -> str:
    words = [who if word == "ID" else word for word in command.split()]
    return pullstats(*words, *([] if "--window" in words else ["--window", "all"]), "--format", output, "--store", store).out


@pytest.mark.parametrize(("command", "output"), across(COMMANDS, ("table", "csv", "json", "md")))
def test_no_text_of_a_stranger_leaves_as_it_came(command: str, output: str, store: Path, who: str) -> None:
    said = ask(command, output, store, who)
    assert said
    assert not re.search(f"[{HIDDEN}]", said.replace("\n", ""))
    if output == "csv":
        rows = list(csv.reader(io.StringIO(said)))
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "+", "@"))]
    if output == "json":
        assert said.isascii()
        assert json.loads(said)
    if output == "md":
        table = [line for line in said.split("\n") if line.startswith("|")]
        assert len({len(re.sub(r"\\.", "", line).split("|")) for line in table}) == 1
        assert not re.search(r"(?<!\\)<[a-zA-Z/!]|(?<!\\)\[[^\]]*\]\(|javascript:", said)


def test_every_owner_with_a_strange_name_is_listed(store: Path, who: str) -> None:
    rows = json.loads(ask("orgs --window 2026-03-02..2026-03-03", "json", store, who))
    assert len({row["org"] for row in rows}) > len(set(TEXTS)) * 0.7
