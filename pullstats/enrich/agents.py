"""Read user agents: client, version, kind, platform, runtime, CI, environment.

Rules are tables in `rules/agents/`; a rule says how an agent begins, and the longest beginning
that fits decides, so their order does not matter. Crawlers are known by words, browsers by the
`user-agents` library; what is left is `unknown`.

To add a client: a `[[rule]]` in a table of `rules/agents/` and a case in `tests/cases/agents/`.

Source: the clients' own sources, named in the samples' README; linehaul for pip's JSON.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import polars as pl

from pullstats.errors import InternalError

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
    },
)
UNKNOWN: Final = "unknown"
_LONGEST: Final = 4096
_BROWSER_LENGTH: Final = 400
_NO_VERSION: Final = ""
_VERSION: Final = r"^[^/\s]+(?: [^/\s\d]+)*[/ ]v?([0-9][^\s;,()]*)"
_INSTALLER: Final = re.compile(r'"installer":\{"name":"([^"]{1,40})"(?:,"version":"([^"]{1,60})")?')
_KERNEL: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+-[0-9]+-[a-z0-9_]+")  # 5.10.0-23-amd64 says nothing of the client
_CI: Final = re.compile(r'"ci":true|\bci/[a-z]|; ?CI\b')
_BROWSER_VERSIONS: Final = {
    "edge": re.compile(r"(?:Edg|Edge|EdgA|EdgiOS)/([0-9.]+)"),
    "firefox": re.compile(r"(?:Firefox|FxiOS)/([0-9.]+)"),
    "opera": re.compile(r"(?:OPR|Opera)/([0-9.]+)"),
    "chrome": re.compile(r"(?:Chrome|CriOS)/([0-9.]+)"),
    "safari": re.compile(r"Version/([0-9.]+)"),
}
_RULE_KEYS: Final = frozenset({"client", "kind", "starts", "words", "version", "os", "environment", "platform", "rank"})


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


@dataclass(frozen=True, slots=True)
class AgentRule:
    """How one client names itself.

    Attributes:
        client: canonical name.
        kind: kind of client.
        starts: beginnings of the agent, lower case.
        words: words anywhere in the agent, lower case (crawlers).
        version: pattern with one group, None if the agent states none.
        os: operating system the client exists on.
        environment: where the client runs.
        has_platform: whether the agent's platform is the client's.
        rank: rules of rank 1 are asked last.
    """

    client: str
    kind: str
    starts: tuple[str, ...]
    words: tuple[str, ...]
    version: re.Pattern[str] | None
    os: str | None
    environment: str | None
    has_platform: bool
    rank: int


def classify_agents(agents: pl.Series) -> pl.DataFrame:
    """Read distinct user agents.

    Args:
        agents: unescaped texts; `-`, nothing and null are unknown.

    Returns:
        A row per agent, columns of `AGENT_SCHEMA`; name and kind are `unknown` where no rule fits.
    """
    return pl.DataFrame([read_agent(text or "") for text in agents], schema=AGENT_SCHEMA, orient="row")


def read_agent(text: str) -> Agent:
    """Read one user agent; any text will do."""
    text = text[:_LONGEST].strip()
    low = text.lower()
    rule = _find_client(low) or _find_crawler(low)
    if rule is not None:
        return _describe(rule, text, low)
    if low.startswith(("mozilla/", "opera/")):
        return _read_browser(text[:_BROWSER_LENGTH])
    return Agent(is_ci=None)


def _find_client(low: str) -> AgentRule | None:
    starts, longest = _starts()
    if "gemstash/" in low:
        return starts["gemstash/"]
    if low.startswith("python/") and " aiohttp/" in low:
        return starts["aiohttp/"]
    for length in range(min(longest, len(low)), 0, -1):
        rule = starts.get(low[:length])
        if rule is not None and (low[length - 1] in "/ (;" or length == len(low) or not low[length].isalnum()):
            return rule
    return None


def _find_crawler(low: str) -> AgentRule | None:
    return next((rule for rule in _crawlers() if any(word in low for word in rule.words)), None)


def _describe(rule: AgentRule, text: str, low: str) -> Agent:
    name, kind, version = rule.client, rule.kind, _first_group(rule.version, text)
    if (installer := _INSTALLER.search(text)) is not None:
        named = _starts()[0].get(f"{installer[1].lower()}/")
        if named is not None:
            name, kind, version = named.client, named.kind, installer[2] or version
    is_ci = True if kind == "ci" or _CI.search(text) else False if '"ci":false' in text else None
    if not rule.has_platform:
        return Agent(name, version, kind, is_ci=is_ci)
    words = _platform_words(low)
    system = rule.os or words[0]
    runtime, runtime_version = _read_runtime(text)
    return Agent(name, version, kind, system, words[1], runtime, runtime_version, is_ci, _environment(rule, text, system, is_ci=is_ci))


def _first_group(pattern: re.Pattern[str] | None, text: str) -> str | None:
    match = pattern.search(text) if pattern else None
    found = next((group for group in match.groups() if group), None) if match else None
    return found.removeprefix("v") or None if found else None


def _platform_words(low: str) -> tuple[str | None, str | None]:
    """Find the first operating system and architecture that an agent names."""
    tables = _tables()
    low = _KERNEL.sub("", low)
    system = tables.os_pattern.search(low)
    arch = tables.arch_pattern.search(low)
    return (tables.os[system[1]] if system else None, tables.arch[arch[1]] if arch else None)


def _read_runtime(text: str) -> tuple[str | None, str | None]:
    for name, pattern in _tables().runtimes.items():
        if version := _first_group(pattern, text):
            return name, version
    return None, None


def _environment(rule: AgentRule, text: str, system: str | None, *, is_ci: bool | None) -> str | None:
    if rule.environment:
        return rule.environment
    for name, pattern in _tables().environments.items():
        if pattern.search(text):
            return name
    return "workstation" if system == "macos" and not is_ci else None


@lru_cache(maxsize=20_000)
def _read_browser(text: str) -> Agent:
    """Read what calls itself Mozilla through the `user-agents` library."""
    import user_agents  # noqa: PLC0415 - slow to import, and few logs of registries need it

    found = user_agents.parse(text)
    if found.is_bot:
        return Agent("bot", None, "bot")
    family = found.browser.family.lower()
    name = next((known for known in ("edge", "firefox", "opera", "chrome", "safari") if known in family), None)
    if name is None:
        return Agent()
    system = {"mac os x": "macos", "windows": "windows", "linux": "linux", "ubuntu": "linux", "android": "android", "ios": "ios"}
    os_name = system.get(found.os.family.lower())
    arch = None if os_name in {"macos", "android", "ios"} else _platform_words(text.lower().replace("win64; x64", "x64"))[1]
    return Agent(name, _first_group(_BROWSER_VERSIONS[name], text), "browser", os_name, arch)


class _Tables(NamedTuple):
    os: dict[str, str]
    arch: dict[str, str]
    os_pattern: re.Pattern[str]
    arch_pattern: re.Pattern[str]
    runtimes: dict[str, re.Pattern[str]]
    environments: dict[str, re.Pattern[str]]


@cache
def _tables() -> _Tables:
    data = tomllib.loads(files("pullstats.enrich.rules").joinpath("platforms-agents.toml").read_text(encoding="utf-8"))
    runtimes = {name: re.compile(pattern) for name, pattern in data["runtime"].items()}
    environments = {name: re.compile(pattern) for name, pattern in data["environment"].items()}
    return _Tables(data["os"], data["arch"], _any_word(data["os"]), _any_word(data["arch"]), runtimes, environments)


def _any_word(words: dict[str, str]) -> re.Pattern[str]:
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![a-z0-9])({'|'.join(map(re.escape, ordered))})(?![a-z]|[0-9]+[a-z.])")


@cache
def load_agent_rules() -> tuple[AgentRule, ...]:
    """Load all tables of `rules/agents/`.

    Raises:
        InternalError: a table holds an unknown key, or two rules claim one beginning.
    """
    rules = []
    folder = files("pullstats.enrich.rules").joinpath("agents")
    for table in sorted(folder.iterdir(), key=lambda entry: entry.name):
        for row in tomllib.loads(table.read_text(encoding="utf-8"))["rule"]:
            if unknown := set(row) - _RULE_KEYS:
                message = f"{table.name}: rule '{row.get('client')}' has unknown keys {sorted(unknown)}"
                raise InternalError(message)
            rules.append(_to_rule(row))
    return tuple(rules)


def _to_rule(row: dict[str, Any]) -> AgentRule:
    version = row.get("version", _VERSION)
    return AgentRule(
        row["client"],
        row["kind"],
        tuple(row.get("starts", ())),
        tuple(row.get("words", ())),
        None if version == _NO_VERSION else re.compile(version),
        row.get("os"),
        row.get("environment"),
        row.get("platform", True),
        row.get("rank", 0),
    )


@cache
def _starts() -> tuple[dict[str, AgentRule], int]:
    found: dict[str, AgentRule] = {}
    for rule in load_agent_rules():
        for start in rule.starts:
            if found.setdefault(start, rule) is not rule:
                message = f"agents that begin with '{start}' are claimed by {found[start].client} and {rule.client}"
                raise InternalError(message)
    return found, max(map(len, found))


@cache
def _crawlers() -> tuple[AgentRule, ...]:
    return tuple(sorted((rule for rule in load_agent_rules() if rule.words), key=lambda rule: (rule.rank, rule.client)))
