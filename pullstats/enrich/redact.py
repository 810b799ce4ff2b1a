"""Take secrets, users and addresses out of texts before anything is kept.

What is a secret is data: `rules/secrets.toml`. Every form of a text is looked at, from what was logged
to what is left when no escape can be undone any more; what is found is replaced where it was logged,
and the rest stays as it is. Address shape alone is no reason inside agents and paths, which hold
four-part versions; there only the event's own address goes (`own_addresses`). In rejected lines, of
which nothing is known, every address goes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import polars as pl

from pullstats.enrich.canonical_texts import MAX_FORMS, Form, find_escaped, list_forms, replace_spans, trace_forms
from pullstats.enrich.own_addresses import hide_addresses, list_keys
from pullstats.enrich.redaction_rules import (
    ADDRESS,
    PARAMETER_END,
    REDACTED,
    USER,
    Rule,
    join_hints,
    load_rules,
    rules_of_domains,
    rules_of_rejects,
    rules_of_texts,
)

__all__ = ["ADDRESS", "REDACTED", "USER", "redact_addresses", "redact_domain", "redact_reject", "redact_text", "redact_values"]

KEPT_BEFORE: Final = 2_000
"""Characters of a rejected line that are looked at."""
KEPT_OF_REJECT: Final = 500
"""Characters of a rejected line that are kept."""
_CUT_END: Final = 200
"""Characters at the end of a line that was cut which may be half a secret."""
_FEW: Final = 32
_LONGEST: Final = 4_000
"""Characters up to which a text keeps its escapes around what is hidden."""
_SHORT: Final = 3
"""Characters from which on a hint alone tells of a secret that was cut."""

_OCTET: Final = r"0{0,2}(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_DASHED: Final = rf"{_OCTET}(?:(?:-{_OCTET}){{3,}}|(?:_{_OCTET}){{3,}})"
_H: Final = r"[0-9A-Fa-f]{1,4}"
_IPV6: Final = rf"(?:{_H}:){{7}}{_H}|(?:{_H}:){{1,7}}(?::{_H}){{1,6}}|(?:{_H}:){{1,7}}:|::{_H}(?::{_H}){{0,6}}"
_NIBBLES: Final = r"(?:[0-9A-Fa-f]\.){31}[0-9A-Fa-f]"
_SHAPE: Final = rf"{_NIBBLES}|(?:::[Ff]{{4}}:)?{_IPV4}|{_IPV6}|{_DASHED}|0[xX][0-9A-Fa-f]{{8}}"


def redact_values(values: pl.Series, rules: Sequence[Rule] | None = None) -> pl.Series:
    """Replace what rules find in any form of distinct texts.

    Args:
        values: text, may hold nulls.
        rules: what is hidden; None for what is hidden in every text.

    Returns:
        The texts in the same order, placeholders where something was found.
    """
    if values.null_count() == values.len():
        return values
    rules = rules_of_texts() if rules is None else rules
    plain = _replace(values, rules)
    escaped = find_escaped(plain)
    if not escaped.any():
        return plain
    return plain.clone().scatter(escaped.arg_true(), _redact_forms(plain.filter(escaped), rules))


def redact_text(text: pl.Expr) -> pl.Expr:
    """Replace users and passwords of URLs, secrets and people, wherever and however they are written in a text."""
    return text.map_batches(redact_values, return_dtype=pl.String)


def redact_domain(text: pl.Expr) -> pl.Expr:
    """Replace secrets in a host name, which is in lower case."""
    return text.map_batches(lambda values: redact_values(values, rules_of_domains()), return_dtype=pl.String)


def redact_addresses(text: pl.Expr) -> pl.Expr:
    """Replace every token that looks like an address."""
    return text.str.replace_all(_SHAPE, ADDRESS)


def _replace(values: pl.Series, rules: Sequence[Rule]) -> pl.Series:
    """Replace what stands there unescaped; texts without a hint cost a search for literals."""
    suspects = _hold_hint(values, rules)
    if not suspects.any():
        return values
    few = before = values.filter(suspects)
    if few.len() <= _FEW and all(rule.hints for rule in rules):
        return values.clone().scatter(suspects.arg_true(), pl.Series([_replace_in(text, rules) for text in few], dtype=pl.String))
    for rule in rules:
        few = _apply(few, rule)
    return values if few.equals(before) else values.clone().scatter(suspects.arg_true(), few)


def _replace_in(text: str, rules: Sequence[Rule]) -> str:
    """Do the same with one text: for a few, setting up whole columns costs more."""
    folded = text.lower()
    for rule in rules:
        if any(folded.startswith(hint[1:]) if hint[0] == "^" else hint in folded for hint in rule.hints):
            text = rule.compiled.sub(rf"\g<before>{rule.placeholder}\g<after>", text)
    return text


def _hold_hint(values: pl.Series, rules: Sequence[Rule]) -> pl.Series:
    if not all(rule.hints for rule in rules):
        return values.is_not_null()
    anywhere, first = join_hints(rules)
    text = pl.col("text")
    hits = text.str.contains_any(list(anywhere), ascii_case_insensitive=True)
    for hint in first:
        hits |= text.str.starts_with(hint)
    return values.to_frame("text").select(hits.fill_null(value=False)).to_series()


def _apply(values: pl.Series, rule: Rule) -> pl.Series:
    if rule.exact is None:
        if rule.hints and not (hits := _hold_hint(values, (rule,))).any():
            return values
        replaced = f"${{before}}{rule.placeholder}${{after}}"
        if not rule.hints or hits.all():
            return values.str.replace_all(rule.pattern, replaced)
        return values.clone().scatter(hits.arg_true(), values.filter(hits).str.replace_all(rule.pattern, replaced))
    suspects = (_hold_hint(values, (rule,)) & values.str.contains(rule.pattern)).fill_null(value=False)
    if not suspects.any():
        return values
    texts = [rule.compiled.sub(rf"\g<before>{rule.placeholder}\g<after>", text) for text in values.filter(suspects)]
    return values.clone().scatter(suspects.arg_true(), pl.Series(texts, dtype=pl.String))


def _redact_forms(values: pl.Series, rules: Sequence[Rule]) -> pl.Series:
    """Look at the further forms of texts that have such; hide what is found in the text as logged."""
    forms = [list_forms(text) for text in values]
    for row, found in enumerate(forms):
        if len(found) >= MAX_FORMS:  # nobody writes so but to hide something
            forms[row] = [REDACTED]
    flat = pl.DataFrame({"row": pl.Series(range(values.len()), dtype=pl.UInt32), "form": pl.Series(forms, dtype=pl.List(pl.String))}).explode("form")
    clean = _replace(flat["form"], rules)
    hits = flat.filter(flat["form"].ne_missing(clean) | (flat["form"] == REDACTED))["row"].unique(maintain_order=True)
    if not hits.len():
        return values
    texts = [_hide(values[row], forms[row], rules) for row in hits]
    return values.clone().scatter(hits, pl.Series(texts, dtype=pl.String))


def _hide(text: str, forms: Sequence[str], rules: Sequence[Rule]) -> str:
    """Hide what the forms of one text show where it was logged; all of it where the way back does not hold."""
    if list(forms) == [REDACTED]:
        return REDACTED
    if len(text) > _LONGEST:
        return f"{_hide(text[:_LONGEST], forms, rules)[:-_CUT_END]}{REDACTED}"
    spans = [
        (form.starts[start], form.ends[end - 1], rule.placeholder)
        for form in trace_forms(text)
        for rule in rules
        for match in rule.compiled.finditer(form.text)
        if (start := match.end("before")) < (end := _end_of(match, form, rule))
    ]
    hidden = replace_spans(text, spans)
    left = pl.Series(list_forms(hidden), dtype=pl.String)
    return hidden if _replace(left, rules).equals(left) else REDACTED


def _end_of(match: re.Match[str], form: Form, rule: Rule) -> int:
    """Tell where a value ends: at a delimiter that was not escaped more often than the sign before the value."""
    start, end = match.end("before"), match.start("after")
    if not rule.is_parameter:
        return end
    depth = form.ends[start - 1] - form.starts[start - 1]
    while end < len(form.text) and form.ends[end] - form.starts[end] > depth:
        following = PARAMETER_END.search(form.text, end + 1)
        end = following.start() if following else len(form.text)
    return end


@cache
def _rules_of_ends() -> tuple[Rule, ...]:
    """Give what is hidden in rejected lines alone: what may be the beginning of a secret, up to the end of the text, and addresses."""
    literals = "|".join(re.escape(hint) for shape in load_rules()["shape"] for hint in shape["hints"] if len(hint) >= _SHORT)
    cut = rf"(?i)(?P<before>)(?:(?:{literals})[^\s\"|]*(?: [^\s\"|]*)?|[a-z][a-z0-9+.-]{{1,12}}://[^/@\s?#\"]*)(?P<after>$)"
    return Rule(cut, REDACTED, ()), Rule(f"(?P<before>)(?:{_SHAPE})(?P<after>)", ADDRESS, ())


def _hide_named(texts: pl.Series, lines: pl.Series) -> pl.Series:
    """Hide what may be an address, or a number or a date, where the line as logged has the same address in a plain spelling."""
    named = list_keys(lines.str.extract_all(_SHAPE).list.join(" "))
    left = list_keys(texts)
    rows = (named.is_not_null() & left.is_not_null()).arg_true()
    shared = [frozenset(one.split()) & frozenset(other.split()) for one, other in zip(named.gather(rows), left.gather(rows), strict=True)]
    hits = rows.filter(pl.Series([bool(keys) for keys in shared], dtype=pl.Boolean))
    if not hits.len():
        return texts
    return texts.clone().scatter(hits, hide_addresses(texts.gather(hits), [keys for keys in shared if keys]))


def redact_reject(rejects: pl.DataFrame, column: str) -> pl.DataFrame:
    """Take secrets, user names and all addresses out of the text of rejected lines, then cut it.

    An address that is no number by its shape goes where the line spells it as an address, too. Cut last, so that no secret is cut in two and no longer known for one; and one that the log itself
    cut, at the end of the line, goes by its beginning.
    """
    text = redact_values(rejects[column], (*rules_of_texts(), *rules_of_rejects(), *_rules_of_ends()))
    text = _hide_named(text, rejects[column])
    is_cut = rejects[column].str.len_chars() >= KEPT_BEFORE
    whole = pl.DataFrame({"text": text, "is_cut": is_cut})
    kept = whole.select(pl.when("is_cut").then(pl.col("text").str.head(-_CUT_END)).otherwise("text").str.slice(0, KEPT_OF_REJECT))
    return rejects.with_columns(kept.to_series().alias(column))
