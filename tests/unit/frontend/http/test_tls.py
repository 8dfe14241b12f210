"""HTTPS: certificates of both sides, and new ones while connections are open."""

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import certificates
from support.certificates import Certificate
from support.fake_engine import FakeEngine
from support.front import wait_until
from support.frontend_program import FrontendProgram

from penstock.frontend.http.tls import Certificates
from penstock.protocol.errors import SettingsError
from penstock.protocol.settings import FrontendSettings


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    folder = tmp_path_factory.mktemp("certificates")
    found = {name: certificates.make(folder, name) for name in ("old", "new", "authority")}
    return found | {"client": certificates.make(folder, "client", found["authority"])}


@contextmanager
def connected(
    port: int, trusted: Certificate, mine: Certificate | None = None
) -> Iterator[http.client.HTTPSConnection]:
    context = ssl.create_default_context(cafile=trusted.cert)
    if mine is not None:
        context.load_cert_chain(mine.cert, mine.key)
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    with closing(connection):
        yield connection


def ping(connection: http.client.HTTPSConnection) -> int:
    connection.request("GET", "/ping")
    with connection.getresponse() as response:
        response.read()
        return response.status


def pings(port: int, trusted: Certificate, mine: Certificate | None = None) -> bool:
    """Whether a new connection is trusted by the client, and the client by the server."""
    try:
        with connected(port, trusted, mine) as connection:
            return ping(connection) == 200
    except (ssl.SSLError, OSError):
        return False


def place(certificate: Certificate, folder: Path) -> None:
    """As renewing programs do: whole files, one after the other."""
    for source, name in ((certificate.cert, "cert.pem"), (certificate.key, "key.pem")):
        shutil.copy(source, folder / f"{name}.new")
        os.replace(folder / f"{name}.new", folder / name)


def flags(folder: Path) -> list[str]:
    return [
        "--port",
        "0",
        "--ssl-certfile",
        f"{folder}/cert.pem",
        "--ssl-keyfile",
        f"{folder}/key.pem",
    ]


@pytest.mark.parametrize("way", ["SIGHUP", "--enable-ssl-refresh"])
def test_a_new_certificate_closes_no_connection(
    byte_model: Path, tmp_path: Path, made: dict[str, Certificate], way: str
) -> None:
    place(made["old"], tmp_path)
    more = [way] if way.startswith("--") else []
    with (
        FakeEngine(step_s=0.005) as engine,
        FrontendProgram(byte_model, engine, *flags(tmp_path), *more) as program,
        connected(program.port, made["old"]) as idle,
        connected(program.port, made["old"]) as streaming,
    ):
        assert program.address.startswith("https://")
        assert ping(idle) == 200
        body = {"prompt": "Hi", "stream": True, "max_tokens": 4000, "ignore_eos": True}
        wait_until(lambda: begins(streaming, body))
        with streaming.response as response:  # type: ignore[attr-defined]
            first = response.readline()
            place(made["new"], tmp_path)
            if way == "SIGHUP":
                program.send_signal(signal.SIGHUP)
            program.line_with("TLS files read again")
            assert pings(program.port, made["new"])
            assert not pings(program.port, made["old"])
            assert ping(idle) == 200
            assert first.startswith(b"data: ")
            assert response.readline() == b"\n"
            assert response.readline().startswith(b"data: ")


def begins(connection: http.client.HTTPSConnection, body: dict[str, Any]) -> bool:
    """Whether the stream is there, as `connection.response`: the engine may be unknown yet."""
    connection.request("POST", "/v1/completions", json.dumps(body))
    response = connection.getresponse()
    connection.response = response  # type: ignore[attr-defined]
    if response.status == 200:
        return True
    response.read()
    return False


def test_files_that_do_not_fit_change_nothing(
    byte_model: Path, tmp_path: Path, made: dict[str, Certificate]
) -> None:
    place(made["old"], tmp_path)
    with FakeEngine() as engine, FrontendProgram(byte_model, engine, *flags(tmp_path)) as program:
        assert pings(program.port, made["old"])
        shutil.copy(made["new"].key, tmp_path / "key.pem")
        program.send_signal(signal.SIGHUP)
        assert "key values mismatch" in program.line_with("goes on with the files it has")
        assert pings(program.port, made["old"])
        place(made["new"], tmp_path)
        program.send_signal(signal.SIGHUP)
        wait_until(lambda: pings(program.port, made["new"]))
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0


def test_a_client_needs_a_certificate_where_they_are_required(
    byte_model: Path, tmp_path: Path, made: dict[str, Certificate]
) -> None:
    place(made["old"], tmp_path)
    ca = tmp_path / "ca.pem"
    shutil.copy(made["authority"].cert, ca)
    more = ["--ssl-ca-certs", str(ca), "--ssl-cert-reqs", "2"]
    with (
        FakeEngine() as engine,
        FrontendProgram(byte_model, engine, *flags(tmp_path), *more) as program,
    ):
        assert pings(program.port, made["old"], made["client"])
        assert not pings(program.port, made["old"])
        assert not pings(program.port, made["old"], made["new"])
        shutil.copy(made["new"].cert, ca)
        program.send_signal(signal.SIGHUP)
        program.line_with("TLS files read again")
        assert pings(program.port, made["old"], made["new"])
        assert not pings(program.port, made["old"], made["client"]), (
            "the old authority is forgotten"
        )


def test_plain_http_on_the_port_harms_nobody(
    byte_model: Path, tmp_path: Path, made: dict[str, Certificate]
) -> None:
    place(made["old"], tmp_path)
    with FakeEngine() as engine, FrontendProgram(byte_model, engine, *flags(tmp_path)) as program:
        with closing(http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)) as plain:
            plain.request("GET", "/ping")
            with pytest.raises((http.client.HTTPException, OSError)):
                plain.getresponse()
        assert pings(program.port, made["old"])


def encrypted(certificate: Certificate, folder: Path) -> str:
    path = folder / "encrypted.key"
    command = [
        "openssl",
        "pkey",
        "-aes128",
        "-passout",
        "pass:x",
        "-in",
        certificate.key,
        "-out",
        path,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return str(path)


def test_files_that_cannot_be_used_end_the_start_with_their_names(
    tmp_path: Path, made: dict[str, Certificate]
) -> None:
    cert, key = str(made["old"].cert), str(made["old"].key)
    nothing = str(tmp_path / "nothing")
    for given, words in (
        ({"ssl_certfile": nothing}, f"--ssl-certfile {nothing}: No such file"),
        ({"ssl_certfile": cert}, f"--ssl-certfile {cert}: "),
        ({"ssl_certfile": cert, "ssl_keyfile": str(made["new"].key)}, "key values mismatch"),
        (
            {"ssl_certfile": cert, "ssl_keyfile": key, "ssl_ciphers": "none"},
            "no cipher can be selected",
        ),
        ({"ssl_certfile": cert, "ssl_keyfile": key, "ssl_ca_certs": key}, "--ssl-ca-certs"),
        ({"ssl_certfile": cert, "ssl_keyfile": encrypted(made["old"], tmp_path)}, "encrypted"),
    ):
        with pytest.raises(SettingsError, match="(?i)" + words):
            Certificates(FrontendSettings(**given))
