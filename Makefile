# make quickstart | make test | make lint: each makes its own environment in .venv when there is none.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
OUT ?= runs/quickstart
TARGET ?= 0.3 kcal/mol/A
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(os.cpu_count() or 1, 4))')

.PHONY: quickstart test lint format release clean
.DEFAULT_GOAL := quickstart

quickstart: $(INSTALLED)
	$(BIN)/asteroid-study run quickstart --out $(OUT) --workers $(WORKERS)
	$(BIN)/asteroid-study buy quickstart --target "$(TARGET)" --out $(OUT)/purchase --workers $(WORKERS)
	$(BIN)/asteroid-study plot $(OUT) & drawing=$$!; \
	  $(BIN)/asteroid-study report $(OUT) --target "$(TARGET)"; reported=$$?; wait $$drawing && exit $$reported
	$(BIN)/asteroid-study plan $(OUT) --target "$(TARGET)"

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -q

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Wheel and source archive in dist/, each built from a copy of what git has, the wheel from the archive; then the quickstart
# from the wheel alone, in an environment and a folder of its own. SWEEP may name a smaller preset or file.
SWEEP ?= quickstart
release: RELEASE := $(CURDIR)/build/release
release:
	rm -rf $(RELEASE) dist
	mkdir -p $(RELEASE)/source $(RELEASE)/elsewhere
	git archive HEAD | tar -x -C $(RELEASE)/source
	$(PYTHON) -m venv $(RELEASE)/tools
	$(RELEASE)/tools/bin/pip install --quiet --disable-pip-version-check build
	$(RELEASE)/tools/bin/python -m build --outdir $(CURDIR)/dist $(RELEASE)/source
	$(PYTHON) -m venv $(RELEASE)/venv
	$(RELEASE)/venv/bin/pip install --quiet --disable-pip-version-check -c constraints.txt dist/*.whl
	rm -rf $(RELEASE)/source
	cd $(RELEASE)/elsewhere && PATH=$(RELEASE)/venv/bin:$$PATH && \
	  asteroid-study --version && \
	  asteroid-study run "$(SWEEP)" --out run --workers $(WORKERS) && \
	  asteroid-study plot run && \
	  asteroid-study report run --target "$(TARGET)" && \
	  asteroid-study plan run --target "$(TARGET)"
	ls -l dist

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The constraints name every version that the tests ran with; a changed file installs again.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "asteroid-study needs Python 3.11 or newer: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "Python's venv module is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
