# SPDX-License-Identifier: Apache-2.0
# Every target does all of its own set-up: it needs Python 3.11 or later, pip, make and a C compiler, nothing else.

PYTHON ?= python3
ESTATE ?= estate
PORTS := $(if $(PORT),--port $(PORT)) $(if $(ADMIN_PORT),--admin-port $(ADMIN_PORT))
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install
# With BUNDLE=FILE all comes out of a bundle and no network is needed: docs/tasks/air-gap.md. DIGEST or KEY says why to
# believe it.
WHEELS := .venv/wheels
OFFLINE := $(if $(BUNDLE),--no-index --find-links $(WHEELS))
BELIEVED := $(if $(DIGEST),--digest $(DIGEST)) $(if $(KEY),--key $(KEY))

.PHONY: up down test test-system check prove-ledger fuzz-vault corpus format bench soak profile screenshots lock clean

up: .venv/run ## An owned model behind three APIs: installs, starts, asks it one question, verifies the receipt
ifdef BUNDLE
	@test -f $(ESTATE)/freehold.toml || $(BIN)/freehold init --estate $(ESTATE) $(PORTS)
	@$(BIN)/freehold vault bundle import $(BUNDLE) $(BELIEVED) --estate $(ESTATE)
endif
	@$(BIN)/freehold up --detach --estate $(ESTATE) $(PORTS)
	@echo
	@echo "The command is $(BIN)/freehold; '. $(BIN)/activate' puts it on the PATH of this shell."

down: .venv/run ## Stops everything that `make up` started, and nothing else
	@$(BIN)/freehold down --estate $(ESTATE)

test: .venv/dev ## The tests that need no server, no Debian package and no minutes
	$(BIN)/pytest -m "not system" --numprocesses=auto --dist=worksteal

test-system: .venv/dev ## Real processes, real clients, faults; may install Debian packages
	$(BIN)/pytest -m system --numprocesses=2 --dist=loadfile --no-loadscope-reorder --ignore=tests/unit --ignore=tests/system/console
	$(BIN)/pytest -m system --numprocesses=2 --dist=loadfile --no-loadscope-reorder tests/system/console  # apart: a browser leaves its loop running

check: .venv/dev ## Style, types, layers and documentation, in under a minute
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -q tests/docs

prove-ledger: .venv/dev ## Kills a real ledger 500 times while it writes, and cuts its power at every operation: minutes
	$(BIN)/pytest tests/unit/ledger/test_power.py tests/unit/ledger/test_log.py
	$(BIN)/python -m tests.kills --kills 500
	$(BIN)/python -m tests.kills --kills 100 --durability relaxed

corpus: .venv/dev ## How much of what we planted 'freehold assess' finds: figures on our own corpus
	$(BIN)/python -m tests.corpus

format: .venv/dev ## Rewrites the code in the house style
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/dev ## Measures Freehold beside its peers, which it installs: 25 minutes; QUICK=1 is a look of four
	$(BIN)/python -m bench $(if $(QUICK),--quick)

screenshots: .venv/dev ## Every page of the console, light and dark, wide and narrow, to build/screenshots: two minutes, and Debian's chromium
	$(BIN)/python -m tests.system.console.screenshots --out build/screenshots

MINUTES ?= 10
soak: .venv/dev ## A gateway's memory under MINUTES of mixed load, hang-ups and errors: a table, a slope and a chart
	$(BIN)/python -m bench.soak --minutes $(MINUTES)

profile: .venv/dev ## A flame graph of each hot path, to bench/out/profile; as root, or where ptrace is allowed
	$(BIN)/python -m bench.profile

fuzz-vault: .venv/dev ## 10,000 mutated models: none may break a reader, none may load in place of its original
	$(BIN)/python -m tests.attack.vault.fuzz

lock: .venv/dev ## Resolves requirements/*.in anew (needs uv)
	cd requirements && for name in run detector tune hub dev; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --no-emit-find-links --no-emit-package hf-xet $$name.in --output-file $$name.lock || exit 1; done

clean: ## Removes what the other targets made, but for estates
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build src/*.egg-info bench/out

.venv/made:
	$(PYTHON) -m venv .venv
	@touch $@

.venv/run: .venv/made requirements/run.lock requirements/tune.lock pyproject.toml
	@echo "Installing what requirements/run.lock and tune.lock pin into .venv; this happens once."
ifdef BUNDLE
	@rm -rf $(WHEELS)
	@$(PYTHON) src/freehold/vault/bundle/starter.py wheels $(BUNDLE) $(WHEELS)
endif
	@$(PIP) $(OFFLINE) --require-hashes --requirement requirements/run.lock --requirement requirements/tune.lock
	@$(PIP) $(OFFLINE) --quiet --no-deps --no-build-isolation --editable .
	@rm -rf $(WHEELS)
	@touch $@

.venv/dev: .venv/run requirements/dev.lock
	@$(PIP) --quiet --require-hashes --requirement requirements/dev.lock
	@touch $@
