"""Settings are read once, forgive everything, and say what was wrong with a value."""

from __future__ import annotations

import pytest

from tradewise_otel import otel_variables
from tradewise_otel.out import exporter
from tradewise_otel.pipeline.identity import is_supervisor
from tradewise_otel.settings import ROWS, environment_of, load, service_name_of


def test_defaults_without_any_variable() -> None:
    """An empty environment gives the documented defaults and no problem."""
    settings, problems = load({})
    assert problems == []
    assert (settings.environment, settings.service_name) == ("development", "tradewise-backend")
    assert (settings.sample_rate, settings.p95_ms, settings.p99_ms) == (1.0, 2000.0, 5000.0)
    assert (settings.log_level, settings.log_format, settings.email) == ("INFO", "json", "keep")
    assert (settings.logs_road, settings.encoder) == ("otlp", "own")
    assert (settings.state_url, settings.rapid_calls, settings.brute_force) == ("", (150, 60), (10, 300))
    assert (settings.bot_hosts, settings.request_id_hosts, settings.shutdown_seconds) == ((), (), 3.0)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "development"),
        ({"DD_ENV": "staging"}, "staging"),
        ({"DD_ENV": "staging", "ENVIRONMENT": "qa"}, "qa"),
        ({"ENVIRONMENT": "qa", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=old"}, "old"),
        (
            {
                "ENVIRONMENT": "qa",
                "OTEL_RESOURCE_ATTRIBUTES": "a=b, deployment.environment.name = production ,"
                "deployment.environment=old",
            },
            "production",
        ),
        ({"ENVIRONMENT": "qa", "OTEL_RESOURCE_ATTRIBUTES": "nonsense,,="}, "qa"),
    ],
)
def test_the_first_name_of_the_environment_wins(environ: dict[str, str], expected: str) -> None:
    """The environment is the resource attribute, then ENVIRONMENT, then DD_ENV, then development."""
    assert environment_of(environ) == expected
    assert load(environ)[0].environment == expected


def test_the_service_name_has_a_precedence_too() -> None:
    """OTEL_SERVICE_NAME stands before the resource attribute, and both before the default."""
    attributes = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=by-attribute"}
    assert service_name_of({**attributes, "OTEL_SERVICE_NAME": "by-name"}) == "by-name"
    assert service_name_of(attributes) == "by-attribute"


def test_the_rate_follows_the_environment() -> None:
    """Production keeps a tenth by default, everything else all; a rate that is set stands."""
    assert load({"ENVIRONMENT": "production"})[0].sample_rate == 0.1
    assert load({"DD_ENV": "staging"})[0].sample_rate == 1.0
    assert load({"ENVIRONMENT": "production", "TRADEWISE_SAMPLE_RATE": "0.5"})[0].sample_rate == 0.5
    settings, (problem,) = load({"ENVIRONMENT": "production", "TRADEWISE_SAMPLE_RATE": "ten"})
    assert (settings.sample_rate, problem.used) == (0.1, "0.1")


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *(("TRADEWISE_SAMPLE_RATE", bad) for bad in ("10%", "-0.1", "1.01", "nan", "inf", "0,5")),
        ("TRADEWISE_LOG_LEVEL", "LOUD"),
        ("TRADEWISE_LOG_FORMAT", "xml"),
        *(("TRADEWISE_P95_MS", bad) for bad in ("fast", "-1", "1e12")),
        ("TRADEWISE_P99_MS", "5s"),
        *(
            ("TRADEWISE_ROUTE_THRESHOLDS", bad)
            for bad in (
                "GET /x",
                "GET /x=300",
                "/x=300:900",
                "get /x=300:900",
                "GET x=300:900",
                "GET /x=300:900,POST /y",
                "GET /x=900:300",
                "GET /x=-1:900",
                "GET /x=nan:900",
                "GET /x=1:3600001",
                "GET /x=1:2,GET  /x=3:4",
                "GET /x/{a}=1:2,GET /x/{a:int}=1:2",
            )
        ),
        *(("TRADEWISE_RAPID_CALLS", bad) for bad in ("150", "0/60", "150/0", "1.5/60", "150/60/60")),
        ("TRADEWISE_BRUTE_FORCE", "ten/300"),
        *(("TRADEWISE_STATE_URL", bad) for bad in ("sqlite:", "sqlite://", "sqlite://host/state.db")),
        ("TRADEWISE_EMAIL", "hide"),
        ("TRADEWISE_ENCODER", "none"),
        *(("TRADEWISE_SHUTDOWN_SECONDS", bad) for bad in ("0", "61", "soon")),
        *(
            (name, bad)
            for name in ("TRADEWISE_BOT_HOSTS", "TRADEWISE_REQUEST_ID_HOSTS")
            for bad in (
                "10.0.0.0/99",
                "bots.example,10.0.0.300",
                "http://bots.example",
                "bots.example:8080",
                "1.2.3",
            )
        ),
    ],
)
def test_a_bad_value_is_reported_and_the_default_used(name: str, bad: str) -> None:
    """A value that cannot be used is one problem: name, value, what is allowed; the default holds."""
    settings, (problem,) = load({name: bad})
    assert settings == load({})[0]
    assert (problem.env, problem.value) == (name, bad)
    field, row = next((field, row) for field, row in ROWS.items() if row.env == name)
    assert problem.allowed == row.kind
    assert getattr(settings, field) == row.parse(problem.used)
    assert name in str(problem)
    assert repr(bad) in str(problem)


def test_good_hosts_are_taken_as_they_are() -> None:
    """Names, patterns, addresses and ranges of both families are hosts; empty parts are nothing."""
    text = "bots.example, *.bots.example,, 10.0.0.0/8,10.1.2.3,2001:db8::/32,::1,*,localhost"
    settings, problems = load({"TRADEWISE_BOT_HOSTS": text})
    assert problems == []
    assert settings.bot_hosts == tuple(part.strip() for part in text.split(",") if part)


def test_thresholds_are_read_by_method_and_route() -> None:
    """Each entry is a method, a route template without its converters, and two numbers of milliseconds."""
    text = "POST /x/{id}=300:900 ,, GET /f/{path:path}=0:0.5,GET /a=b=1:1"
    settings, problems = load({"TRADEWISE_ROUTE_THRESHOLDS": text})
    assert problems == []
    assert settings.route_thresholds == {
        ("POST", "/x/{id}"): (300.0, 900.0),
        ("GET", "/f/{path}"): (0.0, 0.5),
        ("GET", "/a=b"): (1.0, 1.0),
    }
    assert load({})[0].route_thresholds == {}


def test_words_are_read_in_any_case_and_blanks_mean_the_default() -> None:
    """Case and surrounding blanks do not matter, and an empty variable is as good as none."""
    settings, problems = load(
        {"TRADEWISE_LOG_LEVEL": " debug ", "TRADEWISE_LOG_FORMAT": "Console", "TRADEWISE_P95_MS": "  "}
    )
    assert problems == []
    assert (settings.log_level, settings.log_format, settings.p95_ms) == ("DEBUG", "console", 2000.0)


def test_thresholds_that_contradict_each_other_are_reported() -> None:
    """A p99 below the p95 is raised to it and reported, so that nothing is critical without being slow."""
    settings, (problem,) = load({"TRADEWISE_P95_MS": "900", "TRADEWISE_P99_MS": "300"})
    assert (settings.p95_ms, settings.p99_ms) == (900.0, 900.0)
    assert (problem.env, problem.value, problem.used) == ("TRADEWISE_P99_MS", "300", "900")


def test_bad_standard_variables_are_taken_away_and_good_ones_left() -> None:
    """What upstream would stumble over is reported and gone, so that its default holds; the rest stays."""
    bad = {
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many",
        "OTEL_BLRP_MAX_QUEUE_SIZE": "0",
        "OTEL_METRIC_EXPORT_INTERVAL": "10s",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "abc",
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION": "zip",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
        "OTEL_TRACES_SAMPLER": "sometimes",
        "OTEL_TRACES_SAMPLER_ARG": "2",
        "OTEL_METRICS_EXEMPLAR_FILTER": "all",
    }
    good = {
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "unset",
        "OTEL_SPAN_LINK_COUNT_LIMIT": " 7 ",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "2.5",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "GZIP",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://Collector/v1/traces",
        "OTEL_BSP_SCHEDULE_DELAY": "left alone",
        "PATH": "/bin",
    }
    environ = {**bad, **good}
    assert {problem.env: problem.value for problem in otel_variables.repair(environ)} == bad
    assert environ == good
    assert (
        otel_variables.repair(
            {"OTEL_TRACES_SAMPLER": "parentbased_always_on", "OTEL_TRACES_SAMPLER_ARG": "0"}
        )
        == []
    )


def test_grpc_endpoints_need_no_scheme() -> None:
    """With the gRPC protocol `host:port` is a good endpoint."""
    environ = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}
    assert otel_variables.repair(environ) == []


def test_exporters_and_protocols_that_there_are_not() -> None:
    """An exporter or protocol that this distribution does not have is a problem, by signal."""
    environ = {
        "OTEL_TRACES_EXPORTER": "zipkin",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "carrier pigeon",
    }
    assert [problem.env for problem in exporter.check(environ)] == [
        "OTEL_TRACES_EXPORTER",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    ]
    assert exporter.protocol_of("metrics", environ) == "http/protobuf"


@pytest.mark.parametrize(
    ("argv", "environ", "expected"),
    [
        (["/venv/bin/uvicorn", "app:app"], {}, False),
        (["/venv/bin/uvicorn", "app:app", "--workers", "4"], {}, True),
        (["uvicorn", "app:app", "--workers=1"], {"WEB_CONCURRENCY": "4"}, False),
        (["uvicorn", "app:app"], {"WEB_CONCURRENCY": "4"}, True),
        (["uvicorn", "app:app"], {"UVICORN_WORKERS": "2", "WEB_CONCURRENCY": "1"}, True),
        (["uvicorn", "app:app", "--reload"], {}, True),
        (["uvicorn", "app:app"], {"UVICORN_RELOAD": "true"}, True),
        (["uvicorn", "app:app"], {"UVICORN_RELOAD": "false"}, False),
        (["/venv/bin/gunicorn", "app:app"], {}, True),
        (["main.py"], {"WEB_CONCURRENCY": "4"}, False),
        ([], {}, False),
    ],
)
def test_who_supervises(argv: list[str], environ: dict[str, str], expected: bool) -> None:
    """A process that only watches over workers is told by its command line and uvicorn's variables."""
    assert is_supervisor(argv, environ) is expected
