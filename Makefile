# Everything a person or CI does with this repository. `make` alone prints the list.
# Nothing here knows how a thing is done beyond one line: scripts are in Packaging/, Tests/Tidy/, Tests/Bench/, Tests/Fuzz/, Tests/Sanitize/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PREFIX ?= /usr/local
DESTDIR ?=
export PREFIX DESTDIR

BUILD := .build
STAMPS := $(BUILD)/stamps
VENV := .venv
PYTEST := $(VENV)/bin/pytest
FUZZ_SECONDS ?= 60
CI_SECONDS ?= 2100
BENCH ?=

# A change of any of these (a folder's own time too: added and removed files) makes a new build.
SOURCES := Package.swift $(shell find Sources SDK Plugins '(' -name .build -o -name __pycache__ ')' -prune -o '(' -type f -o -type d ')' -not -name '*.md' -print 2>/dev/null)

.PHONY: help deps test-deps bench-deps build run test unit scenarios ci ci-steps fmt tidy bench bench-counters bench-micro fuzz sanitize sanitize-address install uninstall clean

help:  ## this list
	@echo "Sluice: an API gateway with native plugins. First: make run"
	@echo
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24
	@echo
	@echo "Variables: PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) FUZZ_SECONDS=$(FUZZ_SECONDS) CI_SECONDS=$(CI_SECONDS) BENCH='options of Tests/Bench/report.py'"

deps:  ## install what building and running need (or say how)
	@Packaging/deps.sh run

test-deps:  ## … and what the tests need
	@Packaging/deps.sh run test

bench-deps:  ## … and the proxies and load generators of the benchmark
	@Packaging/deps.sh run bench

build: deps $(STAMPS)/release  ## release build: sluiced, sluice and the plugins

$(STAMPS)/release: $(SOURCES)
	swift build -c release --product sluiced
	swift build -c release --product sluice
	if [[ -f Plugins/Makefile ]]; then $(MAKE) -C Plugins; fi
	mkdir -p $(@D) && touch $@

run: build  ## build, then start Sluice with docs/example.yaml and a demo upstream
	@Packaging/run.sh

test: test-deps tidy unit build scenarios  ## every test (units, tidy, whole gateway)

unit:  ## unit tests, debug build
	swift test --disable-xctest
	swift test --disable-xctest --package-path SDK --scratch-path $(BUILD)/sdk

scenarios: $(STAMPS)/release $(STAMPS)/venv  ## whole-gateway tests with real clients
	$(PYTEST) -q Tests/Tidy Tests/Bench/tests Tests/SDK
	$(PYTEST) -q Tests/Scenarios

$(STAMPS)/venv: Tests/Scenarios/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip -q install --disable-pip-version-check -r $<
	mkdir -p $(@D) && touch $@

ci:  ## exactly what CI does, bounded in time
	@timeout --foreground --kill-after=20 $(CI_SECONDS) $(MAKE) ci-steps \
	  || { status=$$?; [[ $$status != 124 ]] || echo "make ci: stopped after $(CI_SECONDS) s" >&2; exit $$status; }

# The whole-gateway tests come last, so that their closing line is CI's.
ci-steps: test-deps tidy unit sanitize-address build fuzz bench-counters scenarios

fmt:  ## format all Swift code
	swift format format --in-place --parallel --recursive Sources SDK $(wildcard Plugins) Tests

tidy:  ## floors, sizes, headers, format
	@python3 Tests/Tidy/tidy.py

bench: build bench-deps  ## side by side with nginx and others, at most 15 minutes (BENCH='--quick'; BENCH='--all' adds Envoy, Caddy, writes the page)
	Tests/Bench/setup.sh $(if $(findstring --all,$(BENCH)),--all)
	python3 Tests/Bench/report.py $(BENCH)

bench-counters: $(STAMPS)/release  ## instructions, allocations and memory against Tests/Bench/thresholds.toml
	python3 Tests/Bench/counters.py

bench-micro:  ## nanoseconds of an empty hook, of the bundled plugins, of a lookup among 100,000 routes
	SLUICE_MICROBENCH=1 swift build -c release --product sluice-microbench
	$(MAKE) -C Plugins
	$(BUILD)/release/sluice-microbench plugins $(BUILD)/plugins
	$(BUILD)/release/sluice-microbench router
	$(BUILD)/release/sluice-microbench functions
	swift run -c release --package-path SDK --scratch-path $(BUILD)/sdk sluice-swift-bench

fuzz:  ## fuzz the HTTP parser for FUZZ_SECONDS
	if [[ -x Tests/Fuzz/run.sh ]]; then Tests/Fuzz/run.sh $(FUZZ_SECONDS); else echo "no Tests/Fuzz/run.sh in this checkout" >&2; exit 1; fi

sanitize: sanitize-address  ## plugin host and C plugins under AddressSanitizer, then what threads touch under ThreadSanitizer
	Tests/Sanitize/run.sh thread

sanitize-address:  ## … the first half alone, as CI does
	Tests/Sanitize/run.sh address

install: $(STAMPS)/release  ## copy to DESTDIR/PREFIX
	@Packaging/install.sh install

uninstall:  ## remove what install copied (configuration stays)
	@Packaging/install.sh uninstall

clean:  ## remove everything built
	rm -rf $(BUILD) $(VENV) Tests/Bench/bin Tests/Bench/run
