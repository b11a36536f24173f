# Everything that a person or CI runs. `make run` and `make test` are enough to begin with.

SWIFT ?= swift
# The first four make two builds of the same sources the same bytes; the last pack the relocations,
# which saves a megabyte a program.
RELEASE = --configuration release --static-swift-stdlib \
	-Xswiftc -Xfrontend -Xswiftc -disable-incremental-llvm-codegen \
	-Xswiftc -Xfrontend -Xswiftc -no-clang-module-breadcrumbs \
	-Xswiftc -use-ld=lld -Xlinker -z -Xlinker pack-relative-relocs
BIN = .build/release
DEB_FOLDER = .build-deb
DEB = $(DEB_FOLDER)/vireo.deb
PYTEST = /usr/bin/python3 -m pytest

# What the package builds with, and what the virtual machine's tests need beside it.
PACKAGES = liburing-dev libsystemd-dev libsimdjson-dev pkg-config g++ make strace util-linux \
	libyaml-dev libssl-dev python3-jsonschema
VM_PACKAGES = qemu-system-x86 mmdebstrap busybox-static e2fsprogs cpio kmod zstd gcc libc6-dev \
	python3 python3-pytest python3-pytest-xdist libvirt-clients libxml2-utils
# What makes a Debian package of it, and what looks at the package.
DEB_PACKAGES = debhelper dpkg-dev fakeroot lintian mandoc python3

.PHONY: deb deb-reproducible deb-offline guest-figures run test vm test-vm figures fuzz hostile \
	bench bench-short sanitize simulate setup setup-vm docs build format lint clean help

run: build ## set up, build, and show this machine in a live table
	$(BIN)/vireo demo

test: setup ## set up, and run every test that needs no virtual machine
	$(SWIFT) build --build-tests
	timeout --kill-after=10 900 $(SWIFT) test --skip-build

vm: setup-vm deb ## boot a Debian guest with the package installed, and watch it until Ctrl-C
	VIREO_PACKAGE=$(DEB) /usr/bin/python3 Tests/VirtualMachine/vm.py -- $(BIN)/vireo host watch {socket}

# Two guests at a time, each with whole files of tests, for a guest mostly waits; the long form
# measures, and has the machine for itself. The guest is emulated and the machine shared: what failed
# is run once more, alone, and has to pass then. Both closing lines are printed.
VM_TESTS = VIREO_PACKAGE=$(DEB) VIREO_GUEST_TREE=$(DEB_FOLDER)/installed VIREO_LONG=$(LONG) \
	timeout --kill-after=30 $(if $(LONG),14400,2400) $(PYTEST) Tests/VirtualMachine -q

test-vm: setup-vm deb ## tests of the installed package in a real guest; LONG=1 for the long ones
	$(VM_TESTS) $(if $(LONG),,-n 2 --dist loadfile) || $(VM_TESTS) --last-failed --last-failed-no-failures none

deb: build ## build the Debian package and check it: .build-deb/vireo_VERSION_ARCH.deb
	@.ci/install $(DEB_PACKAGES)
	@ln -sf $$(basename $$(.packaging/build $(BIN) $(DEB_FOLDER))) $(DEB)
	@.packaging/check $(DEB)
	@rm -rf $(DEB_FOLDER)/installed && dpkg-deb -x $(DEB) $(DEB_FOLDER)/installed
	@ls -l $$(readlink -f $(DEB))

deb-reproducible: deb ## the packaging step once more, elsewhere: the same bytes; LONG=1 compiles again too
	@REBUILD=$(LONG) .packaging/reproduce $(BIN) $(DEB)

deb-offline: deb ## the package and its dependencies, for guests without a network: .build-deb/offline
	@.packaging/offline $(DEB) $(DEB_FOLDER)/offline

guest-figures: setup-vm deb ## what the installed agent costs, measured in the guest against its budget
	VIREO_PACKAGE=$(DEB) /usr/bin/python3 Tests/VirtualMachine/budget.py

bench: build ## ours on both engines beside the peers, in one table of ratios
	@.ci/install gcc libc6-dev liburing-dev python3 cargo librust-tokio-dev
	$(SWIFT) build --configuration release --package-path Benchmarks/nio
	Benchmarks/compare --vireo $(BIN)/vireo --json .build/bench.json --svg .build/bench.svg
	cd Benchmarks/memory && $(SWIFT) package --disable-sandbox benchmark --no-progress
	Benchmarks/memory/check

bench-short: build ## the same in half a minute, without SwiftNIO and tokio; fails on counts only
	@.ci/install gcc libc6-dev liburing-dev python3
	Benchmarks/compare --short --vireo $(BIN)/vireo

# What these tests measure, memory, wake-ups and moments, the sanitizers' own threads, tables and
# malloc change.
MEASURING = IdleTests|OverlongLineTests|GreetingTests|CopyTests|SimulationTests|TortureTests
MEASURING := $(MEASURING)|aFrameCostsNoAllocation|theCounterCounts|aSecretIsKeptFromCoreDumps
MEASURING := $(MEASURING)|aHostThatDoesNotReadCostsAWindow|DelaysTheEndByTwoSeconds|aSampleCostsLess
# The last one traces the agent, which LeakSanitizer does not suffer.
MEASURING := $(MEASURING)|fiftyMegabytesArrive|aFloodOfBadLines|anEngineThatIsForcedAndRefused
# ThreadSanitizer's own locks are copied as they are by a clone3 that it does not know: a child that
# is born of this process, and not of a program that it started, stops at one of them now and then.
SPAWNING = CommandsTests[.]Running

# What is freed is kept a while by AddressSanitizer: 8 MB of it, and not the 256 of its own choice,
# so that tests that look for growth see no more of it than they allow.
sanitize: setup ## the tests under ThreadSanitizer, and again under AddressSanitizer
	for kind in thread address; do \
		$(SWIFT) build --sanitize=$$kind --build-tests --scratch-path .build-$$kind && \
		TSAN_OPTIONS=suppressions=$(CURDIR)/Tests/thread-sanitizer.supp \
		ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8 \
		timeout --kill-after=10 1200 $(SWIFT) test --skip-build \
			--sanitize=$$kind --scratch-path .build-$$kind \
			--skip '$(MEASURING)'$$([ $$kind = thread ] && echo ' --skip $(SPAWNING)') || exit 1; \
	done

SIMULATION = $(SWIFT) test -c release --package-path Tests/Simulation --scratch-path .build-simulate

simulate: setup ## the session's simulation, every fiftieth run a long one: make simulate SEEDS=100000
	VIREO_SEEDS=$(or $(SEEDS),20000) $(SIMULATION) --filter "nothingAcknowledgedIsLost|aPlausibleBug"
	VIREO_LONG=1 VIREO_SEEDS=$$(($(or $(SEEDS),20000) / 50)) \
		$(SIMULATION) --skip-build --filter nothingAcknowledgedIsLost

fuzz: setup ## libFuzzer on each target: make fuzz SECONDS=60
	Tests/Fuzz/run $(or $(SECONDS),60)

hostile: setup ## what frames cost that were made to cost much
	$(SWIFT) build --configuration release --package-path Benchmarks/hostile \
		--scratch-path .build-hostile
	.build-hostile/release/hostile

docs: setup ## build the documentation of every module; a warning is an error
	.ci/docs

figures: build ## measure what the agent costs on this machine
	/usr/bin/python3 .ci/figures $(BIN)/vireod

build: setup ## set up, and build the programs into .build/release
	$(SWIFT) build $(RELEASE)

setup: ## install the Debian packages that are missing; silent when none are
	@.ci/install $(PACKAGES)

setup-vm: ## the same for what the virtual machine and its tests need
	@.ci/install $(VM_PACKAGES)

format: ## format all sources in place
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

lint: ## say where the sources are not formatted as they should be
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

clean: ## remove what was built: .build and .build-deb
	rm -rf .build $(DEB_FOLDER)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
