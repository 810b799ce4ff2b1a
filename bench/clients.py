"""The clients of the made-up traffic: which families there are, and their User-Agent strings.

The shapes of the User-Agent strings are those the clients' own sources assemble (Docker `dockerversion/useragent.go`,
pip `network/session.py`, npm `definitions.js`, uv `linehaul.rs`, containerd `resolver.go`, cri-o `useragent.go` and so on).
The values in them are drawn at random, so that about 2,000 different strings exist, as in the logs of a public registry.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

AGENT_COUNT = 2_000

# family -> (share of the distinct strings, share of the machines)
FAMILIES = {
    "docker": (0.30, 0.085),
    "node": (0.09, 0.24),
    "libimage": (0.05, 0.04),
    "poller": (0.05, 0.10),
    "pip": (0.16, 0.02),
    "uv": (0.10, 0.008),
    "npm": (0.09, 0.17),
    "helm": (0.03, 0.08),
    "generic": (0.05, 0.15),
    "browser": (0.06, 0.08),
    "bot": (0.02, 0.08),
}

LINUX_KERNELS = (
    "6.8.0-{n}-generic",
    "5.15.0-1{n:03d}-aws",
    "6.5.0-1{n:03d}-azure",
    "5.10.{n}",
    "6.1.{n}-cloud-amd64",
    "6.6.{n}-linuxkit",
    "5.15.{n}.1-microsoft-standard-WSL2",
    "4.18.0-{n}.el8.x86_64",
    "5.14.0-{n}.el9.x86_64",
    "6.1.{n}+",
    "6.10.{n}-orbstack",
)
ARCHES = ("amd64", "amd64", "amd64", "arm64", "arm64", "arm")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7l"}


def quoted(text: str) -> str:
    r"""Escape like nginx's default `log_format`: `"` is `\x22`, a backslash is `\x5C`."""
    return text.replace("\\", "\\x5C").replace('"', "\\x22")


def _docker(rng: random.Random) -> str:
    version = f"{rng.choice((20, 23, 24, 25, 26, 27, 28))}.{rng.choice((0, 0, 1))}.{rng.randrange(12)}"
    go = f"go1.{rng.randrange(18, 25)}.{rng.randrange(14)}"
    kernel = rng.choice(LINUX_KERNELS).format(n=rng.randrange(20, 180))
    client = rng.choice(
        (
            f"Docker-Client/{version} \\(linux\\)",
            f"Docker-Client/{version} \\(darwin\\)",
            f"Docker-Client/{version} \\(windows\\)",
            f"compose/2.{rng.randrange(10, 40)}.{rng.randrange(4)}",
            "Go-http-client/1.1",
        ),
    )
    return (
        f"docker/{version} go/{go} git-commit/{rng.getrandbits(28):07x} kernel/{kernel} os/linux arch/{rng.choice(ARCHES)} UpstreamClient({client})"
    )


def _node(rng: random.Random) -> str:
    return rng.choice(
        (
            f"containerd/1.{rng.randrange(5, 8)}.{rng.randrange(28)}",
            f"containerd/1.{rng.randrange(5, 8)}.{rng.randrange(28)}",
            f"containerd/v1.{rng.randrange(6, 8)}.{rng.randrange(28)}-k3s1",
            f"containerd/v2.{rng.randrange(2)}.{rng.randrange(7)}",
            " ".join(
                (
                    f"cri-o/1.{rng.randrange(24, 33)}.{rng.randrange(10)}",
                    f"go/go1.{rng.randrange(19, 24)}.{rng.randrange(12)}",
                    f"os/linux arch/{rng.choice(ARCHES)}",
                ),
            ),
        ),
    )


def _libimage(rng: random.Random) -> str:
    return rng.choice(
        (
            f"containers/5.{rng.randrange(16, 35)}.{rng.randrange(4)} (github.com/containers/image)",
            f"skopeo/1.{rng.randrange(6, 19)}.{rng.randrange(4)}",
            f"Buildah/1.{rng.randrange(26, 40)}.{rng.randrange(4)}",
            f"buildkit/v0.{rng.randrange(9, 22)}",
            f"libpod/4.{rng.randrange(1, 10)}.{rng.randrange(4)}",
            f"crane/0.{rng.randrange(14, 21)}.{rng.randrange(4)} go-containerregistry/v0.{rng.randrange(14, 21)}.{rng.randrange(4)}",
        ),
    )


def _poller(rng: random.Random) -> str:
    return rng.choice(
        (
            f"Watchtower/v1.{rng.randrange(4, 8)}.{rng.randrange(3)}",
            f"diun/4.{rng.randrange(20, 30)}.0 go/1.{rng.randrange(18, 24)}.{rng.randrange(9)} Linux",
            f"Renovate/{rng.randrange(35, 40)}.{rng.randrange(300)}.{rng.randrange(4)} (https://github.com/renovatebot/renovate)",
            f"trivy/0.{rng.randrange(30, 60)}.{rng.randrange(4)} go-containerregistry/v0.20.2",
            f"go-containerregistry/v0.{rng.randrange(8, 21)}.{rng.randrange(4)}",
        ),
    )


def _linehaul(rng: random.Random, installer: str, version: str) -> dict[str, object]:
    arch = rng.choice(ARCHES)
    python = f"3.{rng.randrange(8, 14)}.{rng.randrange(1, 16)}"
    distro = rng.choice(
        (
            ("Ubuntu", "22.04", "jammy", "2.35"),
            ("Ubuntu", "24.04", "noble", "2.39"),
            ("Debian GNU/Linux", "12", "bookworm", "2.36"),
            ("Alpine Linux", "3.20.3", None, None),
            ("Amazon Linux", "2023", None, "2.34"),
        ),
    )
    return {
        "ci": rng.choice((None, None, True)),
        "cpu": MACHINES[arch],
        "distro": {"id": distro[2], "libc": {"lib": "glibc", "version": distro[3]}, "name": distro[0], "version": distro[1]},
        "implementation": {"name": "CPython", "version": python},
        "installer": {"name": installer, "version": version},
        "openssl_version": f"OpenSSL 3.0.{rng.randrange(2, 15)} 1 Aug 2023",
        "python": python,
        "setuptools_version": f"{rng.randrange(58, 76)}.{rng.randrange(4)}.0",
        "system": {"name": "Linux", "release": rng.choice(LINUX_KERNELS).format(n=rng.randrange(20, 180))},
    }


def _pip(rng: random.Random) -> str:
    if rng.random() < 0.12:
        python = f"CPython/3.{rng.randrange(8, 13)}.{rng.randrange(14)}"
        return f"poetry/1.{rng.randrange(2, 9)}.{rng.randrange(6)} {python} Linux/5.15.0-{rng.randrange(60, 130)}-generic"
    version = f"{rng.choice((21, 22, 23, 24, 25))}.{rng.randrange(4)}.{rng.randrange(3)}"
    return f"pip/{version} {json.dumps(_linehaul(rng, 'pip', version), separators=(',', ':'), sort_keys=True)}"


def _uv(rng: random.Random) -> str:
    version = f"0.{rng.randrange(2, 8)}.{rng.randrange(30)}"
    facts = _linehaul(rng, "uv", version)
    facts = {
        "installer": {"name": "uv", "version": version, "subcommand": [rng.choice(("sync", "pip", "run"))]},
        **{key: facts[key] for key in ("python", "implementation", "distro", "system", "cpu", "ci")},
    }
    return f"uv/{version} {json.dumps(facts, separators=(',', ':'))}"


def _npm(rng: random.Random) -> str:
    node = f"v{rng.choice((16, 18, 20, 22))}.{rng.randrange(20)}.{rng.randrange(3)}"
    place = rng.choice(("linux x64", "linux x64", "linux arm64", "darwin arm64", "win32 x64"))
    ci = rng.choice(("", "", " ci/github-actions", " ci/gitlab"))
    return rng.choice(
        (
            f"npm/{rng.randrange(8, 12)}.{rng.randrange(9)}.{rng.randrange(4)} node/{node} {place} workspaces/false{ci}",
            f"npm/{rng.randrange(8, 12)}.{rng.randrange(9)}.{rng.randrange(4)} node/{node} {place} workspaces/false{ci}",
            f"pnpm/{rng.randrange(7, 11)}.{rng.randrange(15)}.{rng.randrange(4)} npm/? node/{node} {place}",
            f"yarn/1.22.{rng.randrange(10, 23)} npm/? node/{node} {place}",
            f"Bun/1.{rng.randrange(3)}.{rng.randrange(30)}",
        ),
    )


def _helm(rng: random.Random) -> str:
    return rng.choice(
        (
            f"Helm/3.{rng.randrange(7, 19)}.{rng.randrange(5)}",
            f"argocd-repo-server/v2.{rng.randrange(5, 14)}.{rng.randrange(12)} (linux/amd64)",
            "flux/v2",
            f"Terraform/1.{rng.randrange(3, 11)}.{rng.randrange(9)}",
        ),
    )


def _generic(rng: random.Random) -> str:
    return rng.choice(
        (
            f"curl/{rng.choice((7, 8))}.{rng.randrange(1, 89)}.{rng.randrange(2)}",
            f"Wget/1.{rng.randrange(19, 26)}.{rng.randrange(5)}",
            "Go-http-client/1.1",
            "Go-http-client/2.0",
            f"python-requests/2.{rng.randrange(20, 33)}.{rng.randrange(4)}",
            f"Java/17.0.{rng.randrange(3, 15)}",
            f"okhttp/4.{rng.randrange(7, 13)}.0",
            f"axios/1.{rng.randrange(8)}.{rng.randrange(6)}",
            f"Homebrew/4.{rng.randrange(5)}.{rng.randrange(20)} (Macintosh; arm64 Mac OS X 14.{rng.randrange(7)}) curl/8.4.0",
        ),
    )


def _browser(rng: random.Random) -> str:
    place = rng.choice(("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"))
    chrome = f"Mozilla/5.0 ({place}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{rng.randrange(98, 138)}.0.0.0 Safari/537.36"
    firefox = rng.randrange(98, 140)
    return rng.choice(
        (
            chrome,
            f"{chrome} Edg/{rng.randrange(100, 138)}.0.0.0",
            f"Mozilla/5.0 ({place}; rv:{firefox}.0) Gecko/20100101 Firefox/{firefox}.0",
        ),
    )


def _bot(rng: random.Random) -> str:
    return rng.choice(
        (
            f"kube-probe/1.{rng.randrange(22, 34)}",
            f"Blackbox Exporter/0.{rng.randrange(20, 28)}.0",
            "ELB-HealthChecker/2.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            f"GitHub-Hookshot/{rng.getrandbits(28):07x}",
            f"Mozilla/5.0 (compatible; AhrefsBot/{rng.randrange(5, 8)}.0; +http://ahrefs.com/robot/)",
            "-",
        ),
    )


MAKERS: dict[str, Callable[[random.Random], str]] = {
    "docker": _docker,
    "node": _node,
    "libimage": _libimage,
    "poller": _poller,
    "pip": _pip,
    "uv": _uv,
    "npm": _npm,
    "helm": _helm,
    "generic": _generic,
    "browser": _browser,
    "bot": _bot,
}


def make_agents(rng: random.Random) -> dict[str, list[str]]:
    """Draw the distinct User-Agent strings: family -> strings as the client sends them, AGENT_COUNT in all."""
    seen: dict[str, None] = {}
    pools: dict[str, list[str]] = {}
    for family, (share, _machines) in FAMILIES.items():
        wanted, pool = round(AGENT_COUNT * share), []
        for _attempt in range(wanted * 12):
            agent = MAKERS[family](rng)
            if agent not in seen:
                seen[agent] = None
                pool.append(agent)
            if len(pool) == wanted:
                break
        pools[family] = pool
    while len(seen) < AGENT_COUNT:  # the families with few possible strings leave a rest
        agent = _docker(rng)
        if agent not in seen:
            seen[agent] = None
            pools["docker"].append(agent)
    return pools
