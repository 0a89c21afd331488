"""What documented events share: ids, fields that several of them carry, and the limits of their lengths.

A field that two events carry is declared here once, so that its type, length and wire name
cannot differ between them.
"""

# No `from __future__ import annotations` here: with it, Python 3.11 lists NotRequired keys as required.

from typing import Annotated, Any

from typing_extensions import NotRequired, TypedDict

from .vocabulary import Field

# Contract 7: what a long text may keep. Everything else is cut at Field's own default.
STACK_LENGTH = 16 * 1024
SQL_LENGTH = 4 * 1024
USER_AGENT_LENGTH = 512

SQL_ATTRIBUTES = ("db.query.text", "db.statement")
"""Span attributes that hold a statement: no documented field, but they have a length of their own."""

DATADOG_RESERVED = frozenset(
    {
        *("status", "severity", "level", "service", "source", "host", "hostname", "message", "msg", "log"),
        *("timestamp", "date", "environment", "env", "version", "tags", "ddtags", "ddsource", "error"),
        *("duration", "@timestamp", "_timestamp", "eventTime", "published_date"),
        *("syslog.severity", "syslog.timestamp", "syslog.hostname", "syslog.appname"),
        # As objects: Datadog joins the names of what is nested.
        *("syslog", "dd"),
    }
)
"""Top-level log attributes to which Datadog gives a meaning of its own (contract 4), in whatever case.

At the edge they become `event.<name>`, unless the field that has the name says otherwise.
"""

DATADOG_IDS = frozenset(
    {
        *(
            "trace_id",
            "traceid",
            "oteltraceid",
            "contextmap.traceid",
            "dd.trace_id",
            "contextMap.dd.trace_id",
        ),
        *("span_id", "spanid", "otelspanid", "contextmap.spanid", "dd.span_id", "contextMap.dd.span_id"),
    }
)
"""Top-level log attributes from which Datadog would read the trace; the record has its own field for it."""


def count(brief: str, example: int, *, filled: bool = False) -> Field:
    """The mark of a whole number of things, indexed as a measure."""
    return Field(brief, example, unit="1", facet="measure", filled=filled)


def millis(brief: str, example: float) -> Field:
    """The mark of a time span in milliseconds, indexed as a measure."""
    return Field(brief, example, unit="ms", facet="measure")


RequestId = Annotated[str, Field("Id of the request, from `X-Request-ID` or made.", "req-789")]
UserId = Annotated[
    str, Field("Id of the user on whose behalf it happened.", "user-123", semconv=("user.id", "enduser.id"))
]
TenantId = Annotated[str, Field("Id of the tenant.", "tenant-456", tag=True)]
SessionId = Annotated[
    str,
    Field(
        "Keyed pseudonym of the session; the id itself never leaves the process.",
        "9f2c51d0a7be4c13",
        sensitivity="pseudonym",
        semconv=("session.id",),
        facet="none",
    ),
]
BotId = Annotated[str, Field("Id of the bot.", "bot-789")]

AnyMap = dict[str, Any]
"""An open map: what is in it is not ours to declare."""

Method = Annotated[
    str,
    Field(
        "HTTP method.",
        "POST",
        semconv=("http.request.method", "http.method"),
        tag=True,
        datadog=("method", "http.method"),
    ),
]
Path = Annotated[
    str,
    Field(
        "Path as requested, redacted.",
        "/api/v1/external-bots/test-connection",
        semconv=("url.path", "http.target"),
    ),
]
StatusCode = Annotated[
    int,
    Field(
        "HTTP status of the answer; 499 when the client left first, 101 for a WebSocket.",
        200,
        semconv=("http.response.status_code", "http.status_code"),
        tag=True,
        datadog=("status_code", "http.status_code"),
    ),
]
ApiUrl = Annotated[
    str,
    Field("URL of the bot or service called.", "http://192.168.1.100:8080", semconv=("url.full", "http.url")),
]
ClientIp = Annotated[
    str,
    Field(
        "Address of the client as the server sees it.",
        "192.168.1.100",
        semconv=("client.address", "http.client_ip"),
        datadog=("client_ip", "network.client.ip"),
    ),
]
IpAddress = Annotated[
    str, Field("Address the attempt came from.", "192.168.1.100", datadog=("ip_address", "network.client.ip"))
]
UserAgent = Annotated[
    str,
    Field(
        "Browser or library of the client.",
        "Mozilla/5.0...",
        max_length=USER_AGENT_LENGTH,
        semconv=("user_agent.original", "http.user_agent"),
        datadog=("user_agent", "http.useragent"),
    ),
]
Email = Annotated[
    str,
    Field(
        "E-mail address of the account; a setting may mask it.",
        "user@example.com",
        sensitivity="personal",
        facet="none",
    ),
]
DurationMs = Annotated[
    float, Field("How long it took.", 25.5, unit="ms", facet="measure", datadog=("duration_ms", "duration"))
]
ResponseTimeMs = Annotated[
    float,
    Field(
        "Time to the last byte of the answer; to the first one for a stream.",
        1250.5,
        unit="ms",
        facet="measure",
        datadog=("response_time_ms", "duration"),
    ),
]
ErrorType = Annotated[str, Field("Class of the error.", "ConnectError", semconv=("error.type",))]
# Drivers quote the whole statement in their messages, so these get the length of SQL.
ErrorMessage = Annotated[
    str, Field("Text of the error, redacted.", "connection refused", max_length=SQL_LENGTH, facet="none")
]


class Ids(TypedDict):
    """Ids that are on every record once they are known (contract 5)."""

    request_id: NotRequired[RequestId]
    user_id: NotRequired[UserId]
    tenant_id: NotRequired[TenantId]


class Context(Ids):
    """`Ids` and the session; apart from it because one event requires the session."""

    session_id: NotRequired[SessionId]
