"""Which test shows which Must-hold line: the mark, the table, and the commands beside the suite."""

from __future__ import annotations

import pytest

holds = pytest.mark.holds
"""`@holds("1.M1")`: this test shows that Must-hold line of an issue."""

LINES: dict[str, str] = {
    "1.M1": "every stdout line is one documented JSON object in 8 logging styles, each record once",
    "1.M2": "SQLAlchemy 2.0/2.1, sync and async: one span, one event a statement; connection errors",
    "1.M3": "failed httpx calls are seen; every kind of answer gives one right api_response",
    "1.M4": "the app behaves as bare: foreign handlers, bodies, exit codes; faults of ours are counted",
    "1.M5": "no Collector, a refusing or silent one: the app serves, says so once, exits within 3 s",
    "1.M6": "SIGTERM loses nothing; workers, reload, gunicorn: own instance ids, stable over restarts",
    "1.M7": "identity reaches the api_response from a threadpool, never leaks, ends after 60 s",
    "1.M8": "bad settings: one message with name, value and what is allowed; the app starts",
    "1.M9": "oldest and newest supported sets pass the end-to-end test",
    "1.M10": "make bench: added CPU on /ping <= 0.80 of vanilla's, with an A/A row",
    "2.M1": "100 requests at rate 0.1: statistics, metrics exact; logs and spans of the same requests",
    "2.M2": "fields never touch Datadog's reserved ones; five levels; @event_type, @event.status …",
    "2.M3": "host is the node's on all signals, or absent; never the gateway's",
    "2.M4": "30 s outages with a kill -9, 10 times, >= 1,000 records: no log, no metric point lost",
    "2.M5": "stopping with a dead intake ends within the documented bound",
    "2.M6": "validate of each role and overlay offline < 5 s; golden print-config; manifest = configs",
    "2.M7": "keep filter inverted, classify removed, a rename dropped: a check fails and names it",
    "3.M1": "a kept request arrives whole, of others only what always goes; rates 0, 0.1, 1; both roads",
    "3.M2": "the demo by both roads is the same at Datadog but for tests/e2e/roads.py",
    "3.M3": "kill -9 of the app 20 times: losses as budgeted; no Collector for 10 minutes, stdout road: 0",
    "3.M4": "our encoder's messages equal upstream's over >= 100,000 batches; end to end with either",
    "3.M5": "hung request, SSE, WebSocket, poll loop: bounded memory, verdict as decided, nothing for ever",
    "4.M1": "4 workers, SQLite and Redis: 10,000 steps gapless, users exact, 150 calls one alarm; kill -9",
    "4.M2": "metrics and metric_* equal what was stated, at 1 %, at Datadog over 4 workers",
    "4.M3": "make bench ARGS=--calls: a typed call costs <= 0.8 of logging.info through the seed's formatter",
    "4.M4": "10^6 addresses: RSS < +20 MB; 10^5 label values: bounded, the overflow is counted",
    "4.M5": "odd ids, numbers, times, cycles, unprintable objects: a well-formed event, the anomaly counted",
    "4.M6": "each example of the document is made by code in docs/events.md: all its fields, their types",
    "5.M1": "no canary passes the Collector: slots x rules x signals and file_log; mutants are noticed",
    "5.M2": "redacted statements are SQL: Datadog's statistics name them",
    "5.M3": "the Collector leaves the demo's clean traffic and the rules' near misses as they are",
    "5.M4": "make bench-collector: logs, spans >= 0.75 of the ceiling; no allocation a clean record, linear",
    "5.M5": "an outage of 10 minutes at 5,000 records/s: memory, order, the ledger adds up to the record",
    "5.M6": "fuzzed and outsize OTLP: refused or redacted, no crash, memory bounded",
    "6.M1": "datadog check: every resource's form, queries, names are right; planted faults are named",
    "6.M2": "plan after apply is empty, manual changes show, cut-off applies converge, destroy spares others",
    "6.M3": "alerts replay says what an independent SQL says, minute by minute, over the same recording",
    "6.M4": "a field renamed without its queries fails make check, by the names of monitors and tiles",
    "7.M1": "compose up, traffic, events in files and at Datadog; kills lose nothing on the stdout road",
    "7.M2": "100,000 records over Kafka, a gateway killed -9, one added: all arrive, twins by event_id",
    "7.M3": "upgrade keeps claims and names; releases do not collide; `restricted` takes gateway, backend",
    "7.M4": "no secret in manifests, ConfigMaps, image layers, logs",
}
"""Must-hold lines of the steps that have landed, each in short."""

COMMANDS: dict[str, str] = {
    "5.M1": "make mutate",
    "3.M3": "env TRADEWISE_KILLS=20 TRADEWISE_OUTAGE_SECONDS=600 .venv/bin/python -m pytest "
    "tests/resilience/test_app_killed.py tests/collector/test_tailing_outage.py",
    "3.M4": "make encoders",
    "4.M4": "env TRADEWISE_ADDRESSES=1000000 .venv/bin/python -m pytest tests/state/test_state_flood.py",
    "1.M9": "make test-versions",
    "1.M10": "make bench ARGS='--budget 0.8 --path /ping/x'",
    "2.M4": "make chaos",
    "4.M3": "make bench ARGS=--calls",
    "5.M4": "make bench-collector",
    "7.M1": "make test-deploy",
    "7.M2": "make test-deploy",
    "7.M3": "make test-deploy",
    "7.M4": "make test-deploy",
    "5.M5": "make flood",
}
"""Lines shown by a command of their own, because it takes longer than a suite may."""
