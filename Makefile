PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp

.DEFAULT_GOAL := help
.PHONY: help setup verify test lint figures docs record bench clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Install everything, pinned, into .venv
	@:

verify: $(STAMP) ## Judge every claim with quick evidence
	@$(BIN)/untrained verify --budget quick

test: $(STAMP) ## Run the tests
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -q -n 2

lint: $(STAMP) ## Check style, types and layering
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@found=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$found"; exit 1; }
	@echo "lint: clean"

figures: $(STAMP) ## Draw the figures
	@$(BIN)/untrained figures

docs: $(STAMP) ## Build the guides and the API reference into build/docs
	@$(BIN)/sphinx-build -qW --keep-going -b html docs build/docs

record: $(STAMP) ## Judge every claim with standard evidence, push every constant, record it all
	@$(BIN)/untrained verify --budget standard --record
	@$(BIN)/untrained verify --mutants --record
	@$(BIN)/untrained sweep sigma_min --record

bench: $(STAMP) ## Run the benchmarks
	@for script in benchmarks/[!_]*.py; do $(BIN)/python "$$script" || exit 1; done

clean: ## Remove .venv, caches and build products
	@rm -rf .venv build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp goes first and comes back last: without it, the next set-up starts from an empty .venv.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "untrained needs Python 3.11 or newer, which '$(PYTHON)' is not: try make PYTHON=python3.11." >&2; exit 1; }
	@echo "Setting up .venv (the first time takes a few minutes)."
	@if test -e $@ && test "$$($(BIN)/python -V)" = "$$($(PYTHON) -V)"; then rm -f $@; \
		else $(PYTHON) -m venv --clear .venv; fi
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
