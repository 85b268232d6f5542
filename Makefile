# The front door. Each target does the set-up it needs; the second time that takes a moment.
# Everything else is plain CMake: see CMakePresets.json.
PREFIX ?= /usr/local
SHELL = /bin/bash
.DEFAULT_GOAL = help
.PHONY: help demo build test test-asan test-full bench lint format install clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

demo: ## make a map from real scenes and say where it is
	@setup/install.sh build demo
	@setup/build.sh release geoloom
	@setup/demo.sh

build: ## build/release/geoloom
	@setup/install.sh build
	@setup/build.sh release

test: ## all that should pass before a commit: unit tests, scenes, smoke tests
	@setup/install.sh build demo test
	@tools/run_tests.sh release smoke

test-asan: ## the unit tests and scenes under AddressSanitizer and UBSan
	@setup/install.sh build demo test
	@tools/run_tests.sh asan

test-full: ## test and test-asan, and chaos, the examples, ThreadSanitizer and fuzzing
	@setup/install.sh build demo test stores fuzz
	@tools/run_tests.sh release smoke asan full tsan fuzz

bench: ## the benchmarks of benchmarks/, with their peers
	@setup/install.sh build demo test
	@setup/build.sh release
	@set -e; for run in benchmarks/*/run.sh; do [[ -e $$run ]] || continue; echo "== $$run"; $$run; done

lint: ## format, clang-tidy, layers and kernels, without changing a file
	@setup/install.sh build lint
	@setup/build.sh release
	@tools/lint.sh

format: ## clang-format all sources in place
	@setup/install.sh lint
	@git ls-files -co --exclude-standard -- '*.h' '*.cpp' | xargs -r clang-format -i

install: build ## install into PREFIX (default /usr/local)
	@cmake --install build/release --prefix '$(PREFIX)'

clean: ## remove what was built; out/ and .setup/ stay
	@rm -rf build
