"""No secret leaves the process: each rule's secret in every slot of a record, looked for in the bytes.

Through `Sink.emit` to the JSON line and the log request, through `SpanScrubber` to the span request.
"""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from redact_cases import by_id, redactor, secret_of
from wire_slots import EVENT_SLOTS, SPAN_SLOTS, event, item, log_bytes, span, span_bytes

from tradewise_otel.catalogue.sensitive import MASK, RULES
from tradewise_otel.catalogue.vocabulary import SecretRule
from tradewise_otel.configurator import base_resource
from tradewise_otel.out.encode import Encoder
from tradewise_otel.out.sdk_objects import Scopes
from tradewise_otel.record.build import exception_of
from tradewise_otel.settings import load


def traces_of(secret: str) -> set[bytes]:
    """What of a secret must not be seen: itself, escaped for JSON, in a URL, and in base64."""
    raw = secret.encode()
    escaped = secret.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode()
    return {raw, escaped, quote(secret, safe="").encode(), base64.b64encode(raw).rstrip(b"=")}


def assert_kept_in(secret: str, out: bytes) -> None:
    """No form of the secret is in the bytes."""
    assert len(secret) >= 5
    assert not [found for found in traces_of(secret) if found in out], out


@pytest.mark.parametrize("slot", EVENT_SLOTS)
@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_no_secret_in_a_line_or_log_request(rule: SecretRule, slot: str) -> None:
    """Whatever part of an event a secret stands in, neither its line nor its record holds it."""
    for text in (rule.example, f"bot-9 failed:\n{rule.example}"):
        for console in (False, True):
            assert_kept_in(secret_of(rule), log_bytes(EVENT_SLOTS[slot](text), console))


@pytest.mark.parametrize("slot", SPAN_SLOTS)
@pytest.mark.parametrize("rule", RULES, ids=by_id)
def test_no_secret_in_a_span_request(rule: SecretRule, slot: str) -> None:
    """Whatever part of a span a secret stands in, no encoder's request holds it."""
    for text in (rule.example, f"bot-9 failed:\n{rule.example}", rule.example.lstrip("{ ")):
        assert_kept_in(secret_of(rule), span_bytes(SPAN_SLOTS[slot](text)))


CANARY = "Zq7canary9"
NAMED = (
    f'{{"password": "{CANARY}"}}',
    f"api_key\t= {CANARY}",
    f"Authorization: Bearer {CANARY}",
    f"/p?x=1&apiToken={CANARY}&y=2",
    f"/p%3Fapi_token%3D{CANARY}",
    f"https://bob:{CANARY}@a.local/p",
    f"UPDATE u SET secret = '{CANARY}'",
    f"{{'private_key': b'{CANARY}'}}",
)


@pytest.mark.parametrize("text", NAMED)
def test_no_named_value_in_any_slot(text: str) -> None:
    """A value under a sensitive name, in JSON, a header, a URL, SQL or a repr, is in no slot's bytes."""
    for name, of_event in EVENT_SLOTS.items():
        assert CANARY.encode() not in log_bytes(of_event(text)), name
    for name, of_span in SPAN_SLOTS.items():
        assert CANARY.encode() not in span_bytes(of_span(text)), name


def test_a_command_line_in_a_list_keeps_its_secrets() -> None:
    """What follows a sensitive option in a list (`sys.argv`) is masked; the next option is not."""
    fields = {"argv": ["bot", "--api-key", CANARY, "--token", "--verbose", "x"]}
    assert redactor().mapping(fields).value == {
        "argv": ["bot", "--api-key", MASK, "--token", "--verbose", "x"]
    }
    assert CANARY.encode() not in log_bytes(event(fields=fields))
    assert CANARY.encode() not in span_bytes(item(span(attributes=fields)))


def test_no_secret_in_the_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment says of the service is redacted, and what is no secret stays."""
    said = f"service.version=1.2,deploy.token={CANARY},note=redis://:{CANARY}@cache"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", said)
    resource = base_resource(load({})[0], redactor())
    encoder = Encoder(Scopes("1"))
    assert CANARY.encode() not in encoder.request([encoder.log(event())], resource)
    assert resource.attributes["service.version"] == "1.2"
    assert resource.attributes["service.name"] == "tradewise-backend"


def test_what_leaves_says_that_something_was_taken() -> None:
    """A mask stands where the secret was, so that these tests do not pass for want of a record."""
    assert MASK.encode() in log_bytes(event(message=NAMED[0]))
    assert MASK.encode() in span_bytes(SPAN_SLOTS["name"](NAMED[0]))


def test_a_multi_line_message_that_a_queue_handler_left_is_no_type() -> None:
    """Where only the text of an exception is left, its last line is taken for a type, and redacted."""
    kept = exception_of(None, f"Traceback\nValueError: no\n{NAMED[2]}")
    assert CANARY.encode() not in log_bytes(event(exception=kept))


@pytest.mark.parametrize("slot", ["name", "status", "event name"])
def test_texts_of_spans_are_judged_in_the_form_that_the_gate_knows(slot: str) -> None:
    """A card alone, without a quote before it, and a name that JSON spells with escapes."""
    assert b"4111" not in span_bytes(SPAN_SLOTS[slot]("4111 1111 1111 1111"))
    spelt = f'{{"\\u0070assword": "{CANARY}"}}'
    assert CANARY.encode() not in span_bytes(SPAN_SLOTS[slot](spelt))


@pytest.mark.parametrize("odd", ["\ud800", 1 << 80])
@pytest.mark.parametrize("text", ["é4111 1111 1111 1111", f"postgresql://é:{CANARY}@db/x", NAMED[0]])
def test_what_json_writes_in_another_form_is_judged_all_the_same(text: str, odd: object) -> None:
    """Beside a value that orjson refuses, for which another writer escapes `é`, secrets are found as ever."""
    for out in (
        log_bytes(event(fields={"note": text, "odd": odd})),
        span_bytes(item(span(), note=text, odd=odd)),
    ):
        assert b"4111" not in out
        assert CANARY.encode() not in out
