# The two commands are `make chip` and `make test`; each first sets up what is missing.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

# executable:Debian package. README.md lists what each is for; `sc-flow doctor` says what is missing.
DEBIAN := magic:magic netgen-lvs:netgen-lvs klayout:klayout verilator:verilator g++:g++ make:make \
  iverilog:iverilog sta:opensta ngspice:ngspice

# What tests need besides: a browser, in which the report is looked at.
DEBIAN_TESTS := chromium:chromium chromedriver:chromium-driver

.PHONY: chip test coverage docs bench setup pdk clean

chip: setup pdk
	$(BIN)/sc-flow build --model words --pdk sky130

test: setup .venv/.debian_tests pdk
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n auto
	$(BIN)/pytest -q -n auto -m flow

# Share of statements that the quick tests run, by file.
coverage: setup pdk
	$(BIN)/pytest -q -n auto --cov --cov-report term

# The API reference from docstrings, build/api/index.html.
docs: setup
	$(BIN)/python -m flow.apidoc build/api

# Writers and readers of a metal config against KLayout and gdstk, in one run (docs/multi_die.md).
bench: setup
	$(BIN)/python -m tests.bench_dies

setup: .venv/.debian .venv/.python

# Looks on PATH first, so that tools from elsewhere are used and nothing is installed twice. A package that
# a distribution lacks (Magic in Debian 13) is not fatal: the rows of the table that need it read "not run".
define install
@mkdir -p .venv; missing=; \
for t in $(1); do command -v $${t%%:*} > /dev/null || missing+=" $${t##*:}"; done; \
$(PYTHON) -c 'import ensurepip' 2> /dev/null || missing+=" python3-venv"; \
if [ -z "$$missing" ]; then touch $@; exit 0; fi; \
as_root=; [ "$$(id -u)" = 0 ] || as_root="sudo -n"; \
if ! command -v apt-get > /dev/null || { [ -n "$$as_root" ] && ! $$as_root true 2> /dev/null; }; then \
  echo "Not installed, and no way to install them from here (needs apt-get and root):$$missing" >&2; \
  exit 0; \
fi; \
export DEBIAN_FRONTEND=noninteractive; \
$$as_root apt-get update -qq; \
for p in $$missing; do \
  $$as_root apt-get install -y -qq --no-install-recommends $$p > /dev/null \
    && echo "installed $$p" || echo "could not install $$p; see sc-flow doctor" >&2; \
done; touch $@
endef

.venv/.debian: Makefile
	$(call install,$(DEBIAN))

.venv/.debian_tests: Makefile | .venv/.debian
	$(call install,$(DEBIAN_TESTS))

.venv/.python: pyproject.toml | .venv/.debian
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

pdk: setup
	$(BIN)/sc-flow pdk install sky130

# Keeps the PDK kit and the step cache, which lie outside the repository (see docs/flow.md).
clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
