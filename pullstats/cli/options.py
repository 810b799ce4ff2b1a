"""Options that several commands share, and where their defaults come from.

Every option can also be set by `PULLSTATS_<OPTION>` and by TOML: `--config`, else
`pullstats.toml` in the store, else in the working folder. A file that lies in the store or the
working folder may not set what could give people away or run code (`PRIVATE`).
"""

from __future__ import annotations

import math
import os
import re
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from pullstats.cli.maps import ConfiguredMaps, read_maps
from pullstats.cli.saved_alarms import SAVED, SavedAlarms
from pullstats.errors import InputError, UsageError, unknown_name
from pullstats.toml_files import read_toml

DEFAULT_STORE: Final = "pullstats-store"
CONFIG_NAME: Final = "pullstats.toml"
PRIVATE: Final = frozenset({"key_file", "keep_addresses", "keep_attributes", "config", "store", "geo_db", "rules", "class_rules", "offences"})
"""Options that only the command line, the environment or `--config` may set."""

ROUTES: Final = "pullstats.routes"
"""Where a context keeps the `[routes]` of the configuration, and its file."""

MAPS: Final = "pullstats.maps"
"""Where a context keeps the `[map]` tables of the configuration."""

F = TypeVar("F", bound=Callable[..., Any])


SHARED: Final[dict[click.Parameter, str]] = {}
"""What the options are for that many commands have; filled where they are made."""


def name_option(option: click.Parameter) -> str:
    """Name an option as help does where it only names it: `-w/--window`, `--other/--no-other`."""
    return "/".join([*sorted(option.opts, key=len), *option.secondary_opts])


class Command(click.Command):
    """A command whose options also come from the environment and from TOML."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Give every option its environment variable."""
        super().__init__(*args, **kwargs)
        for parameter in self.params:
            if isinstance(parameter, click.Option) and parameter.envvar is None and parameter.name:
                parameter.envvar = f"PULLSTATS_{parameter.name.upper()}"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the configuration before the arguments, which go over it."""
        try:
            ctx.default_map = {**(ctx.default_map or {}), **self._read_defaults(ctx, args)}
            rest = super().parse_args(ctx, args)
        except (
            ValueError,
            OverflowError,
            TypeError,
            AttributeError,
        ) as error:  # TOML knows infinities, dates, lists and NULs, which no option expects
            raise UsageError(f"an option has a value that cannot be used ({error}); look at the command line and the configuration") from error
        for name, value in ctx.params.items():
            if any("\0" in str(item) for item in (value if isinstance(value, tuple) else (value,))):
                raise UsageError(f"--{name.replace('_', '-')} holds a NUL byte")
        return rest

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Tell the command's own options, and name those that it shares with others."""
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        own = [record for one in options if one not in SHARED and (record := one.get_help_record(ctx)) is not None]
        with formatter.section("Options"):
            formatter.write_dl(own)
        shared = [one for one in options if one in SHARED]
        for title in dict.fromkeys(SHARED[one] for one in shared):
            names = "  ".join(name_option(one) for one in shared if SHARED[one] == title)
            with formatter.section(title):
                for line in textwrap.wrap(names, formatter.width - 2 * formatter.current_indent, break_on_hyphens=False):
                    formatter.write_text(line)
        if shared:
            formatter.write_paragraph()
            formatter.write_text("What these do, many commands share: pullstats help options")

    def _read_defaults(self, ctx: click.Context, args: list[str]) -> dict[str, Any]:
        config = _look_ahead(args, "--config") or os.environ.get("PULLSTATS_CONFIG")
        if config:
            return self._load(ctx, Path(config), is_trusted=True)
        store = _look_ahead(args, "--store") or os.environ.get("PULLSTATS_STORE") or DEFAULT_STORE
        found = next((path for path in (Path(store) / CONFIG_NAME, Path(CONFIG_NAME)) if os.path.isfile(path)), None)  # noqa: PTH113 - never raises
        return self._load(ctx, found, is_trusted=False) if found else {}

    def _load(self, ctx: click.Context, path: Path, *, is_trusted: bool) -> dict[str, Any]:
        read = read_toml(path, "the configuration")
        settings = read.table
        ctx.meta[SAVED] = SavedAlarms(settings.pop("alerts", {}), str(path), read.text)
        routes = settings.pop("routes", None)
        if routes is not None and not isinstance(routes, dict):
            raise InputError(f"[routes] of '{path}' must be a table of host, folder or form of path = ecosystem")
        ctx.meta[ROUTES] = (routes, str(path))
        known = {parameter.name for parameter in self.params if parameter.name}
        field_map = settings.pop("map", None)
        if isinstance(field_map, dict):
            ctx.meta[MAPS] = read_maps(field_map, path)
            field_map = ctx.meta[MAPS].general
        if field_map is not None and "field_map" in known:
            settings["field_map"] = field_map
        defaults: dict[str, Any] = {}
        for key, value in settings.items():
            if isinstance(value, dict):
                if key == self.name:
                    defaults |= {self._check(name, path, known, is_trusted=is_trusted): item for name, item in value.items()}
            elif key.replace("-", "_") in known:
                defaults[self._check(key, path, known, is_trusted=is_trusted)] = value
        return defaults

    def _check(self, key: str, path: Path, known: set[str], *, is_trusted: bool) -> str:
        name = key.replace("-", "_")
        if name not in known:
            noun = f"option of '{self.name}' ({path})"
            raise unknown_name(noun, key, known)
        if name in PRIVATE and not is_trusted:
            raise InputError(f"'{path}' may not set {key}; give it on the command line, in the environment or through --config")
        return name


class CommandGroup(Command, click.Group):
    """A command that has others below it, for parts of what it does."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Tell its options, and the commands below it."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command below it.

        Raises:
            UsageError: there is none, with the nearest name.
        """
        found = super().get_command(ctx, cmd_name)
        if found is None:
            noun = f"part of '{self.name}'"
            raise unknown_name(noun, cmd_name, self.commands)
        return found


def refuse_before_name(context: click.Context, options: Mapping[str, Any]) -> None:
    """Refuse options of a group that are given before the name of the command below it, which would not get them.

    Raises:
        UsageError: one is.
    """
    given = [name for name in options if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        called, part = context.info_name, context.invoked_subcommand
        raise UsageError(f"options of {called} {part} stand behind its name: pullstats {called} {part} --{given[0].replace('_', '-')} …")


def _look_ahead(args: list[str], name: str) -> str | None:
    for index, argument in enumerate(args):
        if argument == name and index + 1 < len(args):
            return args[index + 1]
        if argument.startswith(f"{name}="):
            return argument.split("=", 1)[1]
    return None


def combine(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Join options into one decorator, in the order of the help page."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def share(title: str, *options: Callable[[F], F]) -> Callable[[F], F]:
    """Join options that many commands have: help tells them once, under a title.

    Args:
        title: what they are for.
        options: in the order of the help page.
    """
    joined = combine(*options)

    def decorate(function: F) -> F:
        before = len(getattr(function, "__click_params__", ()))
        function = joined(function)
        made: list[click.Parameter] = getattr(function, "__click_params__")[before:]  # noqa: B009 - click's own place for them
        SHARED.update(dict.fromkeys(made, title))
        return function

    return decorate


def configured_routes() -> tuple[dict[str, Any] | None, str]:
    """Give the `[routes]` of the configuration that the running command read, and its file."""
    found: tuple[dict[str, Any] | None, str] = click.get_current_context().meta.get(ROUTES, (None, CONFIG_NAME))
    return found


def chosen_maps(options: Mapping[str, Any]) -> tuple[str | None, Mapping[str, str]]:
    """Choose the map that holds for the running command: one for all logs, and those for kinds of them.

    What the command line or the environment says goes over the configuration; `--log-format` there leaves no map of it.
    """
    context = click.get_current_context()
    field_map: str | None = options["field_map"]
    maps: ConfiguredMaps | None = context.meta.get(MAPS)
    if context.get_parameter_source("field_map") not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP):
        return field_map, {}
    if options["log_format"] is not None and context.get_parameter_source("log_format") is not ParameterSource.DEFAULT_MAP:
        return None, {}
    return (field_map, {}) if maps is None else maps.choose(options.get("source_name"))


ROWS: Final = click.IntRange(min=0, max=10**9)
"""A number of rows or lines: what no table has is a mistake."""


class Number(click.FloatRange):
    """A number from 0 up to a bound; what is no number is refused, which a range alone lets through."""

    def __init__(self, called: str, most: float) -> None:
        """Take what one is called, in the singular, and the largest."""
        super().__init__(0, most)
        self.called = called
        self.name = called.rsplit(" ", maxsplit=1)[-1]

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number within the range."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no {self.called}", param, ctx)
        return number


class Seconds(click.ParamType):  # type: ignore[type-arg]
    """A span of time: `60s`, `5m`, `1h`, or seconds alone."""

    name = "time"
    _FORM: Final = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)")
    _UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a span in seconds."""
        match = self._FORM.fullmatch(str(value).strip())
        if match is None:
            self.fail(f"'{value}' is no span of time; write 60s, 5m or 0", param, ctx)
        return float(match[1]) * self._UNITS[match[2]]


lock_option = click.option(
    "--lock-timeout", type=Seconds(), default="60s", show_default=True, help="How long to wait for another process that writes to the store."
)

map_option = click.option(
    "--map",
    "field_map",
    envvar="PULLSTATS_MAP",
    metavar="FIELD=KEY[:UNIT],…",
    help="What keys, columns (also by number) or labels mean, as in status=HTTP-StatusCode,path=urlPath,time=started_at:ms; see docs/formats.md.",
)

general_options = share(
    "Everywhere",
    click.option("--store", type=click.Path(path_type=Path), default=DEFAULT_STORE, show_default=True, help="Folder of the store."),
    click.option("--config", type=click.Path(path_type=Path), help="TOML file with defaults for these options."),
    click.option("--quiet", "-q", is_flag=True, help="No progress, notes or summary on stderr."),
    click.option("--verbose", "-v", is_flag=True, help="Say more on stderr."),
    click.option("--debug", is_flag=True, help="Show a traceback where something fails."),
    click.option("--no-color", is_flag=True, help="No colours (NO_COLOR does the same)."),
)
