"""What the words of an agent tell: platform, runtime, distribution, host, CI and environment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from pullstats.enrich.agent_rules import AgentRule
from pullstats.enrich.tables import read_table

_SYSTEM: Final = re.compile(r'"system":\{"name":"([^"]{1,40})"')
_CPU: Final = re.compile(r'"cpu":"([^"]{1,40})"')
_KERNEL: Final = re.compile(r"(?<![0-9])[0-9]+\.[0-9]+\.[0-9]+-[0-9]+-[a-z0-9_]+")  # 5.10.0-23-amd64 says nothing of the client
_WORD: Final = re.compile(r"[a-z][a-z0-9]*(?:_[0-9]+)?|(?<![a-z0-9.])386(?![0-9.])")
CI_NAME: Final = re.compile(r"\bci/[a-z][a-z0-9_,-]*")
CI_MARK: Final = re.compile(r"; ?ci\b")


def read_ci(text: str, low: str) -> bool | None:
    """Tell whether an agent says that it runs in CI; None where it says nothing of it."""
    if "ci" not in low:
        return None
    if '"ci":true' in text or ("ci/" in low and CI_NAME.search(low)) or ("; ci" in low and CI_MARK.search(low)):
        return True
    return False if '"ci":false' in text else None


def platform_words(text: str, low: str) -> tuple[str | None, str | None]:
    """Find the first operating system and architecture that an agent names."""
    tables = platform_tables()
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


def read_runtime(low: str) -> tuple[str | None, str | None]:
    """Name the runtime that an agent names, and its version."""
    for name, sign, pattern in platform_tables().runtimes:
        if sign in low and (match := pattern.search(low)):
            found = next(group for group in match.groups() if group)
            return name, found
    return None, None


def read_stated(signs: Sequence[tuple[str, re.Pattern[str]]], text: str, low: str) -> str | None:
    """Read what the first pattern that fits says, in the words of most clients."""
    for sign, pattern in signs:
        if sign in low and (match := pattern.search(text)):
            return platform_tables().spelled.get(match[1].lower(), match[1])
    return None


def read_host(low: str, system: str | None) -> str | None:
    """Read the system of the machine that a virtual one runs on, where the agent tells it; None where it is the same."""
    if "upstreamclient(" not in low and "kernel/" not in low:
        return None
    for pattern, named in platform_tables().machines:
        if match := pattern.search(low):
            found = named or platform_tables().os.get(match[1])
            return found if found != system else None
    return None


def read_environment(rule: AgentRule, low: str, system: str | None, *, is_ci: bool | None) -> str | None:
    """Name where a client runs (`cluster`, `workstation`, …); None where nothing tells."""
    if rule.environment:
        return rule.environment
    for name, words in platform_tables().environments:
        for word in words:
            if word in low:
                return name
    return "workstation" if system == "macos" and not is_ci else None


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
def platform_tables() -> _Tables:
    """Load the words for platforms, `rules/platforms-agents.toml`."""
    data = read_table("platforms-agents.toml")
    runtimes = tuple((name, row["sign"], re.compile(row["version"])) for name, row in data["runtime"].items())
    distros, libcs = (tuple((row["sign"], re.compile(row["pattern"])) for row in data[name]) for name in ("distro", "libc"))
    machines = tuple((re.compile(row["pattern"]), row.get("os")) for row in data["machine"])
    environments = tuple((name, tuple(words)) for name, words in data["environment"].items())
    return _Tables(data["os"], data["arch"], runtimes, environments, distros, libcs, data["spelled"], machines)
