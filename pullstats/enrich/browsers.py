"""Read what calls itself Mozilla: which browser it is, if it is one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from pullstats.enrich.agent import UNKNOWN, Agent
from pullstats.enrich.agent_words import platform_words
from pullstats.enrich.browser_library import BOT, OTHER, find_browser_family

_BROWSER_LENGTH: Final = 400
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


def read_browser(text: str) -> Agent:
    """Read what calls itself Mozilla: the usual browsers at once, others through the patterns of `ua-parser`."""
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
    arch = None if system in _MADE_UP_ARCH else platform_words("", low.replace("win64; x64", "x64"))[1]
    return Agent(name, version, "browser", system, arch)


def _ask_family(text: str) -> str:
    return _ask_library(re.sub(r"[0-9]+", "0", text))


@lru_cache(maxsize=20_000)
def _ask_library(text: str) -> str:
    """Give the family of a browser in lower case, `bot`, or `unknown`."""
    family = find_browser_family(text)
    if family in {BOT, OTHER}:
        return BOT if family == BOT else UNKNOWN
    return next((known for known, _ in _BROWSERS if known in family), re.sub(r"[^a-z0-9]+", "-", family))
