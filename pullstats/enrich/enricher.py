"""Turn what a format read into events: who asked, with what, for what.

Every text is looked at once per distinct value (`Lookup`), then gathered back. The address itself
goes no further than this module.
"""

from __future__ import annotations

from typing import Final, get_args

import polars as pl

from pullstats.enrich.addresses import normalise_addresses
from pullstats.enrich.agents import normalise_agents
from pullstats.enrich.escapes import unescape_values
from pullstats.enrich.geo import GeoDatabase
from pullstats.enrich.keys import HashKey
from pullstats.enrich.meaning import add_platforms, classify_distinct, read_packages
from pullstats.enrich.networks import GITHUB, OwnNetworks, load_own_networks, private_ranges
from pullstats.enrich.origins import agent_terms, combine_origins, endpoint_terms, hash_endpoints, hash_values, user_terms
from pullstats.enrich.packages import action_by_method, classify_paths, client_ecosystem
from pullstats.enrich.proxies import HEADERS, TrustedProxies, pack, unpack
from pullstats.enrich.redact import address_tokens, redact_domain, redact_own_addresses, redact_text, secret_hints
from pullstats.enrich.request import domain_of, split_request
from pullstats.enrich.rulebook import RuleBook, bundled_rules
from pullstats.escaping import Escaping
from pullstats.events import conform
from pullstats.lookup import Lookup

UNKNOWN: Final = "unknown"
_CONSTANT: Final = pl.Categorical(pl.Categories("constant", "pullstats"))
_OTHERS: Final = ("http_request_range", "cache_status", "backend")
"""Columns of few values that are kept as they are, but for what must not be."""
_FREE_TEXTS: Final = ("url_path", "url_query", "http_request_referrer", "user_agent_original", "url_domain", "http_request_id", *_OTHERS)
_FIELD: Final = pl.Categorical(pl.Categories("address-field", "pullstats"))
_LOOPBACK: Final = ("127.", "::1")
_NOTHING: Final = ["-", ""]
_NOBODY: Final = "anonymous"
"""What Artifactory and Nexus call a client that did not log in."""
AGENT_IDENTITY: Final = ("user_agent_name", "os_name", "host_arch")


class Enricher:
    """Enriches blocks of lines, remembering every distinct value it has seen."""

    def __init__(
        self,
        key: HashKey,
        geo: GeoDatabase,
        *,
        keep_addresses: bool = False,
        digests: pl.DataFrame | None = None,
        proxies: TrustedProxies | None = None,
        rules: RuleBook | None = None,
        networks: OwnNetworks | None = None,
    ) -> None:
        """Prepare the lookups.

        Args:
            key: makes the hashes.
            geo: tells country and network of an address.
            keep_addresses: keep client addresses in clear.
            digests: platforms of image digests, columns of `PLATFORM_SCHEMA`.
            proxies: whose word about the client counts; None for nobody's.
            rules: tell clients, packages and networks; None for the bundled ones.
            networks: what the user knows of addresses.
        """
        rules = rules or bundled_rules()
        self.rules = rules
        self._networks = networks or load_own_networks()
        self._private = private_ranges()
        self._key = key
        self._proxies = proxies
        self._geo = geo
        self._keep_addresses = keep_addresses
        self._seen: set[str] = set()  # addresses of clients
        look = self.look_at_addresses if proxies is None else self._look_behind_proxies
        self._addresses = Lookup("address", look, notes=self._seen)
        self._users = Lookup("user", self._look_at_users)
        self._hinted = Lookup("hinted", _look_at_hinted)
        self._other_tokens: set[str] = set()  # what looks like an address in a host, an id or another column
        self._hosts = Lookup("host", self._look_at_hosts, notes=self._other_tokens)
        self._others = Lookup("other", self._look_at_others, notes=self._other_tokens)
        self._texts = {escaping: _TextLookups(key, digests, escaping, rules) for escaping in get_args(Escaping)}

    def look_at_addresses(self, values: pl.Series) -> pl.DataFrame:
        """Look at distinct addresses: hashes, place, network, and the endpoint's term of an origin, a row each."""
        addresses = normalise_addresses(values)
        known = addresses["address"].drop_nulls()
        self._seen.update(known.filter(~(known.str.starts_with(_LOOPBACK[0]) | known.str.starts_with(_LOOPBACK[1]))).to_list())
        places = self._geo.lookup(addresses["address"])
        endpoints = hash_endpoints(addresses, self._key)
        return pl.concat(
            [
                addresses.select(pl.col("address").alias("client_address")),
                endpoints,
                places,
                self._look_at_networks(addresses["address"], places),
                endpoint_terms(endpoints["endpoint_id"]),
            ],
            how="horizontal",
        )

    def _look_at_networks(self, addresses: pl.Series, places: pl.DataFrame) -> pl.DataFrame:
        known = self.rules.networks.classify(places["as_number"], places["as_organization"])
        said = self._networks.lookup(addresses)
        unrouted = addresses.filter(places["as_number"].is_null()).unique()
        private = [address for address in unrouted if address and self._private.find(address)]
        return known.hstack(said).select(
            pl.when(addresses.is_in(private)).then(pl.lit("private")).otherwise("network_type").alias("network_type"),
            pl.coalesce(pl.col("range_provider").replace(GITHUB, None), "cloud_provider").alias("cloud_provider"),
            "cloud_region",
            "organization_name",
            "is_ci_network",
        )

    def _look_behind_proxies(self, values: pl.Series) -> pl.DataFrame:
        """Look at the clients that trusted proxies name, for distinct peers and headers as `pack` joins them."""
        assert self._proxies is not None
        found = [self._proxies.find_client(*unpack(value)) for value in values]
        clients = pl.DataFrame(found, schema={"address": pl.String, "field": pl.String}, orient="row")
        return self.look_at_addresses(clients["address"]).with_columns(clients["field"].alias("named_by"))

    def _look_at_hosts(self, values: pl.Series) -> pl.DataFrame:
        hosts = pl.DataFrame({"host": values}).select(redact_domain(domain_of(pl.col("host"))))
        self._other_tokens.update(address_tokens(hosts["host"]))
        return hosts.with_columns(host_ecosystem=site_ecosystem(pl.col("host"), self.rules))

    def _look_at_others(self, values: pl.Series) -> pl.DataFrame:
        self._other_tokens.update(address_tokens(values))
        return pl.DataFrame({"text": values}).select(redact_text(pl.col("text")))

    def _redact_ids(self, ids: pl.Series) -> pl.Series:
        """Redact request ids, of which no two are alike: a client may have written them."""
        suspect = ids.str.contains_any([".", ":", *secret_hints()], ascii_case_insensitive=True).fill_null(value=False)
        if not suspect.any():
            return ids
        few = ids.filter(suspect)
        self._other_tokens.update(address_tokens(few))
        return ids.scatter(suspect.arg_true(), few.to_frame().select(redact_text(pl.col(ids.name))).to_series())

    def _look_at_users(self, values: pl.Series) -> pl.DataFrame:
        users = _said(values.replace(_NOBODY, None))
        return user_terms(users, self._key).with_columns(hash_values(users, self._key, b"user").alias("user_id"))

    def enrich(self, reading: pl.DataFrame, format_name: str, escaping: Escaping) -> tuple[pl.DataFrame, pl.Series]:
        """Turn lines that were read into events.

        Args:
            reading: columns of `READING_SCHEMA`, and `source_id`.
            format_name: the format that read them.
            escaping: how the texts are still escaped.

        Returns:
            A row per row, the columns of `EVENT_SCHEMA`; and the field of the log that named each client, null where nobody is named.
        """
        texts = self._texts[escaping]
        address = self._addresses.apply(reading["address"] if self._proxies is None else _pack_hops(reading, escaping))
        user = self._users.apply(reading["user"])
        agent = texts.agents.apply(_fill(reading["agent"], "-"))
        request = texts.requests.apply(_fill(reading["request"], ""))
        referrer = texts.referrers.apply(reading["referrer"])
        rest = reading.drop("request", "address", "user", "agent", "referrer")
        hosts = self._hosts.apply(reading["host"])
        events = pl.concat([rest.drop("host", strict=False), address, user, agent, request, referrer, hosts], how="horizontal")
        events = _join_ci(self._resolve_hints(events))
        said = [name for name in (*_OTHERS, "http_request_id") if events[name].null_count() < events.height]
        events = events.with_columns(
            _prefer(events, "target_domain", events["host"]).alias("url_domain"),
            *((self._redact_ids(events[name]) if name not in _OTHERS else self._others.apply(events[name])["text"]).alias(name) for name in said),
        )
        events = self._hide_addresses(events)
        events = events.with_columns(
            combine_origins(events).alias("origin_id"),
            _prefer(events, "target_scheme", reading["scheme"]).alias("url_scheme"),
            _auth_scheme(events),
            pl.lit(self._key.epoch, pl.Int32).alias("key_epoch"),
            pl.lit(format_name, _CONSTANT).alias("log_format"),
        )
        if not self._keep_addresses:
            events = events.drop("client_address")
        return conform(events), _fields_of(events)

    def _hide_addresses(self, events: pl.DataFrame) -> pl.DataFrame:
        """Take the event's own client and the hops before it out of its path, query, referrer and agent.

        Few texts hold what looks like an address, and those are mostly versions: rows are looked at
        only where such a token is an address that some client or hop of these logs really has.
        """
        found = self._other_tokens.union(*(found for texts in self._texts.values() for found in texts.tokens))
        if not found:
            return events
        hops = [name for name in HEADERS if events[name].null_count() < events.height]
        tokens = (found & self._seen) | _tokens_among(events.select(hops), found)
        if not tokens:
            return events
        hits = events.select(pl.any_horizontal(pl.col(name).cast(pl.String).str.contains_any(sorted(tokens)) for name in _FREE_TEXTS)).to_series()
        hits = hits.fill_null(value=False)
        if not hits.any():
            return events
        texts = events.select(pl.col(*_FREE_TEXTS, "client_address", *hops).cast(pl.String))
        few = texts.filter(hits)
        own = few.select(pl.concat_str(["client_address", *hops], separator=" ", ignore_nulls=True)).to_series()
        return events.with_columns(_scatter(texts[name], hits, redact_own_addresses(few[name], own)) for name in _FREE_TEXTS)

    def _resolve_hints(self, events: pl.DataFrame) -> pl.DataFrame:
        """Let the site's host, else the client decide where a path alone cannot tell the ecosystem."""
        hint = _prefer(events, "host_ecosystem", events["client_ecosystem"])
        open_rows = events["needs_hint"] & hint.is_not_null()
        if not open_rows.any():
            return events
        rows = events.filter(open_rows).with_columns(hint.filter(open_rows).cast(pl.String).alias("hint"))
        answers = self._hinted.apply(rows.select(pl.concat_str("hint", pl.col("url_path").cast(pl.String), separator="\n")).to_series())
        texts = [name for name, dtype in answers.schema.items() if isinstance(dtype, pl.Categorical)]
        answers = answers.with_columns(pl.col(texts).cast(pl.String))
        events = events.with_columns(pl.col(texts).cast(pl.String))
        return events.with_columns(_scatter(events[name], open_rows, answers[name]) for name in answers.columns)


def _pack_hops(reading: pl.DataFrame, escaping: Escaping) -> pl.Series:
    headers = [unescape_values(reading[name], escaping) for name in HEADERS]
    return reading.select(pack(pl.col("address"), [pl.lit(header) for header in headers])).to_series()


def _tokens_among(hops: pl.DataFrame, tokens: set[str]) -> set[str]:
    """Give the tokens that some hop of these rows really is."""
    held = set()
    for column in hops:
        values = column.unique().drop_nulls()
        held |= address_tokens(values.filter(values.str.contains_any(sorted(tokens))))
    return held & tokens


def _fields_of(events: pl.DataFrame) -> pl.Series:
    """Give the field that named each client."""
    name = "named_by" if "named_by" in events.columns else "address_field"
    said = pl.when(pl.col("endpoint_id").is_not_null()).then(pl.col(name).cast(_FIELD))
    return events.select(said.alias("field")).to_series()


def _join_ci(events: pl.DataFrame) -> pl.DataFrame:
    """Let a network of CI runners say what the agent does not, and keep which of them said it."""
    is_network = events["is_ci_network"]
    by_agent = pl.when(pl.col("is_ci").is_not_null()).then(pl.lit("agent"))
    if is_network.null_count() == events.height:
        return events.with_columns(by_agent.alias("ci_source"))
    said = by_agent.when(pl.col("is_ci_network")).then(pl.lit("network"))
    return events.with_columns(said.alias("ci_source"), pl.coalesce("is_ci", "is_ci_network").alias("is_ci"))


def site_ecosystem(host: pl.Expr, rules: RuleBook) -> pl.Expr:
    """Give the ecosystem that a site's routes say a host serves, null where they say nothing."""
    return (
        host.str.to_lowercase().replace_strict(dict(rules.routes.hosts), default=None, return_dtype=pl.String)
        if rules.routes.hosts
        else pl.lit(None, pl.String)
    )


def _look_at_hinted(values: pl.Series) -> pl.DataFrame:
    parts = values.str.splitn("\n", 2).struct.unnest()
    return classify_paths(parts["field_1"], parts["field_0"]).drop("needs_hint")


def _scatter(column: pl.Series, places: pl.Series, values: pl.Series) -> pl.Series:
    """Put values into the places that are true."""
    return column.scatter(places.arg_true(), values)


def _said(values: pl.Series) -> pl.Series:
    """Null what says nothing: `-` and the empty text."""
    return values.replace(_NOTHING, None)


def _fill(texts: pl.Series, nothing: str) -> pl.Series:
    """Give missing texts a value of their own, so that they are looked up like any other."""
    return texts.fill_null(nothing) if texts.null_count() else texts


def _prefer(events: pl.DataFrame, name: str, other: pl.Series) -> pl.Series:
    """Take a column where it says something, else another; costs nothing where one says nothing."""
    column = events[name]
    if other.null_count() == other.len():
        return column
    if column.null_count() == column.len():
        return other
    return column.cast(pl.String).zip_with(column.is_not_null(), other.cast(pl.String))


def _auth_scheme(events: pl.DataFrame) -> pl.Series:
    """Call a logged user `basic` where the log does not name the scheme."""
    has_user = events["user_id"].is_not_null()
    if not has_user.any():
        return events["auth_scheme"]
    return events.select(pl.coalesce("auth_scheme", pl.when(has_user).then(pl.lit("basic"))).alias("auth_scheme")).to_series()


class _TextLookups:
    """Lookups of texts that are escaped one way."""

    def __init__(self, key: HashKey, digests: pl.DataFrame | None, escaping: Escaping, rules: RuleBook) -> None:
        self._rules = rules
        self._key = key
        self._digests = digests
        self._escaping = escaping
        # What looks like an address in each kind of text.
        self.tokens: tuple[set[str], set[str], set[str]] = (set(), set(), set())
        self.requests = Lookup("request", self._look_at_requests, notes=self.tokens[0])
        self.agents = Lookup("agent", self._look_at_agents, notes=self.tokens[1])
        self.referrers = Lookup("referrer", self._look_at_referrers, notes=self.tokens[2])

    def _read(self, values: pl.Series, tokens: set[str], *, is_target: bool = False) -> pl.Series:
        """Undo escapes, and note what looks like an address; `%` in a target is the client's own."""
        texts = values if is_target and self._escaping in ("percent", "plus") else unescape_values(values, self._escaping)
        tokens.update(address_tokens(texts))
        return texts

    def _look_at_requests(self, values: pl.Series) -> pl.DataFrame:
        request = split_request(self._read(values, self.tokens[0], is_target=True))
        packages = add_platforms(read_packages(request["url_path"], self._rules), self._digests)
        frame = pl.concat([request, packages], how="horizontal")
        return frame.select(
            "http_request_method",
            "network_protocol_version",
            "parse_status",
            pl.col("url_scheme").alias("target_scheme"),
            redact_domain(pl.col("url_domain")).alias("target_domain"),
            redact_text(pl.col("url_path")).alias("url_path"),
            redact_text(pl.col("url_query")).alias("url_query"),
            *(name for name in packages.columns if name != "action"),
            action_by_method(pl.col("http_request_method"), pl.col("action")).alias("action"),
        )

    def _look_at_agents(self, values: pl.Series) -> pl.DataFrame:
        agents = normalise_agents(self._read(values, self.tokens[1]))
        known = classify_distinct(agents, self._rules)
        original = pl.DataFrame({"user_agent_original": _said(agents)}).select(redact_text(pl.col("user_agent_original")))
        terms = agent_terms(known.select(AGENT_IDENTITY), self._key)
        ecosystem = client_ecosystem(known["user_agent_name"]).alias("client_ecosystem")
        return pl.concat([original, known, terms, ecosystem.to_frame()], how="horizontal")

    def _look_at_referrers(self, values: pl.Series) -> pl.DataFrame:
        referrers = _said(self._read(values, self.tokens[2]))
        return pl.DataFrame({"http_request_referrer": referrers}).select(redact_text(pl.col("http_request_referrer")))
