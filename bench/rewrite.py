"""Write a generated combined log in every other format and wrapper, so that the same requests can be measured in each."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from pullstats.formats import FORMATS
from pullstats.formats.ltsv import LtsvReader
from pullstats.formats.w3c import W3cReader
from pullstats.sources.line_wrappers import WRAPPERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMBINED = re.compile(r'(\S+) - (\S+) \[([^\]]+)\] "([^"]*)" (\d+) (\d+) "([^"]*)" "([^"]*)"')
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
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
        "remote_addr": address, "remote_user": user, "time_local": clock, "request": request, "status": status, "body_bytes_sent": size,
        "bytes_sent": size, "http_referer": referrer, "http_user_agent": agent, "request_method": method, "request_uri": target, "uri": path,
        "args": query or "-", "server_protocol": protocol, "time_iso8601": stamp[:19] + ".000Z", "msec": f"{when.timestamp():.3f}",
        "time_digits": when.strftime("%Y%m%d%H%M%S"), "accept_date": when.strftime("%d/%b/%Y:%H:%M:%S.000"), "w3c_date": stamp[:10],
        "w3c_time": stamp[11:19], "host": "dl.example.com", "http_x_forwarded_for": address, "captures": "", "ident": "-", "rest": '0.001 "x"',
        "request_time": "0.012", "request_time_ms": "12", "upstream_addr": "10.0.0.5:5000", "request_id": "0f4eef962a526d662e886bc8850c0fd0",
    }  # fmt: skip


def value(name: str, values: Values) -> str:
    """Give a variable its value; one that nobody reads a number or a dash."""
    return values[name] if name in values else "12" if name.endswith(NUMBERS) else "-"


def writer(name: str) -> Callable[[Values], str]:
    """Give what writes one request in a format."""
    reader = FORMATS[name].reader
    if isinstance(reader, LtsvReader):
        return write_ltsv
    if name in JSON:
        return lambda values: json.dumps(JSON[name](values), separators=(",", ":"))
    text = (reader.text if isinstance(reader, W3cReader) else reader).compiled.text  # type: ignore[attr-defined]
    parts = VARIABLE.split(text)  # literals and names in turn
    escape = (lambda text: text.replace(" ", "%20" if name == "cloudfront" else "+")) if isinstance(reader, W3cReader) else str
    return lambda values: "".join(escape(value(part, values)) if index % 2 else part for index, part in enumerate(parts))


def write_ltsv(values: Values) -> str:
    """Write labels in the order of ltsv.org."""
    labels = {"time": "time_local", "host": "remote_addr", "req": "request", "status": "status", "size": "body_bytes_sent"}
    labels |= {"referer": "http_referer", "ua": "http_user_agent", "vhost": "host", "reqtime": "request_time"}
    return "\t".join(f"{label}:{values[name]}" for label, name in labels.items())


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
    "timestamps": lambda line, v: f"{v['time_iso8601']} {line}",
    "fluent-bit-stdout": lambda line, _: f'[0] kube.gw: [[1749211200.500000000, {{}}], {{"log"=>"{line}"}}]',
    "ansi": lambda line, _: f"\x1b[36m\x1b[0m{line}",
}


def shapes() -> list[str]:
    """List what can be measured: formats, and combined lines in every line wrapper."""
    return [*(name for name in FORMATS if name != "harbor-untimed"), *(f"{wrapper.name}+nginx-combined" for wrapper in WRAPPERS)]


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
        for _ in range(times):
            out.write(text)
    return len(rows) * times
