"""What counts as one: rules over runs of requests, before any filter.

rule → pulls, files, sessions → rules (ours and others', by name and version)
"""

from pullstats.metrics.counting.pulls import DIGEST_COLUMNS, SEEN, find_tags, name_digests
from pullstats.metrics.counting.rule import COUNTED, IMAGE_COLUMNS, PULL_GAP, RUN_END, RUN_START, SESSION_GAP, CountingRule, Gaps, Terms
from pullstats.metrics.counting.rules import COUNTING_RULES, PULLSTATS, find_rule
from pullstats.metrics.counting.sessions import INVOCATIONS, SESSION_COLUMNS, count_invocations

__all__ = [
    "COUNTED",
    "COUNTING_RULES",
    "DIGEST_COLUMNS",
    "IMAGE_COLUMNS",
    "INVOCATIONS",
    "PULLSTATS",
    "PULL_GAP",
    "RUN_END",
    "RUN_START",
    "SEEN",
    "SESSION_COLUMNS",
    "SESSION_GAP",
    "CountingRule",
    "Gaps",
    "Terms",
    "count_invocations",
    "find_rule",
    "find_tags",
    "name_digests",
]
