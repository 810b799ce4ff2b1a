"""What counts as one: rules over runs of requests, before any filter.

pauses → rule → pulls, files, transfers, sessions, visits → reasons → rules (ours and others', by name and version)
"""

from pullstats.metrics.counting.pauses import DURATION, TIMES, find_longest
from pullstats.metrics.counting.pulls import DIGEST_COLUMNS, SEEN, find_tags, name_digests
from pullstats.metrics.counting.rule import (
    COUNTED,
    IMAGE_COLUMNS,
    INVOCATIONS,
    PULL_GAP,
    RUN_END,
    RUN_START,
    SESSION_GAP,
    SESSIONS,
    VISIT_GAP,
    CountingRule,
    Gaps,
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
    "PULLSTATS",
    "PULL_GAP",
    "RUN_END",
    "RUN_START",
    "SEEN",
    "SESSIONS",
    "SESSION_GAP",
    "TIMES",
    "VISIT_GAP",
    "CountingRule",
    "Gaps",
    "Reason",
    "Reasons",
    "Terms",
    "find_longest",
    "find_rule",
    "find_tags",
    "name_digests",
    "rule_of",
]
