r"""distribution's own messages where its access log is off: `msg="response completed"` with keys, as logrus writes them.

    time="2018-07-06T11:34:21.9Z" level=info msg="response completed" go.version=go1.9.2 http.request.host="…" http.request.method=GET …

Keys stand in alphabetical order, so that one pattern reads them all and no value can pass for a
key. All other messages are no requests, but for those of other programs in the same stream
(`key_values.py`). On a terminal the time gives way to the seconds since the
start, and a wrapper must have it.

Sources: sirupsen/logrus text_formatter.go; distribution internal/dcontext/http.go (the keys) and
registry/handlers/app.go (`response completed`, `response completed with error`); an OpenShift 3
registry's log, which says `response` once more of each.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import polars as pl

from pullstats.clean_lines import cut_clean
from pullstats.escaping import Escaping
from pullstats.formats.lines import LINE_LIMIT
from pullstats.formats.log_format import IGNORED, LENGTH, LogFormat
from pullstats.formats.outlines import Outline

_KEYS: Final[dict[str, str]] = {
    "http.request.host": "host",
    "http.request.id": "request_id",
    "http.request.method": "request_method",
    "http.request.referer": "http_referer",
    "http.request.remoteaddr": "remote_addr",
    "http.request.uri": "request_uri",
    "http.request.useragent": "http_user_agent",
    "http.response.duration": "duration_text",
    "http.response.status": "status",
    "http.response.written": "body_bytes_sent",
}
"""Variables by key, in the order of the keys."""
VALUE: Final = r'(?:"(?:[^"\\]|\\.)*"|[^\s"]*)'
_OTHERS: Final = rf"(?: +[\w.-]+={VALUE})*?"
_MESSAGE: Final = r"^(?:time=\S+ level=\w+ |level=\w+ |(?:TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[[0-9]+\] )"
_HEAD: Final = rf'^(?:time=(?P<msec>{VALUE}) level=\w+ msg="response completed[^"]*"|(?:INFO|ERRO)\[[0-9]+\] response completed(?: with error)?)'
_LEADING: Final = ("time=", "level=", "msg=")
_LABEL: Final = re.compile(r"[\w.-]+=", re.ASCII)
_USUAL: Final = 32
"""Orders of keys that have a pattern each, without anything that a line may lack: that is matched fifty times as fast."""

OTHERS_REQUEST: Final = (
    r'(?:[{,]\s*"|^|\s|\srequest\.)(?:(?:request|response|http)_?)?(?:method|status|status_?code|uri|url|path|request|verb|code)"?\s*[=:]'
    r'|(?:[^d]"\s*:\s*"|[^d]="?)(?:GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS)[" ]'
)
"""A request of somebody else, whom the same stream may hold (docker compose logs): by its keys, or a method that is no `http.request.method`."""


class LogfmtReader:
    """Reads what distribution says of requests that it has answered."""

    escaping: Escaping = "backslash"
    has_fast = True
    outlines = (Outline(_MESSAGE),)

    def __init__(self) -> None:
        """Compile the pattern of a line."""
        groups = "".join(rf"(?:{_OTHERS} +{re.escape(key)}=(?P<{name}>{VALUE}))?" for key, name in _KEYS.items())
        self._pattern = f"{_HEAD}{groups}{_OTHERS}\\s*$"

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines; see `Reader`."""
        lines = cut_clean(data)
        if lines is None or (lines.str.len_bytes().max() or 0) >= LINE_LIMIT:  # type: ignore[operator]
            return None
        frame = self.read_safe(lines)
        if frame["reason"].eq("format").any():
            return None
        return frame.with_columns((lines.str.len_bytes() + 1).alias(LENGTH))

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; see `Reader`."""
        frame = self._take_apart(lines)
        frame = frame.with_columns(unquote(pl.col(name)) for name in frame.columns)
        failed = frame["request_method"].is_null()
        others = lines.filter(failed)
        other = others.str.contains(_MESSAGE) & ~others.str.contains(OTHERS_REQUEST)
        said = other.to_frame("other").select(pl.when("other").then(pl.lit(IGNORED)).otherwise(pl.lit("format"))).to_series()
        reasons = pl.Series("reason", [None], pl.String).new_from_index(0, lines.len())
        return frame.with_columns(reasons.scatter(failed.arg_true(), said))

    def _take_apart(self, lines: pl.Series) -> pl.DataFrame:
        """Give the values of lines, those with the same keys at once; null where a line is no answer, or lacks a key."""
        orders = lines.str.replace_all(f"={VALUE}", "=")
        answers = orders.filter(orders.str.contains("http.", literal=True)).rename("order")
        usual: list[str] = answers.value_counts(sort=True).head(_USUAL)["order"].to_list()
        left = pl.int_range(lines.len(), dtype=pl.UInt32, eager=True)
        parts: list[pl.DataFrame] = []
        for order in usual:
            exact = pattern_of(order)
            if exact is not None:
                alike = left.filter(orders.gather(left) == order)
                found = _extract(lines.gather(alike), exact)
                is_read = found["msec"].is_not_null()
                parts.append(found.filter(is_read).with_columns(alike.filter(is_read).alias("place")))
                left = left.filter(~left.is_in(alike.filter(is_read).implode()))
        parts.append(_extract(lines.gather(left), self._pattern).with_columns(left.alias("place")))
        return pl.concat(parts, how="diagonal").sort("place").select("msec", *_KEYS.values())


def _extract(lines: pl.Series, pattern: str) -> pl.DataFrame:
    return lines.to_frame("line").select(pl.col("line").str.extract_groups(pattern).struct.unnest())


@lru_cache(maxsize=256)
def pattern_of(order: str) -> str | None:
    """Write the pattern of an answer whose keys stand in one order; None if that is not the order in which distribution has them."""
    labels = tuple(order.split())
    known = [label[:-1] for label in labels if label[:-1] in _KEYS]
    if labels[:3] != _LEADING or known != sorted(set(known)) or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    names = ("" if label[:-1] not in _KEYS else f"?P<{_KEYS[label[:-1]]}>" for label in labels[3:])
    groups = (f" +{re.escape(label)}({name or '?:'}{VALUE})" for label, name in zip(labels[3:], names, strict=True))
    return rf'^time=(?P<msec>{VALUE}) level=\w+ msg="response completed[^"]*"{"".join(groups)}\s*$'


def unquote(text: pl.Expr) -> pl.Expr:
    """Take the quotes off values that have them."""
    return pl.when(text.str.starts_with('"')).then(text.str.slice(1).str.head(-1)).otherwise(text)


FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "distribution-messages",
        "distribution's own messages (logfmt), where its access log is off",
        "https://distribution.github.io/distribution/about/configuration/#log",
        # openshift/image-registry issue 110, addresses and names changed
        'time="2018-07-06T11:34:21.914679407Z" level=info msg="response completed" go.version=go1.9.2 http.request.host="registry.example.org:5000"'
        ' http.request.id=b8f84b16-33dd-4313-b589-3a54b888f961 http.request.method=GET http.request.remoteaddr="198.51.100.188:51742"'
        ' http.request.uri="/v2/acme/app/manifests/1.0" http.request.useragent="docker/1.13.1 go/go1.10.2" http.response.duration=8.937191ms'
        " http.response.status=200 http.response.written=527",
        LogfmtReader(),
        3,
        sign=r" http\.request\.remoteaddr=",
    ),
)
