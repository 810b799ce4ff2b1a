"""pullstats: who pulls what, read from access logs, on one machine.

    from pullstats.pipeline.plan import IngestPlan
    from pullstats.pipeline.ingest import ingest
    from pullstats.metrics import Breakdown, Query
    from pullstats.pipeline.answer import answer
    from pullstats.store import open_store

`ingest(IngestPlan(("access.log",), Path("store")))` reads logs; `answer(Path("store"),
Breakdown(Query(metrics=("requests", "origins"), dimensions=("country",))))` gives a report;
`open_store("store").scan_events()` gives the events as a polars LazyFrame.
"""
