"""Unusual browsers: what the library user-agents, which tries every pattern, makes of them; and no pattern is passed over that fits."""

from __future__ import annotations

import json
import random
import re
from typing import Final

import user_agents
from hypothesis import given
from hypothesis import strategies as st
from ua_parser import load_lazy_builtins

from pullstats.enrich.browser_library import find_browser_family
from pullstats.enrich.required_texts import find_required_texts
from support.effort import count_examples, examples, some
from support.places import DATA

CRAWLERS: Final = [json.loads(line) for line in (DATA / "agents" / "crawler_instances.jsonl").read_text().splitlines()]
PARTS: Final = (
    *("Mozilla/5.0", "Opera/9.80", "(", ")", ";", "compatible", "KHTML, like Gecko", "Version/12.0", "Safari/605.1", "Mobile Safari/537", "Mobile"),
    *("Windows NT 10.0; Win64; x64", "Windows NT 6.2; ARM;", "Windows 98", "Win 9x 4.90", "Windows Phone OS 7.5", "Windows CE", "X11; Linux x86_64"),
    *("Macintosh; Intel Mac OS X 10_15_7", "iPhone; CPU iPhone OS 16_5 like Mac OS X", "iPad; CPU OS 9_3 like Mac OS X", "CrOS x86_64 14541.0.0"),
    *(
        "Linux; Android 13; SM-S901B",
        "Linux; Android 7.0; SM-T827R4 Build/NRD90M",
        "BB10; Touch",
        "BlackBerry9900",
        "SunOS i86pc",
        "Maemo",
        "Tizen 2.3",
    ),
    *(
        "Mobile; rv:26.0",
        "PlayStation Vita 3.61",
        "Kindle/3.0",
        "Silk/3.13",
        "Nintendo Switch",
        "SymbianOS/9.4",
        "MIDP-2.1",
        "NokiaBrowser/7.4",
        "KAIOS/2.5",
    ),
    *(
        "Chrome/114.0.0.0",
        "Firefox/114.0",
        "FxiOS/36",
        "CriOS/120.0",
        "MSIE 9.0",
        "Trident/7.0",
        "UCBrowser/11.3",
        "SamsungBrowser/21.0",
        "Vivaldi/6",
    ),
    *(
        "YaBrowser/23.5",
        "Presto/2.12",
        "Opera Mini/8.0",
        "Konqueror/4.14",
        "Lynx/2.8",
        "Dillo/3.0",
        "SeaMonkey/2.53",
        "Iceweasel/38.8",
        "PaleMoon/31",
    ),
    *("Googlebot/2.1", "bot", "Spider/1.0", "Thunderbird/102", "Outlook 16.0", "K", "ſ", "\\1", "é", "crawler", "CFNetwork/1404", "Electron/25"),
)
AGENTS: Final = st.lists(st.sampled_from(PARTS) | st.text(max_size=6), min_size=1, max_size=9).map(" ".join)


def find_by_all_patterns(text: str) -> str:
    found = user_agents.parse(text)
    family = found.browser.family.lower()
    if found.is_bot:
        return "bot"
    return family if found.is_pc or found.is_mobile or found.is_tablet else "other"


def test_crawlers_and_their_disguises_are_told_as_by_all_patterns() -> None:
    for text in some([row["agent"] for row in CRAWLERS], of=8):
        assert find_browser_family(text) == find_by_all_patterns(text), text


@given(AGENTS)
@examples(100)
def test_any_browser_is_told_as_by_all_patterns(text: str) -> None:
    assert find_browser_family(text) == find_by_all_patterns(text)


def test_nearly_every_pattern_can_be_passed_over() -> None:
    for matchers in load_lazy_builtins():
        assert sum(not find_required_texts(matcher.regex) for matcher in matchers) <= len(matchers) * 0.02


def repeat(rng: random.Random, pattern: str, match: str) -> tuple[str, str]:
    """Let something come as often as a quantifier says."""
    often, counts = rng.choice([("?", (0, 1)), ("*", (0, 2)), ("*?", (0, 2)), ("+", (1, 2)), ("{2}", (2,)), ("{0,3}", (0, 3)), ("{,2}", (0, 2))])
    return f"{pattern}{often}", match * rng.choice(counts)


def make_pattern(rng: random.Random, depth: int = 2, *, repeats: bool = True) -> tuple[str, str]:
    """Make a regular expression, and a text that it matches; nothing in what repeats repeats, which takes for ever."""
    found: list[tuple[str, str]] = []
    for kind in rng.choices(["text", "one", "repeated", *(["group", "either", "ahead"] if depth else [])], k=rng.randint(1, 4)):
        one = rng.choice([("[]b-c|)(]", ")"), (r"\d", "7"), (".", "x"), ("{", "{"), ("a", "a"), (r"\.", ".")])
        if kind == "text":
            text = "".join(rng.choices("abc-/ ", k=rng.randint(1, 4)))
            found.append((text, text))
        elif kind in {"one", "repeated"}:
            found.append(repeat(rng, *one) if kind == "repeated" and repeats else one)
        elif kind == "ahead":
            found.append((rng.choice(["(?!zzz)", "(?=.|$)", "(?<!zzz)"]), ""))
        else:
            is_repeated = repeats and rng.random() < 0.5
            inner, match = make_pattern(rng, depth - 1, repeats=repeats and not is_repeated)
            other = f"|{make_pattern(rng, depth - 1, repeats=False)[0]}" if kind == "either" else ""
            group = rng.choice(["(", "(?:", "(?=.|$)("]) + inner + other + ")"
            found.append(repeat(rng, group, match) if is_repeated else (group, match))
    return "".join(pattern for pattern, _ in found), "".join(match for _, match in found)


def test_what_a_pattern_matches_holds_what_it_requires() -> None:
    rng = random.Random(1)
    for _ in range(count_examples(2_000)):
        pattern, text = make_pattern(rng)
        assert re.search(pattern, text), (pattern, text)
        required = find_required_texts(pattern)
        assert not required or any(needed in text for needed in required), (pattern, text)
