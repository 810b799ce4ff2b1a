"""Pulls as the recorded clients make them, tags of digests across files and days, platforms of digests."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import InputError
from pullstats.metrics import Breakdown, Query
from pullstats.pipeline.answer import answer
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support import oracle
from support.effort import examples, some
from support.places import CAPTURE
from support.pulls import Row, ask, file, manifest, one

TRUTH = json.loads((CAPTURE / "TRUTH.json").read_text())
MANIFEST = re.compile(r"^/v2/(?P<package>.+)/manifests/(?P<reference>[^/?]+)$")
COUNTED = ("pulls", "attempts", "checks", "downloads")
EVERYTHING = (*COUNTED, "invocations")

TakeIn = Callable[..., IngestSummary]


def read_rows(gateway: str, first: int, last: int) -> list[Row]:
    """Read manifest requests from the recording with nothing but json and one pattern."""
    rows = []
    lines = (CAPTURE / gateway / "access.json.log").read_bytes().split(b"\n")
    for number, line in enumerate(lines[first - 1 : last]):
        entry = json.loads(line.decode("utf-8", "replace"))
        found = MANIFEST.match(entry["request_uri"])
        if found is None or entry["request_method"] not in {"GET", "HEAD"}:
            continue
        reference = found["reference"]
        is_signature = re.match(r"sha256-[0-9a-f]{64}", reference) is not None
        rows.append(
            {
                "time": datetime.fromtimestamp(float(entry["msec"]) // 1, UTC),
                "offset": number,
                "method": entry["request_method"],
                "status": int(entry["status"]),
                "origin": (entry["remote_addr"], entry["http_user_agent"]),
                "package": found["package"],
                "reference": reference,
                "kind": "digest" if reference.startswith("sha256:") else "tag",
                "ecosystem": "oci",
                "action": "manifest",
                "counts": not is_signature,
            }
        )
    return rows


ACTIONS = [
    (f"{gateway}-{action['id']}", gateway, *lines, action)
    for action in TRUTH["actions"]
    for gateway, lines in action["lines"].items()
    if read_rows(gateway, *lines)
]


@pytest.mark.parametrize(
    ("gateway", "first", "last", "action"), [action[1:] for action in some(ACTIONS, 8)], ids=[action[0] for action in some(ACTIONS, 8)]
)
def test_each_recorded_command_counts_as_its_groups(
    gateway: str, first: int, last: int, action: dict[str, Any], take_in: TakeIn, tmp_path: Path
) -> None:
    """Against a walk over the raw lines; and the manifest reads against what the registry itself reported."""
    log = tmp_path / "log"
    lines = (CAPTURE / gateway / "access.combined.log").read_bytes().split(b"\n")[first - 1 : last]
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    take_in(log)
    rows = read_rows(gateway, first, last)
    expected = {"pulls": oracle.pulls(rows), "attempts": oracle.attempts(rows)}
    report = answer(tmp_path / "store", Breakdown(Query(("pulls", "attempts"), window="all", where="ecosystem=oci"))).frame
    assert report.row(0, named=True) == expected
    assert len([row for row in rows if row["method"] == "GET"]) >= expected["pulls"]
    reads = action.get("registry_reads")
    if reads and gateway == "edge" and len(action["lines"]) == 1:
        asked = "action=manifest and method=GET and status=200"
        found = answer(tmp_path / "store", Breakdown(Query(("requests",), window="all", where=asked))).frame.item()
        assert found == reads["manifest_get"]


def test_the_recordings_cover_the_clients_that_matter() -> None:
    clients = {action["client"].split(" ")[0] for *_, action in ACTIONS}
    assert {"docker", "containerd", "skopeo", "podman"} <= clients
    assert len(ACTIONS) >= 30


@pytest.mark.parametrize("gateway", some(["raw", "edge", "redirect"], 3))
def test_blocks_order_and_cuts_change_nothing(gateway: str, take_in: TakeIn, tmp_path: Path) -> None:
    """One log whole; in blocks of 4 kB; cut into three where the time changes, the pieces in any order."""
    log = CAPTURE / gateway / "access.combined.log"
    lines = log.read_bytes().splitlines(keepends=True)
    clock = [line.split(b"[", 1)[1][:20] for line in lines]
    cuts = [next(index for index in range(len(lines) * part // 3, len(lines)) if clock[index] != clock[index - 1]) for part in (1, 2)]
    pieces = [lines[: cuts[0]], lines[cuts[0] : cuts[1]], lines[cuts[1] :]]
    paths = [tmp_path / name for name in ("access.log.2", "access.log.1", "access.log")]
    for path, piece in zip(paths, pieces, strict=True):
        path.write_bytes(b"".join(piece))
    take_in(log, store=tmp_path / "whole")
    take_in(log, store=tmp_path / "blocks", block_size=4096)
    take_in(*paths, store=tmp_path / "in-order")
    take_in(paths[2], paths[0], paths[1], store=tmp_path / "out-of-order")
    query = Query(COUNTED, ("package", "version", "client"), window="all", limit=0)
    whole = answer(tmp_path / "whole", Breakdown(query)).frame
    assert whole.height > 0
    assert sum(whole[name].sum() for name in COUNTED) > 0
    for store in ("blocks", "in-order", "out-of-order"):
        assert answer(tmp_path / store, Breakdown(query)).frame.equals(whole), store


def test_requests_of_one_instant_follow_the_rotation(take_in: TakeIn, tmp_path: Path) -> None:
    """HEAD ends the older piece, its GET begins the newer one in the same second: one pull of that tag, whichever is read first."""

    def line(second: int, method: str, reference: str) -> str:
        agent = "docker/24.0.7 go/go1.20.10 os/linux arch/amd64"
        return f'198.51.100.7 - - [23/Nov/2026:10:00:{second:02d} +0000] "{method} /v2/acme/app/manifests/{reference} HTTP/1.1" 200 5 "-" "{agent}"\n'

    digest = "sha256:" + "a" * 64
    older, newer = tmp_path / "access.log.1", tmp_path / "access.log"
    for turn, names in enumerate(((older, newer), (newer, older))):
        older.write_text(line(0, "HEAD", f"old-{turn}") + line(20, "HEAD", "1.0"))
        newer.write_text(line(20, "GET", digest) + line(59, "HEAD", f"end-{turn}"))
        store = tmp_path / f"store-{turn}"
        take_in(*names, store=store)
        frame = answer(store, Breakdown(Query(("pulls", "checks"), ("tag",), window="all", limit=0))).frame
        assert frame.filter(pl.col("pulls") > 0).rows() == [("1.0", 1, 0)]


DIGEST, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
DAY = 86_400.0


def test_a_digest_gets_the_tag_last_seen_with_it() -> None:
    """Across origins and days, at or before the pull; before that, and in another repository, the digest stays."""
    rows = [
        manifest(0, "GET", DIGEST, origin=9),
        manifest(DAY, "HEAD", "1.0", origin=1),
        manifest(DAY + 1, "GET", DIGEST, origin=1),
        manifest(2 * DAY, "GET", DIGEST, origin=2),
        manifest(3 * DAY, "HEAD", "1.1", origin=3),
        manifest(3 * DAY + 1, "GET", DIGEST, origin=3),
        manifest(4 * DAY, "GET", DIGEST, origin=4),
        manifest(4 * DAY, "GET", OTHER, origin=5),
        manifest(4 * DAY, "GET", DIGEST, origin=6, package="acme/other"),
    ]
    found = ask(rows, metrics=("pulls",), dimensions=("package", "version"), shuffle=4).frame
    wanted = {("acme/app", DIGEST): 1, ("acme/app", "1.0"): 2, ("acme/app", "1.1"): 2, ("acme/app", OTHER): 1, ("acme/other", DIGEST): 1}
    assert {(row["package"], row["version"]): row["pulls"] for row in found.iter_rows(named=True)} == wanted


def test_a_tag_from_before_the_window_still_names_a_digest() -> None:
    rows = [manifest(0, "HEAD", "1.0"), manifest(1, "GET", DIGEST), manifest(40 * DAY, "GET", DIGEST, origin=2)]
    found = ask(rows, metrics=("pulls",), dimensions=("tag",), window="1d").frame
    assert found.filter(pl.col("pulls") > 0).rows() == [("1.0", 1)]


def test_indexes_give_digests_a_platform(take_in: TakeIn, tmp_path: Path) -> None:
    """A runtime such as containerd says nothing of its machine; the platform manifest it asks for does. The pull has it, though its first GET is the index."""
    index, platform = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    entry = {"digest": platform, "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}
    unknown = {"digest": "sha256:" + "c" * 64, "platform": {"os": "unknown", "architecture": "unknown"}}
    digests = tmp_path / "index.json"
    digests.write_text(json.dumps({"schemaVersion": 2, "manifests": [entry, unknown]}))
    log = tmp_path / "log"
    log.write_text(
        "".join(
            f'198.51.100.7 - - [23/Nov/2026:10:00:0{second} +0000] "{method} /v2/acme/app/manifests/{reference} HTTP/1.1" 200 5 "-" "containerd/1.7.2"\n'
            for second, (method, reference) in enumerate((("HEAD", "1.0"), ("GET", index), ("GET", platform)))
        )
    )
    take_in(log, digests=(digests,))
    query = Query(("pulls", "checks"), ("platform", "arch", "tag"), window="all")
    found = answer(tmp_path / "store", Breakdown(query)).frame
    assert found.filter(pl.col("pulls") > 0).rows() == [("linux/arm/v7", "arm/v7", "1.0", 1, 0)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is no JSON"),
        ("[]", "names no manifests with a platform"),
        ('{"schemaVersion": 2, "layers": []}', "names no manifests with a platform"),
        ('{"manifests": []} trailing', "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
    ],
)
def test_a_digests_file_that_is_no_index_is_refused(text: str, message: str, take_in: TakeIn, tmp_path: Path) -> None:
    digests = tmp_path / "index.json"
    digests.write_text(text)
    with pytest.raises(InputError, match=message):
        take_in(CAPTURE / "edge" / "access.combined.log", digests=(digests,))
    with pytest.raises(InputError, match="cannot read"):
        take_in(CAPTURE / "edge" / "access.combined.log", digests=(tmp_path / "missing.json",))
    assert not (tmp_path / "store").exists()


STATUSES = st.sampled_from([200, 206, 302, 304, 401, 404, 500])
FILES = st.lists(st.tuples(st.integers(0, 40), STATUSES, st.integers(1, 2)), min_size=1, max_size=12)
MANIFESTS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["GET", "HEAD"]), st.sampled_from(["1.0", "1.1", DIGEST]), STATUSES), min_size=1, max_size=10
)


@examples(10)
@given(files=FILES, manifests=MANIFESTS, seed=st.integers(0, 9))
def test_attempts_and_pulls_agree_with_the_oracle(files: list[Any], manifests: list[Any], seed: int) -> None:
    rows = [file(second, status, origin) | {"offset": index} for index, (second, status, origin) in enumerate(files)]
    rows += [
        manifest(second, method, reference, status) | {"offset": 100 + index} for index, (second, method, reference, status) in enumerate(manifests)
    ]
    for version in (1, 2):
        found = ask(rows, metrics=EVERYTHING, shuffle=seed, count_as=(f"pullstats@{version}",)).frame.row(0, named=True)
        assert found == {name: len(find(rows)) for name, find in oracle.RULES[f"pullstats@{version}"].items()}
        assert one(rows, "pulls", shuffle=seed, count_as=(f"pullstats@{version}",)) == found["pulls"]


def test_the_pull_window_can_be_changed() -> None:
    rows = [manifest(0, "GET", "1.0"), manifest(7, "GET", DIGEST)]
    assert (one(rows, "pulls"), one(rows, "pulls", pull_window=10.0)) == (2, 1)


def test_a_registrys_own_log_reads_as_it_reported(take_in: TakeIn, tmp_path: Path) -> None:
    """The access lines among its messages: manifest and blob reads are those of its webhooks; messages are ignored."""
    registry = CAPTURE / "registry"
    messages = gzip.decompress((registry / "app.edge.json.log.gz").read_bytes()).splitlines(keepends=True)
    access = (registry / "access.edge.log").read_bytes().splitlines(keepends=True)
    log = tmp_path / "container.log"
    mixed = [line for pair in zip(access, messages, strict=False) for line in pair] + access[len(messages) :] + messages[len(access) :]
    log.write_bytes(b"".join(mixed))
    summary = take_in(log)
    assert summary.sources[0].format == "distribution"
    assert (summary.total("events"), summary.total("ignored"), summary.total("rejected")) == (len(access), len(messages), 0)
    reported = [entry for entry in json.loads(gzip.decompress((registry / "notifications.json.gz").read_bytes())) if entry["registry"] == "edge"]
    events = open_store(tmp_path / "store").scan_events(["http_request_method", "action", "http_response_status_code"]).collect()
    taken = events.filter(pl.col("http_response_status_code") == 200)
    pulls = [entry for entry in reported if entry["event"] == "pull"]
    is_manifest = ["manifest" in (entry["media_type"] or "") or "index" in (entry["media_type"] or "") for entry in pulls]
    for method in ("GET", "HEAD"):
        wanted = sum(1 for entry, is_one in zip(pulls, is_manifest, strict=True) if is_one and entry["method"] == method)
        assert taken.filter((pl.col("action") == "manifest") & (pl.col("http_request_method") == method)).height == wanted
