"""The page as one file: sentences, sections, what they carry, and a policy that lets nothing else in.

Source: Content Security Policy Level 3, sections 2.3.1 (hashes of inline scripts and styles) and 6.1.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from pullstats.metrics import Query
from pullstats.metrics.question import Question
from pullstats.publish.page.sections import SECTIONS
from pullstats.publish.period import OPTIONAL, TOTALS, Sentence, ask_period, tell_period
from pullstats.render.sanitise import for_html
from pullstats.reports import MOVED, Report

_ASSETS: Final = "pullstats.publish.page"
_STYLES: Final = ("uPlot.min.css", "page.css")
_SCRIPTS: Final = ("uPlot.iife.min.js", "page.js")
NEEDED: Final = TOTALS
"""The question that must be answered; of the others a refusal is said in its place."""


def ask_page(query: Query) -> dict[str, Question]:
    """Give all questions of the page, that of `NEEDED` first."""
    questions = ask_period(query)
    for section in SECTIONS:
        questions |= section.ask(query)
    return questions


def list_optional(questions: Mapping[str, Question]) -> frozenset[str]:
    """Name the questions that need not be answered."""
    return OPTIONAL | (frozenset(questions) - {NEEDED})


def draw_page(query: Query, reports: Mapping[str, Report], title: str) -> str:
    """Put the page together.

    Args:
        query: what the page asks.
        reports: the answers to `ask_page`, by name.
        title: heading of the page.
    """
    style, script = _read(_STYLES), _read(_SCRIPTS)
    policy = f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    said = frozenset({*map(str, reports[NEEDED].meta.get("warnings", ())), reports[NEEDED].footer})
    sections = "\n".join(section.draw(query, reports, said) for section in SECTIONS) if not reports[NEEDED].is_empty else ""
    links = "".join(f'<li><a href="#{section.key}">{for_html(section.title)}</a></li>' for section in SECTIONS) if sections else ""
    shown = for_html(title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{shown}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">To the numbers</a>
<header><h1>{shown}</h1>{_open(reports)}</header>
<nav aria-label="Sections"><ul>{links}</ul></nav>
<main id="main">
{sections}
</main>
<footer><p>{for_html(reports[NEEDED].footer)}</p></footer>
<script>{script}</script>
</body>
</html>
"""


def _open(reports: Mapping[str, Report]) -> str:
    """Write the opening sentences; that the window was counted back from the newest event is the first."""
    told = sorted(tell_period(reports), key=lambda sentence: not _is_move(sentence))
    return "".join(f'<p class="sentence">{for_html(sentence.text)}</p>' for sentence in told)


def _is_move(sentence: Sentence) -> bool:
    return sentence.text.rstrip(".").endswith(MOVED)


def _read(names: tuple[str, ...]) -> str:
    folder = files(_ASSETS) / "assets"
    return "\n".join((folder / name).read_text("utf-8").strip() for name in names)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
