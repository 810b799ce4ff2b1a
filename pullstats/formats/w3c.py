r"""The W3C extended format: CloudFront's standard logs, IIS, and whoever else names its columns in `#Fields:`.

    #Version: 1.0
    #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status …
    2024-03-12	15:22:28	CDG50-P2	703	1.2.3.4	GET	d6rc.cloudfront.net	/testseb	400	…

The directive may change within a log, where files were joined; each holds for the lines behind it. Fields may
have a time and no date, which `#Date:` says then (`w3c_days.py`).
Times are UTC by definition. CloudFront separates by tabs, writes `%HH` (some texts twice) and gives
seconds; IIS separates by blanks, writes `+` for a blank and gives milliseconds. Akamai's log
delivery (`cs-ip`) separates by tabs, puts texts in quotes and the site in front of the path; which
unit its times have it does not say.

Sources: w3.org/TR/WD-logfile.html; docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/
standard-logs-reference.html; learn.microsoft.com/iis/configuration/system.applicationhost/sites/
site/logfile; techdocs.akamai.com/log-delivery/docs/log-formats; real lines of rust-lang/crates.io (fields that change in mid-file) and of
crowdsecurity/hub (no directive at all).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final

import polars as pl

from pullstats.escaping import Escaping
from pullstats.formats.headings import Section
from pullstats.formats.log_format import DIRECTIVE, LogFormat
from pullstats.formats.outlines import Outline
from pullstats.formats.templates import compile_log_format
from pullstats.formats.text_lines import TextReader
from pullstats.formats.w3c_days import Since, add_day, add_days, read_since
from pullstats.formats.w3c_directives import Directives, last_heading, parse_heading, split_sections

_COMMENT: Final = "^#"

VARIABLES: Final = {
    "date": "w3c_date",
    "time": "w3c_time",
    "c-ip": "remote_addr",
    "cs-ip": "remote_addr",
    "x-forwarded-for": "http_x_forwarded_for",
    "cs(x-forwarded-for)": "http_x_forwarded_for",
    "cs-username": "remote_user",
    "cs-method": "request_method",
    "cs-uri-stem": "uri",
    "cs-uri-query": "args",
    "cs-uri": "request_uri",
    "cs-protocol-version": "server_protocol",
    "cs-version": "server_protocol",
    "cs-protocol": "scheme",
    "cs-uri-scheme": "scheme",
    "x-host-header": "host",
    "cs(host)": "http_host",
    "cs-host": "http_host",
    "s-computername": "server_name",
    "sc-status": "status",
    "sc-bytes": "bytes_sent",
    "cs(user-agent)": "http_user_agent",
    "cs(referer)": "http_referer",
    "cs(range)": "http_range",
    "cs(authorization)": "http_authorization",
    "x-edge-request-id": "request_id",
    "x-edge-result-type": "upstream_cache_status",
}
"""Variables by field, in lower case; `time-taken` depends on who writes."""

_TELLING: Final = frozenset({"remote_addr", "http_x_forwarded_for", "request_method", "uri", "request_uri"})
"""Variables of which a line must have one."""

_CLOUDFRONT: Final = (
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie)"
    " x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher"
    " x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type"
    " sc-content-type sc-content-len sc-range-start sc-range-end"
)
"""What CloudFront writes since December 2019, for logs whose directive was cut off."""

_IIS: Final = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus"
    " sc-win32-status time-taken"
)
"""What IIS writes from version 8 on unless it is told otherwise."""

_SITE: Final = r"^/(?P<site>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})(?P<path>/.*)$"

MAX_FIELDS: Final = 200


class W3cReader:
    """Reads lines under one directive; lines given with directives among them change it."""

    has_fast = True

    def __init__(self, directive: str, *, is_tabbed: bool, since: Since | None = None) -> None:
        """Prepare for the lines behind a directive.

        Args:
            directive: the whole line.
            is_tabbed: the values stand between tabs.
            since: gives lines without a date their day.
        """
        self._since = since
        self.escaping: Escaping = "percent" if is_tabbed else "plus"
        self._directive = directive
        self._is_tabbed = is_tabbed

    @cached_property
    def outlines(self) -> tuple[Outline, ...]:
        """See `Reader`."""
        return (Outline(DIRECTIVE, ("#",)), *self.text.outlines)

    @cached_property
    def text(self) -> TextReader:
        """Reads the lines as such."""
        return _reader_of(self._directive, is_tabbed=self._is_tabbed)

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines, none of them another directive; see `Reader`."""
        raw = self.text.read_fast(data)
        return None if raw is None else add_day(raw, self._since)

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one, those behind another directive by that one."""
        return add_days(self._read_parts(lines), lines, self._since)

    def _read_parts(self, lines: pl.Series) -> pl.DataFrame:
        starts = lines.str.contains(DIRECTIVE).arg_true().to_list()
        if not starts:
            return self.text.read_safe(lines)
        edges = [0, *starts, lines.len()] if starts[0] else [*starts, lines.len()]
        parts = [_read_part(self.text, lines[start:end]) for start, end in pairwise(edges)]
        return pl.concat(parts, how="diagonal")


def _read_part(reader: TextReader, lines: pl.Series) -> pl.DataFrame:
    if lines[0].lower().startswith("#fields:"):
        reader = _reader_of(lines[0], is_tabbed=lines.len() > 1 and "\t" in lines[1])
    return reader.read_safe(lines)


class AkamaiReader(TextReader):
    """Reads lines of Akamai's log delivery: texts in quotes, and the site in front of the path."""

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines; see `Reader`."""
        raw = super().read_fast(data)
        return None if raw is None else _part_site(raw)

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; see `Reader`."""
        return _part_site(super().read_safe(lines))


def _part_site(raw: pl.DataFrame) -> pl.DataFrame:
    """Take quotes off texts, and part `/dl.example.org/a.zip` into site and path."""
    raw = raw.with_columns(pl.col(name).str.strip_chars('"') for name in ("http_user_agent", "http_referer") if name in raw.columns)
    if "request_uri" not in raw.columns:
        return raw
    parts = pl.col("request_uri").str.extract_groups(_SITE)
    known = pl.col("host") if "host" in raw.columns else pl.lit(None, pl.String)
    site = parts.struct.field("site")
    return raw.with_columns(host=pl.coalesce(known, site), request_uri=pl.coalesce(parts.struct.field("path"), "request_uri"))


@lru_cache(maxsize=64)
def _reader_of(directive: str, *, is_tabbed: bool) -> TextReader:
    fields = directive.partition(":")[2].split()[:MAX_FIELDS]
    variables = [_variable(field.lower(), index, is_tabbed=is_tabbed) for index, field in enumerate(fields)]
    if _is_akamai(fields, is_tabbed=is_tabbed):
        variables = ["time_of_unknown_unit" if name == "request_time" else name for name in variables]
    if _TELLING.isdisjoint(variables):
        variables = ["nothing"]  # so that its lines are refused: without a request or a client a time is no event
    text = ("\t" if is_tabbed else " ").join(f"${name}" for name in variables)
    compiled = compile_log_format(text, needs_time=False, needs_address=False)
    reader = AkamaiReader if _is_akamai(fields, is_tabbed=is_tabbed) else TextReader
    return reader(compiled, _COMMENT, "percent" if is_tabbed else "plus")


def _is_akamai(fields: list[str], *, is_tabbed: bool) -> bool:
    return is_tabbed and "cs-ip" in (field.lower() for field in fields)


def _variable(field: str, index: int, *, is_tabbed: bool) -> str:
    if field == "time-taken":
        return "request_time" if is_tabbed else "request_time_ms"
    return VARIABLES.get(field, f"field_{index}")


def _under(held: Directives, *, is_tabbed: bool) -> LogFormat:
    """Give the format that directives describe, a `#Fields:` line among them."""
    since = None if held.date is None else read_since(held.date)
    return replace(FORMATS[0] if is_tabbed else FORMATS[1], reader=W3cReader(held.fields or "", is_tabbed=is_tabbed, since=since), is_guess=False)


class W3cHeadings:
    """The directives of a log."""

    def __init__(self, fields: str | None = None, *, is_tabbed: bool = False) -> None:
        """Know what holds for the first lines.

        Args:
            fields: their `#Fields:` line; None if the log itself says it.
            is_tabbed: their values stand between tabs.
        """
        self._fields = fields
        self._is_tabbed = is_tabbed

    def last(self, data: bytes, heading: str | None) -> str | None:
        """Tell what holds behind some bytes; see `Headings`."""
        return last_heading(data, heading or self._fields)

    def split(self, data: bytes, heading: str | None) -> Iterator[Section]:
        """Cut lines where what holds for them changes; see `Headings`."""
        return split_sections(data, heading or self._fields)

    def under(self, section: Section) -> LogFormat | None:
        """Give the format that a heading describes; see `Headings`."""
        if section.heading is None:
            return None
        held = parse_heading(section.heading)
        return _under(held, is_tabbed=section.is_tabbed or (self._is_tabbed and held.fields == self._fields))

    def cut(self, data: bytes) -> int:
        """Cut behind the last newline; see `Headings`."""
        return data.rfind(b"\n") + 1


def describe_fields(directive: str) -> LogFormat:
    """Give the format of a log whose directive is given apart; CloudFront names its fields between blanks and writes tabs."""
    fields = directive.replace("\n", " ")
    is_tabbed = "\t" in fields or "x-edge-" in fields
    return replace(_under(Directives(fields), is_tabbed=is_tabbed), headed=W3cHeadings(fields, is_tabbed=is_tabbed))


FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "cloudfront",
        "CloudFront standard logs",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html",
        # crowdsecurity/hub .tests/aws-cloudfront-logs
        "2024-03-12\t15:22:28\tCDG50-P2\t703\t1.2.3.4\tGET\td6rcaj0q1hys9.cloudfront.net\t/testseb\t400\t-\tcurl/7.81.0\tquery_param=42\t-\tError\t"
        "375WZmnR4hhhnlZKNn0D_LvkWhAqvWvBsUqySq8f_GOoAPP3k8R8fw==\thub-cdn.crowdsec.net\thttps\t62\t0.113\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\t"
        "Error\tHTTP/2.0\t-\t-\t51754\t0.113\tError\ttext/plain;%20charset=utf-8\t20\t-\t-",
        W3cReader(_CLOUDFRONT, is_tabbed=True),
        sign="^#Fields:.* x-edge-|\tHTTP/[0-9.]+\t",
        headed=W3cHeadings(),
        is_guess=True,
    ),
    LogFormat(
        "w3c",
        "W3C extended: IIS and others that write #Fields",
        "https://www.w3.org/TR/WD-logfile.html",
        "2024-03-12 15:22:28 10.0.0.5 GET /dl/app-1.0.zip - 443 - 203.0.113.7 Mozilla/5.0+(Windows+NT+10.0;+Win64;+x64) - 200 0 0 15",
        W3cReader(_IIS, is_tabbed=False),
        1,
        headed=W3cHeadings(),
        is_guess=True,
    ),
)
