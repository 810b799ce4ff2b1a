"""What folding says that it will give is what it gives, whichever kinds of requests there are."""

from __future__ import annotations

import random
from datetime import timedelta

import polars as pl
import pytest

from pullstats.metrics.counting import COUNTING_RULES, SESSIONS, CountingRule, Pauses, Terms, rule_of
from support.crowd import NOON, Row, make_events, manifest, request

REFERENCES = ("latest", "v1", "sha256:" + "a" * 64)


def make_requests(rng: random.Random, kinds: str) -> list[Row]:
    """Make requests of some kinds: images, files, the hub's models and data sets, none."""
    rows = []
    for kind in kinds * 12:
        time, who = NOON + timedelta(seconds=rng.randrange(900)), rng.choice([1, 2, None])
        if kind == "i":
            rows.append(manifest(time, who, rng.choice(["GET", "HEAD"]), rng.choice(REFERENCES), rng.choice([200, 401, None])))
        elif kind == "f":
            rows.append(request(time, who, status=rng.choice([200, 206, 302, 304, 404]), path=f"/f-{rng.randrange(3)}.whl"))
        else:
            name = rng.choice(["config.json", "x.gguf", "data.parquet"])
            rows.append(request(time, who, ecosystem="huggingface", package="a/b", path=f"/a/b/resolve/main/{name}", method="GET"))
    return rows


@pytest.mark.parametrize("rule", [*COUNTING_RULES.values(), rule_of(SESSIONS)], ids=lambda rule: rule.label)
def test_columns_are_those_that_were_said(rule: CountingRule) -> None:
    rng = random.Random(rule.label)
    for kinds in ("", "i", "f", "h", "if", "ifh"):
        for is_timed in (False, True):
            events = make_events(make_requests(rng, kinds)).lazy().with_columns(source_rank=pl.lit(0, pl.Int64))
            terms = Terms(rule.defines, ("timestamp", "url_path", "package_version", "origin_id"), Pauses(), is_timed, ())
            counted = rule.count(events, terms)
            assert dict(counted.collect().schema) == dict(counted.collect_schema()), kinds
