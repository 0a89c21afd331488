"""What the app must reach from here: the Collector, asked with an empty request, and the state's store."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import ssl
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from opentelemetry.util.re import parse_env_headers

from tradewise_otel import settings
from tradewise_otel.out import exporter
from tradewise_otel.state import opening
from tradewise_otel.state.store import Unavailable
from tradewise_otel.tools.doctor.finding import Finding

_SECONDS = 3.0
_PREFIX = "OTEL_EXPORTER_OTLP_"
_HTTP, _GRPC = "http://localhost:4318", "http://localhost:4317"
_NOBODY = "start one: `tradewise-otel collector run`; or say where it is: OTEL_EXPORTER_OTLP_ENDPOINT"
_NO_TRUST = "OTEL_EXPORTER_OTLP_CERTIFICATE: the file of the authority that has signed its certificate"
_ANSWERS = {
    401: "OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20<TRADEWISE_TOKEN>",
    403: "OTEL_EXPORTER_OTLP_HEADERS: what it asks for",
    404: "no OTLP is taken there: OTEL_EXPORTER_OTLP_ENDPOINT is without /v1/…, and its port is not gRPC's",
}


def collector(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Whether each signal's door takes a request; an empty one, which holds no record."""
    signals: dict[Finding, list[str]] = {}
    for signal in exporter.SIGNALS:
        signals.setdefault(_door(signal, environ), []).append(signal)
    for found, of in signals.items():
        yield found._replace(text=f"{', '.join(of)}: {found.text}")


def _door(signal: str, environ: Mapping[str, str]) -> Finding:
    if exporter.choice(signal, environ) == "none":
        return Finding("note", "collector", f"not sent, OTEL_{signal.upper()}_EXPORTER=none")
    if exporter.protocol_of(signal, environ) == "grpc":
        return _by_grpc(_of(signal, "ENDPOINT", environ) or _GRPC)
    return _by_http(signal, environ)


def _of(signal: str, what: str, environ: Mapping[str, str]) -> str:
    named = environ.get(f"{_PREFIX}{signal.upper()}_{what}") or environ.get(_PREFIX + what)
    return (named or "").strip()


def _url(signal: str, environ: Mapping[str, str]) -> str:
    if own := environ.get(f"{_PREFIX}{signal.upper()}_ENDPOINT", "").strip():
        return own
    return f"{(environ.get(_PREFIX + 'ENDPOINT', '').strip() or _HTTP).rstrip('/')}/v1/{signal}"


def _by_http(signal: str, environ: Mapping[str, str]) -> Finding:
    url = _url(signal, environ)
    place = _place(url)
    try:
        request = _empty_request(url, parse_env_headers(_of(signal, "HEADERS", environ), liberal=True))
        https = urllib.request.HTTPSHandler(context=_tls(signal, environ))
        with urllib.request.build_opener(_NoRedirects, https).open(request, timeout=_SECONDS):
            return Finding("ok", "collector", f"taken by {place}")
    except urllib.error.HTTPError as error:
        remedy = _ANSWERS.get(error.code, "its log says why")
        return Finding("fault", "collector", f"{place} answers {error.code}", remedy)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        remedy = _NO_TRUST if isinstance(reason, ssl.SSLError) else _NOBODY
        return Finding("fault", "collector", f"{place} cannot be reached: {reason}", remedy)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """None: what the headers hold is meant for the address that was given, and for nobody else."""


def _empty_request(url: str, headers: Mapping[str, str]) -> urllib.request.Request:
    """As upstream's exporter would send one: who is named in the URL is named in a header."""
    parts = urlsplit(url)
    own = {"Content-Type": "application/x-protobuf"}
    if parts.username:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        own["Authorization"] = f"Basic {base64.b64encode(user.encode()).decode()}"
        url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return urllib.request.Request(url, b"", {**own, **headers})


def _tls(signal: str, environ: Mapping[str, str]) -> ssl.SSLContext:
    """Raises OSError where a file of a certificate cannot be read."""
    context = ssl.create_default_context(cafile=_of(signal, "CERTIFICATE", environ) or None)
    if certificate := _of(signal, "CLIENT_CERTIFICATE", environ):
        context.load_cert_chain(certificate, _of(signal, "CLIENT_KEY", environ) or None)
    return context


def _by_grpc(endpoint: str) -> Finding:
    place = endpoint if "//" in endpoint else f"grpc://{endpoint}"
    try:
        parts = urlsplit(place)
        socket.create_connection((parts.hostname or "", parts.port or 4317), _SECONDS).close()
    except (OSError, ValueError) as error:
        return Finding("fault", "collector", f"{_place(place)} cannot be reached: {error}", _NOBODY)
    return Finding("ok", "collector", f"somebody listens at {_place(place)} (gRPC, nothing asked)")


def _place(url: str) -> str:
    """Scheme, host and port: neither a password, nor the path that differs by signal."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


def state(environ: Mapping[str, str]) -> Finding:
    """Whether what is remembered between requests can be, where all workers find it."""
    found, _ = settings.load(environ)
    url = opening.url_of(found, environ)
    place = opening.place_of(url)
    if url.startswith("sqlite:") and not Path(place).exists():
        return _room_for(Path(place))
    try:
        opening.open_store(url, found.service_name, uuid.uuid4().hex).close()
    except Unavailable as error:
        remedy = "TRADEWISE_STATE_URL; meanwhile each process remembers for itself"
        return Finding("fault", "state", f"{place} cannot be used: {error}", remedy)
    return Finding("ok", "state", place)


def _room_for(file: Path) -> Finding:
    folder = next(folder for folder in file.parents if folder.exists())
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding("ok", "state", f"{file}, which the app will make")
    remedy = "TRADEWISE_STATE_URL, or XDG_STATE_HOME"
    return Finding("fault", "state", f"{file} cannot be made: {folder} is no folder to write in", remedy)
