# Everything happens in .venv, from exact versions with hashes (requirements/). Nothing is installed twice.
.DEFAULT_GOAL := help
.PHONY: help report test lint lab bench bench-report lock clean
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
ACTIVE := PATH="$$PWD/$(VENV)/bin:$$PATH"
ENVIRONMENT := $(VENV)/.environment
RUN := $(VENV)/.run
TEST := $(VENV)/.test
LAB := $(VENV)/.lab

# The data stays in this folder, unless the environment or workbench.toml says otherwise.
ifeq ($(wildcard workbench.toml),)
export WORKBENCH_DATA ?= $(CURDIR)/data
export WORKBENCH_OUT ?= $(CURDIR)/reports
endif
# Without compiled files every start takes seconds instead of a fraction of one.
unexport PYTHONDONTWRITEBYTECODE

# What a user types reaches scripts/report by environment and unexpanded: a $ or a quote in it is just a character.
OPTIONS := REPO PROJECT TAGS DEPLOYS DAYS
$(foreach name,$(OPTIONS),$(eval override $(name) := $$(value $(name))))
export $(OPTIONS)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

report: $(RUN) ## the DORA report, of a sample or of REPO=/path/to/repository [PROJECT= TAGS= DEPLOYS= DAYS=]
	@$(ACTIVE) scripts/report

test: $(TEST) ## all tests with coverage [PYTEST_ADDOPTS="--no-cov -k word"]
	@scripts/install-test-tools
	@$(ACTIVE) scripts/install-mysql-driver
	@$(ACTIVE) pytest -n auto --cov

lint: $(TEST) ## style, types and the order of imports
	@$(ACTIVE) ruff check
	@$(ACTIVE) ruff format --check
	@$(ACTIVE) mypy
	@$(ACTIVE) lint-imports --no-logo

lab: $(LAB) ## JupyterLab on the same data [LAB_OPTIONS="--no-browser --allow-root"]
	@$(ACTIVE) jupyter lab notebooks $(LAB_OPTIONS)

bench: $(RUN) ## measure this machine and compare with earlier runs
	@$(ACTIVE) workbench bench

bench-report: $(RUN) ## measure the stores and show it: one HTML file [BENCH_OPTIONS="--quick"]
	@$(ACTIVE) workbench bench $(BENCH_OPTIONS)
	@$(ACTIVE) workbench report performance

lock: ## new requirements/*.txt from pyproject.toml [UPGRADE=--upgrade]
	@scripts/lock $(UPGRADE)

clean: ## remove what make and the tools made; data/ and reports/ stay
	rm -rf $(VENV) dist build .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find workbench tests -name __pycache__ -prune -exec rm -rf {} +

# --- what is installed, each step once ---

$(ENVIRONMENT): scripts/make-venv
	@echo "Making $(VENV) ..."
	@scripts/make-venv "$(PYTHON)" $(VENV)
	@touch $@

$(RUN): requirements/run.txt pyproject.toml $(ENVIRONMENT)
	@$(call install,run)

$(TEST): requirements/test.txt $(RUN)
	@$(call install,test)

$(LAB): requirements/lab.txt $(RUN)
	@$(call install,lab)

# pip compiles one file after the other; all at once, on all cores, is quicker.
define install
echo "Installing requirements/$(1).txt ..." && \
$(PIP) install --no-compile --require-hashes -r requirements/$(1).txt && \
$(PIP) install --no-compile --no-deps --no-build-isolation --editable . && \
{ $(VENV)/bin/python -m compileall -qq -j 0 $(VENV)/lib workbench || :; } && \
touch $(VENV)/.$(1)
endef
