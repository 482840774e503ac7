# Everything starts here. Only python3 (3.11 or newer) and make are assumed.
.DEFAULT_GOAL := help
PYTHON ?= python3
RUN := .venv/bin
STAMP := .venv/.ready
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: help setup run test test-postgres check format bench soak clean

help: ## the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(STAMP) ## uv, the virtual environment and every locked dependency

$(STAMP): pyproject.toml uv.lock scripts/bootstrap.py
	@$(PYTHON) scripts/bootstrap.py
	@touch $(STAMP)

run: setup ## migrate, make the demo team, serve API, docs and pages on $(HOST):$(PORT)
	@$(RUN)/timbra demo --port $(PORT) --host $(HOST)
	@$(RUN)/timbra serve --host $(HOST) --port $(PORT)

test: setup ## the whole suite on SQLite
	@$(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests

test-postgres: setup ## the whole suite on a PostgreSQL that this target starts
	@$(RUN)/python scripts/with_postgres.py $(RUN)/pytest -n 2 --dist loadfile --no-loadscope-reorder tests

check: setup ## lint, types, import contracts, house rules
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports
	@$(RUN)/pytest -q -p no:randomly tests/test_tidy.py

format: setup ## let ruff lay the code out
	@$(RUN)/ruff check --fix . ; $(RUN)/ruff format .

bench: setup ## every benchmark, each a table of ratios
	@missed=; for file in bench/*.py; do case $$file in bench/_*) ;; \
		*) echo "== $$file"; $(RUN)/python $$file || missed="$$missed $$file";; esac; done; \
		test -z "$$missed" || { echo "floors missed:$$missed"; exit 1; }

soak: setup ## the long programmes: 1,000 kills, 1,000 cancellations, 200,000 invoices against the oracle, 100,000 requests
	@TIMBRA_SOAK=1 TIMBRA_SOAK_CASES=200000 $(RUN)/pytest -q -p no:randomly tests/cfdi tests/crash tests/fuzz tests/webhooks tests/clients/test_csf_child.py \
		tests/invoices/test_cancel_lives.py
	@TIMBRA_SOAK=1 $(RUN)/python scripts/with_postgres.py $(RUN)/pytest -q -p no:randomly tests/isolation

clean: ## remove the environment and the local data
	rm -rf .venv .uv var
