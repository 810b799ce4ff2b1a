"""Load the rules that tell clients by their user agents: the bundled tables and the user's own.

A rule says how an agent begins (`starts`), which words it holds (`words`, for crawlers) or which
pattern it matches. The longest beginning that fits decides, so the order of rules and files is
without meaning; two rules that claim one beginning are refused. A user's rule goes over a bundled
one, must carry samples, and is refused if it does not read them.

To add a client: a `[[agent]]` in a table of `rules/agents/`, with a sample.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import polars as pl

from pullstats.enrich.tables import RuleRow, check_keys, check_regex
from pullstats.errors import InputError, InternalError

KINDS: Final = (
    "package-manager",
    "container-runtime",
    "container-tool",
    "mirror",
    "update-poller",
    "scanner",
    "ci",
    "probe",
    "bot",
    "browser",
    "http-library",
    "unknown",
)
USUAL_VERSION: Final = r"^[^/\s]+(?: [^/\s\d]+)*[/ ]v?([0-9][^\s;,()]*)"
NO_VERSION: Final = ""
_BUCKET: Final = 2
"""Characters of a beginning by which rules are looked up."""


@dataclass(frozen=True, slots=True)
class AgentRule:
    """How one client names itself.

    Attributes:
        client: canonical name.
        kind: kind of client, one of `KINDS`.
        starts: beginnings of the agent, lower case.
        words: words anywhere in the agent, lower case (crawlers).
        inner: products that decide though the agent begins otherwise: beginning, `*`, product; lower case.
        pattern: expression that the whole agent is searched for; groups `version`, `os`, `arch`, `runtime`, `runtime_version` are read.
        samples: agents that the rule must read.
        version: pattern with one group, empty if the agent states none.
        os: operating system the client exists on.
        environment: where the client runs.
        runtime: language runtime it is known to run on.
        runtime_version: pattern with one group for the version of that runtime.
        platform: whether the agent's platform is the client's.
        rank: rules with words of rank 1 are asked last.
        table: file the rule stands in.
        is_own: the user's own, which goes over the bundled ones.
    """

    client: str
    kind: str
    starts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    pattern: str | None = None
    samples: tuple[str, ...] = ()
    version: str = USUAL_VERSION
    os: str | None = None
    environment: str | None = None
    runtime: str | None = None
    runtime_version: str = ""
    platform: bool = True
    rank: int = 0
    table: str = ""
    is_own: bool = False


_KEYS: Final = frozenset(field.name for field in fields(AgentRule)) - {"table", "is_own"}
_LISTS: Final = ("starts", "words", "inner", "samples")


class AgentRules:
    """All rules that tell clients, ready to be asked."""

    def __init__(self, rules: Iterable[AgentRule]) -> None:
        """Index rules.

        Args:
            rules: in any order.

        Raises:
            InputError: two rules of the same standing claim one beginning.
        """
        self.rules: tuple[AgentRule, ...] = tuple(sorted(rules, key=lambda rule: (rule.client, rule.table, rule.starts, rule.words)))
        self._compiled: dict[str, re.Pattern[str]] = {}
        starts: dict[str, AgentRule] = {}
        for rule in sorted(self.rules, key=lambda rule: rule.is_own):
            for start in rule.starts:
                claimed = starts.get(start)
                if claimed is not None and claimed is not rule and claimed.is_own == rule.is_own:
                    message = f"{rule.table}: agents that begin with '{start}' are claimed by {claimed.client} ({claimed.table}) and {rule.client}"
                    raise InputError(message) if rule.is_own else InternalError(message)
                starts[start] = rule
        self.starts = starts
        self._buckets: dict[str, list[tuple[str, AgentRule]]] = {}
        for start in sorted(starts, key=len, reverse=True):
            self._buckets.setdefault(start[:_BUCKET], []).append((start, starts[start]))
        self._inner = tuple((*_part_inner(text), rule) for rule in self.rules for text in rule.inner)
        self.crawlers = tuple(sorted((rule for rule in self.rules if rule.words), key=lambda rule: (not rule.is_own, rule.rank, rule.client)))
        self.patterns = tuple((rule, rule.pattern) for rule in self.rules if rule.pattern)

    def find_client(self, low: str) -> tuple[AgentRule | None, str]:
        """Find the rule of a product that always decides, or with the longest beginning that an agent has.

        Args:
            low: agent in lower case.

        Returns:
            The rule and the text found; None and an empty text if none fits.
        """
        if " " in low:
            for begin, product, rule in self._inner:
                if product in low and low.startswith(begin):
                    return rule, product.strip()
        for start, rule in self._buckets.get(low[:_BUCKET], ()):
            if low.startswith(start) and (start[-1] in "/ (;" or len(low) == len(start) or not low[len(start)].isalnum()):
                return rule, start
        return None, ""

    def find_crawler(self, low: str) -> tuple[AgentRule | None, str]:
        """Find the rule one of whose words an agent holds."""
        for rule in self.crawlers:
            for word in rule.words:
                if word in low:
                    return rule, word
        return None, ""

    def version_of(self, rule: AgentRule, text: str) -> str | None:
        """Read the version that an agent states, without a leading v."""
        found = self._first_group(rule.version, text)
        return found.removeprefix("v") or None if found else None

    def runtime_version_of(self, rule: AgentRule, text: str) -> str | None:
        """Read the version of the runtime that a rule names."""
        return self._first_group(rule.runtime_version, text)

    def _first_group(self, pattern: str, text: str) -> str | None:
        if pattern == NO_VERSION:
            return None
        if pattern not in self._compiled:
            self._compiled[pattern] = re.compile(pattern)
        match = self._compiled[pattern].search(text)
        return next((group for group in match.groups() if group), None) if match else None


def _part_inner(text: str) -> tuple[str, str]:
    begin, _, product = text.partition("*")
    return begin, product


def agent_rule(row: RuleRow) -> AgentRule:
    """Read one `[[agent]]`.

    Raises:
        InputError: a key, kind or pattern that cannot be; named with its file and the nearest key.
    """
    values: dict[str, Any] = check_keys(row, _KEYS, needed=("client", "kind"), lists=_LISTS)
    if values["kind"] not in KINDS:
        raise row.unknown("kind", values["kind"], KINDS)
    if not (values.get("starts") or values.get("words") or values.get("pattern")):
        raise row.fail("says nothing of the agent: give starts, words or pattern")
    if any("*" not in text for text in values.get("inner", ())):
        raise row.fail("needs a beginning, * and a product as inner, as in 'curl/* nix/'")
    if not values.get("samples"):
        raise row.fail("has no samples: give at least one agent that it reads")
    for key in ("pattern", "version", "runtime_version"):
        if values.get(key):
            check_regex(row, key, values[key])
    for key in ("starts", "words", "inner"):
        if key in values:
            values[key] = tuple(text.lower() for text in values[key])
    return AgentRule(**values, table=row.table, is_own=row.is_own)


def match_patterns(rules: AgentRules, texts: Sequence[str]) -> dict[int, tuple[AgentRule, dict[str, str | None]]]:
    """Find which texts the rules' patterns match, in time that grows with the text and no faster.

    Returns:
        By position: the rule and what its groups captured.
    """
    found: dict[int, tuple[AgentRule, dict[str, str | None]]] = {}
    series = pl.Series("text", texts, pl.String)
    for rule, pattern in rules.patterns:
        hits = series.str.contains(pattern)
        if not hits.any():
            continue
        groups = series.filter(hits).to_frame().select(pl.col("text").str.extract_groups(pattern).alias("groups"))
        rows = groups["groups"].struct.unnest().to_dicts() if "(?P<" in pattern else [{}] * groups.height
        for place, captured in zip(hits.arg_true(), rows, strict=True):
            if place not in found or (rule.is_own and not found[place][0].is_own):
                found[place] = (rule, captured)
    return found
