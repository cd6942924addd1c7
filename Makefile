# Every target is a script in tools/, which can be run by hand with arguments; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup format lint unit kernel integration windows molecule test environments demo vm bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## the Python environments under .cache/env (the other targets make what they need)
	@tools/environment main
	@tools/environment floor
	@tools/environment oldest
	@tools/environment scan

format: ## put the Python files into shape
	@env=$$(tools/environment main) && { $$env/bin/ruff check --fix --quiet . ; $$env/bin/ruff format .; }

lint: ## ruff, mypy, ansible-lint, ansible-test sanity, documentation, changelog, the tarball
	@tools/lint

unit: ## unit tests on the newest and the oldest ansible-core and on the oldest Python of a host
	@tools/unit

kernel: ## tests on real netfilter in private network namespaces (root or user namespaces)
	@tools/kernel

integration: ## tests beside real services on a loopback of their own (root or user namespaces)
	@tools/integration

windows: ## what is sent to Windows hosts, and in PowerShell the scripts themselves over a played Windows
	@tools/windows

molecule: ## scenarios in containers, from the built tarball (root; CONTAINER_ENGINE=podman or docker)
	@tools/molecule

test: ## lint, unit, windows, kernel, integration, molecule, demo
	@tools/test

environments: ## stock Debian 12 and 13, and what comes next: ansible-core's pre-release on Debian sid (root)
	@tools/environments

demo: ## the main job on a throw-away host, shown step by step
	@tools/demo

vm: ## the main job over a real reboot, on a machine in QEMU (root; about 10 minutes)
	@tools/vm

bench: ## our task beside what people use today
	@bench/run

clean: ## remove .cache and the containers, networks and images we made
	@tools/clean
