"""A courteous note to whoever runs a client that wastes requests: facts, how to recognise it, what to change."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pullstats.clock import find_zone
from pullstats.metrics.offences.evidence import join_words, name_client, shorten, tell_evidence
from pullstats.metrics.offences.rules import Kind
from pullstats.metrics.offences.waste import KIND
from pullstats.metrics.plan import Plan

_WIDTH: Final = 76
_CALLED: Final = {
    "origin": "one client on one address",
    "network": "clients of one network (a /24, or a /48 of IPv6)",
    "org": "clients on addresses of one owner",
}


def write_note(rows: Sequence[Mapping[str, Any]], samples: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind], span: str, zone: str) -> str:
    """Write a note in plain text.

    Args:
        rows: what somebody wastes, a row a kind, the most first; at least one.
        samples: some of the requests: `kind`, `time`, `method`, `path`, `status`, `agent`; in order of time.
        kinds: by name.
        span: the time that was looked at, in words.
        zone: in which all times are, by name.
    """
    lines = [*_begin(rows, span, zone), *_list_facts(rows, kinds), *_recognise(rows, samples), *_list_samples(samples), *_close(rows, kinds)]
    return "\n".join(lines) + "\n"


def _begin(rows: Sequence[Mapping[str, Any]], span: str, zone: str) -> Iterator[str]:
    yield f"Subject: {rows[0]['requests']:,} requests to our server that can be spared"
    yield ""
    yield "Hello,"
    yield ""
    yield from _fill(
        f"our access logs show requests by {_CALLED[rows[0]['level']]} that need not be made. We think that nobody means to make them, and that "
        f"a small change ends them, to your advantage as well as ours. All times are {'UTC' if zone == 'UTC' else f'those of {zone}'}; we looked at {span}."
    )


def _list_facts(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind]) -> Iterator[str]:
    yield ""
    yield "What we see:"
    for row in rows:
        kind = kinds[row[KIND]]
        yield ""
        yield from _fill(f"{kind.title}: {tell_evidence(row, kind)}.", "- ")
        yield from _fill(f"{_tell_frequency(row)} {kind.what}", "  ", "  ")


def _tell_frequency(row: Mapping[str, Any]) -> str:
    """Tell how often, since when, and how much was sent."""
    count = f"{row['requests']:,} {'request' if row['requests'] == 1 else 'requests'}"
    days = f"{row['days']:,} {'day' if row['days'] == 1 else 'days'}"
    sent = f", {row['bytes']:,} bytes sent" if row["bytes"] else ""
    return f"{count} on {days} from {_write_time(row['first_seen'])} to {_write_time(row['last_seen'])}{sent}."


def _write_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _recognise(rows: Sequence[Mapping[str, Any]], samples: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield ""
    yield "How to recognise the client:"
    yield ""
    clients = list(dict.fromkeys(map(name_client, rows)))
    machines = list(dict.fromkeys(text for row in rows if (text := " ".join(filter(None, (row["os"], row["arch"]))))))
    yield from _fill(f"It is {join_words(clients)}{f' on {join_words(machines)}' if machines else ''}.", "- ")
    owners = list(dict.fromkeys(shorten(row["owner_name"]) for row in rows if row["owner_name"]))
    if owners:
        yield from _fill(f"Its address is announced by, or listed for, {join_words(owners)}.", "- ")
    yield from (f"- It says User-Agent: {shorten(agent)}" for agent in dict.fromkeys(one["agent"] for one in samples if one["agent"]))
    yield from _fill("We keep no addresses, only hashes of them, so the time and path of a request are the way to find it in your own logs.", "- ")


def _list_samples(samples: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield ""
    yield "Some of the requests:"
    yield ""
    for one in samples:
        status = "no status" if one["status"] is None else one["status"]
        yield f"- {one['time']:%Y-%m-%d %H:%M:%S} {one['method'] or 'GET'} {shorten(one['path'] or '-')} → {status}"


def _close(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, Kind]) -> Iterator[str]:
    yield ""
    yield "What would help:"
    yield ""
    for name in dict.fromkeys(row[KIND] for row in rows):
        yield from _fill(kinds[name].advice, "- ")
    yield ""
    yield from _fill("If we are mistaken, or the cause is on our side, please tell us. Thank you for looking into it.")


def _fill(text: str, first: str = "", rest: str = "") -> list[str]:
    indent = rest or " " * len(first)
    return textwrap.wrap(text, _WIDTH, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def tell_span(asked: Plan, requests: int) -> str:
    """Say what was looked at: from when to when, and how many requests of the window the filters left.

    Args:
        asked: the plan of the question.
        requests: how many.
    """
    first, newest = asked.window.start or asked.extent.first, asked.extent.newest
    last = min(asked.window.end, newest) if asked.window.end and newest else newest
    assert first is not None
    assert last is not None
    zone = find_zone(asked.query.tz)
    begin, end = max(first, asked.extent.first or first).astimezone(zone), last.astimezone(zone)
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}, {requests:,} requests"
