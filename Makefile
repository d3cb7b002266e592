# make run   builds the demo editors, starts a server and prints the address to open
# make test  formatting, vet, lint, all tests under the race detector, coverage of the core
# make crash kills a server with kill -9 under people who type, CRASHES times at each level of durability
# make cover where the tests don't reach, as a page
# make fuzz  every fuzz target for FUZZTIME, then FUZZSEEDS random histories of each kind and FUZZMUTANTS mutated updates against yjs
# make sim   SIM_STEPS steps of a simulation with crashes and a store that fails
# make bench documents against yjs and ywasm, and what durability costs, each in one run
# make dist  the command for Linux, macOS and Windows with the demo editors in it, and checksums, in dist/
#
# Each does all its own set-up. ARGS reach the server: make run ARGS="--listen 127.0.0.1:9000"

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

LINT_VERSION := 2.15.0
LINT := bin/golangci-lint-$(LINT_VERSION)
NODE_MODULES := test/node_modules/.package-lock.json
SNIPPET_MODULES := test/snippets/node_modules/.package-lock.json
WEB_MODULES := web/node_modules/.package-lock.json
DEMOS := web/dist/static/licences.txt
FUZZTIME ?= 30s
FUZZSEEDS ?= 5000
FUZZMUTANTS ?= 500000
CRASHES ?= 200
ARGS ?=

.PHONY: demos
demos: $(DEMOS)

.PHONY: run
run: $(DEMOS)
	go build -tags demo -o bin/yroom ./cmd/yroom
	exec bin/yroom serve $(ARGS)

.PHONY: test
test: format vet lint unit

.PHONY: format
format: $(LINT)
	@unformatted=$$($(LINT) fmt --diff) || { echo "$$unformatted"; echo "Not formatted; mend it with: $(LINT) fmt"; exit 1; }

.PHONY: vet
vet:
	go vet ./...

.PHONY: lint
lint: $(LINT)
	$(LINT) run --allow-parallel-runners

# Nothing is taken from the cache: Go doesn't know of the scripts, the pages and the server that some tests run.
# The race detector needs a C compiler. Tests of the SQLite store look at it from outside, those of the demos use a browser.
.PHONY: unit
unit: $(NODE_MODULES) $(SNIPPET_MODULES) $(DEMOS)
	@scripts/tools strace sqlite3 chromium
	@race=-race; \
	if ! command -v "$$(go env CC)" >/dev/null; then \
	  if [ -n "$${YROOM_TEST_REQUIRED:-}" ]; then echo "The race detector needs a C compiler: apt-get install gcc"; exit 1; fi; \
	  echo "No C compiler: testing without the race detector"; race=; \
	fi; \
	set -x; go test $$race -count=1 -timeout 30m -coverprofile=cover.out ./...
	@if [ -d test/browser/screenshots ]; then echo "What the pages look like: test/browser/screenshots"; fi
	go test -run 'IsLinear|TooMany' ./blocks ./yjs
	go test -tags demo ./internal/webui
	@scripts/coverage cover.out 85 blocks yjs awareness protocol room internal/lib0

# What a release is made of. VERSION is what "yroom version" says.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: dist
dist: $(DEMOS)
	rm -rf dist && mkdir dist
	@for platform in $(PLATFORMS); do \
	  os=$${platform%/*}; arch=$${platform#*/}; name=dist/yroom-$(VERSION)-$${os/darwin/macos}-$$arch; \
	  if [ $$os = windows ]; then name=$$name.exe; fi; \
	  echo "$$name"; \
	  CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -tags demo -ldflags '-s -w -X main.release=$(VERSION)' -o "$$name" ./cmd/yroom; \
	done
	scripts/licences $(PLATFORMS) >dist/licences.txt
	cd dist && sha256sum -- * >SHA256SUMS

.PHONY: crash
crash:
	go test -count=1 -v -timeout 1h -run TestKill ./test/crash -rounds $(CRASHES)

.PHONY: cover
cover:
	go test -coverprofile=cover.out ./...
	go tool cover -html=cover.out

.PHONY: fuzz
fuzz: $(NODE_MODULES)
	@scripts/fuzz $(FUZZTIME)
	go test -count=1 -timeout 0 -v ./test/differential -seeds $(FUZZSEEDS) -mutants $(FUZZMUTANTS)

$(NODE_MODULES): test/package.json test/package-lock.json
	cd test && npm ci --no-audit --no-fund
	@touch $@

# What the JavaScript in the documentation imports.
$(SNIPPET_MODULES): test/snippets/package.json test/snippets/package-lock.json test/snippets/.npmrc
	cd test/snippets && npm ci --no-audit --no-fund
	@touch $@

$(WEB_MODULES): web/package.json web/package-lock.json web/.npmrc
	cd web && npm ci --no-audit --no-fund
	@touch $@

# The demo editors. Their licences are what the build writes last.
$(DEMOS): $(WEB_MODULES) web/build.mjs $(shell find web/pages web/shared -type f) internal/webui/static/base.css
	node web/build.mjs

# Building the linter takes minutes, so one of the right version is used where it is there.
$(LINT):
	@mkdir -p bin
	@if have=$$(command -v golangci-lint) && [ "$$("$$have" version --short)" = "$(LINT_VERSION)" ]; then \
	  ln -sf "$$have" $@; \
	else \
	  echo "Building golangci-lint $(LINT_VERSION), which takes a few minutes once"; \
	  GOBIN="$(CURDIR)/bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION); \
	  mv bin/golangci-lint $@; \
	fi

# Millions of steps in simulated time, with crashes and a store that fails; a seed that fails prints how to see it again.
SIM_STEPS ?= 10000000

.PHONY: sim
sim:
	SIM_STEPS=$(SIM_STEPS) go test -count=1 -timeout 0 -v -run '^TestSim$$' ./internal/sim

.PHONY: bench
bench: $(NODE_MODULES)
	go test -run '^$$' -bench . -benchtime 1x -timeout 1h ./bench/engines
	go test -run '^$$' -bench . -benchtime 1x ./bench/durability
