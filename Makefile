# Everything here installs what it needs by itself and says so; a second run is quick.
SHELL := /bin/bash
PYTHON ?= $(or $(wildcard /usr/bin/python3.11),python3.11)
ARCH := $(shell uname -m)
BIN := .venv/bin
RUNTIME ?= netns
# Tests wait for routers more than they compute.
JOBS ?= 3
export PATH := $(CURDIR)/$(BIN):$(PATH)

LAB_IS_NAMED = @test -n "$(LAB)" || { echo "make $@: say which folder: make $@ LAB=containerlab/dual-tor" >&2; exit 2; }

.DEFAULT_GOAL := help
.PHONY: image lab-images help setup packages demo test test-cluster oracles bench faults check generate format plugin lab lab-up lab-down lock clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

packages:
	@tests/install-packages.sh

.venv/.installed: constraints.txt pyproject.toml | packages
	@echo "Making the virtual environment .venv with $(PYTHON) (pinned and hashed: constraints.txt)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# As an installed package has it: a process that compiles what it imports stays 1 MiB bigger.
setup: packages .venv/.installed ## install Debian packages and the virtual environment
	@$(BIN)/python -m compileall -q bgpnet

plugin/build/$(ARCH)/bgpnet: $(wildcard plugin/*.c plugin/*.h plugin/Makefile) .venv/.installed
	@echo "Building the CNI shim for $(ARCH)"
	@$(MAKE) --no-print-directory -C plugin host PYTHON=$(CURDIR)/$(BIN)/python

plugin: setup ## build the static CNI shim for x86_64 and aarch64
	@$(MAKE) --no-print-directory -C plugin PYTHON=$(CURDIR)/$(BIN)/python

image: plugin ## build the container image bgpnet:VERSION, or IMAGE=NAME:TAG; ARCHIVE=FILE writes it out, too
	@tests/install-packages.sh image/debian-packages.txt
	@image/build.sh $(if $(ARCHIVE),--archive "$(ARCHIVE)") $(IMAGE)

demo: setup plugin/build/$(ARCH)/bgpnet ## a legacy VM reaches pods over BGP, and goes on through faults
	@$(BIN)/python -m tests.netlab.demo

lab-images: plugin ## build the images of the labs' nodes, for make lab RUNTIME=containerlab
	@tests/install-packages.sh image/debian-packages.txt
	@image/build.sh bgpnet:lab
	@containerlab/images/build.sh bgpnet:lab

lab: setup plugin/build/$(ARCH)/bgpnet ## run and judge a lab folder: make lab LAB=containerlab/dual-tor
	$(LAB_IS_NAMED)
	@$(BIN)/python -m tests.netlab run --runtime $(RUNTIME) $(if $(CAPTURE),--capture) "$(LAB)"

lab-up: setup plugin/build/$(ARCH)/bgpnet ## bring a lab up and leave it up
	$(LAB_IS_NAMED)
	@$(BIN)/python -m tests.netlab up "$(LAB)"

lab-down: setup ## take down a lab that is up
	$(LAB_IS_NAMED)
	@$(BIN)/python -m tests.netlab down "$(LAB)"

generate: setup ## write anew what is generated: config/crd, docs/objects.md, parts of the chart, routers of the labs, their examples
	@$(BIN)/python config/generate.py
	@$(BIN)/python -m tests.generated

check: setup ## format, lint, types, floors, generated files
	@$(BIN)/ruff format --check --quiet . || { echo "run: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python config/generate.py --check
	@$(BIN)/python -m tests.generated --check

format: setup ## format the Python code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .

# Tests run make themselves, which is not to wait for a job of this one's.
test: check plugin oracles ## every tier of tests but the cluster's (as root)
	@env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/pytest -n $(JOBS) --dist loadfile $(ARGS)

test-cluster: setup plugin ## the tests against real Kubernetes programs, built once into ~/.cache (up to 15 minutes)
	@tests/install-packages.sh tests/cluster/debian-packages.txt
	@tests/install-packages.sh image/debian-packages.txt
	@$(BIN)/python -m tests.cluster
	@$(BIN)/pytest -n 3 --dist loadscope tests/cluster $(ARGS)

build/oracles/.installed: tests/oracles/requirements.txt | packages
	@echo "Installing the vendors' schema tools that tests ask"
	@$(PYTHON) -m venv build/oracles
	@build/oracles/bin/pip install --quiet -r tests/oracles/requirements.txt
	@touch $@

oracles: build/oracles/.installed ## install vendors' schema tools (EOS, NVUE) for the tests of router configurations

bench: setup plugin/build/$(ARCH)/bgpnet ## compare with the reference programs, as ratios: build/bench.json
	@tests/install-packages.sh tests/bench/debian-packages.txt
	@$(BIN)/python -m tests.bench $(ARGS)

faults: setup plugin/build/$(ARCH)/bgpnet ## what is lost when a part of a fabric dies: build/faults.json (40 minutes)
	@$(BIN)/python -m tests.faults $(ARGS)

lock: ## pin the dependencies of pyproject.toml anew, with hashes
	@$(PYTHON) -m venv build/lock && build/lock/bin/pip install --quiet uv
	@build/lock/bin/uv pip compile --quiet --upgrade --python-version 3.11 --extra dev --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header pyproject.toml -o constraints.txt
	@echo pip | build/lock/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes -c constraints.txt \
	  --no-emit-index-url --no-emit-find-links --no-header pyproject.toml - -o image/requirements.txt

clean: ## remove what was built
	@rm -rf build plugin/build .venv
