# make run     build the demo editors, start a server and print the address to open
# make hello   start examples/hello, the program and the page of README.md
# make login   start examples/login, a web app with its own login, and print the address to open
# make cluster start two consumers, two workers, Redis, PostgreSQL and nginx on this machine, and print the address to open
# make test    formatting, vet, lint, all tests under the race detector, coverage of the core packages
# make tools   only the set-up of make test: programs, npm packages, the linter
# make crash   kill a server with kill -9 while clients type, and cut its power, CRASHES times at each level of durability
# make chaos   break a cluster of real processes over LAYER, redis or nats, for CHAOSTIME, while clients type
# make rolling replace all processes of a cluster, one after another, while CLIENTS clients type, and print the CPU time that this takes
# make attack  flood a server that has 1 GiB of memory for ATTACKTIME, while clients in other rooms measure how it serves them
# make cover   show as a page which statements the tests don't reach
# make fuzz    each fuzz target for FUZZTIME, then FUZZSEEDS random histories of each kind, FUZZMUTANTS mutated updates and FUZZFORGERIES forged histories against yjs
# make sim     SIM_STEPS steps of a simulation with crashes and a store that fails
# make bench   documents against yjs and ywasm, the cost of durability and of layers, and memory, each in one run
# make bench-peers  yroom beside the other Yjs servers, in one run of up to 20 minutes; the first time it builds y-sweet, which takes minutes
# make vuln    known vulnerabilities in the code that is reached, by govulncheck; needs vuln.go.dev
# make api     changes of the exported API since the latest release; fails if one is incompatible
# make dist    archives of the command for Linux, macOS and Windows with the demo editors in it, the Helm chart, and checksums, in dist/
# make reproducible  build the release of this commit twice, from nothing, and compare all bytes; takes minutes
# make site    the documentation as a web site, in site/
# make help    this list
#
# Each target does its own set-up. As root on Debian that installs missing programs, after printing which and why;
# INSTALL=0 installs none, and the tests that need them are skipped. ARGS are the server's: make run ARGS="--listen 127.0.0.1:9000"

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

# The linter is a binary of a fixed version. As a tool of a go.mod it would share its hundreds of dependencies with
# the other tools, and could be built with versions that it was not released with. The smaller tools are pinned in
# tools/go.mod, a module of its own, so that the module that users require doesn't list their dependencies.
LINT_VERSION := 2.15.0
LINT := bin/golangci-lint-$(LINT_VERSION)
NODE_MODULES := test/node_modules/.package-lock.json
SNIPPET_MODULES := test/snippets/node_modules/.package-lock.json
WEB_MODULES := web/node_modules/.package-lock.json
MAKER_MODULES := test/makers/node_modules/.package-lock.json
PYTHON_MODULES := test/tokens/.venv/installed test/makers/.venv/installed test/django/.venv/installed
PEER_MODULES := bench/peers/.venv/installed
Y_SWEET := bench/peers/.cargo/bin/y-sweet
DEMOS := web/dist/static/licences.txt
EXAMPLES := examples/hello/page/dist/page.js examples/login/page/dist/editor.js examples/django/page/dist/editor.js
FUZZTIME ?= 30s
FUZZSEEDS ?= 5000
FUZZMUTANTS ?= 500000
FUZZFORGERIES ?= 100000
CRASHES ?= 200
LAYER ?= redis
CHAOSTIME ?= 30m
CLIENTS ?= 2000
ATTACKTIME ?= 5m
ARGS ?=
INSTALL ?= 1
export INSTALL

.PHONY: help
help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

.PHONY: demos
demos: $(DEMOS) $(EXAMPLES)

.PHONY: run
run: $(DEMOS)
	go build -tags demo -o bin/yroom ./cmd/yroom
	exec bin/yroom serve $(ARGS)

.PHONY: hello
hello: $(EXAMPLES)
	go build -o bin/hello ./examples/hello
	cd examples/hello && exec ../../bin/hello

.PHONY: login
login: $(EXAMPLES)
	go build -o bin/login ./examples/login
	exec bin/login $(ARGS)

.PHONY: cluster
cluster: $(DEMOS)
	@scripts/tools --required redis postgres
	@scripts/tools nginx
	go build -tags demo -o bin/yroom ./cmd/yroom
	exec scripts/cluster bin/yroom

.PHONY: test
test: format vet lint unit

.PHONY: format
format: $(LINT)
	@unformatted=$$($(LINT) fmt --diff) || { echo "$$unformatted"; echo "Not formatted; to format: $(LINT) fmt"; exit 1; }

.PHONY: vet
vet:
	go vet ./...

.PHONY: lint
lint: $(LINT)
	$(LINT) run --allow-parallel-runners

.PHONY: tools
tools: $(LINT) bin/chart programs
	@modules=; \
	if command -v npm >/dev/null; then modules="$(NODE_MODULES) $(SNIPPET_MODULES) $(MAKER_MODULES) $(WEB_MODULES)"; fi; \
	if command -v python3 >/dev/null; then modules="$$modules $(PYTHON_MODULES)"; fi; \
	if [ -n "$$modules" ]; then $(MAKE) --no-print-directory -j 4 --output-sync=target $$modules; fi

.PHONY: programs
programs:
	@scripts/tools cc node python curl strace sqlite3 chromium postgres pgbouncer redis nginx caddy systemd prometheus shells man

# Test results are not taken from the cache: Go doesn't see changes of the scripts, pages and servers that tests run.
# make vet has vetted the packages.
GOTEST_FLAGS := -vet=off -count=1

# The runs:
#  1. All packages but the core, those that drive programs, and those below, with the race detector. They wait for
#     timers and servers much of the time, so three are tested at once on two processors.
#  2. The tests of cmd/yroom that start no program, with it: a program that is built with it starts a second later.
#  3. The packages that drive programs, and those that start no goroutine, without it.
#  4. The core with its coverage. It starts no goroutine either.
#  5. Further tests of running times, of allocations and of much work, which the race detector changes or slows down, and
#     one that crashes it. Those of the core are in 4.
#  6. Updates of 200 MiB, which -short leaves out.
#  7. Attacks on a server, which must have the machine for itself as far as possible.
MODULE := github.com/yroom/yroom
CORE := blocks yjs awareness protocol event room internal/outbox internal/clocks internal/lib0
SEQUENTIAL := prosemirror internal/docsite internal/house internal/markdown scripts/dist

.PHONY: unit
unit: tools
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory demos; fi
	@race="-race -short"; \
	if ! command -v "$$(go env CC)" >/dev/null; then echo "No C compiler: the tests run without the race detector"; race=; fi; \
	demo=; if [ -f $(DEMOS) ]; then demo="-- -tags demo ./internal/webui"; fi; \
	go run ./scripts/gotest $$race $(GOTEST_FLAGS) -p $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)) -timeout 30m $$(go list ./... | grep -v -e '^$(MODULE)/test/' -e '^$(MODULE)/cmd/' $(patsubst %,-e '^$(MODULE)/%$$',$(SEQUENTIAL) $(CORE))) \
	  -- $$race $(GOTEST_FLAGS) -run 'Page|Guard|Header|ListsAre|Plain' ./cmd/yroom \
	  -- $(GOTEST_FLAGS) -timeout 30m ./cmd/... ./test/... $(SEQUENTIAL:%=./%) \
	  -- $(GOTEST_FLAGS) -coverprofile=cover.out $(CORE:%=./%) \
	  -- $(GOTEST_FLAGS) -run 'Linear|TooMany|Allocations|FaultyLayer|Bounded|PaidFor|NoMemory|Expand|PlantedFaults|ConnectionMemory|IsLinear|ForAnHour|MemoryWhile|MemoryOf|GiveUp|PowerLoss|ManyNotices|Conformance' . ./consumer ./internal/sim ./store/sqlitestore ./store/pgstore ./webhook $$demo \
	  -- $(GOTEST_FLAGS) -run 'Conformance/Carry' ./layer/redislayer ./layer/natslayer \
	  -- $(GOTEST_FLAGS) ./test/attack -attack 30s -shared
	@if [ -d test/browser/screenshots ]; then echo "Screenshots of the pages: test/browser/screenshots"; fi
	@scripts/coverage cover.out 85 $(CORE)

# VERSION is what "yroom version" prints.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
REPRODUCED ?= linux/amd64 windows/arm64
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# The files in archives have the time of the commit.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 315532800)

.PHONY: dist
dist: $(DEMOS)
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) go run ./scripts/dist $(VERSION) $(PLATFORMS)

.PHONY: reproducible
reproducible:
	scripts/reproducible $(VERSION) $(REPRODUCED)

# Where the site is, with a folder for each version.
SITE ?= site

.PHONY: site
site:
	go run -ldflags '-X main.release=$(VERSION)' ./cmd/yroom docs --out $(SITE)

.PHONY: crash
crash:
	go test -count=1 -v -timeout 1h -run TestKill ./test/crash -rounds $(CRASHES)
	go test -count=1 -v -timeout 1h -run TestPowerLoss ./store/sqlitestore -power-cuts $(CRASHES)

.PHONY: chaos
chaos: programs $(NODE_MODULES)
	go test -count=1 -v -timeout 3h -run '^TestChaos$$/^$(LAYER)$$' ./test/cluster -chaos $(CHAOSTIME)

.PHONY: rolling
rolling: programs
	go test -count=1 -v -timeout 15m -run '^TestRollingRestart$$' ./test/cluster -clients $(CLIENTS) -calm 10s

.PHONY: attack
attack:
	go test -count=1 -v -timeout 1h ./test/attack -attack $(ATTACKTIME)

.PHONY: cover
cover:
	go test -coverprofile=cover.out ./...
	go tool cover -html=cover.out

.PHONY: fuzz
fuzz: $(NODE_MODULES)
	@scripts/fuzz $(FUZZTIME)
	go test -count=1 -timeout 0 -v ./test/differential -seeds $(FUZZSEEDS) -mutants $(FUZZMUTANTS) -forgeries $(FUZZFORGERIES)

# A seed that fails prints the command that runs it again.
SIM_STEPS ?= 10000000

.PHONY: sim
sim:
	SIM_STEPS=$(SIM_STEPS) go test -count=1 -timeout 0 -v -run '^TestSim$$' ./internal/sim

.PHONY: bench
bench: $(NODE_MODULES)
	go test -run '^$$' -bench . -benchtime 1x -timeout 1h ./bench/engines
	go test -run '^$$' -bench . -benchtime 1x -timeout 1h ./bench/cost
	go test -run '^$$' -bench . -benchtime 1x ./bench/layers
	go test -run '^$$' -bench . -benchtime 1x -timeout 1h ./bench/footprint

# A server that can't be installed is left out of the table, with the reason.
.PHONY: bench-peers
bench-peers: $(NODE_MODULES)
	@scripts/tools redis
	-@$(MAKE) --no-print-directory $(PEER_MODULES)
	-@$(MAKE) --no-print-directory $(Y_SWEET)
	go test -count=1 -run '^$$' -bench . -benchtime 1x -timeout 1h ./bench/peers

.PHONY: vuln
vuln: bin/govulncheck
	bin/govulncheck ./...

.PHONY: api
api: bin/apidiff
	@scripts/api bin/apidiff

# What checks the Helm chart, a module of its own because of its dependencies. Building it takes minutes once.
bin/chart: test/deploy/testdata/chart/main.go test/deploy/testdata/chart/go.mod test/deploy/testdata/chart/go.sum
	@echo "Building the program that checks the Helm chart; this takes a few minutes once"
	@mkdir -p bin
	go -C test/deploy/testdata/chart build -o "$(CURDIR)/bin/chart" .

bin/govulncheck bin/apidiff &: tools/go.mod tools/go.sum
	@echo "Building the tools of tools/go.mod"
	@mkdir -p bin
	go -C tools build -o ../bin/ tool
	@touch bin/govulncheck bin/apidiff

.PHONY: node
node:
	@scripts/tools --required node

$(NODE_MODULES): test/package.json test/package-lock.json test/.npmrc | node
	cd test && npm ci --no-audit --no-fund
	@touch $@

# The packages that the JavaScript in the documentation imports.
$(SNIPPET_MODULES): test/snippets/package.json test/snippets/package-lock.json test/snippets/.npmrc | node
	cd test/snippets && npm ci --no-audit --no-fund
	@touch $@

# The editors and stores that documents are made with.
$(MAKER_MODULES): test/makers/package.json test/makers/package-lock.json test/makers/.npmrc | node
	cd test/makers && npm ci --no-audit --no-fund
	@touch $@

$(WEB_MODULES): web/package.json web/package-lock.json web/.npmrc | node
	cd web && npm ci --no-audit --no-fund
	@touch $@

# What the programs in Python import, in an environment of their own.
$(PYTHON_MODULES) $(PEER_MODULES): %/.venv/installed: %/requirements.txt
	python3 -m venv $*/.venv
	$*/.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(Y_SWEET):
	@echo "Building y-sweet 0.9.1, for make bench-peers; this takes some minutes once"
	cargo install --quiet --locked y-sweet --version 0.9.1 --root bench/peers/.cargo

# The demo editors. The build writes their licences last.
$(DEMOS): $(WEB_MODULES) web/build.mjs $(shell find web/pages web/shared -type f) internal/webui/static/base.css
	node web/build.mjs

# The pages of the examples.
$(EXAMPLES) &: $(WEB_MODULES) web/examples.mjs $(shell find examples/*/page -name '*.js' -not -path '*/dist/*')
	node web/examples.mjs
	@touch $(EXAMPLES)

# Building the linter takes minutes, so an installed one of the right version is used.
$(LINT):
	@mkdir -p bin
	@if have=$$(command -v golangci-lint) && [ "$$("$$have" version --short)" = "$(LINT_VERSION)" ]; then \
	  ln -sf "$$have" $@; \
	else \
	  echo "Building golangci-lint $(LINT_VERSION), for make lint; this takes a few minutes once"; \
	  GOBIN="$(CURDIR)/bin" go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(LINT_VERSION); \
	  mv bin/golangci-lint $@; \
	fi
