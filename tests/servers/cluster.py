"""A real OpenSearch cluster of three nodes, each a process that can be killed and come back."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

HERE = Path(__file__).parent / "opensearch"
START_S = 300
NODES = ("one", "two", "three")


class Cluster:
    def __init__(self, jars: str, folder: Path) -> None:
        self._jars, self._folder = jars, folder
        with ExitStack() as held:
            listeners = [
                held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in "123456"
            ]
            ports = [listener.getsockname()[1] for listener in listeners]
        self._http = dict(zip(NODES, ports[:3], strict=True))
        self._transport = dict(zip(NODES, ports[3:], strict=True))
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def hosts(self) -> str:
        return ",".join(f"127.0.0.1:{port}" for port in self._http.values())

    def setting(self, name: str, options: str = "") -> str:
        return f"opensearch+http://{self.hosts}/{name}{options}"

    def start(self, name: str) -> None:
        seeds = ",".join(f"127.0.0.1:{port}" for port in self._transport.values())
        settings = {
            "cluster.name": "tests",
            "cluster.initial_cluster_manager_nodes": ",".join(NODES),
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "discovery.seed_hosts": seeds,
            "http.port": self._http[name],
            "http.type": "netty4",
            "network.host": "127.0.0.1",
            "node.name": name,
            "path.home": self._folder / name,
            "transport.port": self._transport[name],
            "transport.type": "netty4",
        }
        (self._folder / name).mkdir(exist_ok=True)
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", self._jars,
                 str(HERE / "ClusterNode.java"), *(f"{key}={settings[key]}" for key in settings)],
                stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.wait(START_S)

    def drop(self, name: str) -> None:
        """What was made under the name."""
        httpx.delete(f"http://127.0.0.1:{self._http[NODES[0]]}/{name}-*", timeout=START_S)

    def is_healthy(self, nodes: int = len(NODES)) -> bool:
        """Are so many nodes one cluster, and does each shard have all of its copies?"""
        for name in self._running:
            found = self._ask(name, "/_cluster/health")
            if found.get("number_of_nodes") == nodes and found.get("status") == "green":
                return True
        return False

    def wait(self, nodes: int = len(NODES)) -> None:
        deadline = time.monotonic() + START_S
        while not self.is_healthy(nodes):
            for name, process in self._running.items():
                assert process.poll() is None, (self._folder / f"{name}.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the cluster does not become green"
            time.sleep(0.2)

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)

    def _ask(self, name: str, path: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self._http[name]}{path}").json()
        except httpx.HTTPError:
            return {}
        return found


def jars(cache: Path) -> str:
    """The class path; fetched once."""
    kept = cache / "classpath.txt"
    if not kept.exists() or not all(
        Path(one).exists() for one in kept.read_text().split(os.pathsep)
    ):
        command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:build-classpath"]
        subprocess.run([*command, f"-Dmdep.outputFile={kept}"], check=True, capture_output=True)
    return kept.read_text()


@contextmanager
def cluster(cache: Path) -> Iterator[Cluster]:
    """Skips where there is no Java, but not in CI."""
    if os.name != "posix" or not (shutil.which("java") and shutil.which("mvn")):
        missing = "no Java 17 or Maven: apt-get install openjdk-17-jdk-headless maven"
        if "CI" in os.environ:
            pytest.fail(missing)
        pytest.skip(missing)
    folder = Path(tempfile.mkdtemp(prefix="opensearch-"))
    started = Cluster(jars(cache), folder)
    try:
        for name in NODES:
            started.start(name)
        started.wait()
        yield started
    finally:
        started.close()
        shutil.rmtree(folder, ignore_errors=True)
