# Everything that a person or CI does with this checkout. `make help` lists it.
SHELL := /bin/bash
VENV := .venv
# The versions of all that is installed, by the line of Salt; `make lock` refreshes them.
SALTS := 3006.28 3007.15 3008.3
CONSTRAINTS := constraints/3008.txt
# Two labs, one worker's each; the kernels and all others are the third's meanwhile: tests/conftest.py.
SIDE_BY_SIDE := -n 3 --no-loadscope-reorder
PYTHONS ?= 3.10 3.11 3.12 3.13
PYTHON ?= /usr/bin/python3

.PHONY: help venv packages lock lab demo lint test test-unit test-functional test-integration test-all smoke docs dist wheelhouse release mutants
# `packages` comes before what is built with them.
.NOTPARALLEL:

help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

packages: ## what the lab and libraries from source need of the machine, by apt: root
	@tests/lab/hosts/packages

venv: packages $(VENV)/.made ## Python with Salt, the SDK, libvirt and the tools

# A group of pyproject.toml in the virtual environment, in the locked versions.
define install
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q --constraint $(CONSTRAINTS) uv
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/uv pip install -q --compile-bytecode --python $(VENV)/bin/python \
		--constraints $(CONSTRAINTS) --build-constraints $(CONSTRAINTS) --group $(1)
endef

# What lint and unit tests need: no root, no apt, no compiler, which timelib would need. Salt runs
# without it.
$(VENV)/.check: pyproject.toml $(CONSTRAINTS)
	$(call install,check --excludes <(echo timelib))
	touch $@

$(VENV)/.made: pyproject.toml $(CONSTRAINTS)
	$(call install,dev)
	touch $(VENV)/.check $@

lock: $(VENV)/.check ## the newest versions of all that pyproject.toml names, into constraints/
	$(foreach salt,$(SALTS),UV_CUSTOM_COMPILE_COMMAND='make lock' $(VENV)/bin/uv pip compile -q --upgrade \
		--universal --python-version 3.10 --group dev --override <(echo salt==$(salt)) \
		--no-annotate --no-emit-index-url --output-file constraints/$(basename $(salt)).txt &&) true

lab: venv ## build the lab: hypervisor root, appliance, packages (cached)
	tests/lab/lab build

demo: lab ## deploy a hosted engine on lab hypervisor hv1, and show it
	tests/lab/demo

dist: $(VENV)/.check ## tarball and SPM package of the formula as it is committed, in dist
	$(VENV)/bin/python -m release.tarball dist
	$(VENV)/bin/python -m release.spm dist

wheelhouse: venv ## wheels of the libraries for each supported Salt's Python (PYTHONS=…): docs/libraries.md
	$(VENV)/bin/python -m release.wheelhouse $(PYTHONS:%=--python=%) wheelhouse

release: dist wheelhouse ## both, and a tarball with the wheels
	$(VENV)/bin/python -m release.tarball dist wheelhouse

lint: $(VENV)/.check ## style, types, YAML, SLS
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy _utils _modules _states tools release docs
	$(VENV)/bin/yamllint --strict hosted_engine pillar.example FORMULA .salt-lint .yamllint .pre-commit-config.yaml
	$(VENV)/bin/salt-lint hosted_engine/*.sls

test-unit: $(VENV)/.check ## unit tests
	$(VENV)/bin/pytest tests/unit

test-functional: venv ## with the real loader, the engine simulator, libvirt's test driver
	$(VENV)/bin/pytest tests/functional

smoke: venv ## unit and functional tests on Salt 3006 and 3007
	tests/smoke

mutants: venv ## whether the tests notice changes to guards and parsers: a fixed sample, 15 minutes
	$(VENV)/bin/python -m tests.mutants

test-integration: lab ## on the lab's hypervisors
	$(VENV)/bin/pytest -m 'not extensive' tests/integration

test: venv lint lab ## what CI runs
	$(VENV)/bin/pytest $(SIDE_BY_SIDE) -m 'not extensive'

test-all: venv lint lab ## and a whole deployment of each further kind of storage and network
	$(VENV)/bin/pytest $(SIDE_BY_SIDE)

docs: $(VENV)/.check ## pages that are made from the schema and from markers on tests
	$(VENV)/bin/python -m docs.make
