"""JSON objects around single lines: what runtimes, journals and log services put under a key of their own.

To add one: append a `LineWrapper` to `WRAPPERS`, and a case in `tests/cases/wrappers/`.

Sources: docs.docker.com/engine/logging/drivers/json-file; systemd.io/JOURNAL_EXPORT_FORMATS (JSON);
cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry; docs.fluentbit.io;
elastic.co/guide (search hits, event.original); docs.splunk.com (export as JSON); docs.datadoghq.com/api (logs);
docs.graylog.org (GELF); learn.microsoft.com (ContainerLog, ContainerLogV2); opentelemetry.io/docs/specs/otlp.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from pullstats.clock import Clock
from pullstats.sources.json_objects import dig, dump, load_object, read_keys, to_text
from pullstats.sources.line_wrapper import ID, PARTIAL, STREAM, LineWrapper, Unwrap
from pullstats.timestamps import parse_times

_BYTES: Final = r"^\[ ?(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])(?:, ?(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]))* ?\]$"
"""What journald makes of a line that is no UTF-8; any other list in brackets is the line's own text."""


_TOMBSTONE: Final = r'^\{.*"payload"\s*:\s*null\s*\}\s*$'
"""A Kafka record that only says that what its key named is gone."""


def _by_keys(message: str, times: Sequence[str], *, has_parts: bool = False, nothing: str | None = None) -> Unwrap:
    """Take a line out of a JSON object.

    Args:
        message: key of the line: text, or a list of its bytes (journald).
        times: keys of the time.
        has_parts: a line without a newline at its end goes on in the next object.
        nothing: pattern of objects that hold no line and never did.
    """
    keys = (message, *times, STREAM)
    schema = pl.Schema(dict.fromkeys(keys, pl.String))

    def unwrap(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:
        objects = read_keys(lines["message"], schema, lambda item: tuple(to_text(item.get(key)) for key in keys))
        text = objects[message]
        if nothing is not None and text.null_count():
            text = text.zip_with(text.is_not_null() | ~lines["message"].str.contains(nothing), pl.Series([""]).new_from_index(0, text.len()))
        columns = [_from_bytes(text).str.strip_suffix("\n").alias("message")]
        if times:
            said = objects.select(pl.coalesce(pl.when(pl.col(key) != "").then(pl.col(key)) for key in times)).to_series()
            columns.append(parse_times(said, clock).alias("time"))
        if has_parts:
            columns += [(~text.str.ends_with("\n") & text.is_not_null()).alias(PARTIAL), objects[STREAM]]
        return pl.DataFrame(columns)

    return unwrap


_GOOGLE: Final = pl.Schema(
    {
        "insertId": pl.String(),
        "timestamp": pl.String(),
        "textPayload": pl.String(),
        "jsonPayload": pl.Struct({"message": pl.String(), "log": pl.String()}),
        "httpRequest": pl.String(),
    }
)


def _unwrap_google(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """Take the line out of a log entry; one that tells its request as such, or whose payload is the log's own object, is that."""
    texts = lines["message"]
    entries = read_keys(texts, _GOOGLE, _read_entry)
    payload = entries["jsonPayload"].struct
    said = pl.DataFrame({"text": entries["textPayload"], "message": payload.field("message"), "log": payload.field("log")})
    inner = said.select(pl.coalesce("text", "message", "log").str.strip_suffix("\n").alias("message")).to_series()
    own = entries["httpRequest"].is_not_null()
    bare = (inner.is_null() & ~own & texts.str.contains('"jsonPayload"', literal=True).fill_null(value=False)).arg_true()
    if bare.len():
        inner = inner.scatter(bare, pl.Series([_payload(text) for text in texts.gather(bare)], dtype=pl.String))
    message = texts.zip_with(own & entries["insertId"].is_not_null(), inner)
    return pl.DataFrame([message.alias("message"), parse_times(entries["timestamp"], clock).alias("time"), entries["insertId"].alias(ID)])


def _read_entry(item: dict[str, Any]) -> tuple[Any, ...]:
    payload = None
    if isinstance(item.get("jsonPayload"), dict):
        payload = {key: to_text(item["jsonPayload"].get(key)) for key in ("message", "log")}
    plain = {key: to_text(item.get(key)) for key in ("insertId", "timestamp", "textPayload", "httpRequest")}
    return tuple(payload if name == "jsonPayload" else plain[name] for name in _GOOGLE)


def _payload(line: str) -> str | None:
    payload = load_object(line).get("jsonPayload")
    return dump(payload) if isinstance(payload, dict) else None


def _from_bytes(texts: pl.Series) -> pl.Series:
    """Write a list of bytes, as journald gives a line that is no UTF-8, as text."""
    lists = texts.str.contains(_BYTES).fill_null(value=False)
    if not lists.any():
        return texts
    decoded = [_decode_list(text) for text in texts.filter(lists)]
    return texts.scatter(lists.arg_true(), pl.Series(decoded, dtype=pl.String))


def _decode_list(text: str) -> str:
    return bytes(map(int, text.strip("[]").split(","))).decode("utf-8", "backslashreplace")


_LINES: Final = (
    ("message",), ("textPayload",), ("LogEntry",), ("LogMessage",), ("_raw",), ("result", "_raw"), ("content", "message"), ("attributes", "message"),
    ("short_message",), ("full_message",), ("body", "stringValue"), ("body",), ("event", "original"), ("event",), ("_source", "message"),
    ("_source", "event", "original"), ("fields", "message"), ("@message",), ("msg",), ("Message",),
)  # fmt: skip
"""Where log services keep a line, from the outermost key on, the most telling first."""
_OBJECTS: Final = (("_source",), ("result",), ("content", "attributes"), ("attributes", "attributes"))
"""Where they keep the object that they made of one."""
_TIMES: Final = (
    ("timestamp",), ("@timestamp",), ("TimeGenerated",), ("_source", "@timestamp"), ("result", "_time"), ("_time",), ("content", "timestamp"),
    ("attributes", "timestamp"), ("timeUnixNano",), ("time",), ("ts",),
)  # fmt: skip
_FIELD: Final = "|".join(sorted({path[-1] for path in _LINES}))
_LINE_IN_FIELD: Final = rf'^\{{.*"(?:{_FIELD})"\s*:\s*"(?:[^"\\]{{0,300}}(?:\\"|\{{)|[^"\\]{{8,300}} (?:GET|HEAD|POST|PUT) )'
"""What stands under such a key is a line only where it holds a quote, an object or, behind more, a method: messages and requests lie there as well."""
_HIT: Final = r'^\{.*(?:"_source"\s*:\s*\{|"result"\s*:\s*\{.*"_raw"\s*:|"(?:content|attributes)"\s*:\s*\{.*"(?:message|attributes)"\s*:)'


def _unwrap_service(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """Take a line, or the object that was made of it, out of what a log service hands out."""
    items = [load_object(line) for line in lines["message"]]
    found = [next((text for text in (dig(item, path) for path in _LINES) if isinstance(text, str) and text), None) for item in items]
    objects = [
        next((dump(below) for below in (dig(item, path) for path in _OBJECTS) if isinstance(below, dict)), None) if text is None else text
        for item, text in zip(items, found, strict=True)
    ]
    texts = [None if text is None else text.removesuffix("\n").encode("utf-8", "backslashreplace").decode() for text in objects]
    times = [next((to_text(time) for time in (dig(item, path) for path in _TIMES) if isinstance(time, str | int | float)), None) for item in items]
    return pl.DataFrame(
        [pl.Series("message", texts, pl.String), parse_times(pl.Series(times, dtype=pl.String), clock).alias("time")],
    )


WRAPPERS: Final[tuple[LineWrapper, ...]] = (
    LineWrapper(
        "docker-json",
        "docker json-file",
        "https://docs.docker.com/engine/logging/drivers/json-file/",
        '{"log":"172.17.0.1 - - [29/May/2017:19:02:48 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" \\"curl/7.55.1\\" \\"-\\"\\n","stream":"stdout",'
        '"time":"2017-05-29T19:02:48.123456789Z"}',
        r'^\{.*"log":".*"stream":"std(?:out|err)".*"time":"|^\{.*"stream":"std(?:out|err)".*"log":".*"time":"[^"]*"\}$',
        _by_keys("log", ("time",), has_parts=True),
        re.compile(rb'\{"log":"(?:[^"\\]|\\.)*?(?P<end>\\n)?","stream":"(?P<stream>std(?:out|err))"'),
        literal='"stream":"std',
    ),
    LineWrapper(
        "journald",
        "journalctl -o json",
        "https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format",
        '{"__REALTIME_TIMESTAMP":"1701864000003000","SYSLOG_IDENTIFIER":"nginx","MESSAGE":"10.0.0.1 - - [06/Dec/2023:12:00:00 +0000] '
        '\\"GET / HTTP/1.1\\" 200 615 \\"-\\" \\"curl/8.5.0\\""}',
        r'^\{.*"MESSAGE"\s*:',
        _by_keys("MESSAGE", ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP")),
        literal='"MESSAGE"',
    ),
    LineWrapper(
        "google-entry",
        "Google Cloud Logging: entries with the line as textPayload, in jsonPayload, or told as httpRequest",
        "https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry",
        '{"insertId":"5tw0k2f1dv2ax","jsonPayload":{"message":"192.0.2.4 - - [21/Feb/2024:23:25:39 +0000] \\"GET / HTTP/1.1\\" 200 3715 \\"-\\" '
        '\\"curl/8.5.0\\""},"resource":{"type":"gce_instance"},"timestamp":"2024-02-21T23:25:39.354429946Z"}',
        r'^\{(?:.*"insertId"\s*:.*"(?:textPayload|jsonPayload|httpRequest)"\s*:|.*"(?:textPayload|jsonPayload|httpRequest)"\s*:.*"insertId"\s*:)',
        _unwrap_google,
        is_sure=True,
        literal='"insertId"',
    ),
    LineWrapper(
        "kcat",
        "kcat -J: Kafka records with the line as payload",
        "https://github.com/edenhill/kcat",
        '{"topic":"access","partition":0,"offset":41,"tstype":"create","ts":1704164645678,"broker":1,"key":null,"payload":"10.244.0.1 - - '
        '[02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" \\"curl/8.5.0\\""}',
        r'^\{.*"topic"\s*:.*"partition"\s*:.*"payload"\s*:',
        _by_keys("payload", ("ts",), nothing=_TOMBSTONE),
        is_sure=True,
        literal='"partition"',
    ),
    LineWrapper(
        "loki",
        "Loki: logcli -o jsonl",
        "https://grafana.com/docs/loki/latest/query/logcli/",
        '{"labels":{"app":"gateway"},"line":"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" \\"curl/8.5.0\\"",'
        '"timestamp":"2024-01-02T03:04:05.678901234Z"}',
        r'^\{.*"labels"\s*:\s*\{.*"line"\s*:\s*".*"timestamp"\s*:',
        _by_keys("line", ("timestamp",)),
        is_sure=True,
        literal='"labels"',
    ),
    LineWrapper(
        "fluent-bit",
        "fluent-bit and fluentd: JSON with the line as log",
        "https://docs.fluentbit.io/manual/pipeline/outputs/standard-output",
        '{"date":1704164645.678901,"stream":"stdout","log":"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" '
        '\\"curl/8.5.0\\"","kubernetes":{"pod_name":"gateway-7c5d","namespace_name":"default"}}',
        r'^\{.*"log"\s*:\s*"',
        _by_keys("log", ("time", "@timestamp", "timestamp", "date")),
        literal='"log"',
    ),
    LineWrapper(
        "json-hit",
        "Elasticsearch, Splunk, Datadog: what a search found, the line or its object in an object of its own",
        "https://www.elastic.co/guide/en/elasticsearch/reference/current/search-your-data.html",
        '{"_index":"access","_id":"1","_source":{"@timestamp":"2024-01-02T03:04:05.678Z","message":"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] '
        '\\"GET / HTTP/1.1\\" 200 612 \\"-\\" \\"curl/8.5.0\\""}}',
        _HIT,
        _unwrap_service,
    ),
    LineWrapper(
        "json-message",
        "Filebeat, Vector, Logstash: JSON with the line as message",
        "https://www.elastic.co/guide/en/beats/filebeat/current/filebeat-input-log.html",
        '{"@timestamp":"2024-01-02T03:04:05.678Z","message":"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" '
        '\\"curl/8.5.0\\"","log":{"offset":0,"file":{"path":"/var/log/nginx/access.log"}},"agent":{"type":"filebeat"}}',
        r'^\{.*"message"\s*:\s*"',
        _by_keys("message", ("@timestamp", "timestamp", "time", "date")),
        literal='"message"',
    ),
    LineWrapper(
        "json-field",
        "Graylog, Azure, Google, OpenTelemetry, Splunk's collector: JSON with the line under a key of the service's own",
        "https://docs.graylog.org/docs/gelf",
        '{"version":"1.1","host":"gateway","short_message":"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" '
        '\\"curl/8.5.0\\"","timestamp":1704164645.678}',
        _LINE_IN_FIELD,
        _unwrap_service,
    ),
)
