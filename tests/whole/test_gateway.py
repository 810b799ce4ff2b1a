"""The gateway of `examples/`, as it stands, with a real nginx, a real registry and real clients, on loopback."""

from __future__ import annotations

import base64
import contextlib
import csv
import hashlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pullstats.cli import run
from pullstats.formats import RECOMMENDED
from pullstats.metrics import Breakdown, Query
from pullstats.pipeline.answer import answer
from support.command import take_into
from support.places import ROOT

GATEWAY = ROOT / "examples" / "gateway"
NEEDED = ("nginx", "docker-registry", "skopeo", "curl")
MISSING = [name for name in NEEDED if shutil.which(name) is None]


def test_the_example_logs_what_we_recommend() -> None:
    text = (GATEWAY / "nginx.conf").read_text()
    assert RECOMMENDED in text
    assert "Authorization" not in RECOMMENDED
    assert "$http_authorization" not in text
    assert "$http_cookie" not in text


def test_the_other_examples_are_well_formed() -> None:
    """JSON, unit files and cron lines parse, and call commands and options that exist."""
    assert json.loads((GATEWAY / "cloudwatch-agent.json").read_text())["logs"]
    unit = (GATEWAY / "pullstats.service").read_text() + (GATEWAY / "cron").read_text()
    commands = re.findall(r"pullstats (ingest|export) (--[^&\n]*)", unit)
    assert len(commands) == 4
    for command, arguments in commands:
        assert run([command, "--help"]) == 0
        assert set(re.findall(r"--[a-z-]+", arguments)) <= {"--quiet", "--set"}


@dataclass
class Gateway:
    """What runs: the ports of gateway, registry and files, and the log of the first two."""

    port: int
    registry: int
    folder: Path

    @property
    def log(self) -> Path:
        """What the gateway writes."""
        return self.folder / "gateway.log"

    @property
    def registry_log(self) -> Path:
        """What the registry writes."""
        return self.folder / "registry.log"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")


def shell(*command: str, fails: bool = False, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env={**os.environ, **environment})
    assert (done.returncode != 0) == fails, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def write_image(folder: Path) -> None:
    """Write an image for two platforms as an OCI layout, by hand."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(content: bytes, kind: str, **more: Any) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content), **more}

    manifests = []
    for arch in ("amd64", "arm64"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as layer:
            entry = tarfile.TarInfo("hello")
            entry.size = len(arch)
            layer.addfile(entry, io.BytesIO(arch.encode()))
        content = buffer.getvalue()
        layer_entry = put(content, "application/vnd.oci.image.layer.v1.tar")
        config = {"architecture": arch, "os": "linux", "rootfs": {"type": "layers", "diff_ids": [layer_entry["digest"]]}}
        config_entry = put(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "config": config_entry, "layers": [layer_entry]}
        manifests.append(put(json.dumps(manifest).encode(), kind, platform={"architecture": arch, "os": "linux"}))
    kind = "application/vnd.oci.image.index.v1+json"
    index = put(json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": manifests}).encode(), kind)
    index["annotations"] = {"org.opencontainers.image.ref.name": "1.0"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def write_files(folder: Path) -> None:
    """Write a Python index with one wheel, and a release."""
    wheel = folder / "packages" / "acme_tool-1.0-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    record = {"acme_tool.py": b"x = 1\n", "acme_tool-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: acme-tool\nVersion: 1.0\n"}
    record["acme_tool-1.0.dist-info/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [
        [name, "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("="), len(data)] for name, data in record.items()
    ]
    text = io.StringIO()
    csv.writer(text).writerows([*rows, ["acme_tool-1.0.dist-info/RECORD", "", ""]])
    record["acme_tool-1.0.dist-info/RECORD"] = text.getvalue().encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in record.items():
            archive.writestr(name, data)
    index = folder / "simple" / "acme-tool" / "index.html"
    index.parent.mkdir(parents=True)
    index.write_text(f'<!DOCTYPE html><html><body><a href="/packages/{wheel.name}">{wheel.name}</a></body></html>')
    release = folder / "acme" / "tool" / "releases" / "download" / "v1.0" / "tool_1.0_linux_arm64.tar.gz"
    release.parent.mkdir(parents=True)
    release.write_bytes(b"release" * 1000)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Start the registry and the gateway."""
    if MISSING:
        pytest.skip(f"not installed: {', '.join(MISSING)} (Debian: apt install nginx-light docker-registry skopeo podman curl)")
    folder = tmp_path_factory.mktemp("gateway")
    ports = [free_port() for _ in range(3)]
    port, registry, files = ports
    write_image(folder / "image")
    write_files(folder / "www")
    config = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": False}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "registry")}},
        "http": {"addr": f"127.0.0.1:{registry}"},
    }
    (folder / "registry.yml").write_text(json.dumps(config))
    example = (GATEWAY / "nginx.conf").read_text()
    replaced = {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "https://registry.example.com": f"http://127.0.0.1:{registry}",
        "https://files.example.com": f"http://127.0.0.1:{files}",
        "/var/log/nginx/gateway.log pullstats buffer=64k flush=5s": f"{folder}/gateway.log pullstats",
    }
    for old, new in replaced.items():
        assert old in example
        example = example.replace(old, new)
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    files_server = f"server {{ listen 127.0.0.1:{files}; root {folder}/www; access_log off; }}"
    mime = "types { text/html html; application/octet-stream whl gz; }"
    http = f"http {{ {mime} access_log off;\n{paths}{example}{files_server} }}"
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(f"{user} daemon off; error_log stderr; pid {folder}/nginx.pid; events {{}} {http}")
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((folder / "registry.log").open("wb"))
        for command, output in (
            (["docker-registry", "serve", str(folder / "registry.yml")], log),
            (["nginx", "-c", str(folder / "nginx.conf"), "-e", "stderr"], subprocess.DEVNULL),
        ):
            process = stack.enter_context(subprocess.Popen(command, stdout=output, stderr=output))
            stack.callback(process.terminate)
        for one in ports:
            wait_for(one)
        image = f"docker://127.0.0.1:{registry}/acme/app:1.0"
        shell("skopeo", "--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false", f"oci:{folder / 'image'}:1.0", image)
        yield Gateway(port, registry, folder)


def report(store: Path, *metrics: str, by: tuple[str, ...], where: str | None = None) -> dict[Any, tuple[Any, ...]]:
    """Ask the store: values by dimension."""
    rows = answer(store, Breakdown(Query(metrics, by, window="all", where=where, limit=0))).frame.rows()
    return {row[0] if len(by) == 1 else row[: len(by)]: row[len(by) :] for row in rows}


def pull_with_podman(image: str, folder: Path) -> bool:
    """Pull with podman where it is installed and can work at all; tell whether it did."""
    if shutil.which("podman") is None:
        return False
    policy = folder / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    with tempfile.TemporaryDirectory(prefix="ps") as short:  # podman takes no long paths
        storage = ("podman", "--root", f"{short}/root", "--runroot", f"{short}/run", "--storage-driver", "vfs")
        if subprocess.run([*storage, "info"], capture_output=True, timeout=60, check=False).returncode:
            return False
        shell(*storage, "pull", "-q", "--signature-policy", str(policy), "--tls-verify=false", image)
        shell(*storage, "rmi", "-a", "-f")
    return True


def test_what_clients_took_is_what_is_counted(gateway: Gateway, tmp_path: Path) -> None:
    """Pulls by skopeo and podman, a wheel by pip, a release by curl; a missing tag, an inspection, a refused path."""
    host = f"127.0.0.1:{gateway.port}"
    skopeo = ("skopeo", "--insecure-policy")
    shell(*skopeo, "copy", "-q", "--src-tls-verify=false", f"docker://{host}/acme/app:1.0", f"oci:{tmp_path / 'one'}:1.0")
    shell(*skopeo, "copy", "-q", "--src-tls-verify=false", f"docker://{host}/acme/app:9.9", f"oci:{tmp_path / 'two'}:1.0", fails=True)
    has_podman = pull_with_podman(f"{host}/acme/app:1.0", tmp_path)
    pip = (
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "-d",
        str(tmp_path / "wheels"),
    )
    shell(*pip, "--index-url", f"http://{host}/simple/", "--trusted-host", "127.0.0.1", "acme-tool", PIP_CONFIG_FILE=os.devnull, NO_PROXY="*")
    release = f"http://{host}/acme/tool/releases/download/v1.0/tool_1.0_linux_arm64.tar.gz"
    curl = ("curl", "-sS", "-L", "--noproxy", "*", "-o")
    shell(*curl, str(tmp_path / "tool"), "-u", "someone:PASSWORD", f"{release}?token=SECRET")
    shell(*curl, str(tmp_path / "head"), "-I", release)
    assert (tmp_path / "wheels" / "acme_tool-1.0-py3-none-any.whl").stat().st_size > 0
    assert (tmp_path / "tool").read_bytes() == b"release" * 1000

    time.sleep(0.3)
    store = tmp_path / "store"
    summary = take_into(store, gateway.log)
    assert (summary.sources[0].format, summary.total("rejected"), summary.total("ignored")) == ("json", 0, 0)
    assert summary.total("events") == len(gateway.log.read_bytes().splitlines())

    pulls = report(store, "pulls", "attempts", by=("client", "tag"), where="action=manifest")
    # Every copy of an index asks by tag and then by digest; the tag that is missing is sent on like the others:
    # the gateway cannot know, and a redirect is what it counts.
    assert pulls["skopeo", "1.0"] == (1, 1)
    assert pulls["skopeo", "9.9"] == (1, 1)
    if has_podman:
        assert pulls["containers-image", "1.0"] == (1, 1)  # podman, buildah and cri-o call themselves by their library
    files = report(store, "downloads", by=("client", "package"), where="ecosystem in (pypi, github)")
    assert files["pip", "acme-tool"] == (1,)
    assert files["curl", "acme/tool"] == (1,)
    statuses = report(store, "requests", by=("status",))
    assert set(statuses) == {200, 302, 307, 400}  # 400: clients try TLS first, on the plain port
    assert statuses[302] == (3,)
    hosts = report(store, "requests", by=("domain",))
    assert set(hosts) == {"127.0.0.1", "get.example.com"}  # what has no Host is the server's
    platforms = report(store, "downloads", by=("platform",), where="ecosystem=github")
    assert platforms["linux/arm64"] == (1,)
    everything = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert b"SECRET" not in everything
    assert b"PASSWORD" not in gateway.log.read_bytes()


def test_the_registrys_own_log_agrees(gateway: Gateway, tmp_path: Path) -> None:
    """The registry saw the same manifests, and knows which of them exist; its messages are ignored."""
    url = f"http://127.0.0.1:{gateway.port}/v2/acme/app/manifests"
    fetch = ("curl", "-sS", "-f", "-L", "--noproxy", "*", "-A", "containerd/1.7.2", "-H")
    digests = tmp_path / "index.json"
    shell(*fetch, "Accept: application/vnd.oci.image.index.v1+json", "-o", str(digests), f"{url}/1.0")
    platform = next(entry for entry in json.loads(digests.read_text())["manifests"] if entry["platform"]["architecture"] == "arm64")
    shell(*fetch, "Accept: application/vnd.oci.image.manifest.v1+json", "-o", os.devnull, f"{url}/{platform['digest']}")
    time.sleep(0.3)
    store = tmp_path / "store"
    summary = take_into(store, gateway.registry_log, digests=(digests,))
    assert summary.sources[0].format == "distribution"
    assert summary.total("rejected") == 0
    assert summary.total("ignored") > 0
    pulls = report(store, "pulls", by=("client", "tag", "platform"), where="client=containerd and action=manifest")
    assert pulls["containerd", "1.0", "linux/arm64"] == (1,)
    missing = report(store, "pulls", "attempts", by=("tag",), where="client=skopeo and action=manifest")
    if "9.9" in missing:
        assert missing["9.9"] == (0, 1)
