"""Write schemas/ and the generated tables of docs/ from the declarations they describe.

`--check` writes nothing and fails if a file is out of date.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from man_page import man_page

from pullstats.cli.environment import TABLES as ENVIRONMENT
from pullstats.events import EVENT_FIELDS, json_schema
from pullstats.formats import FORMATS, REASONS
from pullstats.formats.field_map import FIELDS
from pullstats.formats.json_keys import KEYS
from pullstats.metrics import COUNTING_RULES, DIMENSIONS, METRICS
from pullstats.metrics.offences.rules import load_offences, write_thresholds
from pullstats.sources import WRAPPERS

ROOT = Path(__file__).parent.parent
Rows = Sequence[tuple[str, ...]]


def table(heads: tuple[str, ...], rows: Rows) -> str:
    """Write a Markdown table; `|` in cells is escaped."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def columns_page() -> str:
    """Describe every stored column, by group."""
    parts = [
        "# Columns of an event",
        "",
        "One row per request. Generated from `pullstats/events.py` by `make docs`. Names are OpenTelemetry or ECS with dots turned into",
        "underscores; the original name stands in the last column and in the Parquet field metadata.",
    ]
    for group in dict.fromkeys(field.group for field in EVENT_FIELDS):
        rows = [
            (f"`{field.name}`", str(field.dtype), field.unit or "", field.help, f"`{field.origin}`") for field in EVENT_FIELDS if field.group == group
        ]
        parts += ["", f"## {group}", "", table(("column", "type", "unit", "meaning", "OpenTelemetry / ECS"), rows)]
    return "\n".join(parts) + "\n"


def environment_page() -> str:
    """Tell every variable, file and exit code."""
    parts = [
        "# Variables, files and exit codes",
        "",
        "`pullstats help environment` says the same. Generated from `pullstats/cli/environment.py` by `make docs`.",
    ]
    for one in ENVIRONMENT:
        parts += ["", f"## {one.title}", "", table(("", ""), [(f"`{name}`", text) for name, text in one.rows])]
    return "\n".join(parts) + "\n"


def metrics_page() -> str:
    """Describe every metric, dimension and counting rule."""
    metrics = [(f"`{metric.name}`", metric.unit or metric.title, "yes" if metric.additive else "no", metric.help) for metric in METRICS.values()]
    dimensions = [(f"`{dimension.name}`", dimension.help) for dimension in DIMENSIONS.values()]
    rules = [(f"`{rule.name}@{rule.version}`", rule.text, rule.source) for rule in COUNTING_RULES.values()]
    return "\n".join(
        [
            "# Metrics, dimensions and counting rules",
            "",
            "Generated from `pullstats/metrics/` by `make docs`. A metric that is not additive is never summed: a total is computed anew over",
            "all events of the window.",
            "",
            "## Metrics",
            "",
            table(("metric", "unit", "additive", "meaning"), metrics),
            "",
            "## Dimensions",
            "",
            "For `--by` and `--where`. JSON and CSV use `_` for `-`.",
            "",
            table(("dimension", "meaning"), dimensions),
            "",
            "## Counting rules",
            "",
            table(("rule", "text", "source"), rules),
            "",
        ],
    )


def formats_page() -> str:
    """Fill the generated parts of docs/formats.md."""
    text = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
    formats = [(f"`{item.name}`", item.help, f"`{item.sample}`".replace("\n", " ⏎ "), item.doc_url) for item in FORMATS.values()]
    parts = {
        "formats": table(("name", "written by", "sample", "documentation"), formats),
        "wrappers": table(
            ("name", "what", "sample", "documentation"),
            [(f"`{item.name}`", item.help, f"`{item.sample.splitlines()[-1]}`", item.doc_url) for item in WRAPPERS.values()],
        ),
        "fields": table(("field", "variable"), [(f"`{field}`", f"`{variable}`") for field, variable in FIELDS.items()]),
        "json-keys": table(("variable", "keys"), [(f"`{name}`", ", ".join(f"`{key}`" for key in keys)) for name, keys in KEYS.items()]),
        "reasons": table(("reason", "meaning"), [(f"`{name}`", text) for name, text in REASONS.items()]),
    }
    return fill(text, parts)


def fill(text: str, parts: dict[str, str]) -> str:
    """Fill the generated parts of a page, each between its two marks."""
    for name, part in parts.items():
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(partial(_put, part), text)
    return text


def _put(part: str, marks: re.Match[str]) -> str:
    return f"{marks[1]}{part}\n{marks[2]}"


def offenders_page() -> str:
    """Fill the kinds of waste into docs/offenders.md."""
    text = (ROOT / "docs/offenders.md").read_text(encoding="utf-8")
    rows = [(f"`{kind.name}`", kind.what, write_thresholds(kind), kind.advice) for kind in load_offences().kinds.values()]
    return fill(text, {"offences": table(("kind", "what", "thresholds", "what ends it"), rows)})


def pages() -> dict[Path, str]:
    """Give every generated file with its text."""
    return {
        ROOT / "schemas/event.json": json.dumps(json_schema(), indent=2) + "\n",
        ROOT / "docs/columns.md": columns_page(),
        ROOT / "docs/metrics.md": metrics_page(),
        ROOT / "docs/environment.md": environment_page(),
        ROOT / "docs/pullstats.1": man_page(),
        ROOT / "docs/formats.md": formats_page(),
        ROOT / "docs/offenders.md": offenders_page(),
    }


def main(arguments: list[str]) -> int:
    """Write the files, or check them."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)} is out of date; run make docs")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(pages()[path], encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
