"""Akamai DataStream 2 in its structured form: values alone, between blanks or tabs.

A stream writes the fields that were chosen, in the order in which they were; these are the usual
ones in the order of their numbers, with or without the stream's id behind the version. Streams in
another order are read with `--log-format`. Texts are encoded as in its JSON (`json_dialects.py`);
the path lacks its slash. Its W3C form is in `w3c.py`.

Source: techdocs.akamai.com/datastream2/docs/log-format, .../data-set-parameters.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final
from urllib.parse import unquote_plus

import polars as pl

from pullstats.formats.log_format import LogFormat
from pullstats.formats.outlines import Outline
from pullstats.formats.templates import CompiledFormat, split_nginx
from pullstats.formats.text_lines import TextReader

_FIELDS: Final = (
    "stream $cp_code $request_id $msec $bytes_sent $remote_addr $status $scheme $host $request_method $request_uri $port $content_length"
    " $content_type $http_user_agent$rest"
)
_VALUES: Final = {
    "stream": r"[0-9](?:\s[0-9]+)??",
    "cp_code": "[0-9]+",
    "request_id": "[0-9a-f]+",
    "msec": r"[0-9]{10}(?:\.[0-9]+)?",
    "scheme": "HTTPS?",
    "request_method": "[A-Z]+",
    "port": "[0-9]+",
    "http_user_agent": r"\S+",
    "rest": r"(?:\s.*)?",
}


class StructuredReader(TextReader):
    """Reads lines of values."""

    def __init__(self, compiled: CompiledFormat) -> None:
        """Let a tab stand where a blank may."""
        super().__init__(compiled, None, "none")

    @cached_property
    def outlines(self) -> tuple[Outline, ...]:
        """See `Reader`."""
        return (Outline(self.compiled.lenient.replace(" +", "[ \\t]+")),)

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one, the slash put in front of the path and the agent decoded; see `Reader`."""
        raw = super().read_safe(lines.str.replace_all("\t", " ", literal=True))
        agents = raw["http_user_agent"]
        decoded = {text: unquote_plus(text) for text in agents.drop_nulls().unique()}
        path = pl.when(pl.col("request_uri") == "-").then(pl.lit("")).otherwise(pl.col("request_uri").str.strip_prefix("/"))
        return raw.with_columns(agents.replace(decoded), request_uri=pl.concat_str(pl.lit("/"), path))


_SAMPLE: Final = (
    "1 123456 1239f220 1573840000.123 4995 198.51.100.28 206 HTTPS dl.example.org GET path1/demo-1.0.zip 443 5000 application/zip"
    " Mozilla%2F5.0+%28Macintosh%29 en-US - -"
)

FORMATS: Final[tuple[LogFormat, ...]] = (
    LogFormat(
        "akamai-structured",
        "Akamai DataStream 2, structured: the usual fields in the order of their numbers",
        "https://techdocs.akamai.com/datastream2/docs/log-format",
        _SAMPLE,
        StructuredReader(CompiledFormat(split_nginx("$" + _FIELDS), "none", _VALUES)),
        3,
    ),
)
