.DEFAULT_GOAL := help
.PHONY: help setup demo test test-apps test-fast fuzz lint typecheck format lifecycle cookies-vs-chrome bench bench-peers docs wheel clean

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

setup: $(STAMP) ## create .venv, install the package, Chrome and ChromeDriver
	@drivers/install.sh

demo: setup ## run the main job against a local chat site
	@$(BIN)/aura-browser demo

test: setup ## run the tests
	@$(BIN)/python -m pytest --ignore=tests/apps

test-apps: setup ## test against Django, Node-RED and DokuWiki, which it installs first
	@$(BIN)/python -m pytest tests/apps --durations=5

test-fast: setup ## run the tests that need no browser and no long wait, under a minute
	@$(BIN)/python -m pytest -m "not chrome and not slow" --ignore=tests/whole --ignore=tests/cli --ignore=tests/apps

fuzz: $(STAMP) ## let 100,000 hostile inputs in at each entrance (SEED=, COUNT=, ONLY=)
	@SEED=$(SEED) COUNT=$(COUNT) ONLY="$(ONLY)" $(BIN)/python -m tests.fuzz

lint: $(STAMP) ## check style and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

typecheck: $(STAMP) ## check types
	@$(BIN)/mypy

format: $(STAMP) ## fix style and format automatically
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lifecycle: setup ## check that a harvest leaves nothing behind, however it ends
	@$(BIN)/python -m tests.lifecycle $(ONLY)

cookies-vs-chrome: setup ## compare how cookies are kept with a real Chrome
	@$(BIN)/python -m tests.cookies $(ARGS)

bench: setup ## measure speed, as ratios
	@$(BIN)/python -m tests.bench $(ONLY)

bench-peers: setup ## compare the harvest with other tools
	@$(BIN)/python -m tests.bench.peers $(ONLY)

docs: $(STAMP) ## write every command's --help into docs/command-line.md
	@$(BIN)/python -m tests.parts.help_pages

wheel: $(STAMP) ## build the wheel and test it in an empty environment
	@sh tests/try_wheel.sh $(PYTHON)

clean: ## remove all generated files
	@rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; choose one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@# Debian and Ubuntu package venv separately.
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || drivers/install.sh venv "$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@
