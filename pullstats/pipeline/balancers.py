"""Notice balancers that were not named: a few private peers that ask for many clients.

Behind a balancer the log's peer is the balancer, and who really asked stands in a forwarded-for header that
counts for nothing until the balancer is trusted. A client may write such a header, too; so it takes few
peers of private networks, each time or for a good part of their requests (health checks have no header),
and more clients named than there are peers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.percentages import write_share

REMEDY: Final = "its header names other clients, so add --trusted-proxy private"

LEAST: Final = 100
"""Requests with a header from which on it is no chance."""
LEAST_OF_PEERS: Final = 0.2
"""Share of the peers' own requests; the rest are health checks."""
LEAST_OF_ALL: Final = 0.1
MOST_PEERS: Final = 64
CLIENTS_PER_PEER: Final = 2
_COUNTED: Final = 1_000
"""Peers that are told apart; more are many."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Private peers that name other clients.

    Attributes:
        requests: with a header.
        asked: all requests of these peers, with or without.
        peers: who they are, up to some.
        clients: how many different headers there were in one block, at most.
    """

    requests: int = 0
    asked: int = 0
    peers: frozenset[int] = frozenset()
    clients: int = 0

    def __add__(self, other: Forwarding) -> Forwarding:
        """Join what two blocks say."""
        peers = self.peers if len(self.peers) > _COUNTED else self.peers | other.peers
        return Forwarding(self.requests + other.requests, self.asked + other.asked, peers, max(self.clients, other.clients))

    def describe(self, events: int) -> str | None:
        """Say that they are balancers, and what to do; None where they need not be.

        Args:
            events: all events of the log.
        """
        is_much = self.requests >= max(LEAST, LEAST_OF_ALL * events, LEAST_OF_PEERS * self.asked)
        is_few = 0 < len(self.peers) <= MOST_PEERS and self.clients > CLIENTS_PER_PEER * len(self.peers)
        if not (is_much and is_few):
            return None
        one = len(self.peers) == 1
        who = "one private address" if one else f"{len(self.peers)} private addresses"
        looks = "this looks like your load balancer" if one else "these look like your load balancers"
        remedy = REMEDY if one else REMEDY.replace("its header names", "their headers name")
        return f"{write_share(self.requests / events)} of the requests come from {who} and name another client; {looks}: {remedy}"


def find_forwarding(events: pl.DataFrame) -> Forwarding:
    """Find the private peers of a block that name other clients: `endpoint_id`, and `behind`, null where no header does."""
    if events["behind"].null_count() == events.height:
        return Forwarding()
    said = events.filter(pl.col("behind").is_not_null())
    peers = said["endpoint_id"].unique().drop_nulls()
    asked = events["endpoint_id"].is_in(peers.implode()).sum()
    return Forwarding(said.height, int(asked or 0), frozenset(peers.head(_COUNTED).to_list()), said["behind"].n_unique())
