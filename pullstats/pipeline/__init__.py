"""The straight line, twice: logs in, answers out. The one place that knows every stage."""

from pullstats.pipeline.answer import answer, export_daily, export_events, export_rejects, store_status
from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan, IngestSummary, Progress, ProgressHandler, SourceSummary

__all__ = [
    "IngestPlan",
    "IngestSummary",
    "Progress",
    "ProgressHandler",
    "SourceSummary",
    "answer",
    "export_daily",
    "export_events",
    "export_rejects",
    "ingest",
    "store_status",
]
