"""Self-signed certificates for this machine, made by `openssl`; whoever has none skips."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificate:
    """A certificate that is its own authority, and its key."""

    cert: Path
    key: Path


def make_certificate(folder: Path, name: str) -> Certificate:
    """A certificate of `localhost` and 127.0.0.1, for servers and for clients."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("needs openssl to make a certificate")
    made = Certificate(folder / f"{name}.pem", folder / f"{name}-key.pem")
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-out", str(made.cert), "-keyout", str(made.key)]
    subprocess.run([openssl, "req", "-x509", *options, *names, *files], check=True, capture_output=True)
    return made


def trusting(server: Certificate, own: Certificate | None = None) -> ssl.SSLContext:
    """How a client sees the server, and what it shows of itself."""
    context = ssl.create_default_context(cafile=str(server.cert))
    if own:
        context.load_cert_chain(own.cert, own.key)
    return context
