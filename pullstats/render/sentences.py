"""Sentences for people, each on a line of its own or broken between words."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from pullstats.render.sanitise import for_terminal


def render_sentences(sentences: Iterable[str], width: int | None = None) -> str:
    """Write sentences, the lines that continue one indented.

    Args:
        sentences: any texts.
        width: columns of the terminal; None to write each in one line.
    """
    shown = [for_terminal(sentence) for sentence in sentences]
    if width is not None:
        shown = [textwrap.fill(one, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False) for one in shown]
    return "".join(f"{one}\n" for one in shown)
