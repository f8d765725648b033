# Needs git, make and Python 3.11 to 3.15 with pip; everything else is installed into $(VENV).
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
# editable_mode=strict: type checkers then see prefect_kie.blocks, .tasks and .flows where they are.
EDIT   := -e '.[simulator]' --config-settings editable_mode=strict
JOBS   ?= auto

# Pytest keeps the tests that it has rewritten: else each process spends eight seconds on it anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test coverage unit processes ui fleet check docs crash recovery bench models cli lowest pythons format build clean FORCE

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.demo ## the main job, end to end, on a simulated Kie (ARGS="--stay", ARGS="--live")
	$(BIN)/prefect-kie demo $(ARGS)

test: $(VENV)/.test ## the tests (ARGS="-k name" for some)
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS)

coverage: $(VENV)/.test ## the same, with what it covers; almost twice as long
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report $(if $(ARGS),,--fail-under=95)

unit: $(VENV)/.test ## the tests that need no Prefect server, in a minute
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal tests/unit $(ARGS)

ui: $(VENV)/.ui ## the Prefect UI in a browser, as a new user goes through it; pictures in build/ui (ARGS="-k name")
	$(BIN)/python -m pytest --numprocesses 2 tests/ui $(ARGS)

processes: $(VENV)/.test ## runs killed at every moment, real workers, the commands in a terminal, the demo (ARGS="-k name")
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal tests/processes $(ARGS)

fleet: $(VENV)/.fleet ## several machines and a Prefect server on PostgreSQL; deploy/ (ARGS="-k name")
	$(BIN)/python -m pytest tests/fleet $(ARGS)

check: $(VENV)/.check ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/generate_models.py --check
	$(BIN)/python tools/generate_cli.py --check
	$(BIN)/mypy
	$(BIN)/mypy --strict --config-file= --cache-dir .mypy_cache/plain tests/unit/models/examples_of_types.py
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python tests/examples_of_docs.py
	$(BIN)/ruff check build/upstream/*.py
	$(BIN)/pyright --pythonpath $(BIN)/python --project build/examples
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/interrogate --quiet src/prefect_kie/api src/prefect_kie/models blocks tasks flows
	$(BIN)/codespell

docs: $(VENV)/.docs ## the site of docs/ in build/site; a warning is an error
	$(BIN)/zensical build --clean --strict

crash: $(VENV)/.demo ## kill runs more than 600 times, at every step and at random, and count (ARGS=--write)
	$(BIN)/python -m benchmarks.crash $(ARGS)

recovery: $(VENV)/.demo ## kill a run, and its worker too: how long until it runs again (ARGS=--postgres)
	$(BIN)/python -m benchmarks.recovery $(ARGS)

bench: $(VENV)/.bench ## all benchmarks, about 70 minutes (ARGS="waiting" for one, ARGS=--help for their names)
	$(BIN)/python -m benchmarks $(ARGS)

models: $(VENV)/.check ## the request classes of all models, from src/prefect_kie/models/catalog.json
	$(BIN)/python tools/generate_models.py

cli: $(VENV)/.demo ## docs/cli.md, from the command's own help
	$(BIN)/python tools/generate_cli.py

lowest: ## unit tests against the lowest versions that pyproject.toml allows
	tests/on-versions 3.11 lowest

pythons: ## unit tests on each Python from 3.11 to 3.15 that is on this machine
	for version in 3.11 3.12 3.13 3.14 3.15; do tests/on-versions $$version newest || exit 1; done

format: $(VENV)/.check ## put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

build: $(VENV)/.test ## wheel and sdist in dist/
	$(BIN)/python -m build

clean: ## remove what make has made
	rm -rf $(VENV) .cache build dist src/*.egg-info .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A strict editable install links each file by its name, so a new file wants the install again.
$(VENV)/.files: FORCE
	@mkdir -p $(VENV)
	@find src blocks tasks flows -name '*.py' | sort | cmp -s - $@ || find src blocks tasks flows -name '*.py' | sort > $@

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 16))' || \
	  { echo "$(PYTHON) is not Python 3.11 to 3.15; name one: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	touch $@

$(VENV)/.demo: $(VENV)/.python $(VENV)/.files pyproject.toml
	PYTHONWARNINGS=ignore $(PIP) install --quiet $(EDIT)
	touch $@

$(VENV)/.bench: $(VENV)/.demo
	$(PIP) install --quiet --group bench
	touch $@

$(VENV)/.test: $(VENV)/.demo
	$(PIP) install --quiet --group test
	touch $@

$(VENV)/.ui: $(VENV)/.test
	$(PIP) install --quiet --group ui
	tests/ui/install-browser
	touch $@

$(VENV)/.fleet: $(VENV)/.test
	$(PIP) install --quiet --group fleet
	tests/fleet/install-postgres
	touch $@

$(VENV)/.check: $(VENV)/.test
	$(PIP) install --quiet --group check
	touch $@

$(VENV)/.docs: $(VENV)/.demo
	$(PIP) install --quiet --group docs
	touch $@
