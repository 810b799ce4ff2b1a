"""Building a world: everybody does what they do, and the log is written as nginx writes it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from support.labelled.builders import add_builder
from support.labelled.people import add_developer, add_tryer, add_visitor
from support.labelled.pollers import add_poller
from support.labelled.services import add_mirror, add_probe, add_robot, add_scanner, add_updater
from support.labelled.town import Sent, Town
from support.labelled.world import World

ADD: Final[dict[str, Callable[[Town], None]]] = {
    "production": add_poller,
    "ci": add_builder,
    "development": add_developer,
    "mirror": add_mirror,
    "updater": add_updater,
    "scanner": add_scanner,
    "probe": add_probe,
    "bot": add_robot,
    "browser": add_visitor,
    "tryer": add_tryer,
}


def build(world: World, seed: int) -> Town:
    """Let a world happen."""
    town = Town(world, random.Random(f"{world.name} {seed}"))
    for kind, count in world.crowd.items():
        for _ in range(count):
            ADD[kind](town)
    town.sent = [sent for sent in town.sent if town.span[0] <= sent.time < town.span[1]]
    town.lose_hours()
    town.sent.sort(key=lambda sent: sent.time)
    return town


def lines_of(sent: Iterable[Sent], *, as_json: bool = False) -> list[str]:
    """Write the lines of a log."""
    write = _json_line if as_json else _combined_line
    return [write(one, datetime.fromtimestamp(one.time, UTC)) for one in sent]


def _combined_line(sent: Sent, time: datetime) -> str:
    step, agent = sent.step, sent.agent.replace("\\", "\\x5C").replace('"', "\\x22")
    return f'{sent.address} - - [{time:%d/%b/%Y:%H:%M:%S} +0000] "{step.method} {step.path} HTTP/1.1" {step.status} {step.size} "-" "{agent}"\n'


def _json_line(sent: Sent, time: datetime) -> str:
    step = sent.step
    named = {
        "remote_addr": sent.address,
        "time_iso8601": f"{time:%Y-%m-%dT%H:%M:%S}+00:00",
        "request_method": step.method,
        "request_uri": step.path,
        "server_protocol": "HTTP/1.1",
        "status": step.status,
        "body_bytes_sent": step.size,
        "http_user_agent": sent.agent,
    }
    return json.dumps(named) + "\n"


def write_log(town: Town, path: Path) -> None:
    """Write a town's log."""
    path.write_text("".join(lines_of(town.sent, as_json=town.world.json)), encoding="utf-8")
