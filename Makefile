# The first two are all that a newcomer needs: `make demo` and `make test`.
# Everything is installed into .venv; another Python: make demo PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test bench docs lint clean

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile

demo: $(VENV)/.installed-data,plot  ## train, evaluate and fine-tune the first program on real data
	$(BIN)/python examples/breast_cancer.py

# One thread each, so that the workers do not fight for the cores.
test: $(VENV)/.installed-test  ## run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4

bench: $(VENV)/.installed-bench  ## run the benchmarks
	$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-columns=median,iqr,min,rounds

docs: $(VENV)/.installed-docs  ## build the documentation into docs/_build and run its examples
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/sphinx-build -W --keep-going -q -b doctest docs docs/_build/doctest
	@echo "Open docs/_build/html/index.html in a browser."

lint: $(VENV)/.installed-dev  ## check style, format, types and import direction
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:  ## remove .venv, caches and build outputs
	rm -rf $(VENV) build dist docs/_build .benchmarks .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of extras: a second run installs nothing until pyproject.toml changes.
$(VENV)/.installed-%: pyproject.toml | $(BIN)/pip
	@echo "Installing nnscratch[$*] into $(VENV): once, a few minutes on a slow line."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# pip is what venv writes last: while it is missing, the environment is not whole.
$(BIN)/pip:
	@command -v "$(PYTHON)" >/dev/null || { echo "nnscratch needs Python 3.11 or newer and found no '$(PYTHON)': install Python, or name yours with PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "nnscratch needs Python 3.11 or newer and '$(PYTHON)' is not: install a newer one and name it, as in PYTHON=python3.12." >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "'$(PYTHON)' cannot make virtual environments: install its venv module (on Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
