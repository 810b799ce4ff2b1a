"""A second opinion on waste: plain Python over rows, written from docs/offenders.md. It shares nothing with pullstats but the numbers of its rules."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise
from typing import Any

from support.crowd import Row
from support.oracle import REDIRECTS, find_downloads_2, is_taken
from support.wasteful import each

Numbers = dict[str, float]
MINUTE = timedelta(minutes=1)


def is_manifest(row: Row) -> bool:
    return bool(row["ecosystem"] == "oci" and row["action"] == "manifest" and row["counts"])


def is_blob(row: Row) -> bool:
    return row["ecosystem"] == "oci" and row["action"] == "blob" and row["method"] == "GET" and is_taken(row)


def is_fetched(row: Row) -> bool:
    return is_manifest(row) and row["method"] == "GET" and is_taken(row)


def is_artifact(row: Row) -> bool:
    is_file = row["ecosystem"] != "oci" and row["action"] == "download" and row["counts"]
    return bool(row["method"] == "GET" and (is_file or (row["ecosystem"] == "oci" and row["action"] == "blob")))


def needless(rows: list[Row], numbers: Numbers) -> list[Row]:
    layered = {row["package"] for row in rows if is_blob(row)}
    found: list[Row] = []
    for _, owned in each([row for row in rows if (is_fetched(row) or is_blob(row)) and row["package"] in layered], "who", "package"):
        answers, blobs, layers, known = set(), set(), [], []
        for row in owned:
            if is_blob(row):
                is_layer = row["path"] not in blobs or row["status"] in REDIRECTS or row["size"] > numbers["small_blob_bytes"]
                blobs.add(row["path"])
                layers += [row] if is_layer else []
            else:
                known += [row] if (row["path"], row["size"]) in answers else []
                answers.add((row["path"], row["size"]))
        follow = timedelta(seconds=numbers["follow_seconds"])
        idle = [row for row in known if not any(timedelta() <= layer["time"] - row["time"] <= follow for layer in layers)]
        if len(idle) >= numbers["least"] and len(idle) >= numbers["share"] * sum(map(is_fetched, owned)):
            found += idle
    return found


def pull_groups(owned: list[Row]) -> list[list[Row]]:
    groups: list[list[Row]] = []
    tag = None
    for row in owned:
        named = row["reference"] if row["kind"] == "tag" else None
        is_late = bool(groups) and row["time"] - groups[-1][-1]["time"] > timedelta(seconds=5)
        is_long = bool(groups) and row["time"] - groups[-1][0]["time"] > MINUTE
        if not groups or is_late or is_long or (named is not None and named != tag):
            groups.append([])
            tag = tag if is_long and not is_late and named is None else named  # what only lasted too long goes on with its tag
        groups[-1].append(row)
    return groups


def repeated(rows: list[Row], numbers: Numbers) -> list[Row]:
    found: list[Row] = []
    for _, owned in each([row for row in rows if is_manifest(row) and row["method"] in {"GET", "HEAD"}], "who", "package", "source"):
        groups = [[row for row in group if is_fetched(row)] for group in pull_groups(owned)]
        groups = [group for group in groups if group]
        again = [[row for number, row in enumerate(group) if answer_of(row) in map(answer_of, group[:number])] for group in groups]
        wasted = [row for group in again for row in group]
        if len(wasted) >= numbers["least"] and sum(map(bool, again)) >= numbers["share"] * len(groups):
            found += wasted
    return found


def answer_of(row: Row) -> tuple[str, bool]:
    """What was asked for, and whether the answer leads elsewhere."""
    return row["path"], row["status"] in REDIRECTS


def polling(rows: list[Row], numbers: Numbers) -> list[Row]:
    found: list[Row] = []
    every = timedelta(seconds=numbers["every_seconds"])
    for _, owned in each([row for row in rows if row["action"] in {"index", "metadata", "manifest", "search"}], "who", "path", "query", "method"):
        runs: list[list[Row]] = []
        for row in owned:
            if not runs or row["time"] - runs[-1][-1]["time"] >= every:
                runs.append([])
            runs[-1].append(row)
        for run in runs:
            pauses = [(later["time"] - row["time"]) // timedelta(milliseconds=1) for row, later in pairwise(run)]
            if len(run) < numbers["least"] or run[-1]["time"] - run[0]["time"] < timedelta(seconds=numbers["lasts_seconds"]):
                continue
            mean = sum(pauses) / len(pauses)
            variance = sum((pause - mean) ** 2 for pause in pauses) / len(pauses)
            if variance <= (numbers["spread"] * mean) ** 2:
                minutes = [(row["time"] - run[0]["time"]) // every for row in run]
                found += [row for row, minute, before in zip(run[1:], minutes[1:], minutes, strict=False) if minute == before]
    return found


def in_loops(rows: list[Row], numbers: Numbers, status: int, *names: str) -> list[Row]:
    found: list[Row] = []
    for _, owned in each(rows, *names):
        runs: list[list[Row]] = [[]]
        before: Row | None = None
        for row in owned:
            is_late = before is not None and row["time"] - before["time"] > timedelta(seconds=numbers["gap_seconds"])
            if row["status"] != status or is_late:
                runs.append([])
            if row["status"] == status:
                runs[-1].append(row)
            before = row
        found += [row for run in runs if len(run) >= numbers["least"] for row in run[int(numbers["free"]) :]]
    return found


def later_hours(owned: list[Row], hours: float) -> list[Row]:
    """All but the first hour of the days in which an owner comes in many."""
    found = []
    days = defaultdict(list)
    for row in owned:
        days[row["time"].date()].append(row)
    for day in days.values():
        seen = {row["time"].hour for row in day}
        found += [row for row in day if len(seen) >= hours and row["time"].hour > min(seen)]
    return found


def catalogue(rows: list[Row], numbers: Numbers) -> list[Row]:
    found: list[Row] = []
    for _, owned in each(
        [row for row in rows if row["action"] == "index" and row["method"] == "GET" and row["status"] == 200], "who", "path", "query"
    ):
        found += later_hours(owned, numbers["hours"])
    readings = [row for row in rows if row["action"] in {"index", "metadata", "manifest", "search"} and row["package"] is not None]
    least = max(numbers["packages"], numbers["share"] * len({(row["ecosystem"], row["package"]) for row in readings}))
    for _, owned in each(readings, "who"):
        breadth = defaultdict(set)
        for row in owned:
            breadth[row["time"].date(), row["time"].hour].add((row["ecosystem"], row["package"]))
        found += later_hours([row for row in owned if len(breadth[row["time"].date(), row["time"].hour]) >= least], numbers["hours"])
    return list({row["offset"]: row for row in found}.values())


def uncached(rows: list[Row], numbers: Numbers) -> list[Row]:
    found: list[Row] = []
    whole = [row for row in rows if is_artifact(row) and row["ci"] and (row["status"] == 200 or row["status"] in REDIRECTS)]
    for _, owned in each(
        [row | {"day": row["time"].date(), "leads": row["status"] in REDIRECTS} for row in whole],
        "network",
        "client",
        "path",
        "source",
        "leads",
        "day",
    ):
        found += owned[1:] if len(owned) >= numbers["times_a_day"] else []
    return found


def unfinished(rows: list[Row], numbers: Numbers) -> list[Row]:
    found: list[Row] = []
    asked = [row for row in rows if is_artifact(row) and row["status"] in {200, 206, 499}]
    in_parts = {row["path"] for row in asked if row["status"] != 200}
    full: dict[str, int] = {}
    for row in asked:
        if row["status"] == 200:
            full[row["path"]] = max(full.get(row["path"], 0), row["size"])
    for (_, path), owned in each([row for row in asked if row["path"] in in_parts], "who", "path"):
        transfers: list[list[Row]] = []
        for row in owned:
            if not transfers or row["time"] - transfers[-1][-1]["time"] > timedelta(seconds=numbers["gap_seconds"]):
                transfers.append([])
            transfers[-1].append(row)
        cuts = sum(row["status"] == 499 or (row["status"] == 200 and row["size"] < full[path]) for row in owned)
        if len(owned) >= numbers["least"] and cuts >= numbers["cuts"] and not any(is_had(transfer, full.get(path)) for transfer in transfers):
            found += owned
    return found


def is_had(transfer: list[Row], full: int | None) -> bool:
    """Whether the pieces may be all of the file."""
    if full is None:
        return any(row["status"] != 499 for row in transfer)
    begun = max([row["size"] for row in transfer if row["status"] == 200], default=0)
    return bool(begun + sum(row["size"] for row in transfer if row["status"] == 206) >= full)


def find_all(rows: list[Row], rules: dict[str, Numbers]) -> dict[str, list[Row]]:
    """Give the requests of each kind of waste."""
    return {
        "get-for-head": needless(rows, rules["get-for-head"]),
        "manifest-twice": repeated(rows, rules["manifest-twice"]),
        "polling": polling(rows, rules["polling"]),
        "loop-401": in_loops([row for row in rows if row["action"] not in {"ping", "auth"}], rules["loop-401"], 401, "endpoint", "client", "path"),
        "loop-404": in_loops([row for row in rows if row["package"] is not None], rules["loop-404"], 404, "who", "path"),
        "loop-429": in_loops(rows, rules["loop-429"], 429, "endpoint", "client"),
        "catalogue": catalogue(rows, rules["catalogue"]),
        "no-cache": uncached(rows, rules["no-cache"]),
        "never-finishes": unfinished(rows, rules["never-finishes"]),
    }


def tell(rows: list[Row], rules: dict[str, Numbers], by: dict[str, str]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Give a row for each owner and kind, and the totals, each request counted once."""
    downloads = {row["offset"] for row in find_downloads_2(rows)}
    found = find_all(rows, rules)
    told = []
    for kind, wasted in found.items():
        people = defaultdict(list)
        for row in wasted:
            people[row["who" if by[kind] == "origin" else by[kind]]].append(row)
        told += [describe(owned, downloads) | {"level": by[kind], "number": number, "kind": kind} for number, owned in people.items()]
    once = {row["offset"]: row for wasted in found.values() for row in wasted}
    return told, describe(list(once.values()), downloads)


def describe(rows: list[Row], downloads: set[int]) -> dict[str, Any]:
    """Sum requests up."""
    return {
        "requests": len(rows),
        "bytes": sum(row["size"] for row in rows if row["method"] != "HEAD"),
        "downloads": sum(row["offset"] in downloads for row in rows),
    }


def inflation(rows: list[Row], numbers: Numbers) -> dict[tuple[str, str], list[int]]:
    """Give downloads, those whose origin had everything, those taken again on one day, and downloaders, by client and version."""
    idle = {row["offset"] for row in needless(rows, numbers | {"least": 0, "share": 0})}
    taken = {row["offset"] for row in find_downloads_2(rows)}
    seen = set()
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    people: defaultdict[tuple[str, str], set[Any]] = defaultdict(set)
    for row in rows:  # in order of time
        if row["offset"] not in taken:
            continue
        name = row["client"], row["release"]
        people[name] |= {row["who"]} - {None}
        found[name][0] += 1
        if row["offset"] in idle:
            found[name][1] += 1
            continue
        thing = row["who"], row["path"], row["size"] if row["action"] == "manifest" else None, row["time"].date()
        found[name][2] += thing in seen and row["who"] is not None
        seen.add(thing)
    return {name: [*counts, len(people[name])] for name, counts in found.items()}
