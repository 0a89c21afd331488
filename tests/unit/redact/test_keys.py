"""Which names make their value a secret."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from opentelemetry.semconv import attributes
from opentelemetry.semconv._incubating import attributes as incubating

from tradewise_otel.redact import keys


def listed(text: str) -> list[str]:
    return text.split()


SENSITIVE = listed(
    """
    password passwd pwd secret api_token access_token refresh_token token api_key apikey key authorization
    proxy-authorization cookie set-cookie session private_key client_secret dsn apiToken x-api-token
    X-Api-Key ApiKey APIKey userPassword PASSWORD http.request.header.authorization
    http.request.header.cookie bot_key exchange-api-key token2 api_key_v2 secretAccessKey
    aws_secret_access_key user.password db.dsn private_key_pem secret_id password_hash passwords secrets
    credentials access_tokens session_token session_key accessToken PGPASSWORD oauth2Token idToken
    X-MBX-APIKEY passphrase jwt otp cvv key_1 MYSQL_PWD
    """
)
PLAIN = listed(
    """
    monkey keyboard session_id session.id sessionId token_count token_limit token_type token_ttl tokens
    max_tokens total_tokens author authority tokenizer keynote hotkeys keys cache_key primary_key
    idempotency_key password_changed_at has_password token_expires_at key_count secretary compass passenger
    session_count session_duration_ms sessions token_id token_symbol token_address api_key_id user_id
    order_id path route method status_code duration_ms event_type message level service user_agent client_ip
    email 12 _ - secret.arn ordering_key
    """
)


@pytest.mark.parametrize("key", SENSITIVE)
def test_sensitive(key: str) -> None:
    """A sensitive word or pair of words in a name makes it sensitive, however the name is written."""
    assert keys.is_sensitive(key)


@pytest.mark.parametrize("key", ["", *PLAIN])
def test_plain(key: str) -> None:
    """A word that only contains a sensitive one, a measure, a count or a plain id does not."""
    assert not keys.is_sensitive(key)


def test_names_of_the_semantic_conventions() -> None:
    """Of all names that OpenTelemetry documents one is taken for a secret's that is none."""
    names = set()
    for package in (attributes, incubating):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            names |= {value for name, value in vars(module).items() if name.isupper() and type(value) is str}
    assert len(names) > 500
    # The name of a file in a bucket; `key` as a last word is documented as a secret's.
    assert {name for name in names if keys.is_sensitive(name)} == {"aws.s3.key"}


def test_cache_is_bounded() -> None:
    """The memory of judged keys does not grow with the number or the length of keys."""
    for number in range(10_000):
        keys.is_sensitive(f"field_{number}")
    before = keys._cached.cache_info()
    assert before.currsize <= 4096
    assert keys.is_sensitive("x" * 200 + "_password")
    assert keys._cached.cache_info() == before
