# `make demo` and `make test` work on a fresh clone; everything they need goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint docs clean

demo: $(VENV)/installed
	$(BIN)/lithoscope demo

test: $(VENV)/installed-dev lint
	$(BIN)/python -m pytest

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Notebooks of the gallery run meanwhile; the checks that need the built pages come after.
docs: $(VENV)/installed-docs
	$(BIN)/mkdocs build --strict --quiet
	$(BIN)/python -m pytest tests/docs

# torch first and pinned: the newest build on PyPI brings gigabytes of CUDA.
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --constraint constraints.txt torch
	$(PIP) install --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) install --constraint constraints.txt --editable ".[dev]"
	touch $@

$(VENV)/installed-docs: $(VENV)/installed-dev
	$(PIP) install --constraint constraints.txt --editable ".[docs]"
	touch $@

clean:
	rm -rf $(VENV) lithoscope-demo
