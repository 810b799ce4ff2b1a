"""What counts as one: rules over islands of requests, before any filter.

pauses → rule → pulls, files, transfers, sessions, visits → reasons → rules (ours and others', by name and version)
"""

from pullstats.metrics.counting.digest_tags import DIGEST_COLUMNS, SEEN, find_tags, name_digests
from pullstats.metrics.counting.pauses import DURATION, TIMES, find_longest
from pullstats.metrics.counting.rule import (
    COUNTED,
    IMAGE_COLUMNS,
    INVOCATIONS,
    ISLAND_END,
    ISLAND_START,
    PULL_GAP,
    SESSION_GAP,
    SESSIONS,
    VISIT_GAP,
    CountingRule,
    Pauses,
    Reason,
    Reasons,
    Terms,
)
from pullstats.metrics.counting.rules import COUNTING_RULES, PULLSTATS, find_rule, rule_of

__all__ = [
    "COUNTED",
    "COUNTING_RULES",
    "DIGEST_COLUMNS",
    "DURATION",
    "IMAGE_COLUMNS",
    "INVOCATIONS",
    "ISLAND_END",
    "ISLAND_START",
    "PULLSTATS",
    "PULL_GAP",
    "SEEN",
    "SESSIONS",
    "SESSION_GAP",
    "TIMES",
    "VISIT_GAP",
    "CountingRule",
    "Pauses",
    "Reason",
    "Reasons",
    "Terms",
    "find_longest",
    "find_rule",
    "find_tags",
    "name_digests",
    "rule_of",
]
