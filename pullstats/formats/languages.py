r"""The languages in which servers are told what to log, and how a text in one becomes a template.

Of a language we know how one directive looks and what it stands for; everything else in a text is
literal. Times may stand in pieces (`%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t`): all of them together
are read as one.

To add one: a module with a `LANGUAGE`, listed in `own_formats.py`, and cases in `tests/cases/own/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pullstats.formats.conversions import TIME_UNITS, Conversion
from pullstats.formats.strftime import check_form, form_pattern
from pullstats.formats.template import Part, Slot, Template
from pullstats.formats.variables import CLF_TIME, ISO, KEPT, TIMES

EPOCH: Final = r"[0-9]+(?:\.[0-9]+)?"
ANY_TIME: Final = "time_any"
"""Meaning of a directive that gives the time in whatever form was configured."""
QUERY: Final = "query_marked"
"""Raw column of a query with its question mark."""


@dataclass(frozen=True, slots=True)
class TimePiece:
    """A directive that gives a time, or a part of one.

    Attributes:
        form: a unit (`s`, `ms`, `us`) since 1970, or a form of `strftime`.
    """

    form: str


Meaning = str | TimePiece | None
"""What a directive stands for: a variable (or any name, which is read past), a time; None: its literal is in `Directive.literal`."""


@dataclass(frozen=True, slots=True)
class Directive:
    """What a directive stands for.

    Attributes:
        meaning: see `Meaning`.
        literal: text it stands for, if it is no value.
        around: what its value stands between though the template does not show it: quotes, brackets.
    """

    meaning: Meaning
    literal: str = ""
    around: str = ""


@dataclass(frozen=True, slots=True)
class Language:
    """A language of templates.

    Attributes:
        name: of formats written in it, as `--input-format` would name them.
        help: what writes it, in a few words.
        doc_url: the vendor's page.
        sign: what shows that a text is written in it.
        directive: one directive.
        read: tells what a match of `directive` stands for.
        unescape: undoes how a text is written in a configuration.
        joined: directives that stand side by side and are one variable, by their meanings.
        best: of directives that mean the same, labels of those that are taken.
    """

    name: str
    help: str
    doc_url: str
    sign: re.Pattern[str]
    directive: re.Pattern[str]
    read: Callable[[re.Match[str]], Directive]
    unescape: Callable[[str], str] = str
    joined: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    best: re.Pattern[str] | None = None


def header_variable(name: str) -> str:
    """Name the variable of a request header."""
    variable = "http_" + name.strip().lower().replace("-", "_")
    return _HEADERS.get(variable, variable)


def response_variable(name: str) -> str:
    """Name the variable of a response header."""
    return _RESPONSES.get(name.strip().lower(), "sent_http_" + name.strip().lower().replace("-", "_"))


_HEADERS: Final = {
    "http_x_request_id": "request_id",
    "http_x_correlation_id": "req_id",
    "http_referrer": "http_referer",
    "http_forwarded_for": "http_forwarded",
}
_RESPONSES: Final = {
    **dict.fromkeys(("x-cache", "x-cache-status", "cf-cache-status", "x-proxy-cache"), "upstream_cache_status"),
    "x-request-id": "request_id",
    "content-length": "body_bytes_sent",
}


def split_text(text: str, language: Language) -> Template:
    """Cut a text into literals and slots."""
    parts, forms = split_parts(text, language, 0)
    return finish(text, parts, forms)


def split_parts(text: str, language: Language, first: int) -> tuple[list[Part], dict[str, str]]:
    """Cut a text, or one of several that belong together.

    Args:
        text: the text.
        language: its language.
        first: number of the first piece of a time, so that those of several texts differ.

    Returns:
        Literals and slots in turn; and the form of each slot that is a time or a part of one.
    """
    parts: list[Part] = []
    forms: dict[str, str] = {}
    position = 0
    for match in language.directive.finditer(text):
        parts.append(text[position : match.start()])
        position = match.end()
        found = language.read(match)
        if found.meaning is None:
            parts.append(found.literal)
            continue
        slot = _slot(found.meaning, match[0], f"time_{first + len(forms)}")
        if isinstance(found.meaning, TimePiece) and slot.bare is not None:
            forms[slot.name] = found.meaning.form
        parts += [found.around[:1], slot, found.around[-1:]]
    parts.append(text[position:])
    return _join_known(_merge_literals(parts), language.joined), forms


def _slot(meaning: str | TimePiece, label: str, name: str) -> Slot:
    if meaning == ANY_TIME:
        return Slot("msec", label, f"{ISO}|{CLF_TIME}|{EPOCH}")
    if isinstance(meaning, str):
        return Slot(meaning, label, r"\??\S*") if meaning == QUERY else Slot(meaning, label)
    return Slot(name, label, EPOCH if meaning.form in TIME_UNITS else form_pattern(meaning.form, is_named=False))


def _merge_literals(parts: Iterable[Part]) -> list[Part]:
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return merged


def _join_known(parts: list[Part], joined: Mapping[tuple[str, ...], str]) -> list[Part]:
    """Make one slot of those that stand side by side and are one variable."""
    for names, variable in joined.items():
        index = 0
        while index + len(names) <= len(parts):
            run = parts[index : index + len(names)]
            if all(isinstance(part, Slot) and part.name == name for part, name in zip(run, names, strict=True)):
                parts[index : index + len(names)] = [Slot(variable, "".join(part.label for part in run if isinstance(part, Slot)))]
            index += 1
    return parts


def finish(text: str, parts: Sequence[Part], forms: Mapping[str, str]) -> Template:
    """Make a template of parts and the forms of the times among them."""
    names = {part.name for part in parts if isinstance(part, Slot)}
    conversions = tuple(time_conversions(forms, has_time=not names.isdisjoint(TIMES)))
    queries = (Conversion((QUERY,), "query", "?"),) if QUERY in names else ()
    return Template(text, tuple(parts), conversions + queries)


_FRACTIONS: Final = ("%3f", "%6f", "%9f")
"""Pieces of a time that are the fraction of its second and nothing else."""


def time_conversions(forms: Mapping[str, str], *, has_time: bool) -> Iterable[Conversion]:
    """Choose what of the pieces is the time: the finest count since 1970, else all that is written out, together.

    Args:
        forms: forms by slot, in order.
        has_time: a variable gives the time, too; only a count goes over it.

    Raises:
        UsageError: all together they give no date.
    """
    for unit in ("ns", "us", "ms", "s"):
        slot = next((name for name, form in forms.items() if form == unit), None)
        fraction = next((name for name, form in forms.items() if form in _FRACTIONS), None) if unit == "s" else None
        if slot is not None and fraction is not None:
            yield Conversion((slot, fraction), "time", f"%s {forms[fraction]}")
            return
        if slot is not None:
            yield Conversion((slot,), "time", unit)
            return
    if forms and not has_time:
        whole = " ".join(forms.values())
        check_form(whole)
        yield Conversion(tuple(forms), "time", whole)


def take_best(parts: Sequence[Part], best: re.Pattern[str] | None) -> list[Part]:
    """Leave one slot of each variable: one that the language prefers, else the first."""
    if best is None:
        return list(parts)
    chosen = {part.name for part in parts if isinstance(part, Slot) and part.name in KEPT and best.fullmatch(part.label)}
    return [
        replace(part, name=f"{part.name}_other") if isinstance(part, Slot) and part.name in chosen and not best.fullmatch(part.label) else part
        for part in parts
    ]
