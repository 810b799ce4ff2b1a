"""A second opinion: plain, slow, obvious Python over rows, written from the definitions. It shares nothing with pullstats.

A row is a dict as `oracle_lines` reads it: time, log and offset (its place), method, path, status, size, origin, endpoint, network,
user, agent, client, client_kind, ecosystem, package, reference, kind, action, counts; and `took`, where the log says how long it took:
then `time` is its end.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
REDIRECTS = {301, 302, 303, 307, 308}
PULL_GAP = timedelta(seconds=5)
SESSION_GAP = timedelta(minutes=5)
VISIT_GAP = timedelta(seconds=30)
VISIT_LENGTH = timedelta(minutes=5)
GROUP_LENGTH = timedelta(minutes=1)
SITTING_GAP = timedelta(minutes=30)
PART_GAP = timedelta(minutes=10)
QUERY_FILE = re.compile(r"/resolve/[^/]+/(?:config\.json|config\.yaml|hyperparams\.yaml|meta\.yaml|.+\.gguf)$")


def place(row: Row) -> tuple[Any, ...]:
    """Time, and in one instant the log and the byte."""
    return row["time"], row.get("log", 0), row["offset"]


def is_answered(row: Row) -> bool:
    return row["status"] is None or row["status"] < 400


def is_taken(row: Row) -> bool:
    return row["status"] is not None and (200 <= row["status"] < 300 or row["status"] in REDIRECTS)


def is_manifest(row: Row) -> bool:
    return row["ecosystem"] == "oci" and row["action"] == "manifest" and row["method"] in {"GET", "HEAD"}


def is_file(row: Row) -> bool:
    """The artifact itself, whatever the method and the answer; not an image."""
    return row["ecosystem"] not in {None, "oci"} and row["action"] == "download" and row["counts"]


def is_dataset(row: Row) -> bool:
    return row["ecosystem"] == "huggingface" and (row["package"] or "").startswith("datasets/")


def is_query_file(row: Row) -> bool:
    return row["ecosystem"] == "huggingface" and not is_dataset(row) and QUERY_FILE.search(row["path"] or "") is not None


def is_single_file(row: Row) -> bool:
    """A file that counts by itself: of models only the query file does, of data sets none."""
    return is_file(row) and (row["ecosystem"] != "huggingface" or is_query_file(row))


def by(rows: Iterable[Row], *names: str) -> list[list[Row]]:
    """Rows of each owner in order."""
    found = defaultdict(list)
    for row in rows:
        found[tuple(row.get(name) for name in names)].append(row)
    return [sorted(owned, key=place) for owned in found.values()]


def runs(ordered: list[Row], gap: timedelta) -> list[list[Row]]:
    """Cut where the pause is longer than the gap."""
    found: list[list[Row]] = []
    for row in ordered:
        if not found or row["time"] - found[-1][-1]["time"] > gap:
            found.append([])
        found[-1].append(row)
    return found


# Images


def groups(ordered: list[Row], gap: timedelta = PULL_GAP) -> list[list[Row]]:
    """Cut the manifest requests of one origin and repository into pull groups."""
    found: list[list[Row]] = []
    for run in runs(sorted(ordered, key=place), gap):
        tag: str | None = None
        for index, row in enumerate(run):
            named = row["reference"] if row["kind"] == "tag" else None
            if index == 0 or (named is not None and named != tag):
                found.append([])
                tag = named
            found[-1].append(row)
    return found


def pull_groups(rows: list[Row], gap: timedelta = PULL_GAP) -> list[list[Row]]:
    asked = [row for row in rows if is_manifest(row) and row["counts"]]
    return [group for owned in by(asked, "origin", "package") for group in groups(owned, gap)]


def is_pull(group: list[Row]) -> bool:
    return any(row["method"] == "GET" and is_taken(row) for row in group)


def group_tag(group: list[Row]) -> str | None:
    return group[0]["reference"] if group[0]["kind"] == "tag" else None


def with_tag(row: Row, group: list[Row]) -> Row:
    tag = group_tag(group)
    return row if tag is None else {**row, "reference": tag, "kind": "tag"}


def find_pulls(rows: list[Row], gap: timedelta = PULL_GAP) -> list[Row]:
    """Each pull, at its first GET."""
    return [with_tag(next(row for row in group if row["method"] == "GET"), group) for group in pull_groups(rows, gap) if is_pull(group)]


def find_tags(rows: list[Row]) -> dict[tuple[str, str], list[tuple[Any, str]]]:
    """By repository and digest: where it was seen with a tag."""
    seen: defaultdict[tuple[str, str], list[tuple[Any, str]]] = defaultdict(list)
    for group in pull_groups(rows):
        tag = group_tag(group)
        for row in group:
            if row["kind"] == "digest" and tag is not None and is_answered(row):
                seen[row["package"], row["reference"]].append((place(row), tag))
    return {key: sorted(found) for key, found in seen.items()}


def name_digests(counted: list[Row], tags: dict[tuple[str, str], list[tuple[Any, str]]]) -> list[Row]:
    """Give what counts by its digest the tag last seen with it."""
    named = []
    for row in counted:
        seen = tags.get((row["package"], row["reference"]), []) if row["kind"] == "digest" else []
        index = bisect_right([when[0] for when, _ in seen], row["time"])
        named.append({**row, "reference": seen[index - 1][1], "kind": "tag"} if index else row)
    return named


# Releases


def rank_tag(tag: str) -> tuple[Any, ...]:
    """More numbers, then nothing behind them, then higher numbers; of what is no version all but latest."""
    found = re.fullmatch(r"v?(\d+(?:\.\d+)*)(-[0-9A-Za-z.-]+)?", tag)
    if found is None:
        return 0, tag not in {"latest", "stable", "current"}
    numbers = [int(number) for number in found[1].split(".")]
    return len(numbers), found[2] is None, numbers


Seen = defaultdict[tuple[Any, Any], Any]


def see_digests(rows: list[Row]) -> tuple[Seen, Seen, Seen]:
    """By repository and digest its tags, and the groups without one; by repository and tag what it stood for from when on."""
    tags, bare, moves = Seen(set), Seen(list), Seen(list)
    for group in pull_groups(rows):
        tag, digests = group_tag(group), [row for row in group if row["kind"] == "digest"]
        for row in filter(is_answered, digests):
            first = digests[0]["reference"]
            if tag is None:
                bare[row["package"], row["reference"]].append((not is_pull(group), place(row), first))
                continue
            tags[row["package"], row["reference"]].add(tag)
            if row["reference"] == first:
                moves[row["package"], tag].append((group[0]["time"], place(row), first))
    return tags, bare, moves


def with_releases(rows: list[Row]) -> list[Row]:
    """Give every row its release."""
    tags, bare, moves = see_digests(rows)
    best: dict[tuple[str, str], str] = {key: max(sorted(found, reverse=True), key=rank_tag) for key, found in tags.items()}

    def of_digest(package: str, digest: str) -> str | None:
        if (package, digest) in best:
            return best[package, digest]
        is_left, _, first = min(bare.get((package, digest), [(True, None, digest)]))
        return best.get((package, first)) or (None if is_left else first)

    def of_tag(row: Row) -> str:
        seen = [move for move in sorted(moves.get((row["package"], row["reference"]), [])) if move[0] <= row["time"]]
        asked: str = row["reference"]
        found = best[row["package"], seen[-1][2]] if seen else asked
        return found if rank_tag(found)[0] > rank_tag(asked)[0] else asked

    def release(row: Row) -> str | None:
        if row["ecosystem"] == "oci":
            if row["action"] != "manifest" or not row["counts"]:
                return None
            found = of_tag(row) if row["kind"] == "tag" else of_digest(row["package"], row["reference"])
            return re.sub(r"^v(?=\d)", "", found) if found else None
        return None if row["kind"] == "digest" and row["action"] != "download" else row["reference"]

    return [row | {"release": release(row)} for row in rows]


# Files


def walk_files(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Downloads, and refusals that the same origin does not follow up within 5 s."""
    asked = [row for row in rows if is_single_file(row) and row["method"] == "GET" and row["status"] != 304]
    taken, refused = [], []
    for ordered in by(asked, "origin", "path"):
        before: Row | None = None
        body: datetime | None = None
        for row, following in zip(ordered, [*ordered[1:], None], strict=True):
            if row["status"] in {200, 206, *REDIRECTS}:
                follows = before is not None and before["status"] in REDIRECTS and row["time"] - before["time"] <= PULL_GAP
                resumes = row["status"] == 206 and body is not None and row["time"] - body <= PART_GAP
                if not (follows or resumes):
                    taken.append(row)
                before = row
                body = row["time"] if row["status"] in {200, 206} else body
            elif following is None or following["time"] - row["time"] > PULL_GAP:
                refused.append(row)
    return taken, refused


def dataset_runs(rows: list[Row], methods: set[str]) -> list[list[Row]]:
    asked = [row for row in rows if is_file(row) and is_dataset(row) and row["method"] in methods and row["status"] != 304]
    return [run for ordered in by(asked, "endpoint", "package") for run in runs(ordered, SESSION_GAP)]


def taken_datasets(rows: list[Row], methods: set[str]) -> list[Row]:
    return [next(row for row in run if is_taken(row)) for run in dataset_runs(rows, methods) if any(is_taken(row) for row in run)]


def find_downloads(rows: list[Row]) -> list[Row]:
    return find_pulls(rows) + walk_files(rows)[0] + taken_datasets(rows, {"GET"})


def find_attempts(rows: list[Row]) -> list[Row]:
    """Groups with a GET; file downloads and refusals; data sets asked for."""
    asked = []
    for group in pull_groups(rows):
        gets = [row for row in group if row["method"] == "GET"]
        asked += [with_tag(gets[0], group)] if gets else []
    taken, refused = walk_files(rows)
    sets = [next((row for row in run if is_taken(row)), run[0]) for run in dataset_runs(rows, {"GET"})]
    return asked + taken + refused + sets


# Sessions


def sessions(rows: list[Row], gap: timedelta = SESSION_GAP) -> list[list[Row]]:
    named = [row for row in rows if row["package"] is not None]
    return [run for ordered in by(named, "origin", "ecosystem", "package") for run in runs(ordered, gap)]


def find_invocations(rows: list[Row], gap: timedelta = SESSION_GAP) -> list[Row]:
    return [session[0] for session in sessions(rows, gap)]


def find_checks(rows: list[Row], pull_gap: timedelta = PULL_GAP, session_gap: timedelta = SESSION_GAP) -> list[Row]:
    """Each 304; else one a session: a group that took nothing and was not refused, or a reading that led to nothing."""
    unchanged = [row for row in rows if row["method"] == "GET" and row["status"] == 304 and row["ecosystem"] is not None]
    checks = {
        place(group[0]): with_tag(group[0], group)
        for group in pull_groups(rows, pull_gap)
        if not is_pull(group) and any(is_answered(row) for row in group)
    }
    found = []
    for session in sessions(rows, session_gap):
        if any(row["method"] == "GET" and row["status"] == 304 for row in session):
            continue
        got = any(row["method"] == "GET" and is_taken(row) and (is_file(row) or (is_manifest(row) and row["counts"])) for row in session)
        for row in session:
            is_reading = row["method"] == "GET" and row["action"] in {"index", "metadata"} and row["status"] == 200
            if place(row) in checks or (is_reading and not got):
                found.append(checks.get(place(row), row))
                break
    return unchanged + found


# Version 2


def began(row: Row) -> datetime:
    return row["time"] - (row.get("took") or timedelta())  # type: ignore[no-any-return]


def owners(rows: Iterable[Row], who: str, *names: str) -> list[list[Row]]:
    """Rows of each owner in order; whoever is not known is alone with each row."""
    known, alone = [], []
    for row in rows:
        if row[who] is None:
            alone.append([row])
        else:
            known.append(row)
    return by(known, who, *names) + alone


def walk(ordered: list[Row], gap: timedelta, longest: timedelta, key: Callable[[Row], Any] = lambda _: None) -> list[list[Row]]:
    """One request after the other: it stays with those before it, unless a pause was too long, it began too late after the first, or it names another key."""
    found: list[list[Row]] = []
    ended = first = latest = datetime.min.replace(tzinfo=UTC)
    open_key = None
    for row in ordered:
        latest = max(latest, began(row))
        is_late = began(row) - ended > gap
        named = key(row)
        is_other = named is not None and named != open_key
        if not found or is_late or is_other or latest - first > longest:
            open_key = named if is_late or is_other or not found else open_key
            first = latest = began(row)
            found.append([])
        found[-1].append(row)
        ended = max(ended, row["time"])
    return found


def tag_of(row: Row) -> str | None:
    return row["reference"] if row["kind"] == "tag" else None


def groups_2(rows: list[Row], gap: timedelta = PULL_GAP) -> list[list[Row]]:
    asked = [row for row in rows if is_manifest(row) and row["counts"]]
    return [group for owned in owners(asked, "origin", "package") for group in walk(owned, gap, GROUP_LENGTH, tag_of)]


def named_2(row: Row, group: list[Row]) -> Row:
    tag = next((tag_of(one) for one in group if tag_of(one) is not None), None)
    return row if tag is None else {**row, "reference": tag, "kind": "tag"}


def find_pulls_2(rows: list[Row], gap: timedelta = PULL_GAP) -> list[Row]:
    return [named_2(next(row for row in group if row["method"] == "GET"), group) for group in groups_2(rows, gap) if is_pull(group)]


def is_refused(group: list[Row]) -> bool:
    gets = [row for row in group if row["method"] == "GET"]
    return not any(is_answered(row) for row in gets or group)


def listings(rows: list[Row], gap: timedelta = VISIT_GAP) -> list[list[Row]]:
    """Runs of lists of tags with no manifest request within the gap of any of them."""
    is_list = [row for row in rows if row["ecosystem"] == "oci" and row["action"] == "metadata" and (row["path"] or "").endswith("/tags/list")]
    manifests = defaultdict(list)
    for row in rows:
        if is_manifest(row) and row["counts"] and row["origin"] is not None:
            manifests[row["origin"], row["package"]].append(row)
    found = []
    for owned in owners([row for row in is_list if row["method"] in {"GET", "HEAD"}], "origin", "package"):
        for run in walk(owned, gap, VISIT_LENGTH):
            others = manifests[run[0]["origin"], run[0]["package"]] if run[0]["origin"] is not None else []
            if not any(
                began(later) - earlier["time"] <= gap for one in run for other in others for earlier, later in [sorted((one, other), key=place)]
            ):
                found.append(run)
    return found


def visits(rows: list[Row], gap: timedelta = VISIT_GAP) -> list[list[Row]]:
    """Of packages that are no images. A visit that only read joins the download that begins the next, if that says not how long it took."""
    named = [row for row in rows if row["package"] is not None and row["ecosystem"] != "oci"]
    found: list[list[Row]] = []
    for owned in owners(named, "origin", "ecosystem", "package"):
        mine: list[list[Row]] = []
        for visit in walk(owned, gap, VISIT_LENGTH):
            first = visit[0]
            if (
                mine
                and all(row["action"] in {"index", "metadata"} for row in mine[-1])
                and takes_file(first)
                and first.get("took") is None
                and first["time"] - max(row["time"] for row in mine[-1]) <= timedelta(minutes=5)
            ):
                mine[-1].extend(visit)
            else:
                mine.append(visit)
        found += mine
    return found


def takes_file(row: Row) -> bool:
    return row["method"] == "GET" and row["action"] == "download" and is_taken(row)


def is_unchanged(row: Row) -> bool:
    return bool(row["method"] == "GET" and row["status"] == 304)


def looks(row: Row) -> bool:
    """Reads metadata, or asks for the artifact's head."""
    if row["action"] in {"index", "metadata"}:
        return row["method"] in {"GET", "HEAD"} and row["status"] is not None and (200 <= row["status"] < 300 or row["status"] == 304)
    return row["action"] == "download" and row["method"] == "HEAD" and (is_taken(row) or row["status"] == 304)


def find_checks_2(rows: list[Row], pull_gap: timedelta = PULL_GAP, gap: timedelta = VISIT_GAP) -> list[Row]:
    found = [row for row in rows if is_unchanged(row) and row["ecosystem"] not in {None, "oci"}]
    found += [named_2(group[0], group) for group in groups_2(rows, pull_gap) if not is_pull(group) and not is_refused(group)]
    found += [run[0] for run in listings(rows, gap) if any(is_answered(row) and row["status"] not in REDIRECTS for row in run)]
    for visit in visits(rows, gap):
        if any(looks(row) for row in visit) and not any(takes_file(row) or is_unchanged(row) for row in visit):
            found.append(visit[0])
    return found


def find_invocations_2(rows: list[Row], pull_gap: timedelta = PULL_GAP, gap: timedelta = VISIT_GAP) -> list[Row]:
    kinds = [*((group, named_2(group[0], group)) for group in groups_2(rows, pull_gap)), *((run, run[0]) for run in listings(rows, gap))]
    kinds += [(visit, visit[0]) for visit in visits(rows, gap)]
    return [first for run, first in kinds if any(row["status"] != 401 for row in run)]


def leave_out_refused(name: str, counted: list[Row]) -> list[Row]:
    """Leave out what makes no downloader: of rules that count requests one by one and whatever was answered, those answered 401."""
    return [row for row in counted if row["status"] != 401] if name == "downloads_raw_1" else counted


def find_sessions(rows: list[Row], gap: timedelta = SITTING_GAP) -> list[Row]:
    return [run[0] for owned in owners(rows, "origin") for run in walk(owned, gap, timedelta.max)]


def walk_files_2(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Downloads, each at its first piece, and refusals that the same origin does not follow up within 5 s."""
    taken, refused = [], []
    for owned in owners([row for row in rows if is_single_file(row) and row["method"] == "GET" and row["status"] != 304], "origin", "path"):
        pairs = zip(owned, [*owned[1:], None], strict=True)
        answers = []
        ended = owned[0]["time"]
        for row, following in pairs:
            ended = max(ended, row["time"])
            if row["status"] in {200, 206, *REDIRECTS}:
                answers.append(row)
            elif following is None or began(following) - ended > PULL_GAP:
                refused.append(row)
        pieces: list[list[Row]] = []  # what a redirect leads to, with it
        is_sent = False
        for row in answers:
            if is_sent and began(row) - max(one["time"] for one in owned if place(one) <= place(pieces[-1][-1])) <= PULL_GAP:
                pieces[-1].append(row)
            else:
                pieces.append([row])
            is_sent = row["status"] in REDIRECTS
        taken += [piece[0] for piece in pieces if piece[-1]["status"] in REDIRECTS]
        transfer: list[list[Row]] = []
        last: Row | None = None
        for piece in [piece for piece in pieces if piece[-1]["status"] not in REDIRECTS]:
            if last is not None and began(piece[-1]) - max(one["time"] for one in owned if place(one) <= place(last)) > PART_GAP:
                taken += count_transfer(transfer)
                transfer = []
            transfer.append(piece)
            last = piece[-1]
        taken += count_transfer(transfer)
    return taken, refused


def count_transfer(pieces: list[list[Row]]) -> list[Row]:
    """As many as there are 200s, or one; the first at the first piece, the others at their own."""
    whole = [piece for piece in pieces if piece[-1]["status"] == 200]
    return [piece[0] for piece in [*pieces[:1], *whole[1:]]]


def taken_datasets_2(rows: list[Row]) -> list[Row]:
    known = [row for row in rows if row.get("endpoint") is not None]
    return taken_datasets(known, {"GET"}) + [row for row in rows if row.get("endpoint") is None and taken_datasets([row], {"GET"})]


def find_downloads_2(rows: list[Row]) -> list[Row]:
    return find_pulls_2(rows) + walk_files_2(rows)[0] + taken_datasets_2(rows)


def find_attempts_2(rows: list[Row]) -> list[Row]:
    asked = []
    for group in groups_2(rows):
        gets = [row for row in group if row["method"] == "GET"]
        asked += [named_2(gets[0], group)] if gets else []
    taken, refused = walk_files_2(rows)
    known = [row for row in rows if row.get("endpoint") is not None]
    runs_of = dataset_runs(known, {"GET"}) + [run for row in rows if row.get("endpoint") is None for run in dataset_runs([row], {"GET"})]
    return asked + taken + refused + [next((row for row in run if is_taken(row)), run[0]) for run in runs_of]


# The rules of others


def manifest_gets(rows: list[Row], answered: Callable[[Row], bool]) -> list[Row]:
    return [row for row in rows if is_manifest(row) and row["method"] == "GET" and answered(row)]


def dvp_actions(rows: list[Row]) -> list[list[Row]]:
    """A request by tag begins an action, and so does one by digest that follows nothing within 5 s."""
    asked = [row for row in rows if is_manifest(row) and is_answered(row)]
    found: list[list[Row]] = []
    for ordered in by(asked, "endpoint", "package"):
        for run in runs(ordered, PULL_GAP):
            for index, row in enumerate(run):
                if index == 0 or row["kind"] == "tag":
                    found.append([])
                found[-1].append(row)
    return found


def is_version_check(action: list[Row]) -> bool:
    return action[0]["kind"] == "tag" and all(row["method"] == "HEAD" for row in action)


def traces(rows: list[Row]) -> list[Row]:
    asked = [
        row
        for row in rows
        if row["ecosystem"] == "oci" and row["action"] in {"manifest", "blob"} and row["method"] in {"GET", "HEAD"} and is_answered(row)
    ]
    found = []
    for ordered in by(asked, "origin", "package"):
        for run in runs(ordered, SESSION_GAP):
            manifests = [row for row in run if row["action"] == "manifest"]
            if manifests and len(manifests) < len(run):
                found.append(manifests[0])
    return found


def whole_files(rows: list[Row], ecosystem: str) -> list[Row]:
    return [row for row in rows if row["ecosystem"] == ecosystem and row["action"] == "download" and row["method"] == "GET" and row["status"] == 200]


def is_known_agent(row: Row) -> bool:
    return row["agent"] is not None and row["client_kind"] not in {"bot", "probe", "scanner"}


def find_crates(rows: list[Row]) -> list[Row]:
    """By cargo; by whomever in a log that names nobody's agent."""
    told = {row.get("log", 0) for row in rows if row["agent"] is not None}
    return [row for row in whole_files(rows, "cargo") if row.get("log", 0) not in told or (row["agent"] or "").startswith(("cargo/", "cargo "))]


Find = Callable[[list[Row]], list[Row]]
RULES: dict[str, dict[str, Find]] = {
    "pullstats@1": {
        "downloads": find_downloads,
        "pulls": find_pulls,
        "checks": find_checks,
        "attempts": find_attempts,
        "invocations": find_invocations,
    },
    "pullstats@2": {
        "downloads": find_downloads_2,
        "pulls": find_pulls_2,
        "checks": find_checks_2,
        "attempts": find_attempts_2,
        "invocations": find_invocations_2,
    },
    "docker-ratelimit@1": {"downloads": lambda rows: manifest_gets(rows, lambda row: row["status"] == 200)},
    "docker-dvp@1": {
        "downloads": lambda rows: [action[0] for action in dvp_actions(rows) if not is_version_check(action)],
        "checks": lambda rows: [action[0] for action in dvp_actions(rows) if is_version_check(action)],
        "pulls": lambda rows: [action[0] for action in dvp_actions(rows)],
    },
    "scarf@1": {"downloads": lambda rows: manifest_gets(rows, is_taken)},
    "registry-k8s@1": {"downloads": traces},
    "cratesio@1": {"downloads": find_crates},
    "npm@1": {"downloads": lambda rows: whole_files(rows, "npm")},
    "pypi-bigquery@1": {"downloads": lambda rows: [row for row in whole_files(rows, "pypi") if is_known_agent(row)]},
    "hf-model@1": {"downloads": lambda rows: [row for row in rows if is_query_file(row) and row["method"] in {"GET", "HEAD"} and is_taken(row)]},
    "hf-dataset@1": {"downloads": lambda rows: taken_datasets(rows, {"GET", "HEAD"})},
    "raw@1": {"downloads": lambda rows: [row for row in rows if row["package"] is not None]},
}
for label in ("docker-ratelimit@1", "scarf@1", "registry-k8s@1", "raw@1"):
    RULES[label]["pulls"] = lambda rows, find=RULES[label]["downloads"]: [row for row in find(rows) if row["ecosystem"] == "oci"]  # type: ignore[misc]


# Sums and sets

SUMS: dict[str, Callable[[Row], int]] = {
    "requests": lambda _: 1,
    "bytes": lambda row: 0 if row["method"] == "HEAD" else row["size"] or 0,
    "errors": lambda row: int(not is_answered(row)),
    "missing": lambda row: int(row["status"] == 404 and row["counts"] and row["method"] == "GET"),
}
SETS: dict[str, Callable[[Row], Any]] = {
    "origins": lambda row: row["origin"],
    "endpoints": lambda row: row["endpoint"],
    "networks": lambda row: row["network"],
    "users": lambda row: row["user"],
    "packages": lambda row: None if row["package"] is None else (row["ecosystem"], row["package"]),
    "versions": lambda row: None if row["reference"] is None else (row["ecosystem"], row["package"], row["reference"]),
}


def measure(rows: list[Row], metric: str) -> Any:
    """A metric of the rows themselves."""
    if metric in SUMS:
        return sum(SUMS[metric](row) for row in rows)
    if metric in SETS:
        return len({SETS[metric](row) for row in rows if row["status"] != 401} - {None})
    if metric == "error-rate":
        return measure(rows, "errors") / len(rows) if rows else None
    return {"first-seen": min, "last-seen": max}[metric]((row["time"] for row in rows), default=None)


# What the tests of single sequences ask


def requests(rows: list[Row]) -> int:
    return measure(rows, "requests")  # type: ignore[no-any-return]


def body_bytes(rows: list[Row]) -> int:
    return measure(rows, "bytes")  # type: ignore[no-any-return]


def errors(rows: list[Row]) -> int:
    return measure(rows, "errors")  # type: ignore[no-any-return]


def origins(rows: list[Row]) -> int:
    return measure(rows, "origins")  # type: ignore[no-any-return]


def file_downloads(rows: list[Row]) -> int:
    return len(walk_files(rows)[0])


def pulls(rows: list[Row]) -> int:
    return len(find_pulls(rows))


def attempts(rows: list[Row]) -> int:
    return len(find_attempts(rows))
