"""What the words mean: the counting rule and every metric on the page."""

from __future__ import annotations

from typing import Final

from pullstats.metrics import COUNTING_RULES, METRICS
from pullstats.publish.page.section import Reports, Section
from pullstats.publish.period import TOTALS
from pullstats.render.sanitise import for_html

_METRICS: Final = (
    "downloads",
    "downloaders",
    "checks",
    "attempts",
    "invocations",
    "instances",
    "requests",
    "origins",
    "endpoints",
    "networks",
    "errors",
    "missing",
)


def _draw(reports: Reports) -> str:
    labels = [label for label in reports[TOTALS].meta["counting_rule"].split(", ") if label in COUNTING_RULES]
    rules = [(label, f"{COUNTING_RULES[label].text} Source: {COUNTING_RULES[label].source}") for label in labels]
    metrics = [(METRICS[name].title, METRICS[name].help) for name in _METRICS]
    return f"<dl>{''.join(f'<dt>{for_html(word)}</dt><dd>{for_html(text)}</dd>' for word, text in (*metrics, *rules))}</dl>"


SECTION: Final = Section("definitions", "What the words mean", (), _draw)
