# Everything that a person or CI does with this checkout. `make help` lists it.
SHELL := /bin/bash
VENV := .venv
# The lab's tests are one worker's, the kernel's another's, the third runs all others meanwhile.
SIDE_BY_SIDE := -n 3 --no-loadscope-reorder
PYTHONS ?= 3.10 3.11 3.12 3.13
PYTHON ?= /usr/bin/python3

.PHONY: help venv packages lab demo lint test test-unit test-functional test-integration test-all smoke docs wheelhouse release mutants clean

help: ## what there is
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

packages: ## what the machine needs, by apt
	@tests/lab/hosts/packages

venv: packages $(VENV)/.made ## Python with Salt, the SDK and the tools

$(VENV)/.made: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install -q uv
	PYTHONDONTWRITEBYTECODE= $(VENV)/bin/uv pip install -q --compile-bytecode --python $(VENV)/bin/python --group dev
	touch $@

lab: venv ## build the lab: hypervisor root, appliance, packages (cached)
	tests/lab/lab build

demo: lab ## deploy a hosted engine on lab hypervisor hv1, and show it
	tests/lab/demo

wheelhouse: venv ## wheels of the libraries for each supported Salt's Python (PYTHONS=…): docs/libraries.md
	$(VENV)/bin/python -m release.wheelhouse $(PYTHONS:%=--python=%) wheelhouse

release: wheelhouse ## tarball of the formula with the wheels, in dist
	$(VENV)/bin/python -m release.tarball wheelhouse dist

lint: venv ## style, types, YAML, SLS
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy _utils _modules _states tools
	$(VENV)/bin/yamllint --strict hosted_engine pillar.example FORMULA .salt-lint .yamllint .pre-commit-config.yaml
	$(VENV)/bin/salt-lint hosted_engine/*.sls

test-unit: venv ## unit tests
	$(VENV)/bin/pytest tests/unit

test-functional: venv ## with the real loader, the engine simulator, libvirt's test driver
	$(VENV)/bin/pytest tests/functional

smoke: venv ## unit and functional tests on Salt 3006 and 3007
	tests/smoke

mutants: venv ## whether the tests notice what is wrong in guards and parsers: a fixed sample, ten minutes
	$(VENV)/bin/python -m tests.mutants

test-integration: lab ## on the lab's hypervisors
	$(VENV)/bin/pytest -m 'not extensive' tests/integration

test: lint lab ## what CI runs
	$(VENV)/bin/pytest $(SIDE_BY_SIDE) -m 'not extensive'

test-all: lint lab ## and a whole deployment of each further kind of storage and network
	$(VENV)/bin/pytest $(SIDE_BY_SIDE)

docs: venv ## pages that are made from the schema and from markers on tests
	$(VENV)/bin/python -m docs.make
