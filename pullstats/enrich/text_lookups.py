"""Look at the texts of a request once per distinct value: its line, agent, referrer and user, escaped as one server writes them."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.enrich.agents import normalise_agents
from pullstats.enrich.authorization import REFUSED, read_authorizations
from pullstats.enrich.escapes import unescape_values
from pullstats.enrich.keys import HashKey
from pullstats.enrich.meaning import add_platforms, classify_distinct, read_packages
from pullstats.enrich.origins import agent_terms, hash_values, user_terms
from pullstats.enrich.own_addresses import list_keys
from pullstats.enrich.packages import action_by_method, client_ecosystem
from pullstats.enrich.redact import redact_domain, redact_text, redact_values
from pullstats.enrich.request import split_request
from pullstats.enrich.rulebook import RuleBook
from pullstats.escaping import Escaping
from pullstats.lookup import Lookup

_NOBODY: Final = "anonymous"
"""What Artifactory and Nexus call a client that did not log in."""
AGENT_IDENTITY: Final = ("user_agent_name", "os_name", "host_arch")
NOTHING: Final = ["-", ""]
"""What says nothing."""


class TextLookups:
    """Lookups of texts that are escaped one way."""

    def __init__(self, key: HashKey, digests: pl.DataFrame | None, escaping: Escaping, rules: RuleBook, max_kept: int | None) -> None:
        """Prepare the lookups; the arguments are those of `Enricher`."""
        self._rules = rules
        self._key = key
        self._digests = digests
        self._escaping = escaping
        self.requests = Lookup("request", self._look_at_requests, max_kept=max_kept)
        self.agents = Lookup("agent", self._look_at_agents, max_kept=max_kept)
        self.referrers = Lookup("referrer", self._look_at_referrers, max_kept=max_kept)
        self.users = Lookup("user", lambda values: self._hash_users(self._read(values)), max_kept=max_kept)
        # A token may be new with every request, long, and is a secret: none is remembered beyond its block.
        self.authorizations = Lookup("authorization", self._look_at_authorizations, max_kept=0)

    def _read(self, values: pl.Series, *, is_target: bool = False) -> pl.Series:
        """Undo escapes; `%` in a target is the client's own."""
        return values if is_target and self._escaping in ("percent", "plus") else unescape_values(values, self._escaping)

    def _look_at_requests(self, values: pl.Series) -> pl.DataFrame:
        texts = self._read(values, is_target=True)
        request = split_request(texts)
        path = redact_values(request["url_path"])
        packages = self._read_paths(path)
        frame = pl.concat([request, packages], how="horizontal")
        return frame.select(
            "http_request_method",
            "network_protocol_version",
            "parse_status",
            pl.col("url_scheme").alias("target_scheme"),
            redact_domain(pl.col("url_domain")).alias("target_domain"),
            path.alias("url_path"),
            redact_text(pl.col("url_query")).alias("url_query"),
            list_keys(texts).alias("request_keys"),
            *(name for name in packages.columns if name != "action"),
            action_by_method(pl.col("http_request_method"), pl.col("action")).alias("action"),
        )

    def _read_paths(self, paths: pl.Series) -> pl.DataFrame:
        """Read packages out of paths that are redacted, so that they can be read again from what is stored."""
        return add_platforms(read_packages(paths, self._rules), self._digests)

    def describe_paths(self, events: pl.DataFrame) -> list[pl.Series]:
        """Read packages anew out of the paths of some events."""
        found = self._read_paths(events["url_path"])
        action = found.with_columns(events["http_request_method"]).select(
            action_by_method(pl.col("http_request_method"), pl.col("action")).alias("action")
        )
        return [*found.drop("action"), action["action"]]

    def _look_at_agents(self, values: pl.Series) -> pl.DataFrame:
        agents = normalise_agents(self._read(values))
        original = redact_values(agents)
        texts = [_said(original).alias("user_agent_original"), list_keys(agents).alias("agent_keys")]
        return pl.concat([pl.DataFrame(texts), self.describe_agents(original)], how="horizontal")

    def describe_agents(self, agents: pl.Series) -> pl.DataFrame:
        """Read agents that are redacted: what they are, their terms of an origin, the ecosystem they ask in."""
        known = classify_distinct(agents.fill_null("-"), self._rules)
        ecosystem = client_ecosystem(known["user_agent_name"]).alias("client_ecosystem")
        return pl.concat([known, agent_terms(known.select(AGENT_IDENTITY), self._key).to_frame(), ecosystem.to_frame()], how="horizontal")

    def _hash_users(self, values: pl.Series) -> pl.DataFrame:
        users = _said(values.replace(_NOBODY, None))
        return pl.DataFrame([user_terms(users, self._key), hash_values(users, self._key, b"user").alias("user_id")])

    def _look_at_authorizations(self, values: pl.Series) -> pl.DataFrame:
        found = read_authorizations(self._read(values))
        return self._hash_users(found["user"]).with_columns(found["auth_scheme"])

    def _look_at_referrers(self, values: pl.Series) -> pl.DataFrame:
        referrers = _said(self._read(values))
        return pl.DataFrame({"http_request_referrer": redact_values(referrers), "referrer_keys": list_keys(referrers)})


def join_users(texts: TextLookups, reading: pl.DataFrame) -> pl.DataFrame:
    """Take the user that the server names, else whom the Authorization header names where it was not refused."""
    logged = texts.users.apply(reading["user"])
    headers = reading["authorization"]
    if headers.null_count() == headers.len():
        return logged.with_columns(pl.lit(None, pl.String).alias("auth_scheme"))
    said = texts.authorizations.apply(headers)
    is_refused = reading["http_response_status_code"].is_in(REFUSED).fill_null(value=False)
    is_named = logged["user_id"].is_not_null()
    joined = [logged[name].zip_with(is_named, said[name].set(is_refused, None)) for name in logged.columns]
    return pl.DataFrame([*joined, said["auth_scheme"]])


def _said(values: pl.Series) -> pl.Series:
    """Null what says nothing: `-` and the empty text."""
    return values.replace(NOTHING, None)
