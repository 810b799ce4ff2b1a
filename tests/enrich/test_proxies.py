"""Who asked, where proxies stand between: headers are read from the right, as far as they can be trusted."""

from __future__ import annotations

import ipaddress
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.cli import run
from pullstats.enrich.proxies import HEADERS, TrustedProxies, pack, presets, unpack
from pullstats.errors import UsageError
from pullstats.pipeline.plan import IngestSummary
from pullstats.store import open_store
from support.command import pullstats
from support.places import CAPTURE

LINE = '{peer} - - [20/Jul/2024:22:59:29 +0000] "GET {path} HTTP/1.0" 200 46210 "-" "{agent}" "{xff}"\n'


def ask(peer: str | None, trusted: tuple[str, ...] = ("private",), **headers: str) -> tuple[str | None, str]:
    return TrustedProxies(trusted).find_client(peer, [headers.get(name) for name in HEADERS])


@pytest.mark.parametrize(
    ("peer", "xff", "client"),
    [
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.7", "198.51.100.7"),  # what stands left of it, the client wrote itself
        ("10.0.0.1", "1.1.1.1,198.51.100.7,192.168.3.4", "198.51.100.7"),  # no blanks; a second balancer
        ("10.0.0.1", "198.51.100.7:4711", "198.51.100.7:4711"),
        ("10.0.0.1", "[2001:db8::7]:4711", "[2001:db8::7]:4711"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.7", "::ffff:198.51.100.7"),
        ("fe80::1%eth0", "2001:db8::7", "2001:db8::7"),
        ("unix:", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1:55001", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "10.9.9.9, 10.8.8.8", "10.9.9.9"),  # all trusted: a client inside
        ("10.0.0.1", "1.1.1.1, unknown", "unknown"),
        ("10.0.0.1", "1.1.1.1, 10.x.x.x", "10.x.x.x"),
        ("10.0.0.1", "build-host.example, 192.168.0.1", "build-host.example"),
        ("10.0.0.1", "\\198.51.100.7", "198.51.100.7"),  # as some balancers before IIS write it
        ("10.0.0.1", "(198.51.100.7)", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, <script>, 198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "1.1.1.1, <script>, 10.8.8.8", "10.8.8.8"),  # a proxy does not append such a thing
    ],
)
def test_the_first_stranger_from_the_right_is_the_client(peer: str, xff: str, client: str) -> None:
    assert ask(peer, http_x_forwarded_for=xff) == (client, "http_x_forwarded_for")


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("203.0.113.9", {"http_x_forwarded_for": "198.51.100.7"}, ("203.0.113.9", "remote_addr")),  # a stranger's word
        ("10.0.0.1", {}, ("10.0.0.1", "remote_addr")),
        ("10.0.0.1", {"http_x_forwarded_for": "-"}, ("10.0.0.1", "remote_addr")),
        ("10.0.0.1", {"http_x_real_ip": "198.51.100.7"}, ("198.51.100.7", "http_x_real_ip")),
        ("10.0.0.1", {"http_cf_connecting_ip": "2001:db8::1", "http_x_real_ip": "10.3.3.3"}, ("2001:db8::1", "http_cf_connecting_ip")),
        (
            "10.0.0.1",
            {"http_forwarded": 'for=192.0.2.60;proto=http;by=203.0.113.43, For="[2001:db8:cafe::17]:4711"'},
            ("[2001:db8:cafe::17]:4711", "http_forwarded"),
        ),
        ("10.0.0.1", {"http_forwarded": "proto=https;for=192.0.2.60, for=10.4.4.4"}, ("192.0.2.60", "http_forwarded")),
        ("10.0.0.1", {"http_forwarded": "by=203.0.113.43"}, ("10.0.0.1", "remote_addr")),
        ("203.0.113.9, 10.0.0.2", {}, ("203.0.113.9", "remote_addr")),  # a list where the peer should stand
        (None, {"http_x_forwarded_for": "198.51.100.7"}, (None, "remote_addr")),
    ],
)
def test_headers_and_peers(peer: str | None, headers: dict[str, Any], expected: tuple[str | None, str]) -> None:
    assert ask(peer, **headers) == expected


def test_a_cdn_is_trusted_by_its_ranges() -> None:
    edge = "172.68.10.1"
    assert ask(edge, ("cloudflare",), http_x_forwarded_for="6.6.6.6, 198.51.100.7") == ("198.51.100.7", "http_x_forwarded_for")
    assert ask(edge, ("fastly",), http_x_forwarded_for="198.51.100.7") == (edge, "remote_addr")


@pytest.mark.parametrize("name", ["private", "cloudflare", "fastly", "cloudfront"])
def test_presets_are_ranges_without_host_bits(name: str) -> None:
    networks = [ipaddress.ip_network(text) for text in presets()[name]]
    assert {network.version for network in networks} == {4, 6}
    trusted = TrustedProxies([name])
    assert all(trusted.trusts(network[0]) and trusted.trusts(network[-1]) for network in networks)
    assert not trusted.trusts(ipaddress.ip_address("8.8.8.8"))


@given(
    ranges=st.lists(st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "192.0.2.0/25", "2001:db8::/32", "::1"]), min_size=1, max_size=4),
    address=st.one_of(st.ip_addresses(v=4, network="10.0.0.0/7"), st.ip_addresses(v=4, network="192.0.2.0/24"), st.ip_addresses(v=6)),
)
def test_trust_is_as_python_has_it(ranges: list[str], address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    networks = [ipaddress.ip_network(text) for text in ranges]
    assert TrustedProxies(ranges).trusts(address) == any(address in network for network in networks if network.version == address.version)


@given(texts=st.lists(st.one_of(st.none(), st.text(max_size=40)), min_size=len(HEADERS) + 1, max_size=len(HEADERS) + 1))
def test_any_header_is_read_or_passed_over(texts: list[str | None]) -> None:
    headers: dict[str, Any] = {name: text for name, text in zip(HEADERS, texts[1:], strict=True) if text is not None}
    ask(texts[0], **headers)
    frame = pl.DataFrame({str(index): pl.Series([text], dtype=pl.String) for index, text in enumerate(texts)})
    packed = frame.select(pack(pl.col("0"), [pl.col(str(index)) for index in range(1, len(texts))])).item()
    # no header can pass for another one: the unit that joins them is taken out of all
    clean = [text.replace("\x1f", "") or None if text else None for text in texts]
    assert unpack(packed) == (clean[0], clean[1:])


@pytest.mark.parametrize(
    ("text", "says"), [("privat", "did you mean 'private'"), ("10.0.0.0/99", "is no address range"), ("lb.example.com", "is no address range")]
)
def test_what_is_no_range_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        TrustedProxies([text])
    log = tmp_path / "a.log"
    log.write_text(LINE.format(peer="10.0.0.1", path="/", agent="x", xff="-"))
    assert says in pullstats("ingest", log, "--store", tmp_path / "s", "--trusted-proxy", text, code=2).err
    assert not (tmp_path / "s").exists()


def test_the_gateway_behind_a_balancer(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    """`edge` has real clients in $remote_addr; the same requests with the balancer there must give the same origins."""
    direct = take_in(CAPTURE / "edge" / "access.ext.log", store=tmp_path / "direct")
    assert direct.address_fields == {"remote_addr": 209}
    lines = (CAPTURE / "edge" / "access.ext.log").read_text().splitlines()
    behind = tmp_path / "behind.log"
    behind.write_text("".join("10.0.0.5" + line[line.index(" ") :] + "\n" for line in lines))
    summary = take_in(behind, store=tmp_path / "behind", trusted_proxies=("private",))
    named = sum('" "-" ' not in line[-80:] for line in lines)
    assert summary.address_fields["http_x_forwarded_for"] >= named * 0.9
    columns = ["source_line", "endpoint_id", "origin_id"]
    found = {
        name: open_store(tmp_path / name).scan_events([*columns, "log_format"]).collect().sort("source_line").select(columns)
        for name in ("direct", "behind")
    }
    both = found["direct"].join(found["behind"], on="source_line", suffix="_behind")
    # nginx could not read the one that is quoted
    public = [index for index, line in enumerate(lines) if not line.split('"')[-2].startswith(("-", "192.168.", "10.", "\\x22"))]
    assert len(public) > 150
    assert both[public].select((pl.col("endpoint_id") == pl.col("endpoint_id_behind")).all()).item()


def test_a_balancer_that_was_not_named_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "a.log"
    log.write_text("".join(LINE.format(peer="10.0.0.1", path=f"/{n}", agent="x", xff=f"198.51.100.{n % 250}") for n in range(300)))
    assert run(["ingest", str(log), "--store", str(tmp_path / "a"), "--format", "json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["sources"][0]["address_fields"] == {"remote_addr": 300}
    assert "100.0 % of the requests come from one address; this looks like your load balancer" in told.err.replace("\n", " ")
    assert "10.0.0.1" not in told.err + told.out
    assert run(["ingest", str(log), "--store", str(tmp_path / "b"), "--trusted-proxy", "10.0.0.0/8"]) == 0
    told = capsys.readouterr()
    assert "clients from $http_x_forwarded_for" in told.err
    assert "load balancer" not in told.err


def test_no_hop_stays_in_a_text(tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    log = tmp_path / "a.log"
    log.write_text(
        LINE.format(peer="10.0.0.1", path="/by/198.51.100.9/x?from=203.0.113.5&v=1.2.3.4", agent="bot 198.51.100.9", xff="198.51.100.9, 203.0.113.5")
    )
    take_in(log, trusted_proxies=("private",))
    (event,) = open_store(tmp_path / "store").scan_events(None).collect().iter_rows(named=True)
    assert (event["url_path"], event["url_query"], event["user_agent_original"]) == ("/by/ADDRESS/x", "from=ADDRESS&v=1.2.3.4", "bot ADDRESS")


def simulate(peers: list[str], chance: random.Random, *, filled: float, clients: int, count: int = 600, others: float = 0.0) -> str:
    """Write a log: which peers ask, how often a header is filled, by how many clients, and what share comes from public peers."""
    lines = []
    for number in range(count):
        is_other = chance.random() < others
        peer = f"198.51.100.{chance.randrange(250)}" if is_other else chance.choice(peers)
        xff = f"203.0.113.{chance.randrange(clients)}" if not is_other and chance.random() < filled else "-"
        lines.append(LINE.format(peer=peer, path=f"/{number}", agent="x", xff=xff))
    return "".join(lines)


PRIVATE = [f"10.0.{number}.9" for number in range(200)]
FLEETS: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "two balancers": (PRIVATE[:2], {"filled": 1.0, "clients": 200}, "100.0 % of the requests come from 2 private addresses"),
    "a fleet with health checks": (PRIVATE[:8], {"filled": 0.4, "clients": 200}, "8 private addresses"),
    "one, and public clients beside it": (["192.168.7.7"], {"filled": 1.0, "clients": 100, "others": 0.5}, "one private address"),
    "of IPv6": (["fd00:1::1", "fd00:2::1"], {"filled": 0.9, "clients": 100}, "2 private addresses"),
    "on the machine itself": (["127.0.0.1"], {"filled": 1.0, "clients": 100}, "this looks like your load balancer"),
}
NO_FLEETS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "private clients that forge a header here and there": (PRIVATE[:5], {"filled": 0.1, "clients": 200}),
    "many private clients that all write one": (PRIVATE, {"filled": 1.0, "clients": 250}),
    "private clients that name themselves": (PRIVATE[:9], {"filled": 1.0, "clients": 9}),
    "public peers": (["198.51.100.1", "198.51.100.2"], {"filled": 1.0, "clients": 200}),
    "few private ones among public clients": (PRIVATE[:2], {"filled": 1.0, "clients": 200, "others": 0.97}),
    "no header at all": (PRIVATE[:3], {"filled": 0.0, "clients": 9}),
}


@pytest.mark.parametrize("name", [*FLEETS, *NO_FLEETS])
def test_balancers_are_noticed_and_clients_are_not_taken_for_them(name: str, tmp_path: Path, take_in: Callable[..., IngestSummary]) -> None:
    peers, options, *said = FLEETS[name] if name in FLEETS else NO_FLEETS[name]
    log = tmp_path / "a.log"
    log.write_text(simulate(peers, random.Random(name), **options))
    notes = " ".join(take_in(log, is_dry_run=True).notes)
    assert ("--trusted-proxy private" in notes) == (name in FLEETS), notes
    assert all(text in notes for text in said)
    assert not re.search("[0-9]+[.][0-9]+[.][0-9]+|fd00", notes)
    if name in FLEETS:
        trusting = take_in(log, is_dry_run=True, trusted_proxies=("private",))
        assert "load balancer" not in " ".join(trusting.notes)
