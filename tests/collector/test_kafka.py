"""Kafka between agent and gateway: everything arrives, also when a gateway or the broker is away."""

from __future__ import annotations

from pathlib import Path

import kafka_broker
import otlp_wire
from harness.sink import Sink
from kafka_broker import agent, gateway, ids_of, ids_sent, road, send_orders, wait

NOBODY = "127.0.0.1:9"


def test_three_signals_cross_kafka(tmp_path: Path) -> None:
    """Logs, spans and metrics that an agent takes reach the intake behind a gateway, each once."""
    with road(tmp_path) as (near, intake):
        send_orders(near.http, range(200))
        span = otlp_wire.span(attributes={"sampling.reason": "ratio"})
        otlp_wire.post(near.http, "traces", [span], otlp_wire.OURS)
        point = {"asInt": "4", "timeUnixNano": str(otlp_wire.START)}
        gauge = {"name": "a.gauge", "gauge": {"dataPoints": [point]}}
        otlp_wire.post(near.http, "metrics", [gauge], otlp_wire.OURS)
        wait(lambda: len(ids_of(intake)) == 200 and intake.spans and intake.metric("a.gauge"))
    assert set(ids_of(intake).values()) == {1}
    assert [span["name"] for span in intake.spans] == ["a span"]


def test_a_killed_gateway_loses_nothing(tmp_path: Path) -> None:
    """One of two gateways dies, a third comes: each record arrives, twins under one `event_id`."""
    with Sink() as intake, kafka_broker.broker() as brokers, agent(tmp_path / "a", brokers) as near:
        dying = gateway(tmp_path / "g1", brokers, intake.url)
        dying.start()
        with gateway(tmp_path / "g2", brokers, intake.url):
            send_orders(near.http, range(1000))
            wait(lambda: len(ids_of(intake)) > 100)
            dying.kill()
            send_orders(near.http, range(1000, 2000))
            with gateway(tmp_path / "g3", brokers, intake.url):
                # What was in the dead one's queue comes when it is back, as a pod on its volume is.
                dying.start()
                # A member that dies while the group shares its work out holds the others up for a minute.
                wait(lambda: ids_of(intake).keys() >= ids_sent(2000), 120)
                dying.stop()
    assert ids_of(intake).keys() == ids_sent(2000)


def test_the_agent_waits_for_its_broker(tmp_path: Path) -> None:
    """With no broker the agent takes what comes, keeps it over its own death, and hands it over later."""
    alone = agent(tmp_path / "a", NOBODY)
    alone.start()
    send_orders(alone.http, range(100))
    alone.kill()
    with road(tmp_path) as (_, intake):
        wait(lambda: len(ids_of(intake)) == 100)


def test_a_secret_is_masked_on_the_way(tmp_path: Path) -> None:
    """What an app prints in clear is masked before it reaches the intake; the agent's own tests say where."""
    canary = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    with road(tmp_path) as (near, intake):
        record = otlp_wire.log(f"charged {canary}", attributes={"sampling.reason": "event"})
        otlp_wire.post(near.http, "logs", [record], otlp_wire.OURS)
        wait(lambda: intake.logs)
    assert intake.logs[0]["body"] == "charged ***REDACTED***"
