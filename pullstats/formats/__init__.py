"""Lines to columns: which format a log is in, and what its lines say.

    detect_format(block)            →  formats, best first, and how sure
    parse_lines(block, …, formats)  →  Parsed: readings, rejects, ignored

What is asked of some logs only has modules of its own: `own_formats` (`--log-format`), `advice` and `mismatch` (what no format reads).

To add a format: a module with `FORMATS`, listed in `_MODULES`, and cases in `tests/cases/formats/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pullstats.errors import UsageError, unknown_name
from pullstats.formats import (
    akamai,
    apache,
    aws,
    azure,
    caches,
    cdn,
    forges,
    haproxy,
    ingress,
    json_dialects,
    key_values,
    logfmt,
    ltsv,
    nginx,
    proxies,
    registries,
    table_formats,
    traefik,
    w3c,
)
from pullstats.formats.conversions import ConvertingReader
from pullstats.formats.detect import Detection, Detector, detect_format, drop_like
from pullstats.formats.field_map import KINDS, mapped_formats, parse_map
from pullstats.formats.headings import Headings
from pullstats.formats.json_lines import JSON_SHAPE, JsonReader
from pullstats.formats.lines import Times, merge_parsed, parse_lines
from pullstats.formats.log_format import LogFormat, Missing
from pullstats.formats.parsed import REASONS, REFUSED_SCHEMA, TEXT_COLUMNS, Parsed, Reading
from pullstats.formats.recommended import RECOMMENDED

_MODULES: Final = (
    nginx,
    ingress,
    apache,
    json_dialects,
    registries,
    forges,
    logfmt,
    key_values,
    traefik,
    haproxy,
    proxies,
    caches,
    aws,
    azure,
    cdn,
    akamai,
    w3c,
    ltsv,
    table_formats,
)

FORMATS: Final[dict[str, LogFormat]] = {log_format.name: log_format for module in _MODULES for log_format in module.FORMATS}

__all__ = [
    "FORMATS",
    "JSON_SHAPE",
    "REASONS",
    "RECOMMENDED",
    "REFUSED_SCHEMA",
    "TEXT_COLUMNS",
    "Detection",
    "Detector",
    "FormatChoice",
    "Headings",
    "LogFormat",
    "Missing",
    "Parsed",
    "Reading",
    "Times",
    "choose_formats",
    "custom_format",
    "detect_format",
    "drop_like",
    "merge_parsed",
    "named_format",
    "parse_lines",
]


def named_format(name: str) -> LogFormat:
    """Look a format up by its name.

    Raises:
        UsageError: there is none, with the nearest name.
    """
    if name not in FORMATS:
        raise unknown_name("input format", name, ["auto", *FORMATS])
    return FORMATS[name]


def custom_format(text: str) -> LogFormat:
    """Build the format that `--log-format` describes; see `own_formats.custom_format`."""
    from pullstats.formats.own_formats import custom_format as build  # noqa: PLC0415 - most logs are in a format that is known

    return build(text)


@dataclass(frozen=True, slots=True)
class FormatChoice:
    """Which formats logs may have, as the options say.

    Attributes:
        input_format: a name, or `auto`.
        log_format: the server's own format, see `custom_format`; goes over `input_format`.
        field_map: what keys mean, see `field_map.py`.
        kind_maps: the same for one kind of logs (`KINDS` there) each; they go over it.
        keeps_attributes: read of JSON what lies under keys that are not known, too.
    """

    input_format: str = "auto"
    log_format: str | None = None
    field_map: str | None = None
    kind_maps: Mapping[str, str] = field(default_factory=dict)
    keeps_attributes: bool = False

    @property
    def is_made(self) -> bool:
        """The user said which format the logs have."""
        return self.log_format is not None or self.input_format != "auto"


def choose_formats(choice: FormatChoice) -> tuple[LogFormat, ...]:
    """Give the formats to try.

    Args:
        choice: what the options say.

    Raises:
        UserError: a name or a text is not understood, or two of the options contradict each other.
    """
    formats = _choose_formats(choice)
    return tuple(map(_keep_attributes, formats)) if choice.keeps_attributes else formats


def _keep_attributes(log_format: LogFormat) -> LogFormat:
    reader = log_format.reader
    if isinstance(reader, JsonReader):
        return replace(log_format, reader=reader.keep_rest())
    if isinstance(reader, ConvertingReader) and isinstance(reader.inner, JsonReader):
        return replace(log_format, reader=reader.over(reader.inner.keep_rest()))
    return log_format


def _choose_formats(choice: FormatChoice) -> tuple[LogFormat, ...]:
    if choice.log_format is not None:
        if choice.field_map is not None or choice.kind_maps:
            raise UsageError("--map and --log-format both say what the keys of a log mean; give one of them")
        return (custom_format(choice.log_format),)
    known = tuple(FORMATS.values()) if choice.input_format == "auto" else (named_format(choice.input_format),)
    if choice.field_map is not None:
        known = mapped_formats(parse_map(choice.field_map), known, [kind for kind in KINDS if kind not in choice.kind_maps])
    for kind, text in choice.kind_maps.items():
        known = mapped_formats(parse_map(text), known, (kind,))
    return known
