"""A Ray cluster of several nodes on this host, for one test. Knows no ranks."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.ports import free_port

RAY = str(Path(sys.executable).with_name("ray"))
QUIET = ("--disable-usage-stats", "--include-dashboard=false")
START_S = 240.0


class RayCluster:
    """A context manager: `address` is for RAY_ADDRESS. Each node has one processor for one rank."""

    def __init__(self, num_nodes: int) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._num_nodes = num_nodes
        self._nodes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "RayCluster":
        # Its sockets' names are long, and a Unix socket's may not be.
        self._folder = tempfile.TemporaryDirectory(prefix="ray", dir="/tmp")
        port = self.address.rpartition(":")[2]
        head = ("--head", f"--port={port}", f"--temp-dir={self._folder.name}", *QUIET)
        try:
            self._start(*head, "--node-ip-address=127.0.0.1")
            for _ in range(self._num_nodes - 1):
                self._start(f"--address={self.address}", "--node-ip-address=127.0.0.1")
            self._wait_for_nodes()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in reversed(
            self._nodes
        ):  # draining a node takes half a minute, and nobody is on it
            os.killpg(node.pid, signal.SIGKILL)
            node.wait()
        self._folder.cleanup()

    def _start(self, *flags: str) -> None:
        argv = [RAY, "start", "--block", "--num-cpus=1", "--object-store-memory=80000000", *flags]
        environ = {**os.environ, "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1"}
        self._nodes.append(
            subprocess.Popen(argv, stdout=subprocess.DEVNULL, start_new_session=True, env=environ)
        )

    def _wait_for_nodes(self) -> None:
        end = time.monotonic() + START_S
        while self._num_alive() < self._num_nodes:
            assert all(node.poll() is None for node in self._nodes), "a node ended early"
            assert time.monotonic() < end, f"no {self._num_nodes} nodes after {START_S} s"
            time.sleep(0.5)

    def _num_alive(self) -> int:
        """Asked in a process of its own: Ray is slow to import, and slower to leave."""
        program = (
            f"import ray; ray.init('{self.address}', logging_level='error');"
            "print(sum(node['Alive'] for node in ray.nodes()))"
        )
        found = subprocess.run(
            [sys.executable, "-P", "-c", program], capture_output=True, text=True, timeout=START_S
        )
        return int(found.stdout.split()[-1]) if found.returncode == 0 else 0
