"""The overlay `secure`, live: TLS and a token on both doors, a client's certificate where it is asked for."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from certificates import Certificate, make_certificate, trusting
from harness.app import App
from harness.doctor import visit
from harness.sink import Sink
from otlp_wire import log

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

TOKEN = "t0ken-0123456789"
RIGHT = f"Bearer {TOKEN}"
WRONG = {
    "none": "",
    "another": "Bearer another",
    "the bare token": TOKEN,
    "another scheme": f"Basic {TOKEN}",
    "cut": RIGHT[:-1],
    "longer": f"{RIGHT}0",
}
"""What a sender may show that is not `Bearer <token>`."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Certificate]:
    """One of the gateway, one of a sender that it knows, one of a sender that it does not."""
    folder = tmp_path_factory.mktemp("certificates")
    return {name: make_certificate(folder, name) for name in ("gateway", "sender", "stranger")}


@contextmanager
def _locked(
    binary: Path, extras: Path, settings: dict[str, str], certificate: Certificate, **more: str
) -> Iterator[CollectorProcess]:
    lock = {
        "TRADEWISE_TLS_CERT": str(certificate.cert),
        "TRADEWISE_TLS_KEY": str(certificate.key),
        "TRADEWISE_TOKEN": TOKEN,
    }
    role = load_role("gateway", ["secure"], extras)
    with CollectorProcess(binary, role, {**settings, **lock, **more}) as collector:
        yield collector
        print(collector.tail())


@pytest.fixture(scope="module")
def open_doors(gateway_settings: dict[str, str]) -> dict[str, str]:
    """Addresses that others can reach too."""
    doors = ("TRADEWISE_OTLP_HTTP", "TRADEWISE_OTLP_GRPC")
    return {name: gateway_settings[name].replace("127.0.0.1", "0.0.0.0") for name in doors}


@pytest.fixture(scope="module")
def locked(
    gateway_binary: Path,
    at_once: Path,
    gateway_settings: dict[str, str],
    open_doors: dict[str, str],
    certificates: dict[str, Certificate],
) -> Iterator[CollectorProcess]:
    """A gateway with certificate and token, listening beyond loopback."""
    settings = {**gateway_settings, **open_doors}
    with _locked(gateway_binary, at_once, settings, certificates["gateway"]) as collector:
        yield collector


@pytest.fixture(scope="module")
def choosy(
    gateway_binary: Path,
    at_once: Path,
    gateway_settings: dict[str, str],
    certificates: dict[str, Certificate],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CollectorProcess]:
    """A gateway that also wants to see the certificate of one sender."""
    own = {"TRADEWISE_DATA_DIR": str(tmp_path_factory.mktemp("choosy")), **free_addresses()}
    known = {"TRADEWISE_TLS_CLIENT_CA": str(certificates["sender"].cert)}
    settings = {**gateway_settings, **own}
    with _locked(gateway_binary, at_once, settings, certificates["gateway"], **known) as collector:
        yield collector


def _port(collector: CollectorProcess) -> int:
    return int(collector.http.rpartition(":")[2])


def _post(collector: CollectorProcess, body: str, context: ssl.SSLContext, shown: str = RIGHT) -> int:
    """Send one log record over https and give the answer's status."""
    url = f"https://localhost:{_port(collector)}/v1/logs"
    groups = [{"scopeLogs": [{"logRecords": [log(body)]}]}]
    request = urllib.request.Request(url, json.dumps({"resourceLogs": groups}).encode())
    request.add_header("Content-Type", "application/json")
    if shown:
        request.add_header("Authorization", shown)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _bodies(intake: Sink) -> set[str]:
    return {record["body"] for record in intake.logs}


def test_with_the_token_it_answers(
    locked: CollectorProcess, intake: Sink, certificates: dict[str, Certificate]
) -> None:
    """OTLP over https with the right token is taken, and goes on to Datadog."""
    assert _post(locked, "with the token", trusting(certificates["gateway"])) == 200
    intake.wait(lambda door: "with the token" in _bodies(door))


@pytest.mark.parametrize("shown", WRONG)
def test_without_the_token_it_is_401(
    locked: CollectorProcess, intake: Sink, certificates: dict[str, Certificate], shown: str
) -> None:
    """Whatever is not the token is answered 401, and nothing of it goes on."""
    context = trusting(certificates["gateway"])
    assert _post(locked, f"without: {shown}", context, WRONG[shown]) == 401
    assert _post(locked, f"behind: {shown}", context) == 200
    intake.wait(lambda door: f"behind: {shown}" in _bodies(door))
    assert f"without: {shown}" not in _bodies(intake)


def test_a_plain_request_is_refused(locked: CollectorProcess) -> None:
    """Without TLS there is no answer of OTLP, even with the token."""
    connection = http.client.HTTPConnection("127.0.0.1", _port(locked), timeout=10)
    connection.request("POST", "/v1/logs", "{}", {"Authorization": RIGHT, "Content-Type": "application/json"})
    assert connection.getresponse().status == 400


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(locked: CollectorProcess, certificates: dict[str, Certificate]) -> None:
    """TLS 1.2 is spoken, 1.1 is not."""
    context = trusting(certificates["gateway"])
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert _post(locked, "tls 1.2", context) == 200
    # An old OpenSSL lets one try; a new one refuses itself, which shows nothing of the gateway.
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    refused = pytest.raises(ssl.SSLError, match="alert protocol version")
    with socket.create_connection(("127.0.0.1", _port(locked)), timeout=10) as plain, refused:
        context.wrap_socket(plain, server_hostname="localhost")


@pytest.mark.parametrize("own", ["sender", "stranger", ""])
def test_a_certificate_is_asked_for(
    choosy: CollectorProcess, certificates: dict[str, Certificate], own: str
) -> None:
    """With TRADEWISE_TLS_CLIENT_CA only a sender with a certificate of that authority gets an answer."""
    context = trusting(certificates["gateway"], certificates.get(own))
    if own == "sender":
        assert _post(choosy, "with a certificate", context) == 200
    else:
        with pytest.raises((ssl.SSLError, OSError)):
            _post(choosy, "without a certificate", context)


@pytest.mark.parametrize("shown", [RIGHT, "Bearer another", ""])
@pytest.mark.usefixtures("locked")
def test_the_grpc_door_has_the_same_lock(
    open_doors: dict[str, str], certificates: dict[str, Certificate], shown: str
) -> None:
    """OTLP/gRPC over TLS is taken with the token, and UNAUTHENTICATED without."""
    grpc = pytest.importorskip("grpc")
    address = f"localhost:{open_doors['TRADEWISE_OTLP_GRPC'].rpartition(':')[2]}"
    credentials = grpc.ssl_channel_credentials(certificates["gateway"].cert.read_bytes())
    with grpc.secure_channel(address, credentials) as channel:
        export = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
        metadata = [("authorization", shown)] if shown else []
        if shown == RIGHT:
            assert export(b"", timeout=10, metadata=metadata) is not None
        else:
            with pytest.raises(grpc.RpcError) as caught:
                export(b"", timeout=10, metadata=metadata)
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_the_doctor_says_what_is_missing(
    locked: CollectorProcess, certificates: dict[str, Certificate], tmp_path: Path
) -> None:
    """Without its authority, without the token, and with both: each is told apart, with the setting."""
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{_port(locked)}"}
    trust = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificates["gateway"].cert)}
    token = {"OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{TOKEN}"}
    for variables, said in (
        (where, "-> OTEL_EXPORTER_OTLP_CERTIFICATE"),
        (where | trust, "answers 401 -> OTEL_EXPORTER_OTLP_HEADERS"),
        (where | trust | token, "taken by"),
    ):
        (found,) = visit(tmp_path, **variables).said_of("collector")
        assert said in found
        assert TOKEN not in found


SOURCE = Path(__file__).parents[1] / "harness" / "apps" / "answers.py"


@pytest.mark.parametrize("door", ["locked", "choosy"])
def test_our_app_delivers_to_it(
    door: str,
    request: pytest.FixtureRequest,
    intake: Sink,
    certificates: dict[str, Certificate],
    tmp_path: Path,
) -> None:
    """An app under the launcher, told with OpenTelemetry's own variables, delivers records and metrics."""
    collector: CollectorProcess = request.getfixturevalue(door)
    counted = intake.total("api.requests.count", status_code=200)
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{_port(collector)}",
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificates["gateway"].cert),
        "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{TOKEN}",
        # Where a machine has one of these, the exporter's HTTP library prefers it to the certificate above.
        "REQUESTS_CA_BUNDLE": "",
        "CURL_CA_BUNDLE": "",
    }
    if door == "choosy":
        env["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = str(certificates["sender"].cert)
        env["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = str(certificates["sender"].key)
    (tmp_path / "app.py").write_text(SOURCE.read_text())
    with App(tmp_path, env=env) as app:
        httpx.get(f"{app.url}/api/v1/bots/7")
        app.stop()
    own = [line["event_id"] for line in app.lines]
    intake.wait(lambda sink: set(own) <= {record.get("event_id") for record in sink.logs})
    intake.wait(lambda sink: sink.total("api.requests.count", status_code=200) == counted + 1)
    assert app.stderr == ""
