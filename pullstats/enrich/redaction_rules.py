r"""What is a secret, a user or an e-mail address, as patterns made of `rules/secrets.toml`.

Every pattern is one that both Rust's regex (whole columns at once) and Python's re (single texts, to
find the place of what was escaped) understand, with groups `before` and `after` around what is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final

from pullstats.enrich.tables import read_table

REDACTED: Final = "REDACTED"
ADDRESS: Final = "ADDRESS"
USER: Final = "USER"

PARAMETER_END: Final = re.compile(r"[&;#\s\"]")
"""What ends the value of a parameter."""

_EDGE_OF_NAME: Final = r"(?:^|[^0-9A-Za-z_%-])"
_WILD: Final = "[0-9A-Za-z_%-]*?"
"""What may stand before a name; never what a name may begin behind, so that no stretch is looked at twice."""
_WILD_KEY: Final = r"[\w.-]*?"
_INDEX: Final = r"(?:\]|\[[^\]=&\s]*\])*"
_SCHEME: Final = r"(?:(?:bearer|basic|token|digest|negotiate)[ +]+)?"
_EDGE: Final = r"(?:^|[\s\"'({,;&?|])"
_OPEN: Final = r"\\{0,3}[\"'`]"


@dataclass(frozen=True)
class Rule:
    """One kind of what is hidden.

    Attributes:
        pattern: groups `before` and `after`; what stands between them is hidden.
        placeholder: what stands there instead.
        hints: literals, lower case, one of which a text must hold; `^` for the beginning.
        exact: a pattern for Python alone that decides where `pattern` only suspects.
        is_parameter: what is hidden ends at a delimiter of parameters.
    """

    pattern: str
    placeholder: str
    hints: tuple[str, ...]
    exact: str | None = None
    is_parameter: bool = False

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The pattern for single texts."""
        return re.compile(self.exact or self.pattern)


def load_rules() -> dict[str, Any]:
    """Load `secrets.toml`."""
    return read_table("secrets.toml")


@cache
def rules_of_texts() -> tuple[Rule, ...]:
    """Give what is hidden in every text of an event and in rejected lines."""
    return (*_userinfo(), *_places(), *_parameters(), *_pairs(), *_shapes(is_folded=False), *_people())


@cache
def rules_of_domains() -> tuple[Rule, ...]:
    """Give what is hidden in host names, which are in lower case."""
    return (*_userinfo(), *_parameters(), *_shapes(is_folded=True), *_people())


@cache
def rules_of_rejects() -> tuple[Rule, ...]:
    """Give what is hidden in rejected lines besides: users and credentials where some format says that they stand."""
    kinds = load_rules()["rejects"]
    return (*(Rule(pattern, USER, ()) for pattern in kinds["users"]), *(Rule(pattern, REDACTED, ()) for pattern in kinds["secrets"]))


def _userinfo() -> tuple[Rule, ...]:
    table = load_rules()["coordinates"]
    schemes = "|".join(table["schemes"])
    host = rf"(?:\[[0-9a-f:.]+\]|localhost|(?!sha[0-9]+:|v?[0-9.]+/)[a-z0-9][\w-]*(?=/|:[0-9]{{1,5}}(?![0-9]))|(?!v?[0-9]+\.[0-9x])(?:[\w-]+\.)+(?!(?:{'|'.join(table['endings'])})\b)[^\W\d_]{{2,24}})"
    return (
        Rule(r"(?i)(?P<before>[a-z][a-z0-9+.-]{1,12}://)[^/\s?#\"'<>]+(?P<after>@)", REDACTED, ("@",)),
        # one that was cut before its @; a port is digits alone
        Rule(r"(?i)(?P<before>[a-z][a-z0-9+.-]{1,12}://)[^/\s?#\"'<>:@]+:[0-9]*[^/\s?#\"'<>@0-9][^/\s?#\"'<>@]*(?P<after>$)", REDACTED, ("://",)),
        Rule(r"(?P<before>(?:^|[^:\w])//)[^/\s?#\"':@]+:[^/\s?#\"]*(?P<after>@)", REDACTED, ("@",)),
        Rule(
            r"(?P<before>)[^\s/:@]:[^/\s]*(?P<after>@)",
            REDACTED,
            ("@",),
            exact=rf"(?i)(?P<before>(?<![\w.-]))(?![+]?(?:{schemes}):)[\w.%+~!$-]{{1,64}}:[^/\s\"'<>?#]{{0,256}}(?P<after>@{host})",
        ),
    )


def _places() -> tuple[Rule, ...]:
    return tuple(
        Rule(
            f"(?i){place['pattern']}" if "exact" not in place else place["pattern"],
            place.get("as", REDACTED),
            tuple(place["hints"]),
            place.get("exact"),
        )
        for place in load_rules()["place"]
    )


def _names(*lists: str) -> tuple[str, str]:
    """Write names as alternatives: those with anything before them, and the others."""
    names = [name for key in lists for name in load_rules()["names"][key]]
    starred = [name.removeprefix("*") for name in names if name.startswith("*")]
    exact = [name for name in names if not name.startswith("*")]
    return "|".join(map(_spell, starred)), "|".join(map(_spell, exact))


def _spell(name: str) -> str:
    return re.escape(name).replace(r"\-", "[-_.]?").replace(r"\*", "[0-9A-Za-z_.-]*").replace(r"\.", "[-_.]?")


def _any_of(*lists: str) -> str:
    starred, exact = _names(*lists)
    return f"(?:{_WILD}(?:{starred})|(?:{exact}))" if starred else f"(?:{exact})"


def _hints(*lists: str) -> tuple[str, ...]:
    """Give the shortest literal that any spelling of each name holds."""
    words = [max(re.split(r"[-_.*]", name), key=len) for key in lists for name in load_rules()["names"][key]]
    return tuple(sorted(set(words)))


def _parameters() -> tuple[Rule, ...]:
    return tuple(
        Rule(rf"(?i)(?P<before>{_EDGE_OF_NAME}{_any_of(*lists)}{_INDEX}%*=)[^&;#\s\"]+(?P<after>)", placeholder, ("=",), is_parameter=True)
        for lists, placeholder in ((("secrets", "parameters"), REDACTED), (("users",), USER))
    )


def _pairs() -> tuple[Rule, ...]:
    """Make rules of keys and values as JSON, headers, YAML and assignments write them."""
    rules = []
    for key, placeholder in (("secrets", REDACTED), ("users", USER)):
        names, hints = _any_of(key).replace(_WILD, _WILD_KEY), _hints(key)
        quoted = rf"{_OPEN}{names}{_OPEN}\s*(?::|=>?)\s*"
        rules += [
            Rule(rf"(?i)(?P<before>{quoted}{_OPEN})(?:[^\"\\]|\\[^\"])+(?P<after>)", placeholder, hints),
            Rule(rf"(?i)(?P<before>{quoted}\[)[^\]]+(?P<after>)", placeholder, hints),
            Rule(rf"(?i)(?P<before>{quoted})[^\s,\[\]{{}}\"'\\]+(?P<after>)", placeholder, hints),
            Rule(rf"(?i)(?P<before>{_EDGE}{names}\s*(?::\s+|\s=\s*|=\s+|[:=]\s*[\"']))({_SCHEME}[^\s,;\"'}}&]+)(?P<after>)", placeholder, hints),
        ]
    passwords = rf"(?:{_WILD_KEY}(?:password|passwd|passphrase|pwd|api[-_]?key|secret[-_]?key|access[-_]?key|private[-_]?key|(?:access|auth|refresh)[-_]?token))"
    named = r"x-[a-z-]*?(?:token|key|auth|secret|session)[a-z-]*"
    header = rf"(?i)(?P<before>{_EDGE}(?:(?:proxy-)?authorization|(?:set-)?cookie2?|{named})\s*:\s*)[^\"'\r\n]+(?P<after>)"
    once = header.replace(named, f"(?>{named})")  # whichever of its words is taken, the name ends where it ends
    return (
        *rules,
        Rule(rf"(?i)(?P<before>{_EDGE}{passwords}:)[^\s,;\"'}}&]+(?P<after>)", REDACTED, _hints("secrets")),
        Rule(header, REDACTED, ("authorization", "cookie", "x-"), exact=once),
    )


def _shapes(*, is_folded: bool) -> tuple[Rule, ...]:
    """Join shapes to as few patterns as their kinds allow."""
    rules = []
    for is_word in (False, True):
        shapes = [shape for shape in load_rules()["shape"] if shape.get("word", False) is is_word]
        parts = [shape["pattern"] if shape.get("case") and not is_folded else f"(?i:{shape['pattern']})" for shape in shapes]
        before = "(?P<before>^|[^0-9A-Za-z])" if is_word else "(?P<before>)"
        rules.append(Rule(f"{before}(?:{'|'.join(parts)})(?P<after>)", REDACTED, tuple(hint for shape in shapes for hint in shape["hints"])))
    return tuple(rules)


def _people() -> tuple[Rule, ...]:
    """Make the rule of e-mail addresses; packages with a version behind `@` are none."""
    endings = "|".join(load_rules()["coordinates"]["endings"])
    local, domain = r"[\w.!#$*+^`{|}~-]{1,64}", r"(?:[\w-]{1,63}\.){1,8}"
    return (
        Rule(
            r"(?P<before>)[\w.!#$*+^`{|}~-]@[\w-]+\.[\w.-]*\w(?P<after>)",
            USER,
            ("@",),
            exact=rf"(?i)(?P<before>(?<![\w.!#$*+^`{{|}}~@-]))(?!(?:git|{REDACTED}|{USER})@){local}@(?!v?[0-9]+\.[0-9x])(?!sha[0-9]+)"
            rf"{domain}(?!(?:{endings})(?![\w-]))[^\W\d_]{{2,24}}(?![\w-]|\.[\w-])(?P<after>)",
        ),
    )


def join_hints(rules: Iterable[Rule]) -> tuple[list[str], list[str]]:
    """Give the literals of some rules: those that stand anywhere, and those at the beginning."""
    hints: Sequence[str] = sorted({hint for rule in rules for hint in rule.hints})
    return [hint for hint in hints if not hint.startswith("^")], [hint[1:] for hint in hints if hint.startswith("^")]
