"""No secret gets through to a file, in whatever slot of OTLP it comes; clean traffic is left as it is."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness.holds import holds
from otlp_wire import OURS, START, attributes, log, post, post_groups, raw, records, span

from tradewise_otel.tools.collector.config import load_role
from tradewise_otel.tools.collector.process import CollectorProcess, free_addresses

FORMS: dict[str, Callable[[str], dict[str, Any]]] = {
    "text": lambda c: {"note": f"login failed, password={c} for bob"},
    "bearer": lambda c: {"header": f"Authorization: Bearer {c}"},
    "bare-bearer": lambda c: {"header": f"Bearer {c}"},
    "key": lambda c: {"api_token": c},
    "camel-key": lambda c: {"userPassword": c},
    "header-key": lambda c: {"http.request.header.x-api-key": c},
    "number-key": lambda c: {"pwd": int(c[-9:])},
    "nested": lambda c: {"config": {"auth": {"client_secret": c}}},
    "listed": lambda c: {"items": [{"access_token": c}]},
    "array": lambda c: {"argv": ["--verbose", f"password={c}"]},
    "json": lambda c: {"payload": f'{{"user": "bob", "password": "{c} and more"}}'},
    "escaped-json": lambda c: {"payload": f'{{\\"api_key\\": \\"{c}\\"}}'},
    "userinfo": lambda c: {"url": f"postgresql://app:{c}@db.internal:5432/tradewise"},
    "query": lambda c: {"url": f"https://bot.example/x?page=2&access_token={c}&z=1"},
    "cookie": lambda c: {"header": f"Cookie: theme=dark; sid={c}"},
    "jwt": lambda c: {"note": f"got eyJhbGciOiJIUzI1NiJ9.eyJ{c}.sig{c} from the caller"},
    "bytes": lambda c: {"blob": base64.b64encode(f"password={c}".encode())},
}
ATTRIBUTE_SLOTS = ("resource", "scope", "span", "event", "link", "log", "metadata", "point", "exemplar")
TEXT_SLOTS = (
    "span name",
    "status message",
    "tracestate",
    "event name",
    "body",
    "log event name",
    "severity text",
    "metric name",
    "metric description",
    "metric unit",
    "scope name",
    "scope version",
    "entity type",
    "entity key",
    "resource schema",
    "scope schema",
)
TEXT_FORMS = ("text", "bearer", "json", "userinfo", "query", "jwt")
BODY_FORMS = tuple(form for form in FORMS if form not in TEXT_FORMS)


@dataclass(frozen=True)
class Canary:
    """One secret in one slot and one form; `secret` is unique."""

    slot: str
    form: str
    secret: str

    def attributes(self) -> list[dict[str, Any]]:
        ((key, value),) = FORMS[self.form](self.secret).items()
        if isinstance(value, bytes):
            return [{"key": key, "value": {"bytesValue": value.decode()}}]
        return attributes({key: value})

    def text(self) -> str:
        ((_, value),) = FORMS[self.form](self.secret).items()
        return str(value)

    def leaked(self, text: str) -> bool:
        shapes = [self.secret, self.secret[-9:]]
        shapes += [base64.b64encode(b"x" * shift + self.secret.encode()).decode()[4:-4] for shift in range(3)]
        return any(shape in text for shape in shapes)


def _canaries() -> Iterator[Canary]:
    places = [(slot, form) for slot in ATTRIBUTE_SLOTS for form in FORMS]
    places += [(slot, form) for slot in TEXT_SLOTS for form in TEXT_FORMS]
    places += [("body map", form) for form in BODY_FORMS]
    for number, (slot, form) in enumerate(places):
        # Unlike one another in every part, also in base64.
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        yield Canary(slot, form, f"hQ{digest[:12]}{100_000_000 + int(digest[12:18], 16)}")


CANARIES = tuple(_canaries())


def _traces(canary: Canary) -> dict[str, Any]:
    event: dict[str, Any] = {"timeUnixNano": str(START), "name": "an event"}
    link: dict[str, Any] = {"traceId": "a" * 32, "spanId": "b" * 16}
    sent = span(events=[event], links=[link], status={"code": 2})
    if canary.slot in ("span", "event", "link"):
        {"span": sent, "event": event, "link": link}[canary.slot]["attributes"] = canary.attributes()
    if canary.slot == "event name":
        event["name"] = canary.text()
    if canary.slot == "status message":
        sent["status"]["message"] = canary.text()
    fields = {"span name": "name", "tracestate": "traceState"}
    if canary.slot in fields:
        sent[fields[canary.slot]] = canary.text()
    return sent


def _logs(canary: Canary) -> dict[str, Any]:
    sent = log()
    if canary.slot == "log":
        sent["attributes"] = canary.attributes()
    if canary.slot == "body map":
        sent["body"] = {"kvlistValue": {"values": canary.attributes()}}
    if canary.slot == "body":
        sent["body"] = {"stringValue": canary.text()}
    fields = {"log event name": "eventName", "severity text": "severityText"}
    if canary.slot in fields:
        sent[fields[canary.slot]] = canary.text()
    return sent


def _metrics(canary: Canary) -> dict[str, Any]:
    exemplar: dict[str, Any] = {"timeUnixNano": str(START), "asInt": "1"}
    point: dict[str, Any] = {"timeUnixNano": str(START), "asInt": "1", "exemplars": [exemplar]}
    sent: dict[str, Any] = {"name": "a.metric", "gauge": {"dataPoints": [point]}}
    if canary.slot == "metadata":
        sent["metadata"] = canary.attributes()
    if canary.slot == "point":
        point["attributes"] = canary.attributes()
    if canary.slot == "exemplar":
        exemplar["filteredAttributes"] = canary.attributes()
    fields = {"metric name": "name", "metric description": "description", "metric unit": "unit"}
    if canary.slot in fields:
        sent[fields[canary.slot]] = canary.text()
    return sent


def _payload(signal: str) -> list[dict[str, Any]]:
    """One resource with one record a canary: slots that a signal has not are left clean."""
    inner, name, make = {
        "logs": ("scopeLogs", "logRecords", _logs),
        "traces": ("scopeSpans", "spans", _traces),
        "metrics": ("scopeMetrics", "metrics", _metrics),
    }[signal]
    groups = []
    for canary in CANARIES:
        resource: dict[str, Any] = {"attributes": canary.attributes() if canary.slot == "resource" else []}
        if canary.slot.startswith("entity "):
            key = canary.slot == "entity key"
            resource["entityRefs"] = [{"idKeys": [canary.text()]} if key else {"type": canary.text()}]
        scope: dict[str, Any] = {"name": "s", "version": "1"}
        if canary.slot == "scope":
            scope["attributes"] = canary.attributes()
        if canary.slot in ("scope name", "scope version"):
            scope[canary.slot.removeprefix("scope ")] = canary.text()
        schema = {at: canary.text() if canary.slot == f"{at} schema" else "" for at in ("resource", "scope")}
        within = {"scope": scope, "schemaUrl": schema["scope"], name: [make(canary)]}
        groups.append({"resource": resource, "schemaUrl": schema["resource"], inner: [within]})
    return groups


@pytest.fixture(scope="module")
def exposed(binary: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What three files hold after every canary has been sent in every signal that has its slot."""
    settings = {"TRADEWISE_DATA_DIR": str(tmp_path_factory.mktemp("canaries")), **free_addresses()}
    with CollectorProcess(binary, load_role("laptop"), settings) as running:
        for signal in ("logs", "traces", "metrics"):
            post_groups(running.http, signal, _payload(signal))
            # The control: had the Collector refused or lost them, nothing could leak either.
            records(running.data, signal, len(CANARIES))
        return "".join(raw(running.data, signal) for signal in ("logs", "traces", "metrics"))


@holds("5.M1")
@pytest.mark.parametrize(
    "canary",
    [pytest.param(canary, id=f"{canary.slot}-{canary.form}") for canary in CANARIES],
)
def test_a_secret_does_not_get_through(exposed: str, canary: Canary) -> None:
    """A secret is in no file, wherever it stood and however it was written."""
    assert not canary.leaked(exposed)


CLEAN: dict[str, Any] = {
    "session_id": "9f2c51d0a7be4c13",
    "token_count": 512,
    "max_tokens": 4096,
    "monkey": "banana",
    "primary_key": "bots_pkey",
    "keyboard": "qwerty",
    "author": "bob",
    "secretary": "alice",
    "order_id": "4111111111111111",
    "account": 4111111111111111,
    "uuid": "5b8efff7-9803-4103-8269-b633813fc60c",
    "note": "password reset requested; basic authentication failed for the bearer of this letter",
    "when": "2024-01-01T12:00:00.000Z",
    "url": "https://bot.example:8080/api/v1/status?page=2&sort=name@desc",
    "email": "bob@example.com",
    "sql": "SELECT id, token_count FROM bots WHERE name = $1 AND monkey = 'x'",
    "nested": {"a": {"b": [1, 2.5, True, "x"]}, "session_id": "s"},
    "list": [1, 2, 3],
    "flag": True,
    "ratio": 0.25,
    "text": "card 4 of 52; phone 555-1234-5678; range 10:20; path C:\\temp; key: value",
}


@holds("5.M3")
def test_clean_traffic_is_left_as_it_is(collector: CollectorProcess) -> None:
    """Names and values that only look like secrets keep value and type, nested ones their nesting."""
    post(collector.http, "logs", [log(CLEAN, attributes=CLEAN)], CLEAN)
    (record,) = records(collector.data, "logs", 1)
    assert {name: record["attributes"][name] for name in CLEAN} == CLEAN
    assert record["resource"] == CLEAN
    body = record["body"]["kvlistValue"]["values"]
    assert body == attributes(CLEAN)


MASKED = {
    "password": "***REDACTED***",
    "note": "login failed, password=***REDACTED*** for bob",
    "header": "Authorization: ***REDACTED***",
    "json": '{"password": "***REDACTED***", "api_key":"***REDACTED***"}',
    "url": "postgresql://app:***REDACTED***@db.internal/tradewise",
    "sent": "Cookie: ***REDACTED***",
    "query": "https://bot.example/x?access_token=***REDACTED***&z=1",
}


def test_what_the_app_masked_is_not_masked_again(collector: CollectorProcess) -> None:
    """The documented mask of our own distro stays, so that readers find one mask and not two."""
    post(collector.http, "logs", [log(MASKED["note"], attributes=MASKED)], OURS)
    (record,) = records(collector.data, "logs", 1)
    assert {name: record["attributes"][name] for name in MASKED} == MASKED
    assert record["body"] == {"stringValue": MASKED["note"]}


def test_clean_names_stay(collector: CollectorProcess) -> None:
    """No name changes that was clean."""
    sent = span(name="GET /x", status={"code": 2, "message": "ValueError"}, traceState="ot=th:0")
    sent["events"] = [{"timeUnixNano": str(START), "name": "exception"}]
    post(collector.http, "traces", [sent], OURS)
    (record,) = records(collector.data, "traces", 1)
    assert {key: record[key] for key in ("name", "status", "traceState", "events")} == {
        key: sent[key] for key in ("name", "status", "traceState", "events")
    }
