"""The line around the fields of an event: heading "JSON Log Format", with the additions of ours.

Each of these has its proper place in an OTLP record (severity, body, resource, ids of its own), so their
names do not compete with Datadog's and carry no wire names here.
"""

# No `from __future__ import annotations` here: with it, Python 3.11 lists NotRequired keys as required.

from typing import Annotated, Literal

from typing_extensions import NotRequired, TypedDict

from .common import SQL_LENGTH, STACK_LENGTH, Context
from .vocabulary import Field


class SourceLocation(TypedDict):
    """Where in the code a record was logged."""

    file: Annotated[
        str,
        Field(
            "Path of the source file.",
            "/app/services/bots.py",
            facet="none",
            semconv=("code.file.path", "code.filepath"),
        ),
    ]
    line: Annotated[int, Field("Line number.", 92, facet="none", semconv=("code.line.number", "code.lineno"))]
    function: Annotated[
        str,
        Field(
            "Name of the function.", "test_bot_connection", semconv=("code.function.name", "code.function")
        ),
    ]


class ExceptionInfo(TypedDict):
    """The exception that a record was logged with."""

    type: Annotated[
        str,
        Field(
            "Class of the exception.",
            "ValueError",
            semconv=("exception.type",),
            datadog=("exception.type", "error.kind"),
        ),
    ]
    message: Annotated[
        str,
        Field(
            "Its text, redacted.",
            "no such bot",
            max_length=SQL_LENGTH,
            facet="none",
            semconv=("exception.message",),
            datadog=("exception.message", "error.message"),
        ),
    ]
    traceback: Annotated[
        list[str],
        Field(
            "Lines of the traceback; lengths are of all of them together.",
            ["Traceback (most recent call last):\n"],
            facet="none",
            max_length=STACK_LENGTH,
            semconv=("exception.stacktrace",),
            datadog=("exception.stacktrace", "error.stack"),
        ),
    ]


Reason = Literal["error", "slow", "severity", "event", "ratio", "none"]

# The functional form, since these two names hold a dot.
Sampling = TypedDict(
    "Sampling",
    {
        "sampling.reason": NotRequired[
            Annotated[Reason, Field("By OTLP only: why it is kept; `none` stays on the laptop.", "ratio")]
        ],
        "sampling.weight": NotRequired[
            Annotated[
                float, Field("By OTLP only: what this one stands for.", 10.0, unit="1", facet="measure")
            ]
        ],
    },
)


class Line(Context, Sampling):
    """One JSON line on stdout without the fields of its event (contract 1)."""

    timestamp: Annotated[
        str, Field("When it happened: UTC, RFC 3339, milliseconds.", "2024-01-01T12:00:00.123Z")
    ]
    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], Field("Severity.", "INFO")]
    logger_name: Annotated[str, Field("Name of the logger.", "app.external_bot_manager")]
    service: Annotated[
        str,
        Field(
            "The emitting service; in `external_api_call` the called one.",
            "tradewise-backend",
            semconv=("service.name",),
        ),
    ]
    version: NotRequired[
        Annotated[str, Field("Version of the service.", "1.4.2", semconv=("service.version",))]
    ]
    environment: Annotated[
        str,
        Field(
            "Deployment environment.",
            "production",
            semconv=("deployment.environment.name", "deployment.environment"),
        ),
    ]
    message: Annotated[str, Field("The text.", "Bot connection test successful", facet="none")]
    event_type: NotRequired[
        Annotated[str, Field("Kind of event; absent on plain lines.", "api_response", tag=True)]
    ]
    event_id: Annotated[str, Field("16 hex digits; equal on deliveries of one record.", "c0ffee0123456789")]
    trace_id: NotRequired[Annotated[str, Field("Trace, 32 hex digits.", "4bf92f3577b34da6a3ce929d0e0e4736")]]
    span_id: NotRequired[Annotated[str, Field("Span, 16 hex digits.", "00f067aa0ba902b7")]]
    process_id: Annotated[int, Field("Process.", 1234, semconv=("process.pid",), facet="none")]
    thread_id: Annotated[int, Field("Thread.", 5678, semconv=("thread.id",), facet="none")]
    source: NotRequired[
        Annotated[
            SourceLocation,
            Field(
                "Where in the code; absent on automatic events and printed lines.",
                {"file": "/app/main.py", "line": 92, "function": "main"},
                facet="none",
            ),
        ]
    ]
    exception: NotRequired[
        Annotated[
            ExceptionInfo,
            Field(
                "The exception, if there is one.",
                {"type": "ValueError", "message": "no such bot", "traceback": []},
                facet="none",
                max_length=STACK_LENGTH,
            ),
        ]
    ]
    emitter: NotRequired[
        Annotated[str, Field("The emitting service where `service` is the called one.", "tradewise-backend")]
    ]
    retention_class: NotRequired[
        Annotated[str, Field("How long it is kept; the Collector stamps it.", "api_logs")]
    ]
