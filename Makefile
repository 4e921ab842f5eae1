# What a newcomer, a developer and the builder run. `make help` lists the targets.
#
# Variables:  PYTHON=python3.12   the interpreter that .venv is made with (3.11 or newer; otherwise the first one found)
#             ARGS="..."          handed on to jifen demo, pytest or uv
#             SEEDS=1000 FIRST=0  how many worlds make simulate runs, and from which seed on
#             BENCH=catch_up      what make bench measures
#             MINUTES=10 SEED=7   how long make nemesis goes on, and the seed of its plan (drawn when left out)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

PYTHON ?=
ARGS ?=
SEEDS ?= 1000
FIRST ?= 0
BENCH ?= costs
MINUTES ?= 10
SEED ?=
UV_VERSION := 0.13.9

VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

# Stamps: each says that .venv holds what one lock names. The development lock contains the runtime one.
RUNTIME := $(VENV)/.runtime-installed
DEVELOPMENT := $(VENV)/.development-installed
LOCKER := build/lock-tool

.PHONY: help demo test nightly simulate mutations nemesis check format lock web bench clean

help: ## list the targets
	@printf 'usage: make TARGET [PYTHON=python3.12] [ARGS="..."]\n\n'
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target text; do \
		printf '  %-9s %s\n' "$$target" "$$text"; done

demo: $(RUNTIME) ## run an alliance of four validators on real purchases (ARGS="--once --json", ARGS="--help")
	@exec $(BIN)/jifen demo $(ARGS)

test: $(DEVELOPMENT) ## run the tests (ARGS="-k transfer")
	$(BIN)/pytest $(ARGS)

nightly: $(DEVELOPMENT) ## offer more than a million drawn transactions to the ledger and its naive twin (ARGS=-x); most of an hour
	$(BIN)/pytest --hypothesis-profile=nightly -o faulthandler_timeout=0 \
		tests/ledger/test_ledger_against_the_naive_twin.py $(ARGS)

simulate: $(DEVELOPMENT) ## run whole alliances in a simulated world, faults drawn from seeds (SEEDS=1000 FIRST=0 ARGS=--actors)
	$(BIN)/python -m jifen.testing.simulate --seeds $(SEEDS) --first $(FIRST) $(ARGS)

mutations: $(DEVELOPMENT) ## plant classic bugs and see the simulated worlds catch each of them
	$(BIN)/python -m jifen.testing.mutations $(ARGS)
	$(BIN)/python -m jifen.testing.core_mutations $(ARGS)
	$(BIN)/python -m jifen.testing.actor_world.mutations $(ARGS)

nemesis: $(DEVELOPMENT) ## make four real validators suffer by a plan and check all that their clients were told (MINUTES=10 SEED=7)
	@exec $(BIN)/python -m jifen.testing.nemesis --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

check: $(DEVELOPMENT) ## lint, format, types, import direction, architecture tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/architecture

format: $(DEVELOPMENT) ## sort imports, apply safe fixes, format
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

lock: $(LOCKER)/bin/uv ## write the lock files anew (ARGS=--upgrade takes newer versions)
	@uv="$(LOCKER)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --custom-compile-command 'make lock'"; \
	eval "$$uv $(ARGS) pyproject.toml --output-file requirements.lock"; \
	eval "$$uv $(ARGS) pyproject.toml --extra dev --constraint requirements.lock --output-file requirements-dev.lock"; \
	printf 'editables\nhatchling\n' | \
		eval "$$uv - --constraint requirements-dev.lock --output-file requirements-build.lock"
	@echo 'Locked. tests/architecture/test_locks.py says what a lock must and must not hold.'

web: ## build the web client in app/ into graphql/jifen_graphql/web (needs Node.js 20; the result is committed)
	@command -v npm >/dev/null || { \
		echo 'make web needs Node.js 20 or newer with npm; the built client is in the repository, so nothing else does.' >&2; exit 1; }
	cd app && npm ci --no-audit --no-fund && npm run build

bench: $(RUNTIME) ## measure (BENCH=costs, apply, catch_up, failover or idle; docs/testing.md says what each shows; ARGS="--kills 10")
	$(BIN)/python -m bench.$(BENCH) $(ARGS)

clean: ## remove .venv, builds and caches; homes with ledgers in them stay
	rm -rf $(VENV) build dist app/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov
	find node graphql tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------------------------------------------------- environments

# A half-made environment is removed, so that the next try starts afresh.
$(BIN)/python:
	@chosen=; for candidate in $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then chosen=$$candidate; break; fi; \
	done; \
	if [ -z "$$chosen" ]; then \
		echo 'Jifen needs Python 3.11 or newer, and $(if $(PYTHON),$(PYTHON) is not one,found none here). Install it, or name it: make PYTHON=/path/to/python3.12 ...' >&2; \
		exit 1; \
	fi; \
	rm -rf $(VENV); \
	"$$chosen" -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "$$chosen cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; \
	}

# --no-build-isolation: the build backend, too, comes from a lock, not from whatever is newest today.
$(RUNTIME): requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo 'Installing the locked dependencies into $(VENV) (once) ...'
	@$(PIP_INSTALL) --require-hashes -r requirements.lock -r requirements-build.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPMENT): requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo 'Installing the locked development dependencies into $(VENV) (once) ...'
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $(RUNTIME) $@

$(LOCKER)/bin/uv: | $(BIN)/python
	@$(BIN)/python -m venv $(LOCKER)
	@$(LOCKER)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
