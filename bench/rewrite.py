"""Write a generated combined log in every other format and wrapper, so that the same requests can be measured in each."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from pullstats.formats import FORMATS
from pullstats.formats.conversions import ConvertingReader
from pullstats.formats.json_keys import KNOWN_PATHS
from pullstats.formats.variables import TIMES
from pullstats.formats.w3c import W3cReader
from pullstats.sources.line_wrappers import WRAPPERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMBINED = re.compile(r'(\S+) - (\S+) \[([^\]]+)\] "([^"]*)" (\d+) (\d+) "([^"]*)" "([^"]*)"')
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
PORT = re.compile(r"(?<=[0-9\]]):[0-9]+$")
BASE = re.compile(r"https?://[^/]*")
PAIR = re.compile(r'([\w.]+)=("[^"]*"|[^\s"]*)')
CLOCKS = {
    r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} .*": "%d/%b/%Y:%H:%M:%S +0000",
    r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}\.[0-9]+": "%d/%b/%Y:%H:%M:%S.000",
    "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]+": "%Y-%m-%d %H:%M:%S,000",
    "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}": "%Y-%m-%d %H:%M:%S",
    "[0-9]{4}-[0-9]{2}-[0-9]{2}": "%Y-%m-%d",
    "[0-9]{2}:[0-9]{2}:[0-9]{2}": "%H:%M:%S",
    "[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}": "%Y/%m/%d %H:%M:%S",
    "[0-9]{14}": "%Y%m%d%H%M%S",
    "[A-Z][a-z]{2}, .*": "%a, %d %b %Y %H:%M:%S GMT",
}
"""How times are spelled that are neither seconds nor ISO's."""
FILLED = (
    "remote_addr", "client", "downstream_remote_addr", "http_x_forwarded_for", "request", "request_method", "request_uri", "uri", "bare_path", "args", "query_string",
    "server_protocol", "status", "body_bytes_sent", "bytes_sent", "http_user_agent", "http_referer",
)  # fmt: skip
"""Variables whose values are a request's own; the others stay as in the sample."""
VARIABLES = {path: name for name, paths in KNOWN_PATHS.items() for path in paths} | {
    path: name for name in ("msec", "bare_path") for path in KNOWN_PATHS[name]
}
NUMBERS = ("length", "size", "time", "count", "bytes", "port", "conn", "queue", "retries", "t")

Values = dict[str, str]


@lru_cache(maxsize=100_000)
def read_clock(text: str) -> datetime:
    """Read CLF's time."""
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")


def read_line(line: str) -> Values:
    """Take a combined line apart into variables, those of other formats among them."""
    found = COMBINED.match(line)
    assert found, line
    address, user, clock, request, status, size, referrer, agent = found.groups()
    method, target, protocol = request.split(" ") if request.count(" ") == 2 else ("GET", "/", "HTTP/1.1")
    path, _, query = target.partition("?")
    when = read_clock(clock)
    stamp = when.isoformat()
    return {
        "remote_addr": address, "client": address, "downstream_remote_addr": address, "remote_user": user, "time_local": clock, "request": request, "status": status, "body_bytes_sent": size,
        "bytes_sent": size, "http_referer": referrer, "http_user_agent": agent, "request_method": method, "request_uri": target, "uri": path,
        "args": query or "-", "query_string": f"?{query}" if query else "", "server_protocol": protocol, "time_iso8601": stamp[:19] + ".000Z", "msec": f"{when.timestamp():.3f}",
        "time_digits": when.strftime("%Y%m%d%H%M%S"), "accept_date": when.strftime("%d/%b/%Y:%H:%M:%S.000"), "w3c_date": stamp[:10],
        "w3c_time": stamp[11:19], "host": "dl.example.com", "http_x_forwarded_for": address, "captures": "", "ident": "-", "rest": '0.001 "x"',
        "request_time": "0.012", "request_time_ms": "12", "upstream_addr": "10.0.0.5:5000", "request_id": "0f4eef962a526d662e886bc8850c0fd0",
    }  # fmt: skip


def writer(name: str) -> Callable[[Values], str]:
    """Give what writes one request in a format: as its sample is written, where nothing else is said here."""
    reader, sample = FORMATS[name].reader, FORMATS[name].sample
    if name in JSON:
        return lambda values: json.dumps(JSON[name](values), separators=(",", ":"))
    if sample.startswith("{"):
        return lambda values: json.dumps(fill_object(json.loads(sample), values, ()), separators=(",", ":"))
    if name in OWN:
        return OWN[name]
    if isinstance(reader, W3cReader):
        directive = reader.text.compiled.text
        return lambda values: write_fields(name, directive, values)
    if isinstance(reader, ConvertingReader):
        reader = reader.inner
    found = re.match(reader.compiled.pattern, sample)  # type: ignore[attr-defined]
    assert found, name
    spans = sorted((*found.span(group), group) for group in found.groupdict() if found[group])
    return lambda values: fill_spans(sample, spans, values)


def fill_spans(sample: str, spans: list[tuple[int, int, str]], values: Values) -> str:
    """Put the values of a request into the places of a real line's own."""
    pieces, end = [], 0
    for start, stop, name in spans:
        pieces += [sample[end:start], fill_value(sample[start:stop], name, values)]
        end = stop
    return "".join(pieces) + sample[end:]


def fill_object(item: dict[str, Any], values: Values, above: tuple[str, ...]) -> dict[str, Any]:
    """Put the values of a request where a real object has its own."""
    return {
        key: fill_object(held, values, (*above, key)) if isinstance(held, dict) else fill_value(held, VARIABLES.get((*above, key), ""), values)
        for key, held in item.items()
    }


def fill_value(held: Any, name: str, values: Values) -> Any:
    """Write a value as a real one is written: a list, a number, a URL, in quotes, an address with its port."""
    if isinstance(held, list):
        return [fill_value(below, name, values) for below in held]
    text = str(held)
    if name in TIMES:
        new = write_time(text, values)
    elif name not in FILLED or not text:
        return held
    elif text[0] == text[-1] == '"':
        return f'"{fill_value(text[1:-1], name, values)}"'
    elif name in ("request_uri", "bare_path") and (base := BASE.match(text)):
        new = base[0] + values["request_uri"]
    elif name == "bare_path" or (name == "request_uri" and text[:1] not in "/-"):
        new = values["request_uri"].lstrip("/")
    elif name == "remote_addr" and (port := PORT.search(text)):
        new = (f"[{values[name]}]" if ":" in values[name] else values[name]) + port[0]
    elif name == "http_x_forwarded_for" and "," in text:
        new = f"{values[name]}, 10.0.0.7"
    elif name == "http_user_agent" and "%2F" in text:
        new = quote_plus(values[name])
    else:
        new = values[name]
    return type(held)(float(new)) if isinstance(held, int | float) else new


def write_time(text: str, values: Values) -> str:
    """Write the time of a request as another is written."""
    when = read_clock(values["time_local"])
    if re.fullmatch(r"[0-9]{10}(?:\.[0-9]+)?|[0-9]{13}|[0-9]{16}", text):
        digits = values["msec"].replace(".", "") + "000"
        return values["msec"] if "." in text else digits[: len(text)]
    return next((when.strftime(form) for shape, form in CLOCKS.items() if re.fullmatch(shape, text)), values["time_iso8601"])


def write_fields(name: str, text: str, values: Values) -> str:
    """Write the fields of a `#Fields:` line; what nobody reads is a number or a dash."""
    blank = "%20" if name == "cloudfront" else "+"
    parts = VARIABLE.split(text)  # literals and names in turn
    filled = (
        values.get(part, "12" if part.endswith(NUMBERS) else "-").replace(" ", blank) if index % 2 else part for index, part in enumerate(parts)
    )
    return "".join(filled)


def write_pairs(name: str) -> Callable[[Values], str]:
    """Give what writes `key=value` pairs as the sample has them."""

    def fill(found: re.Match[str], values: Values) -> str:
        key, held = found[1], found[2]
        quote = '"' if held.startswith('"') else ""
        return f"{key}={quote}{fill_value(held.strip(quote or None), VARIABLES.get((key,), ''), values)}{quote}"

    return lambda values: PAIR.sub(lambda found: fill(found, values), FORMATS[name].sample)


def write_ltsv(values: Values) -> str:
    """Write labels in the order of ltsv.org."""
    labels = {"time": "time_local", "host": "remote_addr", "req": "request", "status": "status", "size": "body_bytes_sent"}
    labels |= {"referer": "http_referer", "ua": "http_user_agent", "vhost": "host", "reqtime": "request_time"}
    return "\t".join(f"{label}:{values[name]}" for label, name in labels.items())


TABLE = ("time_iso8601", "remote_addr", "request_method", "request_uri", "status", "body_bytes_sent", "http_user_agent")
HEADS = {"csv": ",".join(TABLE) + "\n"}
OWN: dict[str, Callable[[Values], str]] = {
    "csv": lambda values: ",".join(f'"{values[name]}"' for name in TABLE),
    "ltsv": write_ltsv,
    "logfmt": write_pairs("logfmt"),
    "distribution-messages": write_pairs("distribution-messages"),
}

JSON: dict[str, Callable[[Values], dict[str, object]]] = {
    "json": lambda v: {
        "time": v["time_iso8601"], "remote_addr": v["remote_addr"], "request": v["request"], "status": int(v["status"]),
        "body_bytes_sent": int(v["body_bytes_sent"]), "http_referer": v["http_referer"], "http_user_agent": v["http_user_agent"],
    },
    "caddy": lambda v: {
        "level": "info", "ts": float(v["msec"]), "logger": "http.log.access.log0", "msg": "handled request",
        "request": {
            "remote_ip": v["remote_addr"], "client_ip": v["remote_addr"], "proto": v["server_protocol"], "method": v["request_method"],
            "host": v["host"], "uri": v["request_uri"], "headers": {"User-Agent": [v["http_user_agent"]], "Referer": [v["http_referer"]]},
        },
        "duration": 0.012, "size": int(v["body_bytes_sent"]), "status": int(v["status"]),
    },
    "traefik-json": lambda v: {
        "ClientAddr": v["remote_addr"] + ":39496", "ClientHost": v["remote_addr"], "ClientUsername": "-",
        "DownstreamContentSize": int(v["body_bytes_sent"]), "DownstreamStatus": int(v["status"]), "Duration": 12000000,
        "RequestHost": v["host"], "RequestMethod": v["request_method"], "RequestPath": v["request_uri"],
        "RequestProtocol": v["server_protocol"], "RequestScheme": "https", "StartUTC": v["time_iso8601"],
        "request_User-Agent": v["http_user_agent"], "request_Referer": v["http_referer"],
    },
    "cloudflare": lambda v: {
        "ClientIP": v["remote_addr"], "ClientRequestHost": v["host"], "ClientRequestMethod": v["request_method"],
        "ClientRequestURI": v["request_uri"], "EdgeResponseBytes": int(v["body_bytes_sent"]), "EdgeResponseStatus": int(v["status"]),
        "EdgeStartTimestamp": v["time_iso8601"], "RayID": "761fde4e984e5ab2", "ClientRequestUserAgent": v["http_user_agent"],
        "ClientRequestReferer": v["http_referer"], "ClientRequestProtocol": v["server_protocol"],
    },
    "gcp": lambda v: {
        "httpRequest": {
            "requestMethod": v["request_method"], "requestUrl": "https://dl.example.com" + v["request_uri"], "status": int(v["status"]),
            "responseSize": v["body_bytes_sent"], "userAgent": v["http_user_agent"], "remoteIp": v["remote_addr"], "latency": "0.012s",
        },
        "insertId": "1gsr2mrg1kvkbfw", "timestamp": v["time_iso8601"],
    },
    "fastly": lambda v: {
        "bytes": int(v["body_bytes_sent"]), "date_time": v["time_iso8601"], "ddsource": "fastly", "host": v["host"],
        "http": {"protocol": v["server_protocol"], "referer": v["http_referer"], "useragent": v["http_user_agent"]}, "ip": v["remote_addr"],
        "method": v["request_method"], "status": int(v["status"]), "url": "https://dl.example.com" + v["request_uri"], "version": "1",
    },
}  # fmt: skip

UNTIMED = ("harbor-untimed", "verdaccio-untimed")
"""Formats whose lines need a wrapper that has a time."""

WRAP: dict[str, Callable[[str, Values], str]] = {
    "docker-json": lambda line, v: json.dumps({"log": line + "\n", "stream": "stdout", "time": v["time_iso8601"]}, separators=(",", ":")),
    "cri": lambda line, v: f"{v['time_iso8601']} stdout F {line}",
    "compose": lambda line, _: f"web-1  | {line}",
    "syslog": lambda line, _: f"<190>Jun  6 12:00:00 gw nginx[14]: {line}",
    "syslog-5424": lambda line, v: f"<190>1 {v['time_iso8601']} gw nginx 14 - - {line}",
    "journald": lambda line, _: json.dumps({"__REALTIME_TIMESTAMP": "1749211200003000", "MESSAGE": line, "_COMM": "nginx"}),
    "kubectl": lambda line, _: f"[pod/gateway-7c5d/nginx] {line}",
    "fluent-bit": lambda line, _: json.dumps({"date": 1749211200.5, "log": line, "kubernetes": {"pod_name": "gateway"}}),
    "json-message": lambda line, v: json.dumps({"@timestamp": v["time_iso8601"], "message": line, "agent": {"type": "filebeat"}}),
    "json-hit": lambda line, v: json.dumps({"_index": "logs", "_id": "1", "_source": {"@timestamp": v["time_iso8601"], "message": line}}),
    "json-field": lambda line, v: json.dumps({"version": "1.1", "host": "gateway", "short_message": line, "timestamp": float(v["msec"])}),
    "timestamps": lambda line, v: f"{v['time_iso8601']} {line}",
    "fluent-bit-stdout": lambda line, _: f'[0] kube.gw: [[1749211200.500000000, {{}}], {{"log"=>"{line}"}}]',
    "google-entry": lambda line, v: json.dumps({"insertId": v["msec"] + v["remote_addr"], "textPayload": line, "timestamp": v["time_iso8601"]}),
    "kcat": lambda line, _: json.dumps({"topic": "access", "partition": 0, "offset": 41, "ts": 1749211200003, "key": None, "payload": line}),
    "loki": lambda line, v: json.dumps({"labels": {"app": "gateway"}, "line": line, "timestamp": v["time_iso8601"]}),
    "fluentd-file": lambda line, v: f"{v['time_iso8601']}\tnginx.access\t{json.dumps({'message': line})}",
    "prefix": lambda line, _: f"2025-06-06 12:00:00,678 INFO [gateway] {line}",
    "ansi": lambda line, _: f"\x1b[36m\x1b[0m{line}",
}


def shapes() -> list[str]:
    """List what can be measured: formats, and combined lines in every line wrapper."""
    return [*(name for name in FORMATS if name not in UNTIMED), *(f"{wrapper.name}+nginx-combined" for wrapper in WRAPPERS)]


def rewrite(log: Path, target: Path, shape: str, times: int) -> int:
    """Write a combined log in another shape, several times over; give the lines written."""
    wrapper, _, inner = shape.rpartition("+")
    write = writer(inner)
    rows = []
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            bare = line.rstrip("\n")
            values = read_line(bare)
            rows.append((WRAP[wrapper](bare, values) if wrapper else write(values)) + "\n")
    text = "".join(rows)
    with target.open("w", encoding="utf-8") as out:
        out.write(HEADS.get(shape, ""))
        for _ in range(times):
            out.write(text)
    return len(rows) * times
