"""Write a report for Prometheus: gauges that node_exporter's textfile collector and an OpenMetrics parser both read.

Every number is a gauge: what is counted in a window may fall when the window moves on, and what is counted of all time when logs are read anew.
The text has no time stamps, which the textfile collector takes none of, and is valid as either format: what OpenMetrics has beyond the older one
(`# UNIT`, `# EOF`) is a comment there.

Sources: OpenMetrics 1.0, https://prometheus.io/docs/specs/om/open_metrics_spec/; the text format 0.0.4,
https://prometheus.io/docs/instrumenting/exposition_formats/; https://github.com/prometheus/node_exporter#textfile-collector.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.render.machine import machine_frame
from pullstats.render.renderer import RenderOptions
from pullstats.render.sanitise import visible
from pullstats.reports import Column, Report

_PREFIX: Final = "pullstats_"
_UNITS: Final = {"count": "", "number": "", "bytes": "bytes", "share": "ratio", "ratio": "ratio", "change": "ratio", "time": "seconds"}
"""Kinds of columns that are numbers, and the unit of each."""
_MOMENTS: Final = "timestamp_seconds"
_LABELS: Final = frozenset({"dimension", "bucket", "text"})
_TIMES: Final = frozenset({"bucket", "date"})
"""Columns that tell of many moments: a gauge tells of one."""


def render_openmetrics(report: Report, options: RenderOptions) -> str:  # noqa: ARG001 - one signature for all
    """Write a gauge a number, with a sample a row; what names a row becomes its labels; see `Renderer`.

    Raises:
        UsageError: the answer has no numbers, several moments, or rows that its labels do not tell apart.
    """
    columns = {_name(column): column for column in report.columns if column.kind in _UNITS}
    _refuse(report, columns)
    written = machine_frame(report)
    labels = _label_rows(report, written)
    families = []
    for name, column in sorted(columns.items()):
        values = (report.frame if column.kind == "time" else written)[column.name].to_list()
        samples = [f"{name}{label} {number}\n" for label, value in zip(labels, values, strict=True) if (number := _write_number(value))]
        families.append("".join([*_describe(name, column, report), *samples]))
    return "".join(families) + "# EOF\n"


def _refuse(report: Report, columns: dict[str, Column]) -> None:
    """Refuse what is no set of gauges."""
    if any(column.name in _TIMES for column in report.columns):
        raise UsageError("openmetrics tells how things are now, not how they were over time; ask pullstats report, or write csv")
    if not columns:
        raise UsageError("there is no number in this answer to write as openmetrics; write csv or json")
    if len(columns) < sum(column.kind in _UNITS for column in report.columns):
        raise UsageError("two columns of this answer would have one name in openmetrics; give one of them another name, or write csv")


def _name(column: Column) -> str:
    """Name a gauge, with its unit behind it."""
    unit = _MOMENTS if column.kind == "time" else _UNITS[column.kind]
    name = _PREFIX + re.sub("[^a-zA-Z0-9_]", "_", column.name)
    return name if not unit or name.endswith(f"_{unit}") else f"{name}_{unit}"


def _label_rows(report: Report, written: pl.DataFrame) -> list[str]:
    """Write the labels of each row: those of the whole answer, and what names the row.

    Args:
        report: the answer.
        written: its rows as programs get them.

    Raises:
        UsageError: two rows have the same.
    """
    window = report.meta.get("window")
    whole = {"window": window["label"], "rule": report.meta["counting_rule"]} if isinstance(window, dict) and "label" in window else {}
    names = [column.name for column in report.columns if column.kind in _LABELS]
    rows = written.select(names).rows(named=True) if names else [{}] * written.height
    labels = [_write_labels(whole | row) for row in rows]
    if len(set(labels)) < len(labels):
        raise UsageError("rows of this answer have the same labels, so openmetrics cannot hold them; ask for fewer columns, or write csv")
    return labels


def _write_labels(row: dict[str, Any]) -> str:
    pairs = [f'{re.sub("[^a-zA-Z0-9_]", "_", name)}="{_escape(value)}"' for name, value in row.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escape(value: Any) -> str:
    r"""Write a label's value within its quotes; what is not known is the empty text, which Prometheus takes for no label.

    No two values become one, whatever a stranger wrote: a backslash of their own is doubled, and the empty text is a single one.

    Example:
        >>> _escape('say "\n"'), _escape(True), _escape(None)
        ('say \\"\\\\x0a\\"', 'true', '')
    """
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    shown = visible(text.replace("\\", "\\\\")) if text else "\\"
    return shown.replace("\\", "\\\\").replace('"', '\\"')


def _describe(name: str, column: Column, report: Report) -> list[str]:
    """Say what a gauge is, in lines that are the same wherever one of its name is written: two files of one folder may hold it."""
    what = re.sub(r'[\\"\s]+', " ", visible(column.title)).strip()
    of = "in the window that the label names" if "window" in report.meta else "as the store has it"
    unit = _UNITS[column.kind]
    return [f"# HELP {name} {what}, {of}\n", f"# TYPE {name} gauge\n", *([f"# UNIT {name} {unit}\n"] if unit else [])]


def _write_number(value: Any) -> str | None:
    """Write a number, or an instant as seconds since 1970; None for what is none."""
    if isinstance(value, datetime):
        value = value.timestamp()
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
