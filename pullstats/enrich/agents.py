"""Read user agents: client, version, kind, platform, runtime, CI, environment.

    text ─► rule (patterns of one's own ─► the longest beginning ─► words) ─► what the text says besides
         └► crawlers, then browsers, for what no rule knows

The rules are in `agent_rules.py` and its tables, words for platforms in `rules/platforms-agents.toml`.

Source: the clients' own sources; linehaul for pip's JSON; OpenTelemetry's names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

import polars as pl

from pullstats.enrich.agent_rules import AgentRule, AgentRules, agent_rule, match_patterns
from pullstats.enrich.crawlers import find_crawler_name
from pullstats.enrich.tables import RuleRow, load_bundled, read_table

AGENT_SCHEMA: Final = pl.Schema(
    {
        "user_agent_name": pl.String(),
        "user_agent_version": pl.String(),
        "user_agent_kind": pl.String(),
        "os_name": pl.String(),
        "host_arch": pl.String(),
        "runtime_name": pl.String(),
        "runtime_version": pl.String(),
        "is_ci": pl.Boolean(),
        "environment": pl.String(),
        "os_distro": pl.String(),
        "libc_name": pl.String(),
        "host_os_name": pl.String(),
    },
)
UNKNOWN: Final = "unknown"
_LONGEST: Final = 4096
_BROWSER_LENGTH: Final = 400
_RUN_IDS: Final = (
    (r"(?:^|(?P<keep> ))[0-9a-f]{16}$", "bundler/"),
    (r"; ?session_id/[0-9a-f-]+", "session_id/"),
    (r"(?:,? ?gzip\(gfe\))+$", "gzip(gfe)"),
)
"""What is new in every run, or Google's front end put behind an agent, and a text that stands in such agents."""
_INSTALLER: Final = re.compile(r'"installer":\{"name":"([^"]{1,40})"(?:,"version":"([^"]{1,60})")?')
_SYSTEM: Final = re.compile(r'"system":\{"name":"([^"]{1,40})"')
_CPU: Final = re.compile(r'"cpu":"([^"]{1,40})"')
_KERNEL: Final = re.compile(r"(?<![0-9])[0-9]+\.[0-9]+\.[0-9]+-[0-9]+-[a-z0-9_]+")  # 5.10.0-23-amd64 says nothing of the client
_WORD: Final = re.compile(r"[a-z][a-z0-9]*(?:_[0-9]+)?|(?<![a-z0-9.])386(?![0-9.])")
_CI_NAME: Final = re.compile(r"\bci/[a-z][a-z0-9_,-]*")
_CI_MARK: Final = re.compile(r"; ?ci\b")
_GENERIC_BOT: Final = re.compile(r"(?<![a-z0-9_.-])[0-9_.-]*([a-z][a-z0-9_.-]*(?:bot|spider|crawler))\b(?:.*(?:https?://|@|\+))?")
_COMPATIBLE: Final = re.compile(r"^mozilla/[0-9.]+ \(compatible; ?([a-z][a-z0-9 ._-]{1,40}?)(?:/v?([0-9][^\s;,()]*))?[;)]")
"""What calls itself compatible and names itself, as programs do; the browsers that did were few."""
_COMPATIBLE_BROWSERS: Final = ("msie", "konqueror", "opera", "windows", "google desktop", "netscape", "icab", "omniweb", "ibrowse")
_LONGEST_EMAIL: Final = 255
_EMAIL: Final = re.compile(r"^(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+$")
_BROWSERS: Final = (
    ("edge", re.compile(r"\b(?:Edg|Edge|EdgA|EdgiOS)/([0-9.]+)")),
    ("opera", re.compile(r"\bOPR/([0-9.]+)|\bOpera\b.*\bVersion/([0-9.]+)|\bOpera[/ ]([0-9.]+)")),
    ("ie", re.compile(r"\bMSIE ([0-9.]+)|\bTrident/.*\brv:([0-9.]+)")),
    ("chromium", re.compile(r"\bChromium/([0-9.]+)")),
    ("firefox", re.compile(r"\b(?:Firefox|FxiOS)/([0-9.]+)")),
    ("chrome", re.compile(r"\b(?:Chrome|CriOS)/([0-9.]+)")),
    ("safari", re.compile(r"\bVersion/([0-9.]+).* Safari/")),
)
_SIGNS: Final = {"Trident/": "ie", "Chromium/": "chromium"}
"""What shows in browsers that the library does not know on every system."""
_USUAL_BROWSER: Final = re.compile(
    r"Mozilla/[0-9.]+ \([^()]*\) (?:AppleWebKit/[0-9.]+ \(KHTML, like Gecko\) (?:Chrome/[0-9.]+ (?:Mobile )?Safari/[0-9.]+(?: (?:Edg|OPR)/[0-9.]+)?"
    r"|Version/[0-9.]+ (?:Mobile/\w+ )?Safari/[0-9.]+)|Gecko/[0-9.]+ Firefox/[0-9.]+)$"
)
"""What browsers of people send, and nothing else in it."""
_BROWSER_SYSTEMS: Final = (
    ("windows", "windows"),
    ("android", "android"),
    ("iphone", "ios"),
    ("ipad", "ios"),
    ("mac os x", "macos"),
    ("linux", "linux"),
)
_MADE_UP_ARCH: Final = frozenset({"macos", "android", "ios"})


class Agent(NamedTuple):
    """What an agent says; the fields of `AGENT_SCHEMA`."""

    name: str = UNKNOWN
    version: str | None = None
    kind: str = UNKNOWN
    os: str | None = None
    arch: str | None = None
    runtime: str | None = None
    runtime_version: str | None = None
    is_ci: bool | None = None
    environment: str | None = None
    distro: str | None = None
    libc: str | None = None
    host_os: str | None = None


class Explanation(NamedTuple):
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
    """Read one user agent; any text will do."""
    return Agent(*classify_agents(pl.Series([text], dtype=pl.String), rules).row(0))


def explain_agent(text: str, rules: AgentRules | None = None) -> Explanation:
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
    return Explanation(agent, said, captures, _reasons(agent, text, low))


def _reasons(agent: Agent, text: str, low: str) -> dict[str, str]:
    reasons = {}
    if agent.kind == "ci":
        reasons["ci"] = "the client is a CI system"
    elif agent.is_ci is not None:
        mark = next((found[0] for pattern in (_CI_NAME, _CI_MARK) if (found := pattern.search(low))), '"ci":' + str(agent.is_ci).lower())
        reasons["ci"] = f"the agent says {mark.strip()}"
    if agent.environment:
        kernel = next((word for name, words in _tables().environments for word in words if word in low and name == agent.environment), None)
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
    return _read_browser(text) if low.startswith(("mozilla/", "opera/")) else _read_unknown(text, low)


def _read_unknown(text: str, low: str) -> Agent:
    """Read what an unknown client says of its platform; its name stays unknown."""
    if "/" not in low or len(low) < 4:
        return Agent()
    return Agent(is_ci=_read_ci(text, low))


def _read_matched(rule: AgentRule, groups: dict[str, str | None], text: str, rules: AgentRules) -> Agent:
    """Read what a pattern matched: what its groups captured goes over what the words say."""
    agent = _describe(rule, text, text.lower(), rules)
    tables = _tables()
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
    is_ci = True if kind == "ci" else _read_ci(text, low)
    if not rule.platform:
        return Agent(name, version, kind, is_ci=is_ci)
    system, arch = _platform_words(text, low)
    system = rule.os or system
    runtime, runtime_version = (rule.runtime, rules.runtime_version_of(rule, text)) if rule.runtime else _read_runtime(low)
    distro, libc = (_read_stated(signs, text, low) for signs in (_tables().distros, _tables().libcs))
    environment = _environment(rule, low, system, is_ci=is_ci)
    return Agent(name, version, kind, system, arch, runtime, runtime_version, is_ci, environment, distro, libc, _read_host(low, system))


def _read_ci(text: str, low: str) -> bool | None:
    if "ci" not in low:
        return None
    if '"ci":true' in text or ("ci/" in low and _CI_NAME.search(low)) or ("; ci" in low and _CI_MARK.search(low)):
        return True
    return False if '"ci":false' in text else None


def _platform_words(text: str, low: str) -> tuple[str | None, str | None]:
    """Find the first operating system and architecture that an agent names."""
    tables = _tables()
    system = arch = None
    if text[:3] in ("pip", "uv/") and (found := _SYSTEM.search(text)) is not None:
        system = tables.os.get(found[1].lower())
        arch = tables.arch.get(found[1].lower()) if (found := _CPU.search(text)) is not None else None
        if system and arch:
            return system, arch
    if (place := low.find("kernel/")) >= 0:
        low = low[:place] + low[place:].partition(" ")[2]
    elif "-" in low:
        low = _KERNEL.sub("", low)
    if "mac os x" in low:
        system = system or "macos"
        arch = arch or ("amd64" if "intel mac os x" in low else None)
    for word in _WORD.findall(low):
        if system is None and (found_os := tables.os.get(word) or tables.os.get(word.rstrip("0123456789"))):
            system = found_os
        elif arch is None and word in tables.arch:
            arch = tables.arch[word]
            if system is not None:
                break
    return system, arch


def _read_runtime(low: str) -> tuple[str | None, str | None]:
    for name, sign, pattern in _tables().runtimes:
        if sign in low and (match := pattern.search(low)):
            found = next(group for group in match.groups() if group)
            return name, found
    return None, None


def _read_stated(signs: Sequence[tuple[str, re.Pattern[str]]], text: str, low: str) -> str | None:
    """Read what the first pattern that fits says, in the words of most clients."""
    for sign, pattern in signs:
        if sign in low and (match := pattern.search(text)):
            return _tables().spelled.get(match[1].lower(), match[1])
    return None


def _read_host(low: str, system: str | None) -> str | None:
    """Read the system of the machine that a virtual one runs on, where the agent tells it; None where it is the same."""
    if "upstreamclient(" not in low and "kernel/" not in low:
        return None
    for pattern, named in _tables().machines:
        if match := pattern.search(low):
            found = named or _tables().os.get(match[1])
            return found if found != system else None
    return None


def _environment(rule: AgentRule, low: str, system: str | None, *, is_ci: bool | None) -> str | None:
    if rule.environment:
        return rule.environment
    for name, words in _tables().environments:
        for word in words:
            if word in low:
                return name
    return "workstation" if system == "macos" and not is_ci else None


def _read_browser(text: str) -> Agent:
    """Read what calls itself Mozilla: the usual browsers at once, others through the `user-agents` library."""
    text = text[:_BROWSER_LENGTH]
    family = None if _USUAL_BROWSER.match(text) else next((name for sign, name in _SIGNS.items() if sign in text), None) or _ask_family(text)
    if family in ("bot", UNKNOWN):
        return Agent("bot", None, "bot") if family == "bot" else Agent()
    found = next(
        ((name, match[match.lastindex or 0]) for name, pattern in _BROWSERS if family in (None, name) and (match := pattern.search(text))), None
    )
    if found is None and family is None:
        return Agent()
    name, version = found or (family or UNKNOWN, None)
    low = text.lower()
    system = next((name for word, name in _BROWSER_SYSTEMS if word in low), None)
    arch = None if system in _MADE_UP_ARCH else _platform_words("", low.replace("win64; x64", "x64"))[1]
    return Agent(name, version, "browser", system, arch)


def _ask_family(text: str) -> str:
    return _ask_library(re.sub(r"[0-9]+", "0", text))


@lru_cache(maxsize=20_000)
def _ask_library(text: str) -> str:
    """Give the family of a browser in lower case, `bot`, or `unknown`."""
    import user_agents  # noqa: PLC0415 - slow to import, and few logs of registries need it

    found = user_agents.parse(text)
    if found.is_bot:
        return "bot"
    family = found.browser.family.lower()
    if family == "other" or not (found.is_pc or found.is_mobile or found.is_tablet):
        return UNKNOWN
    return next((known for known, _ in _BROWSERS if known in family), re.sub(r"[^a-z0-9]+", "-", family))


class _Tables(NamedTuple):
    os: dict[str, str]
    arch: dict[str, str]
    runtimes: tuple[tuple[str, str, re.Pattern[str]], ...]
    environments: tuple[tuple[str, tuple[str, ...]], ...]
    distros: tuple[tuple[str, re.Pattern[str]], ...]
    libcs: tuple[tuple[str, re.Pattern[str]], ...]
    spelled: dict[str, str]
    machines: tuple[tuple[re.Pattern[str], str | None], ...]


@cache
def _tables() -> _Tables:
    data = read_table("platforms-agents.toml")
    runtimes = tuple((name, row["sign"], re.compile(row["version"])) for name, row in data["runtime"].items())
    distros, libcs = (tuple((row["sign"], re.compile(row["pattern"])) for row in data[name]) for name in ("distro", "libc"))
    machines = tuple((re.compile(row["pattern"]), row.get("os")) for row in data["machine"])
    environments = tuple((name, tuple(words)) for name, words in data["environment"].items())
    return _Tables(data["os"], data["arch"], runtimes, environments, distros, libcs, data["spelled"], machines)
