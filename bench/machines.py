"""The machines of the made-up traffic: addresses, and which agents run at each."""

from __future__ import annotations

import ipaddress
import itertools
from typing import TYPE_CHECKING

from clients import FAMILIES

if TYPE_CHECKING:
    import random

ADDRESS_COUNT = 60_000
V6_SHARE = 0.15
V6_PREFIXES = (
    "2001:41d0",
    "2001:8d8",
    "2003",
    "2400:cb00",
    "2404:6800",
    "2409:8a00",
    "2600:1f18",
    "2600:1700",
    "2601",
    "2606:4700",
    "2607:f8b0",
    "2620:10d",
    "2804:14c",
    "2a00:1450",
    "2a01:4f8",
    "2a02:8108",
    "2a03:2880",
    "2a05:d018",
    "2c0f:f248",
)
MULTICAST = 224
NOT_ALL_PUBLIC = {10, 100, 127, 169, 172, 192, 198, 203}  # first octets with a private, documentation or test range in them (RFC 6890)


def zipf(count: int, exponent: float) -> list[float]:
    """Cumulative weights of `count` ranks: rank r has weight r ** -exponent."""
    return list(itertools.accumulate((rank + 1) ** -exponent for rank in range(count)))


def make_addresses(rng: random.Random) -> list[str]:
    """Draw ADDRESS_COUNT different public addresses, V6_SHARE of them IPv6, in random order."""
    wanted_v6 = round(ADDRESS_COUNT * V6_SHARE)
    v6: dict[str, None] = {}
    while len(v6) < wanted_v6:
        prefix = rng.choice(V6_PREFIXES)
        groups = [f"{rng.getrandbits(16):x}" for _ in range(8 - prefix.count(":") - 1)]
        v6[ipaddress.IPv6Address(":".join([prefix, *groups])).compressed] = None
    v4: dict[str, None] = {}
    while len(v4) < ADDRESS_COUNT - wanted_v6:
        bits = rng.getrandbits(32)
        if 0 < bits >> 24 < MULTICAST and bits >> 24 not in NOT_ALL_PUBLIC:
            v4[f"{bits >> 24}.{bits >> 16 & 255}.{bits >> 8 & 255}.{bits & 255}"] = None
    addresses = [*v4, *v6]
    rng.shuffle(addresses)
    return addresses


def make_machines(rng: random.Random, agents: dict[str, list[str]], addresses: list[str]) -> tuple[list[tuple[str, str, str]], list[float]]:
    """Give every address one to three agents.

    Returns:
        The machines as (address, agent, family), and their cumulative weights: addresses follow a Zipf law.

    """
    families = list(FAMILIES)
    family_weights = list(itertools.accumulate(share for _, share in FAMILIES.values()))
    agent_weights = {family: zipf(len(pool), 0.8) for family, pool in agents.items()}
    machines: list[tuple[str, str, str]] = []
    weights: list[float] = []
    for rank, address in enumerate(addresses):
        chosen = rng.choices(families, cum_weights=family_weights, k=rng.choices((1, 2, 3), weights=(70, 22, 8))[0])
        for family in chosen:
            agent = rng.choices(agents[family], cum_weights=agent_weights[family])[0]
            machines.append((address, agent, family))
            weights.append((rank + 8) ** -0.8 / len(chosen))
    return machines, list(itertools.accumulate(weights))
