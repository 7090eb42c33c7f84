.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test test-again soak test-apps test-apps-all test-fast test-parts fuzz lint typecheck format lifecycle cookies-vs-chrome formats bench
.PHONY: agents bench-peers coverage mutants simulate docs wheel release-check clean system

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime
STAMP := .venv/.installed

# Tests start hundreds of processes, and each would compile the whole package again.
unexport PYTHONDONTWRITEBYTECODE

# The environment is made anew if this folder was moved, since its programs name it, or if another Python is asked for.
CHECK_PYTHON = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	{ echo "$(PYTHON) is not Python 3.11 or newer; choose one with: make PYTHON=python3.12 ..." >&2; exit 1; }
ABOUT := import sys; print(sys.base_prefix, sys.version.split()[0])
CHANGED := $(shell [ ! -e .venv/.made ] || [ "$$(sed -n 1p .venv/.made)" = "$(CURDIR)" ] || echo moved)
ifneq ($(filter command environment,$(origin PYTHON)),)
CHANGED += $(shell [ ! -e .venv/.made ] || [ "$$(sed -n 2p .venv/.made)" = "$$($(PYTHON) -c '$(ABOUT)')" ] || echo python)
endif
ifneq ($(strip $(CHANGED)),)
.PHONY: $(RUNTIME)
endif

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 26

setup: system $(STAMP) ## create .venv, install the package, Chrome, ChromeDriver, and what tests need

demo: system $(RUNTIME) ## run the main job against a local chat site
	@$(BIN)/aura-browser demo
	@echo "Next: $(BIN)/aura-browser --help, or first: . $(BIN)/activate"

TOGETHER := -n auto --dist loadfile --no-loadscope-reorder -m "not soak and not alone" --ignore=tests/apps --ignore=tests/clients
# In this order, the files are shared out evenly between two workers.
ALONE := -n 2 --dist loadfile -m "alone and not soak" $$(grep -rl --include='test_*.py' 'mark\.alone' tests | sort -r)

test: setup ## run the tests
	@$(BIN)/python -m pytest $(TOGETHER) --durations=10 --durations-min=5 $(PYTEST_OPTIONS)
	@$(BIN)/python -m pytest $(ALONE) $(PYTEST_OPTIONS)

test-again: setup ## run the fast tests 20 times, each time in another order, on a busy processor (RUNS=5 WHAT=test: all of them)
	@tests/repeat.sh $(or $(RUNS),20) $(or $(WHAT),test-fast)

soak: setup ## run the tests that take long: steady use, many processes, kills, the lifecycle matrix, benchmarks
	@$(BIN)/python -m pytest -m soak --ignore=tests/apps --ignore=tests/clients

test-apps: setup ## test against Django, Node-RED, DokuWiki, JupyterLab and Chainlit, which it installs first
	@$(BIN)/python -m pytest -m "not heavy" tests/apps --durations=5

test-apps-all: setup ## test against those and five large ones: MediaWiki, MLflow, Directus, Home Assistant, litellm (half an hour)
	@$(BIN)/python -m pytest tests/apps --durations=5

agents: setup ## let Codex, Claude Code, aider and others ask through the gateway; it installs them first (a gigabyte)
	@$(BIN)/python -m pytest tests/clients --durations=5

test-fast: setup ## run the tests that need no browser and no long wait, under a minute
	@$(BIN)/python -m pytest -n auto -m "not chrome and not slow and not soak" $(foreach folder,whole cli apps clients edges fuzz agents programs,--ignore=tests/$(folder)) $(PYTEST_OPTIONS)

fuzz: $(STAMP) ## let 100,000 hostile inputs in at each entrance (SEED=, COUNT=, ONLY=)
	@SEED=$(SEED) COUNT=$(COUNT) ONLY="$(ONLY)" $(BIN)/python -m tests.fuzz

test-parts: setup ## install the programs that only tests need, so that none is skipped
	@drivers/install.sh tests >/dev/null
	@echo "All that the tests use is here."

lint: $(STAMP) ## check style and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

typecheck: $(STAMP) ## check types
	@$(BIN)/mypy

format: $(STAMP) ## fix style and format automatically
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: test-chrome
test-chrome: setup ## run the tests of harvests again, with a Chrome without ChromeDriver
	@$(BIN)/python -m pytest -n auto --dist loadfile --engine=chrome -m "chrome and not soak and not alone" tests/webdriver tests/keeping tests/http

lifecycle: setup ## check that a harvest leaves nothing behind, however it ends
	@$(BIN)/python -m tests.lifecycle $(ONLY)

cookies-vs-chrome: setup ## compare how cookies are kept with a real Chrome
	@$(BIN)/python -m tests.cookies $(ARGS)

formats: setup ## print which programs send and save which cookies (ARGS=--record writes the page)
	@$(BIN)/python -m tests.formats.programs $(ARGS)

bench: setup ## measure speed, as ratios
	@$(BIN)/python -m tests.bench $(ONLY)

bench-peers: setup ## compare the harvest and the gateway with other tools
	@$(BIN)/python -m tests.bench.peers $(ONLY)

coverage: setup ## run what make test runs, and print the lines and branches that no test takes, module by module
	@rm -rf .venv/coverage && mkdir .venv/coverage
	-@$(BIN)/python -m coverage run -m pytest $(TOGETHER)
	-@$(BIN)/python -m coverage run -m pytest $(ALONE)
	@$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report

mutants: $(STAMP) ## put 200 small faults into a copy, one at a time, and see whether tests notice (ARGS="--seed 2 --only PATH")
	@$(BIN)/python -m tests.mutation $(ARGS)

simulate: $(STAMP) ## run the manager for a million sessions on a virtual clock (ARGS='--sessions 20000 --seed 2 --json FILE')
	@$(BIN)/python -m tests.simulation $(ARGS)

docs: setup ## write every command's --help into docs/command-line.md, and its look into docs/screens.md
	@$(BIN)/python -m tests.parts.help_pages
	@$(BIN)/python -m tests.parts.screens

wheel: $(STAMP) ## build the wheel and test it in an empty environment
	@sh tests/try_wheel.sh $(PYTHON)

release-check: ## all checks, and the first hour on bare Debian 12, 13 and testing (as root; takes an hour)
	@.ci/run
	@tests/fresh.sh

clean: ## remove all generated files
	@rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

system:
	@$(CHECK_PYTHON)
	@drivers/install.sh all $(PYTHON)

$(RUNTIME): pyproject.toml
	@$(CHECK_PYTHON)
	@drivers/install.sh venv $(PYTHON)
	@echo "Making .venv with $$($(PYTHON) --version)$(if $(filter moved,$(CHANGED)), again: this folder was moved); pip downloads the libraries (under a minute) …"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@printf '%s\n' "$(CURDIR)" "$$($(BIN)/python -c '$(ABOUT)')" >.venv/.made
	@touch $@

$(STAMP): $(RUNTIME)
	@echo "Installing what tests and checks need into .venv (under a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@
