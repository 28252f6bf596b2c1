# Every target sets up what it needs in .venv, from a machine with nothing but Python 3.11.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
CASES ?= 20000
SEED ?= 1
UI_PORT ?= 3000
PARALLEL ?= --numprocesses=2 --dist=worksteal
WIDGET := build/widget/node_modules/@thredfi/accounting/package.json

# Without its cache pytest would rewrite every test module anew in each run.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo quick test check lint types types-mypy types-pyright imports generated \
	tests-quick codegen adopt bench chaos conformance emulator widget browser browser-tools \
	ci-long format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

quick: .venv/.dev ## the loop of an afternoon: lint, types, imports, and the tests that are quick
	$(MAKE) --jobs=2 --output-sync=target lint imports types-mypy tests-quick

tests-quick: .venv/.dev
	$(BIN)/python -m pytest $(PARALLEL) -q -m 'not slow and not long' $(QUICK)

test: .venv/.dev ## run the tests, side by side, with a floor under their coverage
	$(BIN)/python -m pytest $(PARALLEL) -m 'not long' --cov --cov-report=term:skip-covered

check: lint types imports generated ## lint, types, imports, generated code up to date

lint: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: types-mypy types-pyright

types-mypy: .venv/.dev
	$(BIN)/mypy

types-pyright: .venv/.dev
	$(BIN)/pyright --project pyproject.toml

imports: .venv/.dev
	$(BIN)/lint-imports

generated: .venv/.dev
	$(BIN)/python -m codegen --check

codegen: .venv/.dev ## generate models and operations [SPEC=path or URL]
	$(BIN)/python -m codegen $(if $(SPEC),--spec $(SPEC))

adopt: .venv/.dev ## put Thred's own description in the place of ours [SPEC=path or URL]
	$(BIN)/python -m codegen.adopt --spec $(SPEC)

build/bench/.peers: pyproject.toml openapi/openapi.yaml
	$(PYTHON) -m venv build/bench/venv
	build/bench/venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[peers]'
	build/bench/venv/bin/python -m benchmarks.generate
	@touch $@

bench: build/bench/.peers ## measure beside hand-written aiohttp and other clients [BENCH=calls --rounds 5]
	build/bench/venv/bin/python -m benchmarks --report $(BENCH)

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

# pyenv hides the versions that are not chosen: nox is shown all there are.
empty :=
space := $(empty) $(empty)
ci-long: export PATH := $(subst $(space),:,$(wildcard $(PYENV_ROOT)/versions/3.1[123].*/bin)):$(PATH)
ci-long: .venv/.dev ## all that is too long for every change: other Pythons, lowest dependencies, wheels … [ONLY=session]
	$(BIN)/nox $(if $(ONLY),--session $(ONLY))

format: .venv/.dev ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the targets made
	rm -rf .venv .nox build dist .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
