"""Every variable, file and exit code that pullstats knows: what `pullstats help environment` and docs/environment.md tell."""

from __future__ import annotations

from typing import Final, NamedTuple


class Table(NamedTuple):
    """Rows of a name and what it is, under a title."""

    title: str
    rows: tuple[tuple[str, str], ...]


TABLES: Final = (
    Table(
        "Variables",
        (
            ("PULLSTATS_<OPTION>", "the default of any option, as in PULLSTATS_STORE, PULLSTATS_TZ, PULLSTATS_WINDOW; the command line goes over it"),
            ("PULLSTATS_CONFIG", "the TOML file with defaults, in place of the two that are looked for"),
            ("PULLSTATS_KEY_FILE", "the file of the key that makes the hashes"),
            ("PULLSTATS_DEBUG", "1 shows a traceback where something fails, as --debug does"),
            ("NO_COLOR", "anything: no colours, as --no-color"),
            ("COLUMNS", "how wide a table may be, where no terminal says"),
            ("XDG_CONFIG_HOME", "where key and rules lie (default: ~/.config)"),
            ("XDG_CACHE_HOME", "where the bundled geo database is unpacked, once (default: ~/.cache)"),
            ("TMPDIR", "where standard input is kept while it is read; its logs are gone when the command ends"),
        ),
    ),
    Table(
        "Files",
        (
            ("pullstats-store/", "the store, in the working folder, unless --store or PULLSTATS_STORE names another; the first ingest makes it"),
            ("pullstats.toml", "defaults of options, first in the store, else in the working folder; it may name no key, no store and no rules"),
            ("~/.config/pullstats/key", "the key that makes the hashes, mode 0600; made on first use. Keep it apart from the store"),
            ("~/.config/pullstats/pullstats-identity.key", "the key by which logs are known again, mode 0600; it stays when the other changes"),
            ("~/.config/pullstats/rules/", "your own rules for clients, packages, networks and secrets: every *.toml in it"),
            ("~/.cache/pullstats/", "the geo database as it was unpacked; may be deleted"),
        ),
    ),
    Table(
        "Exit codes",
        (
            ("0", "all went well"),
            ("1", "an internal error: please report what --debug prints"),
            ("2", "a mistake in what was asked, or a file, store or key that cannot be used; nothing was changed"),
            ("3", "ingest: more lines were rejected than --max-bad allows"),
            ("4", "no request lies in the window, or none passes the filters"),
            ("130", "interrupted with Ctrl-C; what was committed stays"),
        ),
    ),
)
