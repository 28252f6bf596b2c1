# Every target sets up what it needs in .venv, from a machine with nothing but Python 3.11.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
CASES ?= 20000
SEED ?= 1
UI_PORT ?= 3000
WIDGET := build/widget/node_modules/@thredfi/accounting/package.json

.DEFAULT_GOAL := help
.PHONY: help demo test check codegen bench chaos conformance emulator widget browser browser-tools format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.cli: .venv/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[cli]'
	@touch $@

.venv/.dev: .venv/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/.cli

.venv/.browser: .venv/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[browser]'
	@touch $@

$(WIDGET):
	npm install --prefix build/widget --ignore-scripts --no-audit --no-fund @thredfi/accounting@0.8.9

demo: .venv/.cli ## push sample records to the embedded emulator
	$(BIN)/python examples/demo.py

test: .venv/.dev ## run the tests
	$(BIN)/python -m pytest

check: .venv/.dev ## lint, types, imports, generated code up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m codegen --check

codegen: .venv/.dev ## generate models and operations [SPEC=path or URL]
	$(BIN)/python -m codegen $(if $(SPEC),--spec $(SPEC))

bench: .venv/.dev ## measure beside hand-written aiohttp, in one run
	$(BIN)/python -m benchmarks

chaos: .venv/.cli ## push under faults, kill -9 and for long, and check the books [CHAOS=--records 5000]
	$(BIN)/python -m chaos $(CHAOS)

conformance: .venv/.dev ## call the emulator with generated data [CASES=20000 SEED=1]
	$(BIN)/python -m tests.conformance --cases $(CASES) --seed $(SEED)

emulator: .venv/.cli ## run the emulator [PORT=8000]
	$(BIN)/thredfi emulator --port $(PORT)

widget: .venv/.cli $(WIDGET) ## show the sample records in Thred's own widget [UI_PORT=3000]
	$(BIN)/python examples/widget.py $(UI_PORT)

browser-tools: .venv/.browser $(WIDGET)

browser: browser-tools ## test that widget in a browser (chromium must be installed)
	$(BIN)/python -m pytest tests/browser

format: .venv/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the targets made
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
