"""Certificates for tests, made by the openssl command: who signed whom. Knows no server."""

import subprocess
from pathlib import Path
from typing import NamedTuple


class Certificate(NamedTuple):
    """Files in PEM."""

    cert: Path
    key: Path


def make(folder: Path, name: str, signed_by: Certificate | None = None) -> Certificate:
    """For 127.0.0.1 and localhost, signed by itself where nobody else signs. The name is its common name."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    signer = ["-CA", signed_by.cert, "-CAkey", signed_by.key] if signed_by else []
    extension = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    command = [
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", extension),
        *("-keyout", made.key, "-out", made.cert, *signer),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return made
