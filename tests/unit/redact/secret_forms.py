"""The forms that each rule's secrets take, of any length that the rule allows: what the proofs draw from."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice

LONGEST = 300
"""Longest secret, and longest text around a secret that has one length, in characters."""

_ENDS = ("", " ", "\n", "\t", '"')
_HEX = "4f1c0de4f1c0de4f1c0de4f1c0de4f1c"
_BEGIN, _END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
_WORD = "a0AfH6SMBx4Kq9wZ7"


@dataclass(frozen=True)
class Form:
    """One way in which a secret of a rule can stand in a text.

    Attributes:
        rule: id of the rule that must find it.
        head, tail: the text around the secret; between secret and tail stands any character.
        make: the secret of a length; None where the rule knows none of that length.
        ends: characters after the secret with which it must be found, whatever the rule thinks of others.
    """

    rule: str
    head: str
    make: Callable[[int], str | None]
    tail: str = " after"
    ends: tuple[str, ...] = _ENDS

    def __str__(self) -> str:
        return f"{self.rule}:{self.head or (self.make(200) or self.make(16) or '')[:12]}"

    def cases(self) -> Iterator[tuple[str, str]]:
        """(text before the secret's head, secret), for each length of 1 to `LONGEST`."""
        made = {secret for length in range(1, LONGEST + 1) if (secret := self.make(length))}
        for secret in sorted(made, key=len):
            yield "", secret
        if len(made) < LONGEST // 2:
            secret = max(made, key=len)
            yield from (
                (("bot-9 failed. " * LONGEST)[: length - 1] + " ", secret) for length in range(1, LONGEST + 1)
            )


def of(body: str, prefix: str = "", suffix: str = "", least: int = 1) -> Callable[[int], str | None]:
    """Secrets that repeat `body` between `prefix` and `suffix`; `least` characters of it at least."""

    def make(length: int) -> str | None:
        inside = length - len(prefix) - len(suffix)
        if inside < least:
            return None
        text = "".join(islice(cycle(body), inside))
        # Half an escape at the end would be one with whatever follows.
        return prefix + text.rstrip("\\'\"").ljust(inside, "x") + suffix

    return make


def one(secret: str) -> Callable[[int], str | None]:
    """A secret that has one length."""
    return lambda length: secret if length == len(secret) else None


def _pair(length: int) -> str | None:
    text = base64.b64encode(f"bob:{'hunter2' * length}"[: length + 5].encode()).decode()
    return text if len(text) <= LONGEST else None


def _cards() -> Iterator[Form]:
    for number in ("4111111111111111", "5500005555555559", "2223003122003222", "6011111111111117"):
        groups = [number[at : at + 4] for at in range(0, 16, 4)]
        for between in " -":
            yield Form("card_number", "", one(between.join(groups)))
        yield Form("card_number", "card ", one(number))
    for number in (
        "378282246310005",
        "30569309025904",
        "4222222222222",
        "4000000000000000006",
        "3530111333300000",
    ):
        yield Form("card_number", "Visa or Amex: ", one(number))
    yield Form("card_number", "", one("3782 822463 10005"))


FORMS: tuple[Form, ...] = (
    Form("named_double", '{"user": 1, "password": "', of('hunter2 \\" x{},;&'), tail='"}'),
    Form("named_double", 'secret="', of("it's, (b)"), tail='"'),
    Form("named_escaped", r"{\"api_key\":\"", of(r"k-91 \\\" tail"), tail=r"\"}"),
    Form("named_deep", r'"{\\\"secret\\\":\\\"', of("s3cr3t, x"), tail=r"\\\"}"),
    Form("named_single", "password = '", of("it''s hunter2, "), tail="'", ends=("", " ", "\n", '"')),
    Form("named_object", '"credentials": ', of("zoe 991, ", '{"login": "', '"}')),
    Form("named_object", "'cookies': ", of("a1b2, ", "['", "']")),
    Form("named_bare", "apiToken=", of("tk-55ab9/+=%:@!")),
    Form("named_bare", "x-api-key: ", of("9tk55ab")),
    Form("named_bare", "?token%3D", of("tk-55ab9")),
    Form("named_bare", "PGPASSWORD=", of("x1é東🚀")),
    Form("named_bare", "token:\tBearer ", of("9tk55ab")),
    Form("header_line", "Set-Cookie: ", of("sid=31d4; th=dark ")),
    Form("header_line", "proxy-authorization \t: ", of("Digest username=bob, response=99 ")),
    Form("cli_option", "bot --api-key ", of("9f8e7d6c")),
    Form("cli_option", "bot --db-password \t", of("9f8,&;()")),
    Form("sql_password", "ALTER ROLE bot WITH PASSWORD '", of("hunter2 "), tail="'"),
    Form("sql_password", "CREATE USER bob IDENTIFIED\tBY '", of("hunter2 "), tail="'"),
    Form("bearer", "401 to Bearer ", of("7Fa9_kQ2.xx~+/=-", least=4)),
    Form("bearer", "bearer%20", of("7Fa9", least=4)),
    Form("bearer", "BEARER\t", of("7Fa9", least=4)),
    Form("basic", "sent Basic ", _pair),
    Form("basic", "basic%20", _pair),
    Form("jwt", "", of(_WORD, "eyJhbGciOiJIUzI1NiJ9.", least=2)),
    Form("jwt", "", of(_WORD, "eyJhbGciOi.eyJzdWIi.", "..x")),
    Form("pem_private_key", "", of("MIIB/+=\n", _BEGIN + "\n", "\n" + _END)),
    Form("pem_private_key", "", of(r"MIIB\n", _BEGIN + r"\n", _END)),
    Form("pem_private_key", "", of("MIIBOgIB\n", "-----BEGIN OPENSSH PRIVATE KEY-----\n")),
    *(Form("aws_access_key", "", one(f"A{kind}AQ3EGRIXV7EXAMPLE")) for kind in ("KI", "SI", "BI", "CC")),
    Form("aws_secret", "aws prod ", one("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
    Form("aws_secret", 'AWS_SECRET"\t: "', one("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), tail='"'),
    Form("aws_session_token", "", of(_WORD, "IQoJb3JpZ2lu", least=16)),
    Form("aws_session_token", "", of(_WORD, "FwoGZXIvYXdz", least=16)),
    Form("gcp_api_key", "", one("AIzaSyA1bC2dE3fG4hI5jK6lM7nO8pQ9rS0tU1v")),
    Form("gcp_oauth", "", of(_WORD, "ya29.", least=10)),
    Form("gcp_oauth", "", of(_WORD, "GOCSPX-", least=10)),
    Form("gcp_oauth", "", of(_WORD, "1//0", least=20)),
    Form("azure_key", "SharedAccessKey=", of("bG9uZ2tleWx+/", least=8)),
    Form("azure_key", "AccountKey\t= ", of("bG9uZ2tleWx+/", least=8)),
    Form("azure_client_secret", "", one("abC8Q~x1Y2z3A4b5C6d7E8f9G0h1I2j3K4l5M6")),
    *(Form("github_token", "", of(_WORD, f"gh{kind}_", least=20)) for kind in "pousr"),
    Form("github_token", "", of(_WORD, "github_pat_", least=20)),
    *(Form("gitlab_token", "", of(_WORD, f"gl{kind}-", least=16)) for kind in ("pat", "rt", "cbt")),
    Form("slack_token", "", of("2345678901-AbC", "xoxb-", least=8)),
    Form("slack_token", "", of("2345678901-AbC", "xapp-", least=8)),
    Form("slack_webhook", "https://hooks.slack.com/services/", of("T0AB12CD3/B0", least=8)),
    Form("stripe_key", "", of(_WORD, "sk_live_", least=8)),
    Form("stripe_key", "", of(_WORD, "rk_test_", least=8)),
    Form("stripe_key", "", of(_WORD, "whsec_", least=16)),
    Form("sendgrid_key", "", of(_WORD, "SG.ngeVfQFYQlKU0ufo8x5d1A.", least=16)),
    Form("twilio_key", "", one("SK0123456789abcdef0123456789abcdef")),
    Form("twilio_token", "twilio AC says ", one(_HEX)),
    Form("telegram_bot_token", "", of(_WORD, "110201543:AA", least=30)),
    Form("telegram_bot_token", "https://api.telegram.org/bot", of(_WORD, "110201543:AA", least=30)),
    Form("llm_key", "", of(_WORD, "sk-", least=32)),
    Form("llm_key", "", of(_WORD, "sk-proj-", least=20)),
    Form("llm_key", "", of(_WORD, "sk-ant-", least=20)),
    Form("exchange_key", "Binance API key ", of("vmPUZE6mv9", least=12)),
    Form("exchange_key", 'kraken.secret"\t: "', of("vmPUZE6mv9", least=12), tail='"'),
    Form("url_password", "postgresql+asyncpg://tradé:", of("pa:w0rd!"), tail="@db.local:5432/x", ends=("",)),
    Form("url_password_slash", "redis://:", of("ab/cd?ef#g", least=3), tail="@cache.local/0", ends=("",)),
    Form("url_user_token", "https://", of("0123456789abcdef", least=20), tail="@o1.local/2", ends=("",)),
    Form("signed_query", "/a?timestamp=1&signature=", of("c8db56825a%2F", least=16)),
    Form("signed_query", "/a?X-Amz-Signature=", of("c8db56825a", least=16)),
    Form("bound_parameters", "UNIQUE [parameters: ", of("('ada', 5) ", "("), tail=")]"),
    *_cards(),
)  # fmt: skip
"""At least one form of every rule."""
