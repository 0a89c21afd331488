# One command a job. `make demo` needs Python >= 3.10 and Go >= 1.26; everything is installed into .venv,
# and the Collector is built once into a cache outside this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
REDACTION := collector/components/tradewise_redaction
SECONDS ?= 60

.PHONY: demo test check holds bench bench-collector bench-redaction test-deploy deploy-tools images fuzz mutate chaos flood encoders test-versions generate collector clean

demo: $(VENV)/.ready  ## the demo backend and the Collector; ARGS=--once ends by itself
	@$(BIN)/tradewise-otel demo $(ARGS)

test: check collector deploy-tools  ## everything that CI runs
	$(BIN)/python -m pytest -n 3 --dist loadfile $(ARGS)

test-deploy: $(VENV)/.ready collector  ## real containers, a real Kubernetes API, a real Kafka: once half an hour of building
	$(BIN)/python tests/deploy/tools.py --all
	TRADEWISE_DEPLOY=1 $(BIN)/python -m pytest -ra tests/deploy $(ARGS)

deploy-tools: $(VENV)/.ready  ## the programs that the chart and the compose file are checked with
	$(BIN)/python tests/deploy/tools.py

images: $(VENV)/.ready  ## the images of deploy/images, for the local Docker
	$(BIN)/python deploy/images/prepare.py
	docker build -t tradewise-otel-collector:0.1.0 build/images/collector
	docker build -t tradewise-otel-collector-local:0.1.0 build/images/collector-local
	docker build -t tradewise-otel-backend:0.1.0 build/images/backend

check: $(VENV)/.ready  ## style, types, import rules, generated files, Must-hold lines
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/tradewise-otel generate --check
	$(BIN)/tradewise-otel datadog check
	$(BIN)/python tests/harness/show_holds.py --check

holds: $(VENV)/.ready collector  ## each Must-hold line, the command that shows it, and its result
	$(BIN)/python tests/harness/show_holds.py

bench: $(VENV)/.ready  ## added CPU of a request, against vanilla OpenTelemetry; ARGS=--instructions counts it, ARGS=--calls: typed calls
	$(BIN)/python tests/bench/run.py $(ARGS)

bench-collector: $(VENV)/.ready collector  ## records a second that one core of the gateway takes, layer by layer: 5 minutes
	$(BIN)/python tests/bench/collector.py $(ARGS)

bench-redaction:  ## the Collector's redaction alone: ns a record, clean, dirty and hostile
	cd $(REDACTION) && go test -run '^$$' -bench . ./...

fuzz:  ## the Collector's redaction against an oracle without shortcuts; SECONDS=60
	cd $(REDACTION) && go test -run '^$$' -fuzz . -fuzztime $(SECONDS)s -fuzzminimizetime 1x ./internal/secrets

mutate: $(VENV)/.ready  ## the redaction processor without each rule and each visit of a slot: its tests must fail
	$(BIN)/python tests/collector/redaction_mutants.py $(ARGS)

chaos: $(VENV)/.ready  ## ten outages of Datadog with a kill -9 of the Collector in each: 13 minutes
	$(BIN)/python tests/chaos/run.py $(ARGS)

flood: $(VENV)/.ready  ## ten minutes without Datadog at 5,000 records/s: memory, order, the ledger
	$(BIN)/python tests/chaos/flood.py $(ARGS)

encoders: $(VENV)/.ready  ## 100,000 batches by both encoders, then the end-to-end tests by upstream's: 9 minutes
	TRADEWISE_BATCHES=100000 $(BIN)/python -m pytest -s tests/unit/test_encode.py
	TRADEWISE_ENCODER=upstream $(BIN)/python -m pytest -n 3 --dist loadfile tests/e2e tests/resilience $(ARGS)

test-versions: $(VENV)/.ready  ## the end-to-end tests with the oldest and the newest supported set
	$(BIN)/python tests/versions/run.py $(ARGS)

generate: $(VENV)/.ready  ## writes what is generated from the catalogue
	$(BIN)/tradewise-otel generate

collector: $(VENV)/.ready
	$(BIN)/tradewise-otel collector build
	$(BIN)/tradewise-otel collector build --role gateway

$(VENV)/.ready: pyproject.toml setup.py
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python >= 3.10 is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

clean:  ## removes the environment and the Collector's build cache
	-chmod -R u+w "$${XDG_CACHE_HOME:-$$HOME/.cache}/tradewise-otel" 2>/dev/null
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/tradewise-otel"
	rm -rf $(VENV) build *.egg-info
