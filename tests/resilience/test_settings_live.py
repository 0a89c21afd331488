"""Bad settings, as a user makes them: one line says all of it, and the app runs on the defaults."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from harness.app import App
from harness.holds import holds
from harness.sink import Sink

SOURCE = """
from fastapi import FastAPI

app = FastAPI()

@app.get("/ping")
async def ping() -> dict[str, str]:
    return {}
"""

BAD = {
    "TRADEWISE_SAMPLE_RATE": ("10%", "a number from 0 to 1"),
    "TRADEWISE_LOG_LEVEL": ("LOUD", "one of DEBUG, INFO"),
    "TRADEWISE_LOG_FORMAT": ("xml", "json or console"),
    "TRADEWISE_P95_MS": ("fast", "a number of milliseconds"),
    "TRADEWISE_P99_MS": ("300", "at least TRADEWISE_P95_MS"),
    "TRADEWISE_BOT_HOSTS": ("10.0.0.0/99", "CIDR ranges"),
    "TRADEWISE_EMAIL": ("hide", "keep, pseudonym or mask"),
    "TRADEWISE_SHUTDOWN_SECONDS": ("soon", "a number of seconds"),
    "OTEL_TRACES_EXPORTER": ("zipkin", "otlp or none"),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("http/json", "http/protobuf or grpc"),
    "OTEL_EXPORTER_OTLP_COMPRESSION": ("zip", "none, gzip or deflate"),
    "OTEL_EXPORTER_OTLP_TIMEOUT": ("abc", "a number of seconds"),
    "OTEL_METRIC_EXPORT_INTERVAL": ("10s", "a whole number"),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("many", "a whole number"),
    "OTEL_METRICS_EXEMPLAR_FILTER": ("all", "always_on"),
    "OTEL_TRACES_SAMPLER": ("sometimes", "parentbased_always_on"),
}


@holds("1.M8")
def test_all_bad_settings_are_in_one_line_and_the_app_runs(app_of: Callable[..., App], sink: Sink) -> None:
    """One line names each bad setting, its value and what is allowed; the app works, with the defaults."""
    with app_of(SOURCE, {name: value for name, (value, _) in BAD.items()}) as app:
        assert httpx.get(f"{app.url}/ping").status_code == 200
        sink.wait(lambda s: s.spans and s.events("api_response"))
    (line,) = [line for line in app.lines if "TRADEWISE_" in line["message"] or "OTEL_" in line["message"]]
    assert line["level"] == "WARNING"
    assert len(line["problems"]) == len(BAD)
    for name, (value, allowed) in BAD.items():
        (part,) = [part for part in line["problems"] if part.startswith(f"{name}=")]
        assert repr(value) in part
        assert allowed in part
        assert "using" in part
    assert app.stderr == ""
    (response,) = sink.events("api_response")
    assert response["sampling.reason"] == "ratio", "the rate's default keeps all"


@holds("1.M8")
def test_a_bad_endpoint_is_named_with_what_is_allowed(app_of: Callable[..., App]) -> None:
    """An endpoint without a scheme is said at the start, not left to an outage that never ends."""
    with app_of(SOURCE, {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}) as app:
        assert httpx.get(f"{app.url}/ping").status_code == 200
    (line,) = [line for line in app.lines if "OTEL_EXPORTER_OTLP_ENDPOINT" in line["message"]]
    assert (
        "OTEL_EXPORTER_OTLP_ENDPOINT='collector:4318' is not a URL that begins with http:// or https://"
        in line["message"]
    )
    assert app.stderr == ""


@holds("1.M8")
def test_good_settings_are_not_talked_about(app_of: Callable[..., App], sink: Sink) -> None:
    """Without a bad setting there is no line about settings."""
    with app_of(SOURCE, {"TRADEWISE_SAMPLE_RATE": "0.5", "TRADEWISE_BOT_HOSTS": "10.0.0.0/8,*.bots"}) as app:
        assert httpx.get(f"{app.url}/ping").status_code == 200
    assert not [line for line in app.lines if line["message"].startswith("settings:")]
