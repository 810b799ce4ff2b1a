"""Nothing secret arrives: planted in every field of every format, it is in no byte of the store and of what is printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pullstats.cli import run
from pullstats.formats import FORMATS
from pullstats.formats.json_keys import KEYS
from pullstats.formats.json_lines import JsonReader
from pullstats.formats.labels import LabelReader
from pullstats.formats.logfmt import LogfmtReader
from pullstats.formats.text_lines import TextReader
from pullstats.formats.w3c import W3cReader
from pullstats.store import open_store
from support.command import Said, pullstats
from support.effort import some
from support.plants import CLIENT, HOP, PLANTS, SECRETS, USER, assert_clean, every_text

VALUES = {
    "remote_addr": CLIENT,
    "realip_remote_addr": CLIENT,
    "proxy_protocol_addr": CLIENT,
    "remote_user": USER,
    "time_local": "10/Jul/2024:13:55:36 +0000",
    "time_iso8601": "2024-07-10T13:55:36.000Z",
    "msec": "1720619736.123",
    "time_http": "Wed, 10 Jul 2024 13:55:36 GMT",
    "time_digits": "20240710135536",
    "accept_date": "10/Jul/2024:13:55:36.000",
    "w3c_date": "2024-07-10",
    "w3c_time": "13:55:36",
    "status": "200",
    "request_method": "GET",
    "server_protocol": "HTTP/1.1",
    "captures": "",
    "hierarchy": "HIER_DIRECT",
    "ident": "-",
}
AZURE = {
    "time_iso8601": "2019-06-19T22:59:23.1967767Z",
    "operation": "GetBlob",
    "request_status": "AnonymousSuccess",
    "status": "200",
    "request_time_ms": "17",
    "server_latency": "16",
    "authentication_type": "anonymous",
    "service_type": "blob",
    "operation_count": "0",
    "remote_addr": f"{CLIENT}:4362",
    "body_bytes_sent": "23",
    "last_modified": "Thursday, 19-Jun-14 22:58:10 GMT",
}
NUMBERS = re.compile(r"bytes|size|length|time|port|connection|^field_")


def value_of(name: str, plant: str) -> str:
    """Give a variable what its format would take, a plant where it takes anything."""
    if name in VALUES:
        return VALUES[name]
    if NUMBERS.search(name) and name != "http_referer":
        return "12"
    if name == "request":
        return f"GET /{plant.replace(' ', '%20')} HTTP/1.1"
    if name in ("request_uri", "uri"):
        return "/" + plant.replace(" ", "%20")
    if name in ("args", "query_string"):
        return "q=1&" + plant.replace(" ", "%20")
    if name.startswith("http_x_forwarded") or name in ("http_forwarded", "http_x_real_ip"):
        return HOP
    return plant


MESSAGES = frozenset({"akamai-structured", "csv", "devpi", "gitea", "gitea-1.15", "logfmt", "rails", "verdaccio", "verdaccio-untimed"})
"""Formats of a program's own messages, and tables: planted in their sample."""
CLIENT_IN_SAMPLE = re.compile(r"(?<![0-9.])(?:198\.51\.100\.[0-9]{1,3}|127\.0\.0\.1)(?![0-9.])")
TARGET_IN_SAMPLE = re.compile(r"(?<=[ \"',])(?:/[^\s\"',:]+|path1/[^\s]+)")


def lines_of_sample(sample: str) -> Iterator[str]:
    """Plant in the client, the target and what is free text of a format's sample, and leave lines that do not fit."""
    *head, line = sample.split("\n")
    yield from head
    line = CLIENT_IN_SAMPLE.sub(CLIENT, line).replace("user: null(", f"user: {USER}(")
    # an address is known for the client's only where the format logs one
    for plant in [*PLANTS, *([f"for {CLIENT}"] if CLIENT in line else [])]:
        target = "/" + plant.replace(" ", "%20").replace(",", "%2C").replace("'", "%27")
        planted = TARGET_IN_SAMPLE.sub(target.replace("\\", r"\\"), line, count=1)
        yield planted
        yield (
            planted.replace("2023-", "20x3-")
            .replace("2024", "20x4")
            .replace("202", "2x2", 1)
            .replace("<-- 200", "<-- 2OO")
            .replace("1573840000", "x")
        )
        yield f"{line[:12]} {plant}"


ALIKE = [name for name, log_format in FORMATS.items() if isinstance(log_format.reader, JsonReader)]
"""Formats whose planted logs are the same object: every known key of JSON."""


def plants_of(name: str) -> list[str]:
    """Give what is planted in a format; of the many that are JSON by the same keys, a thousand a line, one holds all, and each other one plant in turn; of the others each holds half."""
    if name in ALIKE[1:]:
        return some(PLANTS, len(PLANTS), first=ALIKE.index(name) % len(SECRETS))
    return some(PLANTS, 4) if name in ALIKE else some(PLANTS, 2, first=len(name) % 2)


def lines_of(name: str) -> Iterator[str]:
    """Write lines of a format, each with another plant in all its fields, and some that do not fit it."""
    if name in MESSAGES:
        yield from lines_of_sample(FORMATS[name].sample)
        return
    reader = FORMATS[name].reader
    # a hop is known for one only where the format logs it as one
    logged = reader.compiled.variables if isinstance(reader, TextReader) else ("remote_addr", "http_x_forwarded_for")
    known = [address for variable, address in (("remote_addr", CLIENT), ("http_x_forwarded_for", HOP)) if variable in logged]
    known = [] if len(plants_of(name)) == 1 else known[:1] if isinstance(reader, W3cReader | LabelReader | LogfmtReader) else known
    for plant in [*plants_of(name), *(f"for {address}" for address in known)]:
        word = plant.replace(" ", "+")  # unquoted values hold no blank
        if isinstance(reader, JsonReader):
            yield json.dumps(_object(plant))
            yield json.dumps({**_object(plant), "time": "no time", "msec": "-", "timestamp": "x"})
            yield json.dumps(_object(plant))[:-30]
        elif isinstance(reader, LogfmtReader):
            quoted = plant.replace("\\", r"\\").replace('"', r"\"")
            begins = 'time="2018-07-06T11:34:21.914679407Z" level=info msg="response completed" http.request.method=GET http.response.status=200'
            line = f'{begins} http.request.remoteaddr="{CLIENT}:51742" http.request.uri="/{quoted.replace(" ", "%20")}" http.request.useragent="{quoted}"'
            yield line
            yield line.replace("2018", "20x8")
        elif isinstance(reader, LabelReader):
            labels = {
                "time": "time_local",
                "host": "remote_addr",
                "user": "remote_user",
                "req": "request",
                "ua": "http_user_agent",
                "referer": "http_referer",
            }
            cells = [f"{label}:{value_of(variable, plant)}" for label, variable in labels.items()] + [
                f"vhost:{word}",
                f"odd:{plant}",
                f"reqid:{word}",
            ]
            yield "\t".join([*cells, "status:200"])
            yield "\t".join(cells[1:])
            yield "\t".join(cells).replace("req:", "rq:")
        else:
            assert isinstance(reader, TextReader | W3cReader)
            compiled = reader.text.compiled if isinstance(reader, W3cReader) else reader.compiled
            line = compiled.text
            if name.startswith(("varnish", "squid")):  # a word of theirs by which the format is known
                line = line.replace("$upstream_cache_status", "miss" if name.startswith("varnish") else "TCP_MISS")
            values = {True: plant, False: word}
            for variable in sorted(re.findall(r"\$\{?(\w+)\}?", line), key=len, reverse=True):
                value = value_of(variable, values[f'"${variable}"' in line or compiled.separator == "|"])
                if name.startswith("azure-storage"):  # quoted where a client may write, and its version in front
                    value = {"version": name[-3:]}.get(variable, AZURE.get(variable, f'"{value}"'))
                line = re.sub(rf"\$\{{?{variable}\b\}}?", value.replace("\\", r"\\"), line)
            if name == "apache-forwarded-peer":  # told by a list of hops
                line = line.replace(HOP, f"{HOP}, {HOP}", 1)
            yield line
            yield line.replace("2024", "20x4").replace("17206", "x7206")
            yield line[: len(line) * 2 // 3]
            yield "odd " + line


def _object(plant: str) -> dict[str, object]:
    """Fill every key of the table."""
    item: dict[str, object] = {}
    for variable, keys in KEYS.items():
        for key in keys:
            *parents, leaf = key.split(".")
            node = item
            for parent in parents:
                below = node.setdefault(parent, {})
                node = below if isinstance(below, dict) else node
            node.setdefault(leaf, int(value_of(variable, plant)) if value_of(variable, plant).isdecimal() else value_of(variable, plant))
    return {**item, "msec": 1720619736.123, "headers": {"Authorization": [plant], "Cookie": [plant]}, "unknown": plant}


def plant_log(name: str, folder: Path) -> Path:
    """Write a planted log of a format."""
    log = folder / f"{name}.log"
    wrapped = [f"<190>Jul 10 13:55:36 gw app[1]: {line}" if name.endswith("-untimed") else line for line in lines_of(name)]
    log.write_text("".join(f"{line}\n" for line in wrapped))
    return log


def take_in_planted(name: str, folder: Path) -> Said:
    """Ingest a planted log into the folder's store; give what was printed."""
    options = ["--store", str(folder / "store"), "--input-format", name, "--format", "json", "--trusted-proxy", HOP]
    return pullstats("ingest", str(plant_log(name, folder)), *options)


@pytest.mark.parametrize("name", [*some([name for name in FORMATS if name not in ALIKE], 6, first=3), *some(ALIKE, 12)])
def test_planted_secrets_reach_neither_the_store_nor_what_ingest_prints(name: str, tmp_path: Path) -> None:
    said = take_in_planted(name, tmp_path)
    count = said.rows
    # a host that is none makes another line of it
    assert count["events"] >= (3 if "vhost" in name or name.startswith("apache") else len(plants_of(name))), "planted lines are read"
    assert name in MESSAGES or count["events"] + count["rejected"] == len(list(lines_of(name)))
    assert_clean(said.out + said.err, "the output")
    for text in every_text(tmp_path / "store"):
        assert_clean(text, "the store")


@pytest.mark.parametrize("name", [*some([name for name in FORMATS if name not in ALIKE], 24), *some(ALIKE, len(ALIKE), first=2)])
def test_planted_secrets_reach_no_answer(name: str, tmp_path: Path) -> None:
    """Of a store without them no answer has them; what is shown of a log itself might."""
    take_in_planted(name, tmp_path)
    for command in (
        ["report", "--by", "path,client,user", "--window", "all", "--limit", "0"],
        ["report", "--by", "referrer,domain,backend", "--metric", "requests", "--window", "all", "--format", "csv"],
        ["export", "--set", "events", "--window", "all", "--format", "ndjson"],
        ["export", "--set", "rejects", "--format", "csv"],
        ["status"],
    ):
        said = pullstats(*command, "--store", tmp_path / "store")
        assert_clean(said.out + said.err, " ".join(command))


@pytest.mark.parametrize("name", [*some([name for name in FORMATS if name not in ALIKE], 20, first=1), *some(ALIKE, len(ALIKE), first=1)])
def test_what_is_shown_of_a_log_holds_nothing_planted(name: str, tmp_path: Path) -> None:
    said = pullstats("formats", "test", plant_log(name, tmp_path), "--lines", "0")
    assert_clean(said.out + said.err, "the output")


def test_a_user_is_a_hash_and_the_same_one_everywhere(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    log = tmp_path / "a.log"
    log.write_text(f'1.2.3.4 - {USER} [20/Jul/2024:22:59:29 +0000] "GET /a HTTP/1.0" 200 46210 "-" "x"\n' * 2)
    other = tmp_path / "b.log"
    other.write_text(
        json.dumps({"time": "2024-07-20T22:59:30Z", "remote_addr": "1.2.3.5", "remote_user": USER, "request": "GET / HTTP/1.1", "status": 200}) + "\n"
    )
    assert run(["ingest", str(log), str(other), "--store", str(tmp_path / "store")]) == 0
    users = open_store(tmp_path / "store").scan_events(["user_id"]).collect()["user_id"]
    assert users.n_unique() == 1
    assert users.null_count() == 0
    capsysbinary.readouterr()
