"""The formats of a letter.

To add one: a function from a letter to text, and its entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from pullstats.publish.letter.html import render_html
from pullstats.publish.letter.letter import Letter, Section
from pullstats.publish.letter.markdown import render_markdown
from pullstats.publish.letter.plain import render_text
from pullstats.render.machine import machine_frame
from pullstats.render.sanitise import visible


def render_json(letter: Letter) -> str:
    """Write the parts of a letter, each with the command that prints its numbers: `title`, `sections` of `heading`, `sentences`, `command`, `rows`."""
    return json.dumps({"title": visible(letter.title), "sections": [_list(section) for section in letter.sections]}, indent=1) + "\n"


def _list(section: Section) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    if section.table:
        names = [column.name for column in section.table.columns]
        rows = machine_frame(section.table.report).select(names).to_dicts()
    return {"heading": section.heading, "sentences": list(map(visible, section.sentences)), "command": section.command, "rows": rows}


FORMATS: Final[dict[str, Callable[[Letter], str]]] = {"md": render_markdown, "html": render_html, "txt": render_text, "json": render_json}
"""By the ending of a file."""
