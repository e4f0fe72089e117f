# SPDX-License-Identifier: Apache-2.0
# One makefile, no recursion into directories. `make help` lists every target.
#
# The tree says what is built: common/ is one library, services/<name>/ one
# library and, with a main.c, one daemon (kesu-<name>); a file in tests/unit,
# tests/fuzz, tests/scenario, tests/bench is a program of its own.

SHELL := /bin/bash
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

VARIANT ?= release
BUILD   ?= build/$(VARIANT)
CC      := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
VERSION := 0.1.0
PREFIX  ?= /usr/local
PYTHON  ?= /usr/bin/python3

packages := libzmq lmdb libprotobuf-c libuv libmicrohttpd jansson yaml-0.1 libical libpcre2-8 \
            libutf8proc opencc libsodium libcurl gmime-3.0
pkg_cflags := $(shell pkg-config --cflags $(packages) 2>/dev/null)
pkg_libs   := $(shell pkg-config --libs $(packages) 2>/dev/null) -lpthread -lm

cflags.release  := -O2 -g -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
ldflags.release := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack
cflags.asan     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ldflags.asan    := -fsanitize=address,undefined
cflags.ubsan    := -O1 -g -fsanitize=undefined -fno-sanitize-recover=all
ldflags.ubsan   := -fsanitize=undefined
cflags.tsan     := -O1 -g -fsanitize=thread
ldflags.tsan    := -fsanitize=thread
cflags.coverage  := -O0 -g --coverage
ldflags.coverage := --coverage
cflags.fuzz     := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ldflags.fuzz    := -fsanitize=address,undefined

warnings := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Werror
CPPFLAGS += -D_GNU_SOURCE -DKESU_VERSION='"$(VERSION)"' -iquote common -I$(BUILD)/gen $(pkg_cflags)
CFLAGS   += -std=c11 $(cflags.$(VARIANT))
LDFLAGS  += $(ldflags.$(VARIANT))

# ---- how much of each proof ----------------------------------------------
# The short form: what CI has time for. `make check-long` has the full counts.
SEEDS        ?= 200
FIRST        ?= 1
JOBS         ?= $(shell nproc)
KILLS        ?= 30
STALL        ?= 3
FAULTS       ?= 20
KESU_POWER_POINTS ?= 200
KESU_ERASE_KILLS ?= 3
FUZZ_SECONDS ?= 10
LIFE_RUNS    ?= 500
long_counts  := SEEDS=4000 LIFE_RUNS=10000 KILLS=100 STALL=30 FAULTS=70 KESU_POWER_POINTS=1000 KESU_ERASE_KILLS=60
# Tests in Python read theirs from the environment.
export KILLS STALL FAULTS KESU_POWER_POINTS KESU_ERASE_KILLS

# ---- what there is -------------------------------------------------------
protos        := $(wildcard proto/kesu/v1/*.proto)
proto_sources := $(protos:proto/%.proto=$(BUILD)/gen/%.pb-c.c)
proto_headers := $(proto_sources:.c=.h)
proto_objects := $(proto_sources:.c=.o)

common_sources := $(wildcard common/*.c common/*/*.c)
common_objects := $(common_sources:%.c=$(BUILD)/%.o)

service_dirs    := $(patsubst %/,%,$(filter-out services/adapters/,$(wildcard services/*/)) $(wildcard services/adapters/*/))
service_sources := $(foreach d,$(service_dirs),$(filter-out $(d)/main.c,$(wildcard $(d)/*.c)))
service_objects := $(service_sources:%.c=$(BUILD)/%.o)
mains           := $(wildcard $(addsuffix /main.c,$(service_dirs)))
main_objects    := $(mains:%.c=$(BUILD)/%.o)
# services/intake/main.c -> kesu-intake; adapters/email -> kesu-email; cli -> kesu
program_of      = $(if $(filter services/cli/main.c,$(1)),kesu,kesu-$(notdir $(patsubst %/main.c,%,$(1))))
programs        := $(foreach m,$(mains),$(BUILD)/bin/$(call program_of,$(m)))

unit_tests := $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
scenarios  := $(patsubst tests/scenario/%.c,$(BUILD)/tests/scenario/%,$(wildcard tests/scenario/scenario*.c))
fuzzers    := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
benches    := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/bench_*.c))

# A driver for each store of others whose client library is there; beanstalkd needs none.
peer_package.nats       := libnats
peer_package.redis      := hiredis
peer_package.postgresql := libpq
peer_names := beanstalkd $(foreach p,nats redis postgresql,$(shell pkg-config --exists $(peer_package.$(p)) && echo $(p)))
peers      := $(peer_names:%=$(BUILD)/tests/bench/peers/peer_%)

libraries := $(BUILD)/libservices.a $(BUILD)/libcommon.a
c_files   := $(wildcard common/*.[ch] common/*/*.[ch] services/*/*.[ch] services/*/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])

# ---- for people ----------------------------------------------------------
.PHONY: help
help: ## list every target
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  %-16s %s\n", $$1, $$2}'

.DEFAULT_GOAL := all
.PHONY: all
all: $(programs) ## build every program into build/release/bin

.PHONY: run
run: ## install what is missing, build, start everything, feed it complaints
	deploy/install-deps build run
	$(MAKE) all
	PATH="$(CURDIR)/$(BUILD)/bin:$$PATH" kesu up --demo

.PHONY: check
check: ## install what is missing, build, run all tests
	deploy/install-deps
	$(MAKE) all
	$(MAKE) check-unit check-life check-scenario check-e2e check-crash check-containers

.PHONY: check-long
check-long: ## every proof with its full count, but for fuzz-long
	PROGRAM_SECONDS=14400 $(MAKE) check $(long_counts) PREVIOUS=$(first_image)
	$(MAKE) mutants asan ubsan tsan

# Buffers belong to no instance: those a simulated crash drops are found as leaks.
export LSAN_OPTIONS := suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0

.PHONY: check-unit
check-unit: $(unit_tests) ## unit tests
	tests/run-programs unit $(unit_tests)

.PHONY: check-life
check-life: $(BUILD)/tests/unit/test_life_random ## random commands against the register (LIFE_RUNS=500 of 2,000, FIRST= JOBS=)
	KESU_LIFE_RUNS=$(LIFE_RUNS) KESU_LIFE_FIRST=$(FIRST) KESU_LIFE_JOBS=$(JOBS) $<
.PHONY: check-scenario
check-scenario: $(scenarios) ## all services in one process on the simulated world (SEEDS=200)
	tests/run-programs scenario $(addsuffix ' --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS)',$(scenarios))
.PHONY: scenario
scenario: $(scenarios) ## the same for nights: SEEDS= FIRST= JOBS=, and failing seeds are made smaller
	$(BUILD)/tests/scenario/scenario --seeds $(SEEDS) --first $(FIRST) --jobs $(JOBS) --shrink

pytest := KESU_BIN=$(CURDIR)/$(BUILD)/bin $(PYTHON) -m pytest -q -p no:cacheprovider

.PHONY: python-protos
python-protos: $(protos)
	@mkdir -p $(BUILD)/python && protoc --python_out=$(BUILD)/python -Iproto $(protos)

.PHONY: check-e2e
check-e2e: all python-protos ## real processes, driven from Python
	PYTHONPATH=$(abspath $(BUILD))/python $(pytest) tests/e2e

.PHONY: check-crash
check-crash: all python-protos $(BUILD)/tests/crash/recorder.so ## kill -9, power failures, full disks under load, then audit
	PYTHONPATH=$(abspath $(BUILD))/python $(pytest) tests/crash

# The image that is upgraded from: of a commit, or of this tree under another label.
PREVIOUS ?=
# The first whose data directory has a place for the evidence that intake and email share.
first_image = $(shell git log -S/var/lib/kesu/blobs --format=%H -- deploy/Dockerfile 2>/dev/null | tail -n 1)
.PHONY: check-containers
check-containers: all python-protos ## build the images, run docker-compose, kill and upgrade services (PREVIOUS=COMMIT)
	PREVIOUS=$(PREVIOUS) PYTHONPATH=$(abspath $(BUILD))/python $(pytest) tests/containers

.PHONY: mutants
mutants: all python-protos ## each way to break the program in tests/mutants turns a test red
	JOBS=$(JOBS) $(PYTHON) tests/mutants/run

.PHONY: asan
asan: ## unit tests, scenario and end-to-end tests under ASan and UBSan
	$(MAKE) VARIANT=asan check-unit check-scenario SEEDS=40
	$(MAKE) VARIANT=asan check-e2e

.PHONY: ubsan
ubsan: ## unit tests under UBSan alone
	$(MAKE) VARIANT=ubsan check-unit

# What the simulated world runs has one thread; these have more.
threaded := blob bus_zmq contract_real curl log loop stats store_lmdb svc
.PHONY: tsan
tsan: ## what has several threads, under TSan: unit tests and whole daemons
	TSAN_OPTIONS='suppressions=$(CURDIR)/tests/tsan.supp halt_on_error=1' $(MAKE) VARIANT=tsan check-threads
.PHONY: check-threads
check-threads: all python-protos $(threaded:%=$(BUILD)/tests/unit/test_%)
	tests/run-programs unit $(threaded:%=$(BUILD)/tests/unit/test_%)
	PYTHONPATH=$(BUILD)/python $(pytest) tests/e2e/test_python_client.py tests/e2e/test_analytics.py

.PHONY: coverage
coverage: ## line coverage of the unit tests and the scenario
	$(MAKE) VARIANT=coverage check-unit check-scenario SEEDS=20
	tests/coverage build/coverage

.PHONY: fuzz-smoke
fuzz-smoke: ## every fuzz target for FUZZ_SECONDS (10)
	$(MAKE) VARIANT=fuzz CC=clang fuzzers
	tests/run-fuzzers $(FUZZ_SECONDS) build/fuzz/tests/fuzz
.PHONY: fuzz-long
fuzz-long: ## every fuzz target for an hour
	$(MAKE) fuzz-smoke FUZZ_SECONDS=3600
.PHONY: fuzzers
fuzzers: $(fuzzers)

.PHONY: lint
lint: $(proto_headers) ## clang-tidy, cppcheck, shellcheck
	tests/lint $(BUILD)

.PHONY: format
format: ## lay out all C files
	clang-format -i $(c_files)
.PHONY: format-check
format-check: ## fail when a C file is not laid out
	clang-format --dry-run --Werror $(c_files)

.PHONY: docs
docs: all ## regenerate what documentation is generated from tables
	tests/docs write $(BUILD)/bin
.PHONY: docs-check
docs-check: all ## fail when generated documentation is stale
	tests/docs check $(BUILD)/bin

# As tests/bench/run --help says, e.g. BENCH_FLAGS='--events=10000000 --clocks=10000000'.
BENCH_FLAGS ?=
.PHONY: bench
bench: all $(benches) ## speed and memory, each figure with its ratio to a limit, and the floors
	tests/bench/run $(BENCH_FLAGS) $(BUILD)
.PHONY: bench-quick
bench-quick: all $(benches) ## the same from smaller sizes
	tests/bench/run --quick $(BENCH_FLAGS) $(BUILD)
.PHONY: bench-peers
bench-peers: all $(benches) $(peers) ## beside the message stores that are installed (deploy/install-deps peers)
	tests/bench/run --peers $(BENCH_FLAGS) $(BUILD)

.PHONY: install
install: all ## install programs, policy, man pages, systemd units under PREFIX (/usr/local)
	deploy/install-files $(BUILD)/bin $(DESTDIR)$(PREFIX) $(PREFIX)

.PHONY: image
image: ## build the container image kesu:VERSION, and the mail server's
	docker build --file deploy/Dockerfile --target mail --tag kesu-mail:$(VERSION) .
	docker build --file deploy/Dockerfile --target kesu --tag kesu:$(VERSION) \
	  --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse --short HEAD 2>/dev/null) .

.PHONY: clean
clean: ## remove build/
	rm -rf build

# ---- how -----------------------------------------------------------------
$(BUILD)/gen/%.pb-c.c $(BUILD)/gen/%.pb-c.h &: proto/%.proto
	@mkdir -p $(BUILD)/gen
	protoc-c --c_out=$(BUILD)/gen -Iproto $<

$(BUILD)/gen/%.o: $(BUILD)/gen/%.c | $(proto_headers)
	$(CC) $(CPPFLAGS) $(CFLAGS) -w -c -o $@ $<

$(BUILD)/%.o: %.c | $(proto_headers)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(warnings) -MMD -MP -c -o $@ $<

$(BUILD)/libcommon.a: $(common_objects) $(proto_objects)
$(BUILD)/libservices.a: $(service_objects)
$(BUILD)/%.a:
	@mkdir -p $(@D) && rm -f $@
	ar rcsD $@ $^

define program
$(BUILD)/bin/$(call program_of,$(1)): $(1:%.c=$(BUILD)/%.o) $(libraries)
	@mkdir -p $$(@D)
	$(CC) $(LDFLAGS) -o $$@ $$< $(libraries) $(pkg_libs)
endef
$(foreach m,$(mains),$(eval $(call program,$(m))))

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(libraries)
	$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $< $(libraries) $(pkg_libs)
# What several tests of a folder share stands in files without the prefix.
define test_support
$(BUILD)/tests/$(1)/%: $(BUILD)/tests/$(1)/%.o $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/$(1)/$(2)%.c,$(wildcard tests/$(1)/*.c))) $(libraries)
	$(CC) $(LDFLAGS) -o $$@ $$(filter %.o,$$^) $(libraries) -lcmocka $(pkg_libs)
endef
$(eval $(call test_support,unit,test_))
# Commands and rules of the life are the same for both.
$(scenarios): $(patsubst %,$(BUILD)/tests/unit/life_%.o,bodies desk rules)
$(eval $(call test_support,scenario,scenario))
$(eval $(call test_support,bench,bench_))

# Preloaded into daemons under test: interposes what headers would make inline.
recorder := $(BUILD)/tests/crash/recorder.so
$(recorder): tests/crash/recorder.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 -g -D_GNU_SOURCE -U_FORTIFY_SOURCE $(warnings) -fPIC -shared -o $@ $<

$(BUILD)/tests/bench/peers/%.o: CPPFLAGS += $(if $(peer_package.$(*F)),$(shell pkg-config --cflags $(peer_package.$(*F))))
$(BUILD)/tests/bench/peers/peer_%: $(BUILD)/tests/bench/peers/driver.o $(BUILD)/tests/bench/peers/%.o
	$(CC) $(LDFLAGS) -o $@ $^ $(if $(peer_package.$*),$(shell pkg-config --libs $(peer_package.$*)))

.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
