"""100,000 records over a real Kafka while gateways come and go (7.M2)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import kafka
import pytest
from harness.holds import holds
from harness.sink import Sink

sys.path.insert(0, str(Path(__file__).parents[1] / "collector"))

from kafka_broker import agent, gateway, ids_of, ids_sent, send_orders, wait

pytestmark = pytest.mark.skipif(
    not os.environ.get("TRADEWISE_DEPLOY"), reason="Kafka takes its time: make test-deploy"
)
RECORDS, BATCH = 100_000, 500


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real broker."""
    try:
        with kafka.broker(tmp_path_factory.mktemp("kafka")) as address:
            yield address
    except kafka.KafkaError as error:
        pytest.skip(f"no Kafka here: {error}")


@holds("7.M2")
def test_every_record_arrives_while_gateways_come_and_go(brokers: str, tmp_path: Path) -> None:
    """Of two gateways one is killed -9 and one is added: all arrive, twins share one `event_id`."""
    wanted = ids_sent(RECORDS)
    with Sink() as intake, agent(tmp_path / "a", brokers) as near:
        dying = gateway(tmp_path / "g1", brokers, intake.url)
        dying.start()
        with gateway(tmp_path / "g2", brokers, intake.url):
            send_orders(near.http, range(RECORDS // 2), BATCH)
            wait(lambda: len(intake.logs) > RECORDS // 10, 120)
            dying.kill()
            with gateway(tmp_path / "g3", brokers, intake.url):
                send_orders(near.http, range(RECORDS // 2, RECORDS), BATCH)
                # What was in the dead one's queue comes when it is back, as a pod on its volume is.
                dying.start()
                wait(lambda: len(intake.logs) >= RECORDS and ids_of(intake).keys() >= wanted, 240)
                dying.stop()
    found = ids_of(intake)
    assert found.keys() == wanted
    # At least once: what the dead gateway had fetched and not yet said so comes a second time.
    print(f"{RECORDS} records, {sum(found.values()) - len(found)} of them twice")
