"""What is mistyped or impossible is one clear sentence on stderr, and never an internal error."""

from __future__ import annotations

import hashlib
import os
import shlex
from pathlib import Path

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pullstats.cli import run
from pullstats.metrics import DIMENSIONS, METRICS
from pullstats.render.sanitise import for_terminal
from support.command import all_commands, pullstats
from support.effort import SOAK, examples, some

LINES = [
    '192.0.2.1 - - [05/Jan/2026:10:00:00 +0000] "HEAD /v2/acme/app/manifests/1.0 HTTP/1.1" 200 0 "-" "docker/24.0.7 go/go1.20.10 os/linux arch/amd64"',
    '192.0.2.1 - - [05/Jan/2026:10:00:01 +0000] "GET /v2/acme/app/manifests/1.0 HTTP/1.1" 200 500 "-" "docker/24.0.7 go/go1.20.10 os/linux arch/amd64"',
    '198.51.100.7 - bob [06/Jan/2026:23:59:59 +0000] "GET /simple/django/ HTTP/1.1" 304 0 "-" "pip/23.3"',
    '8.8.8.8 - - [07/Jan/2026:00:00:00 +0000] "GET /packages/django-4.2-py3-none-any.whl HTTP/1.1" 206 9 "https://example.org/" "pip/23.3"',
    '- - - [07/Jan/2026:11:00:00 +0000] "\\x16\\x03" 400 0 "-" "-"',
    '2001:db8::1 - - [08/Jan/2026:12:00:00 +0000] "GET /=cmd|,%0a HTTP/1.1" 404 7 "-" "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"',
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    log = folder / "access.log"
    log.write_text("\n".join(LINES) + "\n")
    assert run(["ingest", str(log), "--store", str(folder / "store"), "--key-file", str(folder / "key"), "--quiet"]) == 0
    return folder / "store"


def fingerprint(store: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(store.rglob("*")) if path.is_file()}


MISTAKES = [
    ("report --by contry", "no dimension 'contry'; did you mean 'country'?"),
    ("report --by Clientt", "did you mean 'client'?"),
    ("report --by status_clas", "did you mean 'status-class'?"),
    ("report --by client,client", "--by names 'client' twice"),
    ("report --by client,arch,os,country", "--by takes up to 3 dimensions, not 4"),
    ("behaviour --by client,arch,os,country", "behaviour --by takes up to 2 dimensions beside class, not 4"),
    ("behaviour --by client,arch,os", "beside class, not 3"),
    ("behaviour --by class,client,arch,os", "beside class, not 3"),
    ("report --by client,,arch,os,country", "up to 3 dimensions"),
    ("report --by requests", "'requests' is a metric, no dimension"),
    ("report --where 'first-seen>2025'", "'first-seen' is a metric, no dimension"),
    ("report --by label.", "label. and a name of letters"),
    ("report --by 'label.a b'", "names no part of a route"),
    ("report --metric requets", "no metric 'requets'; did you mean 'requests'?"),
    ("report --metric ''", "--metric names no metric"),
    ("report --metric ,", "--metric names no metric"),
    ("series --metric ''", "--metric names no metric"),
    ("report --count-as pulstats", "no counting rule 'pulstats'; did you mean 'pullstats'?"),
    ("report --count-as pullstats@9", "did you mean 'pullstats@2'?"),
    ("report --count-as docker-dpv", "did you mean 'docker-dvp'?"),
    ("report --class prodution", "no class 'prodution'; did you mean 'production'?"),
    ("report --exclude-class ci,mirorr", "no class 'mirorr'; did you mean 'mirror'?"),
    ("report --exclude-kind mirror,bott", "no kind 'bott'; did you mean 'bot'?"),
    ("report --exclude-kind zzz", "no kind 'zzz'; known: "),
    ("report --exclude-net '\"Acme, Inc.'", "is not closed"),
    ("report --tz Europe/Berln", "no time zone 'Europe/Berln'; did you mean 'Europe/Berlin'?"),
    ("report --tz ''", "use an IANA name"),
    ("report --tz ../../etc/passwd", "use an IANA name"),
    ("report --unique-by orgin", "no unique level 'orgin'; did you mean 'origin'?"),
    ("report --format jsn", "'jsn' is not one of 'table', 'csv', 'json'"),
    ("report --sort requets --metric requests", "no column to --sort by 'requets'; did you mean 'requests'?"),
    ("report --sort bytes", "--sort 'bytes' is not in this report; name it with --metric too"),
    ("report --sort arch", "--sort 'arch' is not in this report; name it with --by too"),
    ("report --sort -", "no column to --sort by"),
    ("report --memory lots", "--memory 'lots' is no size"),
    ("report --memory 3", "is no size from 1MB up"),
    ("report --memory -1GB", "is no size"),
    ("report --limit 99999999999999999999", "is not in the range"),
    ("report --limit x", "'x' is not a valid"),
    ("report --limit -1", "-1 is not in the range"),
    ("report --limit 1.5", "'1.5' is not a valid"),
    ("report --min-origins -1", "-1 is not in the range"),
    ("report --pull-window soon", "'soon' is not a valid"),
    ("report --pull-window -1", "is not in the range"),
    ("report --pull-window nan", "'nan' is no number of seconds"),
    ("report --session-gap nan", "'nan' is no number of seconds"),
    ("report --session-gap inf", "inf is not in the range"),
    ("report --week-start monnday", "'monnday' is not one of"),
    ("report --rolling 7d", "No such option '--rolling'"),
    ("report --every d", "No such option '--every'"),
    ("series --sort requests", "No such option '--sort'"),
    ("series --min-origins 3", "a series has no --min-origins"),
    ("series --every fortnight", "--every 'fortnight'"),
    ("series --rolling 7d --every mo", "no whole number of --every"),
    ("uniques --sketch --by client", "--sketch takes no --by"),
    ("report --where contry=DE", "did you mean 'country'?"),
    ("report --where 'status=ok'", "a whole number"),
    ("report --where 'class=prodution'", "did you mean 'production'?"),
    ("report --where ' '", "expected a dimension"),
    ("report --window yesteryear", "'yesteryear' is no window"),
    ("report --as-of whenever", "--as-of 'whenever' is no date"),
    ("report --releases /nowhere.csv", "/nowhere.csv"),
    ("report --config /nowhere.toml", "/nowhere.toml"),
    ("report -o answer.xyz", "names no format"),
    ("report -o / --format csv --window all", "is a folder"),
    ("report surplus", "surplus"),
    ("export --set dialy", "'dialy' is not one of"),
    ("export --set events --min-origins 3", "--set events takes no --min-origins"),
]


@pytest.mark.parametrize(("command", "says"), MISTAKES, ids=[command for command, _ in MISTAKES])
def test_a_mistake_is_one_sentence_and_changes_nothing(command: str, says: str, store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = fingerprint(store)
    assert run([*shlex.split(command), "--store", str(store)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert says in err
    assert err.startswith("pullstats: ")
    lines = err.rstrip("\n").split("\n")
    assert len(lines) == 1 or (len(lines) == 3 and lines[2].strip() == "^")
    assert fingerprint(store) == before


def test_control_characters_of_a_mistake_never_reach_the_terminal(store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b]0;x\x07\u202e\u200b\t"
    for option in ("--by", "--metric", "--where", "--class", "--exclude-kind", "--tz", "--sort", "--unique-by", "--count-as", "--memory"):
        assert run(["report", option, hostile, "--store", str(store)]) == 2, option
        err = capfd.readouterr().err
        assert all(for_terminal(line) == line for line in err.split("\n")), option


def test_bytes_that_are_no_text_are_refused(store: Path) -> None:
    """As Python hands them on from a command line in another encoding."""
    for option, value in (("--where", "client=\udcff"), ("--exclude-net", "a\udcff"), ("--by", "\udcff"), ("--window", "since \udcff")):
        assert f"{option} holds bytes that are no UTF-8" in pullstats("report", option, value, "--store", store, code=2).err


def test_labels_may_be_called_like_anything(store: Path) -> None:
    names = "client,label.requests,label.bucket"
    assert pullstats("report", "--by", names, "--window", "all", "--format", "csv", "--min-origins", "1", "--store", store).out.startswith(
        "client,label_requests,label_bucket,downloads,downloaders\n"
    )
    assert pullstats("series", "--by", "label.bucket,client,label.client", "--window", "all", "--format", "csv", "--store", store).out.startswith(
        "bucket,label_bucket,client,label_client,downloads,downloaders,"
    )


HOSTILE = [
    "", "-", "-1", "99999999999999999999", "1e999", "nan", "9" * 5000, "\udcff", "\ud800", "a\0b", "\x1b[31m\n", "[[[[", "0001-01-01", "9999-12-31", "0001..9999",
    "9" * 30 + "d", "999999999d", "every monday 0001", "99999999999TB", "1e308x", "a" * 20_000, "(" * 3000 + "status=1" + ")" * 3000, "not " * 3000 + "ci",
    "path ~ '(a*)*b'", "path ~ '(?:a{1000}){1000}'", "hour=99999999999999999999999", "bytes > 1e400", "%s",
]  # fmt: skip
"""What no option expects; a path is also given to what no file is."""
FILES = [
    "/dev/zero", "/dev/null", "/dev/full", ".", "pipe", "circle", "deep.toml", "deep.json", "odd.json", "odd.toml", "number.toml", "odd.csv", "dates.csv",
    "/dev/fd/99", "n" * 300, "\udcff", "a\0b", "@/dev/zero", "@pipe", "@odd.csv:x",
]  # fmt: skip
NEEDED = {
    "ingest": ["access.log"], "compare": ["2026", "2025"], "formats detect": ["access.log"], "formats test": ["access.log"],
    "clients test": ["curl/8"], "packages test": ["/x"], "counts show": ["pullstats"],
}  # fmt: skip


def lay_hostile_files(folder: Path) -> None:
    for name, text in {
        "deep.toml": "x = " + "[" * 20_000, "deep.json": "[" * 20_000, "odd.toml": "limit = inf\nwindow = [1]\nby = 2026-01-01\n[[agent]]\n",
        "odd.json": '{"prefixes":[{"ip_prefix":1e999}],"manifests":[{"digest":1e999,"platform":[1]}]}', "number.toml": "a = " + "9" * 5000,
        "odd.csv": "a\0b,c\n\udcff,d\n", "dates.csv": "date,label,version\n0001-01-01T00:00:00+14:00,x,1\n9999-12-31T23:59:59-12:00,y,2\n",
    }.items():  # fmt: skip
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    os.mkfifo(folder / "pipe")
    (folder / "circle").symlink_to("circle")


def hostile_lines(words: list[str], command: click.Command) -> list[list[str]]:
    """Give options of a command some hostile values: which, the place among the options says, so that together all have their turn.

    Most options are those of many commands: in `make test` each command tries a third of its own.
    """
    lines: list[list[str]] = []
    start = [*words, *NEEDED.get(" ".join(words), [])]
    options = list(enumerate(item for item in command.params if isinstance(item, click.Option) and not item.is_flag))
    for place, option in some(options, 3, first=len("".join(words)) % 3):
        is_path = isinstance(option.type, click.Path) or option.name == "log_format"
        values = FILES if is_path else HOSTILE
        step = 1 if SOAK else {"report": 12}.get(words[0], len(values))
        taken = values[place % step :: step]
        lines += [[*start, option.opts[-1], value] for value in taken if not (option.name == "output" and value == "pipe")]
    return lines


@pytest.mark.parametrize(("words", "command"), all_commands(), ids=lambda item: " ".join(item) if isinstance(item, list) else "")
def test_no_value_of_an_option_is_an_internal_error(
    words: list[str], command: click.Command, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lay_hostile_files(tmp_path)
    (tmp_path / "access.log").write_text(LINES[0] + "\n")
    before = fingerprint(store)
    options = [option for item in command.params for option in item.opts]
    for line in hostile_lines(words, command):
        given = [*line, "--dry-run"] if "--dry-run" in options else line
        code = run(given if "--store" in line or "--store" not in options else [*given, "--store", str(store)])
        err = capfd.readouterr().err
        assert code in {0, 2, 3, 4}, (line, err)
        assert "internal error" not in err
        assert "Traceback" not in err
        if code == 2:
            assert sum(text.startswith("pullstats: ") for text in err.split("\n")) >= 1, (line, err)
        assert all(for_terminal(text) == text for text in err.split("\n")), line
    assert fingerprint(store) == before


@pytest.mark.parametrize("value", ["inf", "nan", "9" * 4000, "[1]", "[[1]]", "2026-01-01", "07:00:00", "true", '"\\u0000"', "{}", "[]", "-1"])
def test_no_value_of_a_configuration_is_an_internal_error(value: str, store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    for place, name in enumerate(("limit", "window", "by", "output", "releases", "pull_window", "no_color", "count_as", "store")):
        for text in some([f"{name} = {value}\n", f"[report]\n{name} = {value}\n"], 2, first=(place + len(value)) % 2):
            config.write_text(text)
            code = run(["report", "--config", str(config), *(["--store", str(store)] if name != "store" else [])])
            err = capfd.readouterr().err
            assert code in {0, 2, 4}, (text, err)
            assert "internal error" not in err, text


ODD = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", "-", ",", "all", "0", "-1", "1e9", "nan", "other", "unknown", "null", "é🐳", "\x1b[31m", "\udcff", "a" * 300]),
)
NAMES = st.lists(st.sampled_from(list(DIMENSIONS)), max_size=4).map(",".join)
COUNTED = st.lists(st.sampled_from(list(METRICS)), min_size=1, max_size=4).map(",".join)
WHERE = st.builds(
    lambda name, sign, value: f"{name} {sign} {value}",
    st.sampled_from(list(DIMENSIONS)),
    st.sampled_from(["=", "!=", "<", ">=", "~", "!~", "like", "not like", "in", "is null or hour >", "is not null and ci !="]),
    st.sampled_from(["200", "true", "'a b'", "(1, 2)", "(true)", "mon", '"%\\""', "99999999999999", "ci", "[0-9]+", "('x', \"y\")"]),
)
SHARED = {
    "--metric": COUNTED,
    "--by": NAMES,
    "--where": WHERE,
    "--window": st.sampled_from(
        ["all", "30d", "2026", "2026-01-05", "2026-01", "every tuesday 2026", "09:00-17:00", "1h", "since 4.2", "last-week", "2026-01-07..2026-01-06"]
    ),
    "--class": st.sampled_from(["ci", "unknown", "bot,browser", "production", "CI"]),
    "--exclude-class": st.sampled_from(["ci", "unknown,bot"]),
    "--exclude-kind": st.sampled_from(["mirror,bot", "package-manager", "unknown"]),
    "--exclude-net": st.sampled_from(["@ours", "Google LLC", '"Acme, Inc.",x']),
    "--count-as": st.sampled_from(["docker-dvp", "raw,pullstats", "scarf@1", "npm@1", "hf-dataset,hf-model", "pypi-bigquery,cratesio"]),
    "--unique-by": st.sampled_from(["origin", "endpoint", "network", "org", "user"]),
    "--tz": st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "UTC"]),
    "--week-start": st.sampled_from(["monday", "sunday"]),
    "--as-of": st.sampled_from(["newest", "2026-01-06", "2026-01", "now"]),
    "--complete": st.none(),
    "--pull-window": st.floats(0, 900).map(str),
    "--session-gap": st.floats(0, 86_400).map(str),
    "--visit-gap": st.floats(0, 900).map(str),
    "--memory": st.sampled_from(["1MB", "800MB", "0.001TB"]),
    "--limit": st.integers(0, 30).map(str),
    "--format": st.sampled_from(["table", "csv", "json", "ndjson", "md", "parquet"]),
    "--meta": st.none(),
    "--min-origins": st.integers(0, 4).map(str),
}
REPORT = SHARED | {
    "--sort": st.sampled_from([*METRICS, *DIMENSIONS]).flatmap(lambda name: st.sampled_from([name, f"-{name}"])),
    "--no-other": st.none(),
    "--percent": st.none(),
    "--total": st.none(),
}
SERIES = SHARED | {
    "--every": st.sampled_from(["5m", "h", "6h", "d", "w", "mo", "q", "y"]),
    "--rolling": st.sampled_from(["7d", "24h", "4w", "3mo", "2d"]),
}


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Draw options with fitting values, and now and then an odd one."""
    command, options = draw(st.sampled_from([("report", REPORT), ("series", SERIES)]))
    words = [command]
    for option in draw(st.lists(st.sampled_from(sorted(options)), max_size=7, unique=True)):
        value = draw(options[option])
        if value is not None and draw(st.integers(0, 11)) == 0:
            value = draw(ODD)
        words += [option] if value is None else [option, value]
    if "--window" not in words and draw(st.booleans()):
        words += ["--window", "all"]
    return words


@settings(examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=command_lines())
def test_no_command_line_is_an_internal_error(words: list[str], store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = run([*words, "--store", str(store)])
    out, err = capfd.readouterr()
    assert code in {0, 2, 4}, (words, err)
    assert "internal error" not in err
    assert "Traceback" not in err
    if code == 2:
        assert out == ""
        assert err.startswith("pullstats: ")


def bounded_options() -> list[tuple[list[str], click.Option]]:
    """List every option whose value is a number, each once, with the words that call a command that has it."""
    found: dict[str, tuple[list[str], click.Option]] = {}
    for words, command in all_commands():
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.type, (click.types.IntParamType, click.types.FloatParamType)):
                found.setdefault(f"{option.opts[-1]} {option.type!r}", ([*words, *NEEDED.get(" ".join(words), [])], option))
    return list(found.values())


@pytest.mark.parametrize(("words", "option"), bounded_options(), ids=lambda item: item.opts[-1] if isinstance(item, click.Option) else "")
def test_every_number_has_bounds_and_answers_at_them(
    words: list[str], option: click.Option, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "access.log").write_text(LINES[0] + "\n")
    assert isinstance(option.type, (click.IntRange, click.FloatRange))
    least, most = option.type.min, option.type.max
    assert least is not None
    assert most is not None
    in_store = [*words, *(["--store", store] if words[0] not in {"formats", "packages", "clients", "counts"} else [])]
    for value in ("nan", "inf", "-inf", "1e300", least - 1, most * 2 + 1, "9" * 400):
        said = pullstats(*in_store, option.opts[-1], value, code=2)
        assert (said.out, said.err.count("\n")) == ("", 1)
    for value in (least, most):
        said = pullstats(*in_store, option.opts[-1], value, code=(0, 2, 3, 4))
        assert "internal error" not in said.err
        assert not any(len(word) > 40 for word in said.out.replace(",", "").split() if word.strip("0123456789.") == ""), said.out
