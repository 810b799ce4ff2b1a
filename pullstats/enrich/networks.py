"""Tell whose network an address lies in: kind of network and cloud.

    AS number and name ─► rules/networks/owners.toml ─► network_type, cloud_provider

That needs no address and can be derived again from the store; what does is in `own_networks.py`.

Source: `owners.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl

from pullstats.enrich.tables import RuleRow, check_keys, load_bundled

TYPES: Final = ("private", "government", "education", "cloud", "hosting", "isp", "business")
NETWORK_SCHEMA: Final = pl.Schema({"network_type": pl.String(), "cloud_provider": pl.String()})
_KEYS: Final = ("name", "type", "cloud_provider", "as_numbers", "words", "samples")


@dataclass(frozen=True, slots=True)
class NetworkRule:
    """What some autonomous systems are.

    Attributes:
        type: one of `TYPES`.
        cloud_provider: whose cloud, None if it is no cloud.
        as_numbers: numbers of the systems.
        words: beginnings of words in their owners' names, lower case.
        is_own: the user's own, which goes over the bundled ones.
    """

    type: str
    cloud_provider: str | None
    as_numbers: tuple[int, ...]
    words: tuple[str, ...]
    is_own: bool = False


class NetworkRules:
    """All rules on autonomous systems, ready to be asked."""

    def __init__(self, rules: Iterable[NetworkRule]) -> None:
        """Index rules, in any order; a user's own are asked first."""
        ordered = sorted(rules, key=lambda rule: (not rule.is_own, rule.cloud_provider is None, TYPES.index(rule.type), rule.words))
        self._numbers = {number: rule for rule in reversed(ordered) for number in rule.as_numbers}
        self._words = [(_words_pattern(rule.words), rule) for rule in ordered if rule.words]
        self._known: dict[tuple[int | None, str | None], tuple[str | None, str | None]] = {}

    def classify(self, numbers: pl.Series, names: pl.Series) -> pl.DataFrame:
        """Tell what networks are.

        Args:
            numbers: AS numbers.
            names: names of their owners.

        Returns:
            A row each, columns of `NETWORK_SCHEMA`, null where no rule knows the network.
        """
        pairs = pl.DataFrame({"number": numbers.cast(pl.Int64), "name": names.cast(pl.String)})
        distinct = pairs.unique(maintain_order=True)
        rows = [self._classify(number, name) for number, name in distinct.iter_rows()]
        answers = distinct.hstack(pl.DataFrame(rows, schema=NETWORK_SCHEMA, orient="row"))
        joined = pairs.join(answers, on=["number", "name"], how="left", nulls_equal=True, maintain_order="left")
        return joined.select(NETWORK_SCHEMA.names())

    def _classify(self, number: int | None, name: str | None) -> tuple[str | None, str | None]:
        if (number, name) not in self._known:
            self._known[number, name] = self._find(number, (name or "").lower())
        return self._known[number, name]

    def _find(self, number: int | None, name: str) -> tuple[str | None, str | None]:
        rule = self._numbers.get(number) if number is not None else None
        if rule is None and name:
            rule = next((rule for pattern, rule in self._words if pattern.search(name)), None)
        return (rule.type, rule.cloud_provider) if rule else (None, None)


def _words_pattern(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, sorted(words)))})")


def network_rule(row: RuleRow) -> NetworkRule:
    """Read one `[[network]]`.

    Raises:
        InputError: a key or type that cannot be.
    """
    values = check_keys(row, _KEYS, needed=("type",), lists=("words", "samples"), others=("as_numbers",))
    if values["type"] not in TYPES:
        raise row.unknown("type", values["type"], TYPES)
    numbers = values.get("as_numbers", [])
    if not isinstance(numbers, list) or not all(isinstance(number, int) for number in numbers):
        raise row.fail("needs a list of numbers as as_numbers")
    if not numbers and not values.get("words"):
        raise row.fail("says no network: give as_numbers or words")
    if values.get("words") and not values.get("samples") and not row.is_own:
        raise row.fail("has words and no samples: give at least one name of an operator that it reads")
    words = tuple(word.lower() for word in values.get("words", ()))
    return NetworkRule(values["type"], values.get("cloud_provider"), tuple(numbers), words, row.is_own)


@cache
def _bundled() -> tuple[NetworkRule, ...]:
    return tuple(network_rule(row) for row in load_bundled("networks", "network"))


def load_network_rules(own: Sequence[RuleRow] = ()) -> NetworkRules:
    """Load the bundled rules with a user's own over them.

    Raises:
        InputError: a rule that cannot be used.
    """
    mine = [network_rule(row) for row in own]
    rules = NetworkRules([*_bundled(), *mine])
    for row, rule in zip(own, mine, strict=True):
        for sample in row.values.get("samples", ()):
            if rules.classify(pl.Series([None], dtype=pl.Int64), pl.Series([sample])).row(0)[0] != rule.type:
                raise row.fail(f"does not read its sample '{sample[:200]}'; correct words")
    return rules
