"""Read user agents: client, version, kind, platform, runtime, CI, environment.

    text ─► rule (patterns of one's own ─► the longest beginning ─► words) ─► what the text says besides
         └► crawlers, then browsers, for what no rule knows

The rules are in `agent_rules.py` and its tables, words for platforms in `rules/platforms-agents.toml`.

Source: the clients' own sources; linehaul for pip's JSON; OpenTelemetry's names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import polars as pl

from pullstats.enrich.agent import AGENT_SCHEMA, Agent
from pullstats.enrich.agent_rules import AgentRule, AgentRules, agent_rule, match_patterns
from pullstats.enrich.agent_words import (
    CI_MARK,
    CI_NAME,
    platform_tables,
    platform_words,
    read_ci,
    read_environment,
    read_host,
    read_runtime,
    read_stated,
)
from pullstats.enrich.browsers import read_browser
from pullstats.enrich.crawlers import find_crawler_name
from pullstats.enrich.tables import RuleRow, load_bundled

_LONGEST: Final = 4096
_RUN_IDS: Final = (
    (r"(?:^|(?P<keep> ))[0-9a-f]{16}$", "bundler/"),
    (r"; ?session_id/[0-9a-f-]+", "session_id/"),
    (r"(?:,? ?gzip\(gfe\))+$", "gzip(gfe)"),
)
"""What is new in every run, or Google's front end put behind an agent, and a text that stands in such agents."""
_INSTALLER: Final = re.compile(r'"installer":\{"name":"([^"]{1,40})"(?:,"version":"([^"]{1,60})")?')
_GENERIC_BOT: Final = re.compile(r"(?<![a-z0-9_.-])[0-9_.-]*([a-z][a-z0-9_.-]*(?:bot|spider|crawler))\b(?:.*(?:https?://|@|\+))?")
_COMPATIBLE: Final = re.compile(r"^mozilla/[0-9.]+ \(compatible; ?([a-z][a-z0-9 ._-]{1,40}?)(?:/v?([0-9][^\s;,()]*))?[;)]")
"""What calls itself compatible and names itself, as programs do; the browsers that did were few."""
_COMPATIBLE_BROWSERS: Final = ("msie", "konqueror", "opera", "windows", "google desktop", "netscape", "icab", "omniweb", "ibrowse")
_LONGEST_EMAIL: Final = 255
_EMAIL: Final = re.compile(r"^(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+$")


class AgentExplanation(NamedTuple):
    """How an agent was read.

    Attributes:
        agent: what it says.
        rule: which rule took it, with its file; or what else recognised it.
        captures: what was read out of the text itself.
        reasons: for CI flag, environment and the client where it is not the first product: why.
    """

    agent: Agent
    rule: str
    captures: dict[str, str]
    reasons: dict[str, str]


@cache
def bundled_agent_rules() -> AgentRules:
    """Load the bundled tables of `rules/agents/`."""
    return AgentRules(agent_rule(row) for row in load_bundled("agents", "agent"))


def load_agent_rules(own: Sequence[RuleRow] = ()) -> AgentRules:
    """Load the bundled rules with a user's own over them.

    Raises:
        InputError: a rule that cannot be used, or that does not read its own samples.
    """
    if not own:
        return bundled_agent_rules()
    mine = [agent_rule(row) for row in own]
    rules = AgentRules([*bundled_agent_rules().rules, *mine])
    for row, rule in zip(own, mine, strict=True):
        for sample in rule.samples:
            found = read_agent(sample, rules)
            if (found.name, found.kind) != (rule.client, rule.kind):
                raise row.fail(
                    f"does not read its sample '{sample[:200]}', which is taken for {found.name} ({found.kind}); correct starts, words or pattern"
                )
    return rules


def classify_agents(agents: pl.Series, rules: AgentRules | None = None) -> pl.DataFrame:
    """Read distinct user agents.

    Args:
        agents: unescaped texts; `-`, nothing and null are unknown.
        rules: what tells clients; None for the bundled rules.

    Returns:
        A row per agent, columns of `AGENT_SCHEMA`; name and kind are `unknown` where no rule fits.
    """
    texts = [(text or "")[:_LONGEST].strip() for text in agents]
    rules = rules or bundled_agent_rules()
    matched = match_patterns(rules, texts) if rules.patterns else {}
    if matched:
        rows = [_read_matched(*matched[place], text, rules) if place in matched else _read(text, rules) for place, text in enumerate(texts)]
    else:
        rows = [_read(text, rules) for text in texts]
    return pl.DataFrame(dict(zip(AGENT_SCHEMA, zip(*rows, strict=True), strict=True)), schema=AGENT_SCHEMA) if rows else AGENT_SCHEMA.to_frame()


def normalise_agents(agents: pl.Series) -> pl.Series:
    """Take out of agents what is new in every run of a client, and ties nobody's requests to anything but that run."""
    for pattern, sign in _RUN_IDS:
        is_odd = agents.str.contains(sign, literal=True).fill_null(value=False)
        if is_odd.any():
            cleaned = agents.filter(is_odd).str.replace_all(pattern, "").str.strip_chars_end()
            agents = agents.scatter(is_odd.arg_true(), cleaned)
    return agents


def read_agent(text: str, rules: AgentRules | None = None) -> Agent:
    r"""Read one user agent; any text will do.

    Example:
        >>> agent = read_agent("pip/23.2.1 {\"ci\":true,\"cpu\":\"x86_64\",\"system\":{\"name\":\"Linux\"}}")
        >>> agent.name, agent.version, agent.os, agent.arch, agent.is_ci
        ('pip', '23.2.1', 'linux', 'amd64', True)
    """
    return Agent(*classify_agents(pl.Series([text], dtype=pl.String), rules).row(0))


def explain_agent(text: str, rules: AgentRules | None = None) -> AgentExplanation:
    """Read one user agent, and say why it was read so."""
    rules = rules or bundled_agent_rules()
    agent = read_agent(text, rules)
    text = text[:_LONGEST].strip()
    low = text.lower()
    captures: dict[str, str] = {}
    if matched := match_patterns(rules, [text]):
        rule, groups = matched[0]
        captures = {name: value for name, value in groups.items() if value}
        said = f"{rule.client}, pattern {rule.pattern} ({rule.table})"
    else:
        found, sign = _find_rule(low, rules)
        if found is not None:
            captures["word" if sign in found.words else "beginning"] = sign
            said = f"{found.client} ({found.table})"
        elif agent.kind == "browser":
            said = "browser"
        else:
            said = "crawler list" if agent.kind == "bot" else "none"
    if (installer := _INSTALLER.search(text)) is not None:
        captures["installer.name"] = installer[1]
        if installer[2]:
            captures["installer.version"] = installer[2]
    captures |= {name: value for name, value in (("version", agent.version), ("os", agent.os), ("arch", agent.arch)) if value}
    return AgentExplanation(agent, said, captures, _reasons(agent, text, low))


def _reasons(agent: Agent, text: str, low: str) -> dict[str, str]:
    reasons = {}
    if agent.kind == "ci":
        reasons["ci"] = "the client is a CI system"
    elif agent.is_ci is not None:
        mark = next((found[0] for pattern in (CI_NAME, CI_MARK) if (found := pattern.search(low))), '"ci":' + str(agent.is_ci).lower())
        reasons["ci"] = f"the agent says {mark.strip()}"
    if agent.environment:
        kernel = next((word for name, words in platform_tables().environments for word in words if word in low and name == agent.environment), None)
        if agent.environment == "cluster":
            reasons["environment"] = f"{agent.name} runs in clusters"
        elif kernel:
            reasons["environment"] = f"the agent names a kernel with {kernel}"
        else:
            reasons["environment"] = "macOS is a workstation's system"
    if _INSTALLER.search(text) is not None:
        reasons["client"] = "installer.name goes over the beginning"
    return reasons


def _find_rule(low: str, rules: AgentRules) -> tuple[AgentRule | None, str]:
    rule, sign = rules.find_client(low)
    return (rule, sign) if rule is not None else rules.find_crawler(low)


def _read(text: str, rules: AgentRules) -> Agent:
    low = text.lower()
    rule, _ = _find_rule(low, rules)
    if rule is not None:
        return _describe(rule, text, low, rules)
    if not low or low == "-":
        return Agent()
    if crawler := find_crawler_name(text):
        return Agent(crawler, None, "bot")
    if "bot" in low or "crawler" in low or "spider" in low:
        found = _GENERIC_BOT.search(low)
        if found:
            return Agent(found[1].strip("-._"), None, "bot")
    if "@" in low and len(low) < _LONGEST_EMAIL and _EMAIL.match(low):
        return Agent("bot", None, "bot")
    if (found := _COMPATIBLE.match(low)) and not found[1].startswith(_COMPATIBLE_BROWSERS):
        return Agent(found[1].strip(" -._"), found[2], "bot")
    return read_browser(text) if low.startswith(("mozilla/", "opera/")) else _read_unknown(text, low)


def _read_unknown(text: str, low: str) -> Agent:
    """Read what an unknown client says of its platform; its name stays unknown."""
    if "/" not in low or len(low) < 4:
        return Agent()
    return Agent(is_ci=read_ci(text, low))


def _read_matched(rule: AgentRule, groups: dict[str, str | None], text: str, rules: AgentRules) -> Agent:
    """Read what a pattern matched: what its groups captured goes over what the words say."""
    agent = _describe(rule, text, text.lower(), rules)
    tables = platform_tables()
    known = {name: value for name, value in groups.items() if value}
    changes: dict[str, Any] = {}
    if "version" in known:
        changes["version"] = known["version"].removeprefix("v")
    if "os" in known:
        changes["os"] = tables.os.get(known["os"].lower(), known["os"].lower())
    if "arch" in known:
        changes["arch"] = tables.arch.get(known["arch"].lower(), known["arch"].lower())
    changes |= {name: known[name] for name in ("runtime", "runtime_version") if name in known}
    return agent._replace(**changes)


def _describe(rule: AgentRule, text: str, low: str, rules: AgentRules) -> Agent:
    name, kind, version = rule.client, rule.kind, rules.version_of(rule, text)
    if '"installer":' in text and (installer := _INSTALLER.search(text)) is not None:
        named = rules.starts.get(f"{installer[1].lower()}/")
        if named is not None:
            name, kind, version = named.client, named.kind, installer[2] or version
    is_ci = True if kind == "ci" else read_ci(text, low)
    if not rule.platform:
        return Agent(name, version, kind, is_ci=is_ci)
    system, arch = platform_words(text, low)
    system = rule.os or system
    runtime, runtime_version = (rule.runtime, rules.runtime_version_of(rule, text)) if rule.runtime else read_runtime(low)
    distro, libc = (read_stated(signs, text, low) for signs in (platform_tables().distros, platform_tables().libcs))
    environment = read_environment(rule, low, system, is_ci=is_ci)
    return Agent(name, version, kind, system, arch, runtime, runtime_version, is_ci, environment, distro, libc, read_host(low, system))
