# Works with GNU make 3.81 (macOS) and newer. PYTHON=python3.12 chooses the interpreter of .venv, JOBS=1 the number of
# processes that run the tests.

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
JOBS ?= auto
PY := .venv/bin/python

# The environment is current if the marker named after the two files that define it is there.
MARKER := .venv/.deskbell-$(shell cat requirements.lock pyproject.toml | cksum | tr ' ' '-')

CODE := $(wildcard adaptive_cards blocks bot core tests)
LAYERS := $(wildcard adaptive_cards/__init__.py blocks/__init__.py bot/__init__.py core/__init__.py)
APART := $(patsubst %,--ignore=tests/%,bench browser chaos live)

.PHONY: help setup demo test bench chaos lock clean

help:
	@echo "make setup   the locked environment in .venv (the others see to it by themselves)"
	@echo "make demo    everything on embedded defaults, no account and no token"
	@echo "make test    format, lint, types, import contracts, tests"
	@echo "make bench   the benchmark"
	@echo "make chaos   kill -9, 500 times"
	@echo "make lock    requirements.lock from pyproject.toml (UPGRADE=--upgrade: the newest versions)"
	@echo "make clean   remove .venv and what the tools left"

setup: $(MARKER)

$(MARKER):
	@PYTHON="$(PYTHON)" .ci/setup $@

demo: setup
	@.venv/bin/deskbell demo

test: setup
	@echo "== format"
	@$(PY) -m ruff format --check $(CODE)
	@echo "== lint"
	@$(PY) -m ruff check $(CODE)
	@echo "== types"
	@$(PY) -m mypy $(CODE)
	@echo "== import contracts"
	@if [ $(words $(LAYERS)) -eq 4 ]; then .venv/bin/lint-imports; else echo "skipped: not all packages are there"; fi
	@echo "== tests"
	@$(PY) -m pytest -q -n $(JOBS) $(APART) tests || [ $$? -eq 5 ]  # 5: no test there

bench: setup
	@$(PY) -m tests.bench

chaos: setup
	@$(PY) -m tests.chaos --rounds 500

# One file for every platform and every Python from 3.11 on, hashed and without addresses: pip and uv install from it.
lock: setup
	@.venv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-emit-index-url --quiet $(UPGRADE) --output-file requirements.lock

clean:
	@rm -rf .venv .ci/node build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
