"""Events to numbers: a question is metrics × dimensions × window × filters × counting rule.

Query  →  plan, with the events it reads  →  partial tables, read once  →  folded rows, totals, others  →  Report

    what is asked     query; plan: the same with its names looked up; store_events: what it reads
    what is counted   definitions, dimensions, levels, counting/ (what is one), islands, source_order
    when              question_window, time/
    which events      filtering/
    of whom           aggregation (events to partials), rule_counts, partitions (part by part), folding (partials to rows)
    questions         questions/: a file each, a value that answers for itself; over_time/, comparing/ and answers/ help them

To add a question: a value with a `query` and an `answer` (see `question`), and its command.
"""

from pullstats.metrics.counting import COUNTING_RULES
from pullstats.metrics.definitions import METRICS
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.extent import Extent
from pullstats.metrics.levels import UNIQUE_LEVELS, find_unique_metric
from pullstats.metrics.query import Query
from pullstats.metrics.questions.breakdown import Breakdown
from pullstats.metrics.questions.daily import DAILY_METRICS, Daily
from pullstats.metrics.store_events import StoreEvents, prepare_events
from pullstats.metrics.time.dates import Annotation

__all__ = [
    "COUNTING_RULES",
    "DAILY_METRICS",
    "DIMENSIONS",
    "METRICS",
    "UNIQUE_LEVELS",
    "Annotation",
    "Breakdown",
    "Daily",
    "Extent",
    "Query",
    "StoreEvents",
    "find_unique_metric",
    "prepare_events",
]
