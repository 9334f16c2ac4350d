# Two commands matter: `make run` shows it, `make test` proves it. Both install what they need.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# Debian packages that building and testing need; to add one, add its name.
APT := gcc libc6-dev make pkg-config curl ca-certificates git
# Flags for the demo, as in `make run DEMO='--for 30s --host 0.0.0.0'`.
DEMO :=
# Pinned: another version may judge otherwise.
CARGO_DENY := 0.20.2

export PATH := $(CURDIR)/.tools/bin:$(HOME)/.cargo/bin:$(PATH)
export RUST_BACKTRACE ?= 1

.PHONY: help run test check fmt clippy doc deny unit bench setup clean

help: ## Show this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

run: setup ## Build it and run the demo: a server, sample polls, an audience, in a throwaway folder
	@cargo build --locked --release --package pollux
	@exec target/release/pollux demo $(DEMO)

test: check unit ## Everything that must pass: formatting, lints, documentation, licences, all tests

check: setup fmt clippy doc deny ## Formatting, lints, documentation and dependencies, without the tests

fmt: setup
	cargo fmt --all --check

clippy: setup
	cargo clippy --locked --workspace --all-targets -- --deny warnings

doc: setup
	RUSTDOCFLAGS='--deny warnings' cargo doc --locked --workspace --no-deps --document-private-items --quiet

# Advisories need their database, and that the network: without it they are left out, aloud.
deny: setup
	@if [ "$$(cargo deny --version 2>/dev/null)" != 'cargo-deny $(CARGO_DENY)' ]; then \
		echo 'installing cargo-deny $(CARGO_DENY) into .tools'; \
		cargo install --quiet --locked --version $(CARGO_DENY) --root .tools cargo-deny; \
	fi
	cargo deny --log-level error --all-features --locked check bans licenses sources
	@if cargo deny --log-level off fetch db >/dev/null 2>&1; then \
		cargo deny --log-level error --all-features --locked check --disable-fetch advisories; \
	else \
		echo 'advisories: NOT CHECKED, their database cannot be fetched from here'; \
	fi

unit: setup
	cargo test --locked --workspace

bench: setup ## Measure, in one run, against the floor this machine sets
	@cargo xtask bench

# What is there already costs nothing; what is missing is installed, or named.
setup:
	@missing=(); \
	for package in $(APT); do \
		command -v dpkg >/dev/null || break; \
		dpkg -s "$$package" >/dev/null 2>&1 || missing+=("$$package"); \
	done; \
	if [ "$${#missing[@]}" -gt 0 ]; then \
		if [ "$$(id -u)" = 0 ]; then \
			apt-get update -qq && apt-get install -y -qq --no-install-recommends "$${missing[@]}"; \
		elif ! command -v cc >/dev/null; then \
			echo "a C compiler is missing; run: sudo apt-get install $${missing[*]}" >&2; exit 1; \
		fi; \
	elif ! command -v cc >/dev/null; then \
		echo 'a C compiler (cc) is missing: install it with your system'"'"'s packages' >&2; exit 1; \
	fi
	@if ! command -v cargo >/dev/null; then \
		command -v curl >/dev/null || { echo 'curl is missing, and with it the way to Rust' >&2; exit 1; }; \
		echo 'installing Rust with rustup (https://rustup.rs) into ~/.cargo'; \
		curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs \
			| sh -s -- -y --quiet --no-modify-path --profile minimal --default-toolchain none; \
	fi
	@if command -v rustup >/dev/null; then \
		rustup show active-toolchain >/dev/null 2>&1 || rustup toolchain install; \
	elif ! cargo --version | grep -qF "$$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)"; then \
		echo "$$(cargo --version) is not the pinned $$(grep channel rust-toolchain.toml);" \
			'install rustup (https://rustup.rs), which takes the pinned one by itself' >&2; exit 1; \
	fi

clean: ## Remove what was built
	rm -rf target .tools
