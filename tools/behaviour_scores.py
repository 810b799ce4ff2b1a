"""Print how often behaviour is read right: a confusion matrix for each made-up world, what scores are worth, instances against the truth.

make scores
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.labelled import answers, scoring  # noqa: E402 - the generator lives beside the tests
from support.labelled.build import build  # noqa: E402
from support.labelled.scoring import Estimate, Judged  # noqa: E402
from support.labelled.world import WORLDS, World  # noqa: E402

_SHOWN: Final = 6


def main() -> None:
    """Score every world, then all of them together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", action="append", choices=[world.name for world in WORLDS], help="only this one; repeatable")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--share", type=float, default=1.0, help="how many people and machines, as a share")
    parser.add_argument("--days", type=int, help="how many days instead of the world's own")
    parser.add_argument("--misses", action="store_true", help="list what was read wrong")
    parser.add_argument("--classes-only", action="store_true", help="leave out the estimates of running instances")
    asked = parser.parse_args()
    judged: list[Judged] = []
    for world in WORLDS:
        if not asked.world or world.name in asked.world:
            small = world if asked.share == 1 and not asked.days else world.smaller(asked.share, asked.days or world.days)
            judged += score(small, asked.seeds, misses=asked.misses, instances=not asked.classes_only)
    print("all worlds")
    show(judged)


def score(world: World, seeds: list[int], *, misses: bool = False, instances: bool = True) -> list[Judged]:
    """Build a world with each seed, ask, and print how it went."""
    judged: list[Judged] = []
    found: dict[str, list[Estimate]] = {"package": [], "package and version": []} if instances else {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = folder  # a key of its own
        for seed in seeds:
            town, home = build(world, seed), Path(folder) / str(seed)
            home.mkdir()
            store = answers.take_in(town, home)
            judged += answers.judge(town, store)
            for by, estimates in found.items():
                estimates.extend(answers.count_instances(town, store, by_version=by != "package"))
    print(f"{world.name}: {len(judged):,} origins")
    show(judged)
    for by, estimates in found.items():
        show_instances(by, estimates)
    if misses:
        show_misses(judged)
    return judged


def show(judged: list[Judged]) -> None:
    """Print the matrix, F1 beside that of agent and network alone, and what scores are worth."""
    enough = scoring.judge_enough(judged)
    matrix, plain = scoring.confusion(enough), scoring.confusion(enough, baseline=True)
    print("\n".join(scoring.render_confusion(matrix)))
    print(f"  macro-F1 {scoring.macro_f1(matrix):.3f}; agent and network alone {scoring.macro_f1(plain):.3f}")
    tryers = Counter(one.said for one in judged if one.label == "tryer")
    print(f"  came once or twice: {', '.join(f'{count} {said}' for said, count in tryers.most_common())}")
    print("\n".join(scoring.render_reliability(enough)))
    for (label, kind), (count, said) in scoring.recall_of_kinds(enough).items():
        if said[label] < count:
            print(f"  {label}, {kind}: {', '.join(f'{n} {name}' for name, n in said.most_common())}")


def show_instances(by: str, estimates: list[Estimate]) -> None:
    """Print how often the range of instances holds the truth, and where it does not."""
    wrong = [estimate for estimate in estimates if not estimate.is_covered]
    print(f"  instances by {by}: {scoring.coverage(estimates):.3f} of {len(estimates)} ranges hold the truth")
    for one in wrong[:_SHOWN]:
        print(f"    {one.package} {one.version or ''}: {one.truth} machines, said {one.said:g} ({one.low:g}–{one.high:g})")


def show_misses(judged: list[Judged]) -> None:
    """Print every origin that was read wrong."""
    guessed = [one for one in judged if one.label == "tryer" and one.said != "unknown"]
    for one in [*scoring.judge_enough(judged), *guessed]:
        if one.said != one.label:
            print(f"    {one.origin} {one.label} ({one.kind}), {one.requests} requests: said {one.said} {one.score:.2f}: {'; '.join(one.evidence)}")


if __name__ == "__main__":
    main()
