"""Measure pullstats beside GoAccess and DuckDB: one run, one machine, the contestants in turn.

    python bench/run.py --lines 3000000 --rounds 3

Every group runs round by round (each contestant once, then each again), so that a slow minute of the machine hits all of them.
Prints the tables and writes bench/RESULTS.md. What is not installed is a row that says so. Nothing here asserts a time.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import clickhouse
import contestants
import goals
import questions
import readme
import results
import rewrite
import runs
from answers import same_answers
from contestants import PULLSTATS, Contestant, ingest_contestants, pullstats_ingest
from inputs import SMALL_LINES, SUFFIXES, prepare_input, remove, small_logs
from measure import Series, run_once
from questions import EVENTS, QUESTIONS, list_store_files, question_contestants

if TYPE_CHECKING:
    from collections.abc import Sequence

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
GROUPS = ("ingest", "million", "inputs", "vendors", "distinct", "scaling", "start", "short", "appends", "growth", "small", *QUESTIONS)
FORMATS_GROUP = "formats"  # long: only where it is asked for
TITLES = {
    "ingest": "Ingest of one nginx combined log",
    "million": "The same of 1,000,000 lines",
    "vendors": "The same requests in formats that take longest: a fifth of the lines, written five times",
    "distinct": "400,000 lines, each of another path, agent and address",
    "scaling": "One worker and two",
    "short": "Short runs: whole processes",
    "appends": "1,000 appends of 20 lines, and reports",
    "inputs": "The same lines as plain text, gzip, JSON lines, and in CloudWatch's envelopes",
    "start": "Start-up",
    "growth": "Growth: one and four times the lines",
    "small": "A folder of 1,000 small logs, 20 lines each",
    "formats": "The same requests in every format and wrapper: a fifth of the lines, written five times",
    **{name: f"{question.title}; {EVENTS:,} events of {question.days} days" for name, question in QUESTIONS.items()},
}
GROWTH = 4
MILLION = 1_000_000
DISTINCT = 400_000
VENDORS = ("caddy", "cloudfront", "traefik-json", "aws-alb")
REPEATED = 5  # what is measured is how a format is read, not how fast new addresses are looked up


def group_contestants(name: str, options: argparse.Namespace) -> list[Contestant]:
    """List the contestants of a group and make their inputs."""
    work, lines, seed = options.work, options.lines, options.seed
    if name in ("ingest", "million"):
        count = MILLION if name == "million" else lines
        log = prepare_input(work, count, seed, "combined")
        return [*ingest_contestants(log, count, work), *clickhouse.clickhouse_ingest(log, count, work)]
    if name == "distinct":
        runs.write_distinct(work / "distinct.log", DISTINCT, seed)
        return [pullstats_ingest("pullstats ingest", work / "distinct.log", DISTINCT, work / "store-distinct")]
    if name == "scaling":
        return runs.scaling_contestants(prepare_input(work, lines, seed, "combined"), lines, work)
    if name == "short":
        return runs.short_contestants(prepare_input(work, lines, seed, "combined"), work, environment(work))
    if name == "inputs":
        return [
            pullstats_ingest(f"pullstats ingest, {shape}", prepare_input(work, lines, seed, shape), lines, work / f"store-{shape}")
            for shape in SUFFIXES
        ]
    if name == "small":
        return [pullstats_ingest("pullstats ingest, 1,000 logs", small_logs(work, seed), results.SMALL_LOGS * SMALL_LINES, work / "store-small")]
    if name == "start":
        return [Contestant("pullstats --help", (*PULLSTATS, "--help"))]
    if name in QUESTIONS:
        return [*question_contestants(name, question_store(options, name), work), *clickhouse.clickhouse_question(name, work)]
    return [
        pullstats_ingest(
            f"pullstats ingest, {lines * times:,} lines",
            prepare_input(work, lines * times, seed, "combined"),
            lines * times,
            work / "store-growth",
        )
        for times in (1, GROWTH)
    ]


def measure_formats(options: argparse.Namespace, shapes: Sequence[str]) -> tuple[list[Series], list[str]]:
    """Measure the same requests in some shapes, one after the other: all at once would fill the disk."""
    log = prepare_input(options.work, options.lines // REPEATED, options.seed, "combined")
    measured, commands = [], []
    for shape in shapes:
        path = options.work / f"formats-{shape}.log"
        lines = rewrite.rewrite(log, path, shape, REPEATED)
        contestant = pullstats_ingest(shape, path, lines, options.work / "store-format")
        measured += measure_group([contestant], options)
        commands.append(shown_command(contestant, options.work))
        remove(path)
    return measured, commands[:1]


def environment(work: Path) -> dict[str, str]:
    """Give what every process sees: the key lies in the work folder, so that a measurement leaves nothing in the user's own configuration."""
    return {**os.environ, "PULLSTATS_KEY_FILE": str(work / "key"), "PYTHONDONTWRITEBYTECODE": ""}


def measure_group(found: list[Contestant], options: argparse.Namespace, rounds: int = 0) -> list[Series]:
    """Run the contestants in turn, round after round; one that fails is not run again."""
    measured = [Series(one.name, one.lines, note=one.missing) for one in found]
    for number in range(1, max(options.rounds, rounds) + 1):
        for contestant, series in zip(found, measured, strict=True):
            if series.note:
                continue
            remove(contestant.output)
            run = run_once(contestant.command, ROOT, environment(options.work), options.work)
            if run.code:
                series.note, series.runs = f"failed with {run.code}: {run.complaint[:120]}", []
            else:
                series.runs.append(run)
            print(f"  round {number}  {run.wall:8.2f} s  {series.name}{'  ' + series.note if series.note else ''}", file=sys.stderr)
    return measured


def question_store(options: argparse.Namespace, name: str) -> Path:
    """Name the store that a question is asked of."""
    work: Path = options.work
    return work / f"store-questions-{QUESTIONS[name].days}d"


def ensure_store(options: argparse.Namespace, name: str) -> str:
    """Make the store that a question is asked of, once a run; says what went wrong, if anything."""
    store = question_store(options, name)
    if store not in options.made:
        log = prepare_input(options.work, EVENTS, options.seed, "combined", QUESTIONS[name].days)
        once = argparse.Namespace(**{**vars(options), "rounds": 1})
        measure_group([pullstats_ingest(f"ingest of {EVENTS:,} lines", log, EVENTS, store)], once)
        options.made.add(store)
    return list_store_files(store, options.work)


def shown_command(contestant: Contestant, work: Path) -> str:
    """Write a command as a reader can repeat it: `python` for the interpreter, `WORK` for the folder."""
    return (contestant.shown or " ".join(contestant.command)).replace(sys.executable, "python").replace(str(work), "WORK")


def write_results(
    options: argparse.Namespace,
    seen: dict[str, list[Series]],
    commands: dict[str, list[str]],
    found: list[goals.Goal],
) -> None:
    """Write RESULTS.md."""
    parts = [
        "# Measurements",
        (
            f"{datetime.now(UTC):%Y-%m-%d}. {options.lines:,} lines (seed {options.seed}), {options.rounds} rounds in turn. "
            f"Made by `python bench/run.py --lines {options.lines} --rounds {options.rounds} --only {','.join(options.only)}`. "
            "Wall: median of the rounds; peak: largest resident set of all rounds."
        ),
        results.markdown_table(results.machine(), ("machine", "")),
        "## Goals",
        results.markdown_table(goals.goal_rows(found), ("goal", "result", "reached")),
    ]
    for name, series in seen.items():
        parts += [f"## {TITLES[name]}", results.markdown_table(results.table_rows(series)), "```\n" + "\n".join(commands[name]) + "\n```"]
    programs = {
        "DUCKDB_REGEX": contestants.DUCKDB_REGEX,
        "DUCKDB_CSV": contestants.DUCKDB_CSV,
        "DUCKDB": questions.DUCKDB,
        "EXTRACTGROUPS": clickhouse.GROUPS,
        "SPLITBYCHAR": clickhouse.SPLIT,
        "CLICKHOUSE": clickhouse.ASK,
        "WORKERS": runs.WORKERS,
    }
    scripts = "\n".join(f"{name} = {text.strip()}\n" for name, text in programs.items())
    queries = "\n\n".join(
        f"-- {name.upper()}\n{(question.query or question.beside).strip()}"
        for name, question in QUESTIONS.items()
        if question.query or question.beside
    )
    parts += [
        "## The programs",
        "The other forms of ingest split lines and enrich nothing.",
        f"```python\n{scripts}```",
        f"```sql\n{queries}\n```",
        "The same in ClickHouse's dialect:",
        f"```sql\n{clickhouse.shown_queries()}\n```",
    ]
    options.results.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=3_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help=f"groups to run, comma-separated: {', '.join(GROUPS)}", default=",".join(GROUPS))
    parser.add_argument("--work", type=Path, default=BENCH / "work", help="folder of inputs and outputs; inputs are reused")
    parser.add_argument("--results", type=Path, default=BENCH / "RESULTS.md")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - {*GROUPS, FORMATS_GROUP}:
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join((*GROUPS, FORMATS_GROUP))}")
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    options.made = set()
    return options


def measure(name: str, options: argparse.Namespace, problem: str) -> tuple[list[Series], list[str]]:
    """Measure a group; give what came out, and the commands."""
    if name in (FORMATS_GROUP, "vendors"):
        return measure_formats(options, rewrite.shapes() if name == FORMATS_GROUP else VENDORS)
    if name == "appends":
        log = prepare_input(options.work, options.lines, options.seed, "combined")
        script = BENCH / "appends.py"
        return runs.measure_appends(script, log, options.work, environment(options.work)), [f"python bench/appends.py --log {log.name} --work WORK"]
    found = group_contestants(name, options)
    commands = [shown_command(one, options.work) for one in found]
    if problem:
        return [Series(one.name, note=problem) for one in found], commands
    return measure_group(found, options, runs.ROUNDS if name in ("start", "short") else 0), commands


def main() -> None:
    """Measure the groups, print the tables, write the results."""
    options = parse_options()
    seen: dict[str, list[Series]] = {}
    commands: dict[str, list[str]] = {}
    answers: dict[str, str] = {}
    for name in [group for group in (*GROUPS, FORMATS_GROUP) if group in options.only]:
        print(f"{TITLES[name]}:", file=sys.stderr)
        problem = ensure_store(options, name) if name in QUESTIONS else ""
        seen[name], commands[name] = measure(name, options, problem)
        if name in QUESTIONS and QUESTIONS[name].query and all(series.runs for series in seen[name][:2]):
            answers[name] = same_answers([series.runs[-1].stdout for series in seen[name] if series.runs])
        print(f"\n{TITLES[name]}\n{results.text_table(results.table_rows(seen[name]))}\n")
    found_goals = goals.goals(seen, answers)
    print(results.text_table(goals.goal_rows(found_goals), ("goal", "result", "reached")))
    write_results(options, seen, commands, found_goals)
    if options.results == BENCH / "RESULTS.md":
        print(readme.update(ROOT / "README.md", seen), file=sys.stderr)


if __name__ == "__main__":
    main()
