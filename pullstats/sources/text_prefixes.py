"""Text in front of single lines: what runtimes, daemons and programs say of a line before it.

To add one: append a `LineWrapper` to `WRAPPERS`, and a case in `tests/cases/wrappers/`.

Sources: kubernetes/kubernetes design proposal kubelet-cri-logging; RFC 3164, RFC 5424;
kubernetes.io/docs/reference/kubectl/generated/kubectl_logs; docs.fluentbit.io/manual/pipeline/outputs/standard-output;
github.com/stern/stern (templates).
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from pullstats.clock import Clock
from pullstats.sources.line_wrapper import PARTIAL, STREAM, LineWrapper, Unwrap
from pullstats.timestamps import parse_times

_ISO: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_BSD: Final = r"[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}"
_HOST: Final = r"[^\s\[]\S*"
_TAG: Final = r"[A-Za-z0-9_][^\s:\[\x22]*"
_SYSLOG: Final = rf"^(?:<[0-9]{{1,3}}>(?:{_BSD}|{_ISO}) (?:{_HOST} )??{_TAG}(?:\[[^\]]*\])?: |(?:{_BSD}|{_ISO}) (?:{_HOST} )??{_TAG}\[[^\]]*\]: |(?:{_BSD}|{_ISO}) {_HOST} {_TAG}: )"
"""A host may be missing, as programs leave it out that write to a socket, where a priority or a process id tells that it is syslog."""
_ADDRESS: Final = r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)"
_ACCESS: Final = rf"{_ADDRESS} \S+ [^\[\x22]*\[[0-9]{{2}}/[A-Z][a-z]{{2}}/[0-9]{{4}}:[0-9:]{{8}} [+-][0-9]{{4}}\] \x22"
"""The beginning of a line in common or combined."""
_ACCESS_V4: Final = _ACCESS.replace(_ADDRESS, r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", 1)
_ACCESS_V6: Final = _ACCESS.replace(_ADDRESS, r"(?:[23][0-9A-Fa-f]{3}|[0-9]*[A-Fa-f][0-9A-Fa-f]*|):[0-9A-Fa-f:.]+", 1)
"""An IPv6 address that does not begin like a line's number."""
_OBJECT: Final = r"\{\s*\x22[^\x22]*\x22\s*:.*\}\s*$"
_RUNTIME: Final = rf"(?:{_ISO} std(?:out|err) [FP]|<[0-9]{{1,3}}>(?:[0-9]{{1,2}} (?:{_ISO}|-)|{_BSD}|{_ISO}) |\[pod/[^\]\s]+\] |\[[0-9]+\] \S+: \[|{_ISO}\t[^\t]+\t\{{)"
"""The beginning of a line that a runtime or a daemon wrapped itself."""
_NAMES: Final = r"(?:[A-Za-z_][\w.@/-]* ){2,4}"
"""Names of namespace, pod and container (stern), or of host and program: one alone may be the site."""
_PREFIX: Final = rf"^(?:[^\x22]{{0,300}}?(?:[:\]|>]|[0-9]{{2}}:[0-9]{{2}}(?:[.,][0-9]{{1,9}})?Z?) +|{_NAMES})(?P<message>(?:{_ACCESS}|{_RUNTIME}).*)$"
_WORDS: Final = rf"^[^\x22{{]{{0,300}}(?: |@cee:)(?P<object>{_OBJECT})"
"""A blank stands before the object, or the cookie by which syslog daemons tell that JSON follows (rsyslog's mmjsonparse), which needs none."""
_FILE: Final = r"(?:[\w+@%,=~/-]*[./][\w+@%,=~./-]*:|\(standard input\):|<[0-9]{1,3}>)"
"""What grep puts in front of a line, and syslog's priority alone: no blank stands behind it."""
_NUMBERED: Final = rf"^(?:{_FILE}(?:[0-9]{{1,9}}:)?| *[0-9]{{1,9}}[:\t])(?P<numbered>{_ACCESS_V4}.*|{_OBJECT})$"
"""The same with a line's number (grep -n, cat -n), which an IPv6 address would hold as its own."""
_GREPPED: Final = rf"^{_FILE}(?P<grepped>{_ACCESS_V6}.*)$"
_PREFIXES: Final = (_PREFIX, _WORDS, _NUMBERED, _GREPPED)
_RECORD: Final = r"^\[[0-9]+\] \S+: \[(?:\[(?P<epoch>[0-9]+\.[0-9]+), .*?\]|(?P<before>[0-9]+\.[0-9]+)), (?P<record>\{.*)$"
"""What fluent-bit prints: a number, a tag, the time, before 2.0 without metadata, and the record."""
_SAID: Final = r"[{ ]\x22(?:log|message|MESSAGE)\x22=>\x22(.*?)(?:\x22, \x22[\w.@/-]+\x22=>.*|\x22\}\]|)$"
"""The line in it, whose own quotes are not escaped, and whose newline ends the print early."""
_BARE_QUOTE: Final = r"(?:^|[^\\])\x22"
_JSON_RECORD: Final = r"^\{\s*(?:\x22[^\x22]*\x22\s*:|\})"
_SGR: Final = r"\x1b\[[0-9;]*m"


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
            columns += [(groups["part"] == "P").alias(PARTIAL), groups[STREAM]]
        return pl.DataFrame(columns)

    return unwrap


def _after_words(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:  # noqa: ARG001 - the line has a time of its own
    """Take a program's own words off an access line, an object, or what a runtime wrapped."""
    message = pl.col("message")
    return lines.select(pl.coalesce(message.str.extract_groups(pattern).struct[0] for pattern in _PREFIXES).alias("message"))


def _from_records(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:
    """Take the line, or the object that was made of it, out of what fluent-bit prints: Ruby's arrows between keys and values, texts as they were."""
    groups = lines.select(pl.col("message").str.extract_groups(_RECORD).alias("groups")).unnest("groups")
    record = pl.col("record")
    whole = pl.when(record.str.ends_with("]")).then(record.str.head(-1))
    arrows = whole.str.replace_all('"=>nil', '":null', literal=True).str.replace_all('"=>', '":', literal=True)
    is_json = record.str.contains(_JSON_RECORD)
    said = record.str.extract(_SAID)
    is_raw = ~is_json & said.is_not_null() & (~said.str.contains('\\"', literal=True) | said.str.contains(_BARE_QUOTE))
    found = groups.select(pl.when(is_raw).then(said).when(is_json).then(whole).otherwise(arrows).alias("message"))
    return found.with_columns(parse_times(groups.select(pl.coalesce("epoch", "before")).to_series(), clock).alias("time"))


def _strip_colours(lines: pl.DataFrame, clock: Clock) -> pl.DataFrame:  # noqa: ARG001 - colours know of no time
    return lines.select(pl.col("message").str.replace_all(_SGR, ""))


WRAPPERS: Final[tuple[LineWrapper, ...]] = (
    LineWrapper(
        "cri",
        "containerd and CRI-O: /var/log/pods",
        "https://kubernetes.io/docs/concepts/cluster-administration/logging/",
        '2024-01-02T03:04:05.678901234Z stdout F 10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0" "-"',
        rf"^{_ISO} std(?:out|err) [FP]",
        _by_pattern(rf"^(?P<iso>{_ISO}) (?P<stream>std(?:out|err)) (?P<part>[FP])(?::[^ ]*)?(?: (?P<message>.*))?$"),
        re.compile(rb"\S+ (?P<stream>std(?:out|err)) (?:P|(?P<end>F))"),
        is_sure=True,
        literal=" std",
    ),
    LineWrapper(
        "compose",
        "docker compose logs",
        "https://docs.docker.com/reference/cli/docker/compose/logs/",
        'web-1  | 172.18.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0" "-"',
        r"^[A-Za-z0-9][A-Za-z0-9_.-]* +\| ",
        _by_pattern(r"^[A-Za-z0-9][A-Za-z0-9_.-]* +\| (?P<message>.*)$"),
        literal=" | ",
    ),
    LineWrapper(
        "syslog",
        "syslog, RFC 3164 or with an ISO time",
        "https://www.rfc-editor.org/rfc/rfc3164",
        '<190>Dec  6 12:00:00 gw nginx: 10.0.0.1 - - [06/Dec/2023:12:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0"',
        _SYSLOG,
        _by_pattern(rf"^(?:<[0-9]{{1,3}}>)?(?:(?P<bsd>{_BSD})|(?P<iso>{_ISO})) (?:{_HOST} )??{_TAG}(?:\[[^\]]*\])?: ?(?P<message>.*)$"),
        literal=": ",
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
        literal=">",
    ),
    LineWrapper(
        "kubectl",
        "kubectl logs --prefix",
        "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_logs/",
        '[pod/gateway-7c5d/nginx] 10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/8.5.0" "-"',
        r"^\[pod/[^\]\s]+\] ",
        _by_pattern(r"^\[pod/[^\]\s]+\] (?P<message>.*)$"),
        is_sure=True,
        literal="[pod/",
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
        literal="\t",
    ),
    LineWrapper(
        "fluent-bit-stdout",
        "fluent-bit's output stdout: number, tag, time and record",
        "https://docs.fluentbit.io/manual/pipeline/outputs/standard-output",
        '[0] kube.gateway: [[1704164645.678901234, {}], {"stream"=>"stdout", "log"=>"10.244.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 612'
        ' "-" "curl/8.5.0""}]',
        _RECORD,
        _from_records,
        is_sure=True,
        literal=": [",
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
        literal="\x1b[",
    ),
    LineWrapper(
        "prefix",
        "a program's own words in front of a line in common or combined, a JSON object, or what a runtime wrapped",
        "https://httpd.apache.org/docs/2.4/logs.html#common",
        '2024-01-02 03:04:05,678 INFO [gateway] 172.18.0.1 - - [02/Jan/2024:03:04:05 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0" "-"',
        "|".join(_PREFIXES),
        _after_words,
    ),
)
