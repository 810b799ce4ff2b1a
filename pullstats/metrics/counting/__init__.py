"""What counts as one: rules over runs of requests, before any filter.

rule → pulls, files, sessions → rules (ours and others', by name and version)
"""

from pullstats.metrics.counting.pulls import IS_MANIFEST, find_tags, name_digests
from pullstats.metrics.counting.rule import COUNTED, IMAGE_COLUMNS, PULL_GAP, RUN_END, RUN_START, SESSION_GAP, CountingRule, Gaps
from pullstats.metrics.counting.rules import COUNTING_RULES, PULLSTATS, find_rule
from pullstats.metrics.counting.sessions import INVOCATIONS, SESSION_COLUMNS, count_invocations

__all__ = [
    "COUNTED",
    "COUNTING_RULES",
    "IMAGE_COLUMNS",
    "INVOCATIONS",
    "IS_MANIFEST",
    "PULLSTATS",
    "PULL_GAP",
    "RUN_END",
    "RUN_START",
    "SESSION_COLUMNS",
    "SESSION_GAP",
    "CountingRule",
    "Gaps",
    "count_invocations",
    "find_rule",
    "find_tags",
    "name_digests",
]
