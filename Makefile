# Everything that a person or CI runs. `make run` and `make test` are enough to begin with.

SWIFT ?= swift
RELEASE = --configuration release --static-swift-stdlib
BIN = .build/release
VM_TREE = .build-vm-tree
PYTEST = /usr/bin/python3 -m pytest

# What the package builds with, and what the virtual machine's tests need beside it.
PACKAGES = liburing-dev libsystemd-dev libsimdjson-dev pkg-config g++ make strace util-linux
VM_PACKAGES = qemu-system-x86 mmdebstrap busybox-static e2fsprogs cpio kmod zstd gcc libc6-dev \
	python3 python3-pytest

.PHONY: run test vm test-vm figures bench bench-short sanitize setup setup-vm build format lint clean help

run: build ## set up, build, and show this machine in a live table
	$(BIN)/vireo demo

test: setup ## set up, and run every test that needs no virtual machine
	$(SWIFT) build --build-tests
	timeout --kill-after=10 900 $(SWIFT) test --skip-build

vm: vm-tree ## boot a Debian guest with the agent in it, and watch it until Ctrl-C
	VIREO_GUEST_TREE=$(VM_TREE) /usr/bin/python3 Tests/VirtualMachine/vm.py -- $(BIN)/vireo host watch {socket}

test-vm: vm-tree ## the tests in a real guest, on a real port
	VIREO_GUEST_TREE=$(VM_TREE) timeout --kill-after=30 1500 $(PYTEST) Tests/VirtualMachine -q

bench: build ## ours on both engines beside the peers, in one table of ratios
	@.ci/install gcc libc6-dev liburing-dev python3 cargo librust-tokio-dev
	$(SWIFT) build --configuration release --package-path Benchmarks/nio
	Benchmarks/compare --vireo $(BIN)/vireo --json .build/bench.json --svg .build/bench.svg
	cd Benchmarks/memory && $(SWIFT) package --disable-sandbox benchmark --no-progress

bench-short: build ## the same in half a minute, without SwiftNIO and tokio; fails on counts only
	@.ci/install gcc libc6-dev liburing-dev python3
	Benchmarks/compare --short --vireo $(BIN)/vireo

# What these tests measure, memory, wake-ups and moments, the sanitizers' own threads and tables change.
MEASURING = IdleTests|OverlongLineTests|GreetingTests|CopyTests|SimulationTests|TortureTests

sanitize: setup ## the tests under ThreadSanitizer, and again under AddressSanitizer
	for kind in thread address; do \
		$(SWIFT) build --sanitize=$$kind --build-tests --scratch-path .build-$$kind && \
		ASAN_OPTIONS=detect_leaks=0 timeout --kill-after=10 1200 $(SWIFT) test --skip-build \
			--sanitize=$$kind --scratch-path .build-$$kind \
			--skip '$(MEASURING)' || exit 1; \
	done

simulate: setup ## the session's simulation: make simulate SEEDS=100000
	VIREO_SEEDS=$(or $(SEEDS),20000) $(SWIFT) test -c release -Xswiftc -enable-testing \
		--scratch-path .build-simulate --filter SimulationTests

figures: build ## measure what the agent costs on this machine
	/usr/bin/python3 .ci/figures $(BIN)/vireod

build: setup
	$(SWIFT) build $(RELEASE)

# The agent's programs as they are installed; the harness adds the unit and the rules of the tests.
vm-tree: setup-vm build
	rm -rf $(VM_TREE)
	mkdir -p $(VM_TREE)/usr/bin
	strip -o $(VM_TREE)/usr/bin/vireod $(BIN)/vireod
	strip -o $(VM_TREE)/usr/bin/vireo $(BIN)/vireo

setup: ## install the Debian packages that are missing; silent when none are
	@.ci/install $(PACKAGES)

setup-vm:
	@.ci/install $(VM_PACKAGES)

format: ## format all sources in place
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

clean:
	rm -rf .build $(VM_TREE)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
