# Every target works on a fresh machine: scripts/setup makes what is missing and is silent otherwise.
.PHONY: help setup run test test-all fuzz check wheel

PYTEST := .venv/bin/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder
FUZZ_SECONDS ?= 240

# The tests start hundreds of interpreters: without its cache each one compiles the project again.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo "make setup      the virtual environment, and the browsers and servers for the tests"
	@echo "make run        set-up, then the laboratory: ./pushlab lab"
	@echo "make test       set-up, then the suite"
	@echo "make test-all   the same with the long runs"
	@echo "make fuzz       coverage-guided fuzzing of every parser, for FUZZ_SECONDS (240)"
	@echo "make check      ruff, mypy, import contracts, documentation matches code"
	@echo "make wheel      dist/pushlab-*.whl: the push service and its test harness, for other projects"

setup:
	@scripts/setup setup

run:
	@scripts/setup run
	@exec ./pushlab lab

test:
	@scripts/setup test
	@$(PYTEST) -m "not slow"

test-all:
	@scripts/setup test
	@$(PYTEST) --hypothesis-profile thorough

fuzz:
	@scripts/setup fuzz
	@.venv/bin/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

check:
	@scripts/setup check
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy app bench push_service e2e tests conftest.py
	.venv/bin/lint-imports
	.venv/bin/python -m pytest -q tests/test_docs.py

wheel:
	@scripts/setup check
	@.venv/bin/python -m hatchling build --target wheel --directory dist
