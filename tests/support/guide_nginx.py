"""A guide's nginx in front of a real server: its file, and a chat streamed through it. Knows no row."""

import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.deployment import Deployment
from support.guide_runs import Run, run_shell
from support.guides import excerpt, rewritten
from support.ports import free_port

READY_S = 60
_AROUND = """
daemon off; pid {folder}/pid; error_log stderr; events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/vllm.conf;
}}
"""


def behind_nginx(script: str, rules: Mapping[str, str]) -> Run:
    """The excerpt is a file for nginx's conf.d; `script` asks through it, at $NGINX."""

    def ran(at: str, server: Deployment) -> str:
        if shutil.which("nginx") is None:
            pytest.skip("needs nginx")
        port = free_port()
        addresses = {
            "listen 80;": f"listen {port};",
            r"127\.0\.0\.1:800\d|vllm:8000|prometheus:9090": f"127.0.0.1:{server.port}",
        }
        with _running(rewritten(excerpt(at), addresses | rules), port) as url:
            return run_shell(script, NGINX=url)

    return ran


@contextmanager
def _running(conf: str, port: int) -> Iterator[str]:
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "vllm.conf").write_text(conf)
        Path(folder, "nginx.conf").write_text(_AROUND.format(folder=folder))
        process = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-e", "stderr"])
        try:
            _wait(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(READY_S)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Until it listens, whatever it answers."""
    end = time.monotonic() + READY_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, "nginx ended"
            assert time.monotonic() < end, f"nginx does not listen at {url}"
            time.sleep(0.02)
