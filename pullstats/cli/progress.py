"""A progress bar on stderr while logs are read: bytes, lines a second, time left."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pullstats.pipeline.plan import Progress, ProgressHandler


@contextmanager
def progress_bar(*, is_wanted: bool, use_color: bool) -> Iterator[ProgressHandler | None]:
    """Show a bar while the context lasts, if stderr is a terminal.

    Args:
        is_wanted: False where the user asked for quiet.
        use_color: whether colours may be used.

    Yields:
        What to call with every step, None where nothing is shown.
    """
    if not is_wanted or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 - only where a person watches
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pullstats.render.sanitise import for_terminal  # noqa: PLC0415

    console = Console(stderr=True, no_color=not use_color)
    columns = (
        TextColumn("{task.fields[name]}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, name="", rate="")

        def step(progress: Progress) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = f"{progress.lines / elapsed:,.0f} lines/s" if elapsed else ""
            name = Text(for_terminal(progress.name))
            name.truncate(32, overflow="ellipsis")
            bar.update(task, total=progress.bytes_total or None, completed=progress.bytes_done, name=name.plain, rate=rate)

        yield step
