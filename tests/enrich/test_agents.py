"""User agents: the client, not the library under it, and only what the agent says."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.enrich.agent import AGENT_SCHEMA
from pullstats.enrich.agent_rules import AgentRule, AgentRules
from pullstats.enrich.agents import classify_agents, load_agent_rules, normalise_agents, read_agent
from pullstats.enrich.escapes import unescape
from pullstats.errors import InternalError
from support.case_files import CaseFile, load_case_files
from support.places import CASES, DATA

# 159 labelled agents of registry clients. Licence: this project's.
LABELLED = [json.loads(line) for line in (DATA / "agents" / "registry_uas_dev.jsonl").read_text().splitlines()]
# Fixtures of pypi/linehaul-cloud-function at 273861b, as JSON. Licence: Apache-2.0 (linehaul.LICENSE).
LINEHAUL = [json.loads(line) for line in (DATA / "agents" / "linehaul.jsonl").read_text().splitlines()]
# Every fourth instance of monperrus/crawler-user-agents at 7c7f9f2. Licence: MIT (pullstats/enrich/data/crawlers.LICENSE).
CRAWLERS = [json.loads(line) for line in (DATA / "agents" / "crawler_instances.jsonl").read_text().splitlines()]
VARIATIONS = (CASES / "agents" / "variations.txt").read_text().splitlines()[1:]
OTHERWISE = {
    "devpi": "devpi-server",  # the server and the client are two programs
    "requests": "python-requests",  # as it names itself
    "os": "libfetch",  # FreeBSD's fetch; linehaul only says that the system fetched
}
BY_HAND = load_case_files("agents", {"agent"}, {"name", "version", "kind", "os", "arch", "ci", "environment"})


@pytest.mark.parametrize("case", BY_HAND, ids=lambda case: case.path.stem)
def test_agents_read_by_hand(case: CaseFile) -> None:
    found = read_agent(case.given["agent"])
    told = {"name": found.name, "version": found.version, "kind": found.kind, "os": found.os, "arch": found.arch, "ci": found.is_ci}
    case.hold({name: value for name, value in {**told, "environment": found.environment}.items() if value is not None})


@pytest.mark.parametrize("field", ["client", "version", "kind", "os", "arch", "ci"])
def test_labelled_agents_are_read_right(field: str) -> None:
    names = {"client": "name", "version": "version", "kind": "kind", "os": "os", "arch": "arch", "ci": "is_ci"}
    misses = [(row["ua"], row[field], found) for row in LABELLED if (found := getattr(read_agent(unescape(row["ua"])), names[field])) != row[field]]
    assert len(misses) <= len(LABELLED) * 0.01, misses


def test_a_claimed_beginning_is_refused() -> None:
    rule = AgentRule("one", "bot", starts=("one/",), table="a.toml")
    with pytest.raises(InternalError, match="one/"):
        AgentRules([rule, AgentRule("two", "bot", starts=("one/",), table="b.toml")])


def test_every_rule_names_what_its_beginning_says() -> None:
    for rule in load_agent_rules().rules:
        for start in rule.starts:
            assert read_agent(f"{start}1.0" if start.endswith("/") else f"{start} 1.0").name == rule.client, start


@pytest.mark.parametrize("line", VARIATIONS, ids=lambda line: line[:30])
def test_agents_in_the_forms_of_their_sources(line: str) -> None:
    text, *wanted = line.rsplit("|", 6)
    found = read_agent(text)
    flags = {True: "true", False: "false", None: ""}
    assert [found.name, found.version or "", found.kind, found.os or "", found.arch or "", flags[found.is_ci]] == wanted


def test_every_client_of_the_vocabulary_has_a_rule() -> None:
    """The clients that the labels name, those without a sample among them."""
    names = {rule.client for rule in load_agent_rules().rules} | {"chrome", "edge", "firefox", "opera", "safari", "unknown"}
    assert {row["client"] for row in LABELLED} | {line.rsplit("|", 6)[1] for line in VARIATIONS} <= names


def test_rules_and_files_have_no_order() -> None:
    texts = [line.rsplit("|", 6)[0] for line in VARIATIONS] + [unescape(row["ua"]) for row in LABELLED]
    usual = classify_agents(pl.Series(texts))
    rules = list(load_agent_rules().rules)
    for seed in range(5):
        random.Random(seed).shuffle(rules)
        assert classify_agents(pl.Series(texts), AgentRules(rules)).equals(usual)


@pytest.mark.parametrize("case", LINEHAUL, ids=lambda case: case["ua"][:30])
def test_linehaul_reads_the_same(case: dict[str, Any]) -> None:
    """Every assertion of PyPI's own parser, but where `OTHERWISE` says why not."""
    said, found = case["result"], read_agent(case["ua"])
    if said is None:
        assert found.kind in {"unknown", "mirror"}  # an event without details
        return
    if "installer" in said:
        name = said["installer"]["name"].lower()
        if name == "browser":
            assert found.kind == "browser"
        else:
            assert found.name == OTHERWISE.get(name, name)
            assert found.version == said["installer"].get("version")
    if "python" in said:
        assert (found.runtime, found.runtime_version) == ("python", said["python"])
    if said.get("system"):
        names = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}
        assert found.os == names[said["system"]["name"]]
    if said.get("cpu"):
        cpus = {"x86_64": "amd64", "AMD64": "amd64", "arm64": "arm64"}
        assert found.arch == cpus[said["cpu"]]
    assert found.is_ci == said.get("ci")


def test_crawlers_are_bots_unless_a_rule_knows_them_better() -> None:
    kinds = Counter(row[0] for row in classify_agents(pl.Series([row["agent"] for row in CRAWLERS])).select("user_agent_kind").iter_rows())
    assert kinds["bot"] + kinds["http-library"] + kinds["probe"] + kinds["scanner"] == len(CRAWLERS)
    assert kinds["bot"] > 0.9 * len(CRAWLERS)
    said = classify_agents(pl.Series([row["agent"] for row in CRAWLERS])).filter(pl.col("user_agent_kind") == "bot")
    assert said["os_name"].null_count() == said["host_arch"].null_count() == said.height


def test_what_is_new_in_every_run_is_dropped() -> None:
    texts = pl.Series(
        ["bundler/2.4.1 rubygems/3.4.1 ruby/3.2.2 (x) command/install 0123456789abcdef", "transformers/4.1; session_id/aa11; torch/2", None, "curl/8"]
    )
    assert normalise_agents(texts).to_list() == [
        "bundler/2.4.1 rubygems/3.4.1 ruby/3.2.2 (x) command/install",
        "transformers/4.1; torch/2",
        None,
        "curl/8",
    ]


@given(st.text(max_size=200))
def test_any_text_is_one_row(text: str) -> None:
    frame = classify_agents(pl.Series([text, None], dtype=pl.String))
    assert frame.schema == AGENT_SCHEMA
    assert frame.height == 2
    assert frame["user_agent_name"].null_count() == 0


def test_long_and_broken_agents_do_not_hang() -> None:
    for text in (
        "a" * 100_000,
        "docker/" + "(" * 50_000,
        'pip/1 {"installer":' + "{" * 50_000,
        "Mozilla/5.0 " + "x/1 " * 30_000,
        "\x00\u202e" * 1000,
        "a" * 5000 + " (!bot)",
        "1" * 5000 + "-",
    ):
        assert read_agent(text).name


STATED = {
    "pip": (
        'pip/23.3 {"ci":null,"cpu":"x86_64","distro":{"id":"jammy","libc":{"lib":"glibc","version":"2.35"},"name":"Ubuntu","version":"22.04"},"system":{}}',
        ("Ubuntu", "glibc"),
    ),
    "uv, which puts the name first": (
        'uv/0.4.9 {"distro":{"name":"Alpine Linux","id":null,"libc":{"lib":"musl","version":"1.2"}}}',
        ("Alpine Linux", "musl"),
    ),
    "cut off behind the library": ('pip/23.3 {"ci":null,"distro":{"id":"jammy","libc":{"lib":"glibc","vers', (None, "glibc")),
    "another object's name": ('pip/23.3 {"distro":{"id":"x"},"installer":{"name":"pip"},"system":{"name":"Linux"}}', (None, None)),
    "conda, whose word is another": (
        "conda/23.1.0 requests/2.28.1 CPython/3.10.8 Linux/5.15.0-56-generic debian/12 glibc/2.36 solver/libmamba",
        ("Debian GNU/Linux", "glibc"),
    ),
    "conda on Windows": ("conda/4.12.0 requests/2.27.1 CPython/3.9.12 Windows/10 Windows/10.0.19044", (None, None)),
    "libdnf": ("libdnf (CentOS Stream 9; generic; Linux.x86_64)", ("CentOS Stream", None)),
    "RubyGems": ("Ruby, RubyGems/3.4.10 aarch64-linux-gnu Ruby/3.2.2 (2023-03-30 patchlevel 53)", (None, "glibc")),
    "a browser, whose words are anybody's": ('Mozilla/5.0 (X11; Linux x86_64) "distro":{"name":"Ubuntu"}', (None, None)),
}


@pytest.mark.parametrize("name", STATED)
def test_distribution_and_library_are_read_as_stated(name: str) -> None:
    found = read_agent(STATED[name][0])
    assert (found.distro, found.libc) == STATED[name][1]


# The kernel, who asked the daemon, and whose machine it is where that is not Linux.
MACHINES = [
    ("5.15.49-linuxkit-pr", r" UpstreamClient(Docker-Client/23.0.5 \(darwin\))", "macos"),
    ("5.15.49-linuxkit", "", None),  # Docker Desktop runs on three systems
    ("5.15.90.1-microsoft-standard-WSL2", r" UpstreamClient(Docker-Client/24.0.6 \(windows\))", "windows"),
    ("5.15.90.1-microsoft-standard-WSL2", r" UpstreamClient(Docker-Client/24.0.6 \(linux\))", "windows"),  # from a shell in it
    ("6.10.11-orbstack-00280-g6f5a3b1", " UpstreamClient(compose/v2.18.1)", "macos"),
    ("6.1.0-18-amd64", r" UpstreamClient(Docker-Client/24.0.6 \(linux\))", None),
    ("6.1.0-18-amd64", " UpstreamClient(compose/v2.18.1)", None),
    ("6.1.0-18-amd64", r" UpstreamClient(buildx/0.11 \(plan9thing\))", None),
]


@pytest.mark.parametrize(("kernel", "upstream", "machine"), MACHINES)
def test_a_desktop_tells_whose_machine_it_runs_on_and_stays_the_same_client(kernel: str, upstream: str, machine: str | None) -> None:
    found = read_agent(f"docker/24.0.6 go/go1.20.7 git-commit/1a79695 kernel/{kernel} os/linux arch/arm64{upstream}")
    assert (found.name, found.os, found.arch, found.host_os) == ("docker", "linux", "arm64", machine)


def test_what_runs_in_a_linux_shell_on_windows_asks_as_linux() -> None:
    """It takes Linux's files, and says nothing else."""
    agent = 'pip/23.3 {"cpu":"x86_64","distro":{"name":"Ubuntu"},"system":{"name":"Linux","release":"5.15.90.1-microsoft-standard-WSL2"}}'
    assert (read_agent(agent).os, read_agent(agent).host_os) == ("linux", None)
