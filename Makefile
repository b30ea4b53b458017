# Two commands matter: `make demo` and `make test`. Each makes its own environment in .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Debian puts brokers here, and not every shell looks there.
export PATH := $(CURDIR)/$(BIN):$(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs clean mosquitto

help:
	@echo "make demo    a school day with seven carts, in about a minute"
	@echo "make test    lint, types, layers, documents and every test (needs Debian's mosquitto)"
	@echo "make lint    the same without the tests"
	@echo "make bench   measures against the goals, as ratios (minutes; needs mosquitto)"
	@echo "make docs    writes the generated documents anew"
	@echo "make clean   removes the environment and all caches"

demo: $(VENV)/demo
	$(BIN)/homeslot-sim demo

test: lint mosquitto
	$(BIN)/python -m pytest

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/cog --check -I docs docs/*.md

bench: $(VENV)/dev mosquitto
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/dev
	$(BIN)/python docs/generate.py
	$(BIN)/cog -r -I docs docs/*.md

$(VENV)/demo: pyproject.toml
	@$(MAKE) --no-print-directory $(VENV)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[micropython]'
	@touch $@

$(VENV)/dev: pyproject.toml
	@$(MAKE) --no-print-directory $(VENV)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/demo

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "homeslot needs Python 3.11 or later; say which: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python cannot make an environment here; on Debian: apt install python3-venv" >&2; exit 1; }
	@touch $@

mosquitto:
	@command -v mosquitto >/dev/null && command -v mosquitto_passwd >/dev/null || { \
	  if [ "$$(id -u)" = 0 ]; then as=; \
	  elif sudo -n true 2>/dev/null; then as=sudo; \
	  else echo "The tests need Debian's mosquitto, which is not here and may not be installed by" \
	    "this user: apt install mosquitto" >&2; exit 1; fi; \
	  command -v apt-get >/dev/null || \
	    { echo "The tests need mosquitto (broker and mosquitto_passwd), which is not here." >&2; exit 1; }; \
	  $$as apt-get update -qq && \
	  $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mosquitto; }

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist demo-out
