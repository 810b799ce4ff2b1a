"""What the patterns of ua-parser make of an unusual browser: its family, or that it is a bot.

The first of some hundred patterns that fits decides, so a text is held against those alone whose required texts it holds, and
no other is compiled. What counts as a person's device is what the library `user-agents` 2.2 takes for one.

Sources: https://github.com/ua-parser/uap-python (Apache-2.0), https://github.com/selwin/python-user-agents (MIT), `parsers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final, NamedTuple

from pullstats.enrich.required_texts import find_required_texts

BOT: Final = "bot"
OTHER: Final = "other"

_CARRIED: Final = frozenset(
    {
        *("iPad", "BlackBerry Playbook", "Blackberry Playbook", "Kindle", "Kindle Fire", "Kindle Fire HD", "Galaxy Tab", "Xoom", "Dell Streak"),
        *("iPhone", "iPod", "Generic Smartphone", "Generic Feature Phone", "PlayStation Vita", "iOS-Device"),
    }
)
_PHONE_BROWSERS: Final = frozenset({"IE Mobile", "Opera Mobile", "Opera Mini", "Chrome Mobile", "Chrome Mobile WebView", "Chrome Mobile iOS"})
_PHONE_SYSTEMS: Final = frozenset(
    {"Android", "Firefox OS", "Windows Phone", "Windows Phone OS", "Symbian OS", "Bada", "Windows CE", "Windows Mobile", "Maemo"}
)
_PHONE_WORDS: Final = ("J2ME", "MIDP", "iPhone;", "Googlebot-Mobile")
_PC_SYSTEMS: Final = frozenset({"Windows 95", "Windows 98", "Solaris"})


class _Pattern(NamedTuple):
    """A pattern of the library, with the texts of which it needs one: none if nothing is known, in lower case where case means nothing."""

    match: Callable[[str], Any]
    required: tuple[str, ...]
    is_caseless: bool


def find_browser_family(text: str) -> str:
    """Give the family of a browser in lower case; `bot`; or `other` for what is no browser, or on no device of a person's.

    Args:
        text: the agent.
    """
    browsers, systems, devices = _patterns()
    device = _ask(devices, text)
    if device is not None and device.family == "Spider":
        return BOT
    browser = _ask(browsers, text)
    if browser is None:
        return OTHER
    system = _ask(systems, text)
    is_persons = (
        _is_pc(text, system)
        or _is_carried(system, OTHER if device is None else device.family, browser.family)
        or any(word in text for word in _PHONE_WORDS)
        or ("NokiaBrowser" in text and "Mobile" in text)
    )
    return browser.family.lower() if is_persons else OTHER


def _is_pc(text: str, system: Any) -> bool:
    """Tell computers on desks and laps."""
    family = OTHER if system is None else system.family
    if "Windows NT" in text or family in _PC_SYSTEMS or (family == "Windows" and _version(system) == "ME"):
        return True
    if family == "Mac OS X" and "Silk" not in text:
        return True
    return "Maemo" not in text and ("Chrome OS" in family or ("Linux" in text and "X11" in text))


def _is_carried(system: Any, device: str, browser: str) -> bool:
    """Tell tablets and phones."""
    family = OTHER if system is None else system.family
    if device in _CARRIED or browser in _PHONE_BROWSERS or family in _PHONE_SYSTEMS:
        return True
    return (family == "Windows" and _version(system).startswith("RT")) or (family == "BlackBerry OS" and device != "Blackberry Playbook")


def _version(system: Any) -> str:
    return ".".join(part for part in (system.major, system.minor, system.patch) if part is not None)


def _ask(patterns: tuple[_Pattern, ...], text: str) -> Any:
    """Give what the first pattern that fits says, None if none does."""
    # What stands for a letter in either case goes beyond ASCII: such a text is held against all of them.
    low = text.lower() if text.isascii() else None
    for match, required, is_caseless in patterns:
        searched = low if is_caseless else text
        if required and searched is not None:
            for needed in required:
                if needed in searched:
                    break
            else:
                continue
        with suppress(TypeError, ValueError):  # It fits without the group that names what it found: the next ones are asked.
            found = match(text)
            if found is not None and found.family:
                return found
    return None


@cache
def _patterns() -> tuple[tuple[_Pattern, ...], tuple[_Pattern, ...], tuple[_Pattern, ...]]:
    """Load the patterns of browsers, systems and devices; each is compiled when it is tried first."""
    from ua_parser import load_lazy_builtins  # noqa: PLC0415 - slow to import, and few logs of registries need it

    browsers, systems, devices = (tuple(_describe(matcher) for matcher in matchers) for matchers in load_lazy_builtins())
    return browsers, systems, devices


def _describe(matcher: Any) -> _Pattern:
    is_caseless = getattr(matcher, "regex_flag", None) == "i"
    if is_caseless and not matcher.regex.isascii():
        return _Pattern(matcher, (), is_caseless)
    return _Pattern(matcher, find_required_texts(matcher.regex.lower() if is_caseless else matcher.regex), is_caseless)
