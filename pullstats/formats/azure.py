"""Azure Storage's analytics logs, the files under `$logs`: fields between semicolons, versions 1.0 and 2.0.

What holds a quote, a semicolon or a newline is written as HTML would and put in quotes. The
request's method is the operation's (`operations.py`). Its successor, the resource logs, and Front
Door's write JSON (`json_dialects.py`).

Source: learn.microsoft.com/rest/api/storageservices/storage-analytics-log-format.
"""

from __future__ import annotations

import html
from typing import Final

import polars as pl

from pullstats.formats.log_format import LogFormat
from pullstats.formats.templates import CompiledFormat, split_nginx
from pullstats.formats.text_lines import TextReader

_COLUMNS: Final = (
    "version", "time_iso8601", "operation", "request_status", "status", "request_time_ms", "server_latency", "authentication_type",
    "requester_account", "owner_account", "service_type", "request_uri", "object_key", "request_id", "operation_count", "remote_addr",
    "request_version", "request_header_size", "request_packet_size", "response_header_size", "body_bytes_sent", "request_content_length",
    "request_md5", "server_md5", "etag", "last_modified", "conditions_used", "http_user_agent", "http_referer", "client_request_id",
)  # fmt: skip
_ADDED: Final = (
    "user_object_id", "tenant_id", "application_id", "resource_id", "issuer", "user_principal_name", "reserved", "authorization_detail",
)  # fmt: skip
"""What version 2.0 has behind these."""
_FIELD: Final = r'"[^"]*"|[^;"]*|""[^;"]*""'
_URL: Final = "https://learn.microsoft.com/rest/api/storageservices/storage-analytics-log-format"
_FREE: Final = ("request_uri", "http_user_agent", "http_referer")


class AnalyticsReader(TextReader):
    """Reads lines of one version."""

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one, quotes and HTML's escapes taken off."""
        frame = super().read_safe(lines)
        names = [name for name in frame.columns if name != "reason"]
        frame = frame.with_columns(pl.col(names).str.strip_chars('"'))
        return frame.with_columns(_unescape(frame[name]) for name in _FREE)


def _unescape(texts: pl.Series) -> pl.Series:
    escaped = texts.filter(texts.str.contains("&", literal=True)).drop_nulls().unique()
    return texts.replace({text: html.unescape(text) for text in escaped}) if escaped.len() else texts


def _analytics(name: str, version: str, columns: tuple[str, ...], sample: str) -> LogFormat:
    values = dict.fromkeys(columns, _FIELD) | {"version": version.replace(".", r"\.")}
    compiled = CompiledFormat(split_nginx(";".join(f"${column}" for column in columns)), values=values)
    return LogFormat(name, f"Azure Storage analytics logs ($logs), version {version}", _URL, sample, AnalyticsReader(compiled), 3)


FORMATS: Final[tuple[LogFormat, ...]] = (
    _analytics(
        "azure-storage-1.0",
        "1.0",
        _COLUMNS,
        # the vendor's page
        '1.0;2014-06-19T22:59:23.1967767Z;GetBlob;AnonymousSuccess;200;17;16;anonymous;;storagesample;blob;"https://storagesample.blob.core.windows.net/'
        'sample-container1/00001.txt";"/storagesample/sample-container1/00001.txt";61d2e3f6-bcb7-4cd1-a81e-4f8f497f0da2;0;192.100.0.102:4362;2014-02-14;'
        '283;0;354;23;0;;;""0x8D15A2913C934DE"";Thursday, 19-Jun-14 22:58:10 GMT;;"WA-Storage/4.0.1 (.NET CLR 4.0.30319.34014; Win32NT 6.3.9600.0)";;'
        '"44dfd78e-7288-4898-8f70-c3478983d3b6"',
    ),
    _analytics(
        "azure-storage-2.0",
        "2.0",
        _COLUMNS + _ADDED,
        '2.0;2019-06-19T22:59:23.1967767Z;GetBlob;OAuthSuccess;200;17;16;bearer;storagesample;storagesample;blob;"https://storagesample.blob.core.windows'
        '.net/sample-container1/00001.txt?a=1&amp;b=2";"/storagesample/sample-container1/00001.txt";61d2e3f6-bcb7-4cd1-a81e-4f8f497f0da2;0;'
        '192.100.0.102:4362;2019-02-02;283;0;354;23;0;;;"&quot;0x8D15A2913C934DE&quot;";Thursday, 19-Jun-14 22:58:10 GMT;;"curl/8.0.1";;'
        '"44dfd78e-7288-4898-8f70-c3478983d3b6";"b3e8c9d5";"72f988bf";"691458b9";"https://storage.azure.com/";"https://sts.windows.net/72f988bf/";'
        '"user@example.org";;"{&quot;action&quot;:&quot;read&quot;}"',
    ),
)
