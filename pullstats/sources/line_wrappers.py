r"""What runtimes and log daemons put around every line: taken off one after the other, in any nesting.

    {"log":"<line>\n","stream":"stdout","time":"2024-…Z"}      docker json-file
    2024-01-02T03:04:05.678901234Z stdout F <line>             CRI: containerd, CRI-O; P for a part
    web-1  | <line>                                            docker compose
    Feb  6 12:14:14 host nginx[14]: <line>                     syslog, RFC 3164 or with an ISO time; perhaps without a host
    <190>1 2024-… host nginx 14 - - <line>                     syslog, RFC 5424
    {"MESSAGE":"<line>","__REALTIME_TIMESTAMP":"1704…", …}     journald's JSON export
    [pod/web-5d9/nginx] <line>                                 kubectl logs --prefix
    {"date":1704164645.1,"log":"<line>","kubernetes":{…}}      fluent-bit, fluentd; Filebeat and Vector: "message"
    2024-01-02 03:04:05,678 INFO [gateway] <line>              whatever a program puts in front of common or combined

A line that is not wrapped stays as it is. Lines that a runtime cut (docker at 16 KiB, CRI with `P`)
are joined; the pieces behind the first count as ignored.

To add one: append a `LineWrapper`, and a case in `tests/cases/wrappers/`.

Sources: docs.docker.com/engine/logging/drivers/json-file; kubernetes/kubernetes design proposal
kubelet-cri-logging; RFC 3164, RFC 5424; systemd.io/JOURNAL_EXPORT_FORMATS (JSON); docs.fluentbit.io;
kubernetes.io/docs/reference/kubectl/generated/kubectl_logs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import polars as pl

from pullstats.clean_lines import split_lines
from pullstats.clock import Clock
from pullstats.events import TIMESTAMP
from pullstats.sources.blocks import BY_LINE, Block, Framing, LineFraming
from pullstats.sources.messages import Peeled, Peeler, refuse, shape_messages
from pullstats.timestamps import parse_times
from pullstats.tokenisers import read_objects

_SHARE: Final = 0.5
"""Share of a log's lines that must be wrapped: others may be the runtime's own."""
MAX_LAYERS: Final = 4
_PARTS_LOOKED_AT: Final = 64
_PARTIAL: Final = "is_partial"
_STREAM: Final = "stream"
_ID: Final = "event_id"
_ISO: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_BSD: Final = r"[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
_TAG: Final = r"[A-Za-z0-9_][^\s:\[\x22]*"
_SYSLOG: Final = rf"^(?:<[0-9]{{1,3}}>(?:{_BSD}|{_ISO}) (?:\S+ )??{_TAG}(?:\[[^\]]*\])?: |(?:{_BSD}|{_ISO}) (?:\S+ )??{_TAG}\[[^\]]*\]: |(?:{_BSD}|{_ISO}) \S+ {_TAG}: )"
"""A host may be missing, as programs leave it out that write to a socket, where a priority or a process id tells that it is syslog."""
_ADDRESS: Final = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)"
_ACCESS: Final = rf"{_ADDRESS} \S+ [^\[\x22]*\[[0-9]{{2}}/[A-Z][a-z]{{2}}/[0-9]{{4}}:[0-9:]{{8}} [+-][0-9]{{4}}\] \x22"
"""The beginning of a line in common or combined."""
_PREFIX: Final = r"^[^\x22]{0,300}?(?:[:\]|>]|[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?Z?) +"
_ODD_ESCAPE: Final = r"\\u(?:[dD]|0000)"
_BYTES: Final = r"^\[ ?(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5])(?:, ?(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]))* ?\]$"
"""What journald makes of a line that is no UTF-8; any other list in brackets is the line's own text."""
_SGR: Final = r"\x1b\[[0-9;]*m"

Unwrap = Callable[[pl.DataFrame, Clock], pl.DataFrame]
"""From `message` to `message`, and perhaps `time` (UTC), `is_partial` and `stream`, row by row; null `message` where a line is not wrapped."""


@dataclass(frozen=True, slots=True)
class LineWrapper:
    """A way single lines are wrapped.

    Attributes:
        name: as shown to the user.
        help: what wraps like this, in a few words.
        doc_url: the vendor's page.
        sample: a real line.
        pattern: what a wrapped line looks like.
        unwrap: takes lines out.
        parts: pattern of a wrapped line's bytes with groups `stream` and `end`, which is missing where the line goes on
            in the next; None if lines are never cut.
        is_sure: no server writes such lines by itself, even where a format fits the whole of them.
    """

    name: str
    help: str
    doc_url: str
    sample: str
    pattern: str
    unwrap: Unwrap
    parts: re.Pattern[bytes] | None = None
    is_sure: bool = False


class PartFraming(LineFraming):
    """A record is a line with the parts before it: never cut between them."""

    is_by_line = False

    def __init__(self, parts: re.Pattern[bytes]) -> None:
        """Know a part by a pattern; see `LineWrapper.parts`."""
        self._parts = parts

    def last_cut(self, data: bytes) -> int:
        """Cut behind the last line that leaves no stream waiting for its end; anywhere if all of the last lines do."""
        edges = [data.rfind(b"\n") + 1]
        while edges[-1] and len(edges) <= _PARTS_LOOKED_AT:
            edges.append(data.rfind(b"\n", 0, edges[-1] - 1) + 1)
        waiting: set[bytes] = set()
        safe = 0
        for start, stop in pairwise(reversed(edges)):
            found = self._parts.match(data, start, stop)
            if found and found["end"] is None:
                waiting.add(found["stream"])
            elif found:
                waiting.discard(found["stream"])
            if not waiting:
                safe = stop
        return safe or (edges[0] if edges[-1] else 0)

    def final_cut(self, data: bytes) -> int:
        """Cut as anywhere: the runtime may be about to write the end of a line."""
        return self.last_cut(data)


class LinesPeeler:
    """Takes wrappers off every line, the outermost first."""

    telling: bytes | None = None

    def __init__(self, wrappers: Sequence[LineWrapper], clock: Clock, outer: Peeler | None = None) -> None:
        """Prepare for one log.

        Args:
            wrappers: what every line is wrapped in.
            clock: how times without a zone are read.
            outer: what the lines themselves lie in, None for a plain log.
        """
        self._wrappers = tuple(wrappers)
        self._clock = clock
        self._outer = outer
        parts = wrappers[0].parts if wrappers else None
        self.framing: Framing = outer.framing if outer else PartFraming(parts) if parts else BY_LINE
        if outer is not None:
            self.telling = outer.telling

    def peel(self, block: Block) -> Peeled:
        """Give the messages of a block."""
        peeled = self._outer.peel(block) if self._outer else _cut(block)
        return take_off(peeled, self._wrappers, self._clock)

    def remark(self, messages: int) -> str | None:
        """Say what the outer wrapper would."""
        return self._outer.remark(messages) if self._outer else None


def _cut(block: Block) -> Peeled:
    """Give the lines of a block as messages."""
    lines, lengths = split_lines(block.data)
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    frame = pl.DataFrame({"message": lines, "source_offset": lengths.cum_sum() - lengths + block.offset}).with_columns(source_line=number)
    return Peeled(shape_messages(frame), refuse(()))


def take_off(peeled: Peeled, wrappers: Sequence[LineWrapper], clock: Clock) -> Peeled:
    """Take wrappers off messages, the outermost first."""
    messages, ignored = peeled.messages, peeled.ignored
    for wrapper in wrappers:
        before = messages.height
        messages = _unwrap(messages, wrapper, clock)
        ignored += before - messages.height
    return Peeled(shape_messages(messages), peeled.refused, ignored, peeled.remarks)


def _unwrap(messages: pl.DataFrame, wrapper: LineWrapper, clock: Clock) -> pl.DataFrame:
    inner = wrapper.unwrap(messages.select("message"), clock)
    missing = inner["message"].is_null()
    message = inner["message"].zip_with(~missing, messages["message"]) if missing.any() else inner["message"]
    messages = messages.with_columns(message.alias("message"))
    if "time" in inner.columns:
        messages = messages.with_columns(pl.coalesce(inner["time"].cast(TIMESTAMP), "envelope_time").alias("envelope_time"))
    if _ID in inner.columns:
        messages = messages.with_columns(pl.coalesce(inner[_ID], pl.col(_ID)).alias(_ID))
    if _PARTIAL in inner.columns and inner[_PARTIAL].any():
        messages = _join_parts(messages.with_columns(inner[_PARTIAL].fill_null(value=False), inner[_STREAM].fill_null("")))
    return messages


def _join_parts(messages: pl.DataFrame) -> pl.DataFrame:
    """Join a line that a runtime cut: within a stream, up to the part that is the last."""
    begins = (~pl.col(_PARTIAL)).shift(1, fill_value=True).cast(pl.UInt32).cum_sum().over(_STREAM)
    numbered = messages.with_columns(begins.alias("group"))
    others = [pl.col(name).first() for name in messages.columns if name not in ("message", _PARTIAL, _STREAM)]
    joined = numbered.group_by(_STREAM, "group", maintain_order=True).agg(pl.col("message").str.join(""), *others)
    return joined.select(name for name in messages.columns if name not in (_PARTIAL, _STREAM))


def find_line_wrapper(lines: pl.Series) -> LineWrapper | None:
    """Tell what most of some lines are wrapped in; None if they are bare.

    Args:
        lines: lines of a log, blank ones left out.
    """
    if not lines.len():
        return None
    shares = lines.to_frame("line").select(pl.col("line").str.contains(wrapper.pattern).mean().alias(wrapper.name) for wrapper in WRAPPERS)
    best = max(WRAPPERS, key=lambda wrapper: shares[wrapper.name].item())
    return best if shares[best.name].item() >= _SHARE else None


def _by_pattern(pattern: str) -> Unwrap:
    """Take off what a pattern with groups `message`, and perhaps `iso` or `bsd`, names."""

    def unwrap(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:
        groups = lines.select(pl.col("message").str.extract_groups(pattern).alias("groups")).unnest("groups")
        times = [parse_times(groups["iso"], clock)] if "iso" in groups.columns else []
        if "bsd" in groups.columns and groups["bsd"].null_count() < groups.height:
            times.append(clock.add_year(groups["bsd"]))
        columns = [groups["message"]]
        if times:
            columns.append(pl.select(pl.coalesce(times)).to_series().alias("time"))
        if "part" in groups.columns:
            columns += [(groups["part"] == "P").alias(_PARTIAL), groups[_STREAM]]
        return pl.DataFrame(columns)

    return unwrap


def _strip_colours(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:  # noqa: ARG001 - colours know of no time
    return lines.select(pl.col("message").str.replace_all(_SGR, ""))


def _by_keys(message: str, times: Sequence[str], *, has_parts: bool = False) -> Unwrap:
    """Take a line out of a JSON object.

    Args:
        message: key of the line: text, or a list of its bytes (journald).
        times: keys of the time.
        has_parts: a line without a newline at its end goes on in the next object.
    """
    keys = (message, *times, _STREAM)

    def unwrap(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:
        objects = _read_objects(lines["message"], keys)
        text = objects[message]
        columns = [_from_bytes(text).str.strip_suffix("\n").alias("message")]
        if times:
            said = objects.select(pl.coalesce(pl.when(pl.col(key) != "").then(pl.col(key)) for key in times)).to_series()
            columns.append(parse_times(said, clock).alias("time"))
        if has_parts:
            columns += [(~text.str.ends_with("\n") & text.is_not_null()).alias(_PARTIAL), objects[_STREAM]]
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
    entries = _read_entries(texts)
    payload = entries["jsonPayload"].struct
    said = pl.DataFrame({"text": entries["textPayload"], "message": payload.field("message"), "log": payload.field("log")})
    inner = said.select(pl.coalesce("text", "message", "log").str.strip_suffix("\n").alias("message")).to_series()
    own = entries["httpRequest"].is_not_null()
    bare = (inner.is_null() & ~own & texts.str.contains('"jsonPayload"', literal=True).fill_null(value=False)).arg_true()
    if bare.len():
        inner = inner.scatter(bare, pl.Series([_payload(text) for text in texts.gather(bare)], dtype=pl.String))
    message = texts.zip_with(own & entries["insertId"].is_not_null(), inner)
    return pl.DataFrame([message.alias("message"), parse_times(entries["timestamp"], clock).alias("time"), entries["insertId"].alias(_ID)])


def _read_entries(lines: pl.Series) -> pl.DataFrame:
    """Read what is wanted of log entries; null where a line is none."""
    is_odd = lines.is_null() | ~lines.str.starts_with("{") | lines.str.contains(_ODD_ESCAPE)
    if not is_odd.any():
        found = read_objects((lines.str.join("\n").item() + "\n").encode(), _GOOGLE)
        if found is not None and found.height == lines.len():
            return found
    rows = [_read_entry(line) for line in lines]
    return pl.DataFrame(rows, schema=_GOOGLE, orient="row")


def _read_entry(line: str | None) -> tuple[Any, ...]:
    item, payload = _load_object(line), None
    if isinstance(item.get("jsonPayload"), dict):
        payload = {key: _to_text(item["jsonPayload"].get(key)) for key in ("message", "log")}
    plain = {key: _to_text(item.get(key)) for key in ("insertId", "timestamp", "textPayload", "httpRequest")}
    return tuple(payload if name == "jsonPayload" else plain[name] for name in _GOOGLE)


def _payload(line: str) -> str | None:
    payload = _load_object(line).get("jsonPayload")
    return json.dumps(payload) if isinstance(payload, dict) else None


def _load_object(line: str | None) -> dict[str, Any]:
    try:
        item = json.loads(line or "", strict=False)
    except (ValueError, RecursionError):
        return {}
    return item if isinstance(item, dict) else {}


def _read_objects(lines: pl.Series, keys: Sequence[str]) -> pl.DataFrame:
    """Read some keys of JSON objects as text; null where a line is no object."""
    schema = pl.Schema(dict.fromkeys(keys, pl.String))
    is_odd = lines.is_null() | ~lines.str.starts_with("{") | lines.str.contains(_ODD_ESCAPE)
    if not is_odd.any():
        found = read_objects((lines.str.join("\n").item() + "\n").encode(), schema)
        if found is not None and found.height == lines.len():
            return found
    rows = [_read_object(line, keys) for line in lines]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _read_object(line: str | None, keys: Sequence[str]) -> tuple[str | None, ...]:
    item = _load_object(line)
    return tuple(_to_text(item.get(key)) for key in keys)


def _to_text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "backslashreplace").decode()


def _from_bytes(texts: pl.Series) -> pl.Series:
    """Write a list of bytes, as journald gives a line that is no UTF-8, as text."""
    lists = texts.str.contains(_BYTES).fill_null(value=False)
    if not lists.any():
        return texts
    decoded = [_decode_list(text) for text in texts.filter(lists)]
    return texts.scatter(lists.arg_true(), pl.Series(decoded, dtype=pl.String))


def _decode_list(text: str) -> str:
    return bytes(map(int, text.strip("[]").split(","))).decode("utf-8", "backslashreplace")


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
    ),
    LineWrapper(
        "cri",
        "containerd and CRI-O: /var/log/pods",
        "https://kubernetes.io/docs/concepts/cluster-administration/logging/",
        '2024-01-02T03:04:05.678901234Z stdout F 10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0" "-"',
        rf"^{_ISO} std(?:out|err) [FP]",
        _by_pattern(rf"^(?P<iso>{_ISO}) (?P<stream>std(?:out|err)) (?P<part>[FP])(?::[^ ]*)?(?: (?P<message>.*))?$"),
        re.compile(rb"\S+ (?P<stream>std(?:out|err)) (?:P|(?P<end>F))"),
        is_sure=True,
    ),
    LineWrapper(
        "compose",
        "docker compose logs",
        "https://docs.docker.com/reference/cli/docker/compose/logs/",
        'web-1  | 172.18.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0" "-"',
        r"^[A-Za-z0-9][A-Za-z0-9_.-]* +\| ",
        _by_pattern(r"^[A-Za-z0-9][A-Za-z0-9_.-]* +\| (?P<message>.*)$"),
    ),
    LineWrapper(
        "syslog",
        "syslog, RFC 3164 or with an ISO time",
        "https://www.rfc-editor.org/rfc/rfc3164",
        '<190>Dec  6 12:00:00 gw nginx: 10.0.0.1 - - [06/Dec/2023:12:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0"',
        _SYSLOG,
        _by_pattern(rf"^(?:<[0-9]{{1,3}}>)?(?:(?P<bsd>{_BSD})|(?P<iso>{_ISO})) (?:\S+ )??{_TAG}(?:\[[^\]]*\])?: ?(?P<message>.*)$"),
    ),
    LineWrapper(
        "syslog-5424",
        "syslog, RFC 5424",
        "https://www.rfc-editor.org/rfc/rfc5424",
        '<190>1 2023-12-06T12:00:00.003Z gw nginx 14 - - 10.0.0.1 - - [06/Dec/2023:12:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0"',
        rf"^<[0-9]{{1,3}}>[0-9]{{1,2}} (?:{_ISO}|-) \S+ \S+ \S+ \S+ (?:-|\[)",
        _by_pattern(
            rf"^<[0-9]{{1,3}}>[0-9]{{1,2}} (?:(?P<iso>{_ISO})|-) \S+ \S+ \S+ \S+ "
            r'(?:-|(?:\[(?:[^\]"\\]|\\.|"(?:[^"\\]|\\.)*")*\])+) ?\x{feff}?(?P<message>.*)$'
        ),
        is_sure=True,
    ),
    LineWrapper(
        "journald",
        "journalctl -o json",
        "https://systemd.io/JOURNAL_EXPORT_FORMATS/#journal-json-format",
        '{"__REALTIME_TIMESTAMP":"1701864000003000","SYSLOG_IDENTIFIER":"nginx","MESSAGE":"10.0.0.1 - - [06/Dec/2023:12:00:00 +0000] '
        '\\"GET / HTTP/1.1\\" 200 615 \\"-\\" \\"curl/8.5.0\\""}',
        r'^\{.*"MESSAGE"\s*:',
        _by_keys("MESSAGE", ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP")),
    ),
    LineWrapper(
        "kubectl",
        "kubectl logs --prefix",
        "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_logs/",
        '[pod/gateway-7c5d/nginx] 10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0" "-"',
        r"^\[pod/[^\]\s]+\] ",
        _by_pattern(r"^\[pod/[^\]\s]+\] (?P<message>.*)$"),
        is_sure=True,
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
    ),
    LineWrapper(
        "kcat",
        "kcat -J: Kafka records with the line as payload",
        "https://github.com/edenhill/kcat",
        '{"topic":"access","partition":0,"offset":41,"tstype":"create","ts":1704164645678,"broker":1,"key":null,"payload":"10.244.0.1 - - '
        '[02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" \\"curl/8.5.0\\""}',
        r'^\{.*"topic"\s*:.*"partition"\s*:.*"payload"\s*:',
        _by_keys("payload", ("ts",)),
        is_sure=True,
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
    ),
    LineWrapper(
        "fluentd-file",
        "fluentd's out_file: time, tag and JSON between tabs",
        "https://docs.fluentd.org/output/file",
        '2024-01-02T03:04:05+00:00\tnginx.access\t{"message":"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" '
        '\\"curl/8.5.0\\""}',
        rf"^{_ISO}\t[^\t]+\t\{{",
        _by_pattern(rf"^(?P<iso>{_ISO})\t[^\t]+\t(?P<message>\{{.*)$"),
        is_sure=True,
    ),
    LineWrapper(
        "fluent-bit",
        "fluent-bit and fluentd: JSON with the line as log",
        "https://docs.fluentbit.io/manual/pipeline/outputs/standard-output",
        '{"date":1704164645.678901,"stream":"stdout","log":"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" '
        '\\"curl/8.5.0\\"","kubernetes":{"pod_name":"gateway-7c5d","namespace_name":"default"}}',
        r'^\{.*"log"\s*:\s*"',
        _by_keys("log", ("time", "@timestamp", "timestamp", "date")),
    ),
    LineWrapper(
        "json-message",
        "Filebeat, Vector, Logstash: JSON with the line as message",
        "https://www.elastic.co/guide/en/beats/filebeat/current/filebeat-input-log.html",
        '{"@timestamp":"2024-01-02T03:04:05.678Z","message":"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] \\"GET / HTTP/1.1\\" 200 612 \\"-\\" '
        '\\"curl/8.5.0\\"","log":{"offset":0,"file":{"path":"/var/log/nginx/access.log"}},"agent":{"type":"filebeat"}}',
        r'^\{.*"message"\s*:\s*"',
        _by_keys("message", ("@timestamp", "timestamp", "time", "date")),
    ),
    LineWrapper(
        "timestamps",
        "docker logs -t, kubectl logs --timestamps: a time in front of every line",
        "https://docs.docker.com/reference/cli/docker/container/logs/",
        '2024-01-02T03:04:05.678901234Z 172.18.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0" "-"',
        rf"^{_ISO} ",
        _by_pattern(rf"^(?P<iso>{_ISO}) (?P<message>.*)$"),
    ),
    LineWrapper(
        "ansi",
        "colours of a terminal",
        "https://en.wikipedia.org/wiki/ANSI_escape_code#SGR",
        '\x1b[36mweb-1  |\x1b[0m 172.18.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0" "-"',
        _SGR,
        _strip_colours,
        is_sure=True,
    ),
    LineWrapper(
        "prefix",
        "a program's own words in front of a line in common or combined",
        "https://httpd.apache.org/docs/2.4/logs.html#common",
        '2024-01-02 03:04:05,678 INFO [gateway] 172.18.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0" "-"',
        _PREFIX + _ACCESS,
        _by_pattern(_PREFIX + rf"(?P<message>{_ACCESS}.*)$"),
    ),
)
