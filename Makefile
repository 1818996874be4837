# Two commands to begin with: `make demo` shows it at work, `make test` shows that it works.

CARGO ?= cargo
# Each feature by itself, none, and all: what compiles together need not compile alone.
FEATURE_SETS := --no-default-features \
  --no-default-features,--features,cli \
  --no-default-features,--features,tls \
  --no-default-features,--features,tracing \
  --all-features
comma := ,

# The Python client: a Python of 3.10 or later, or `no` to leave it out.
PYTHON ?= python3
VENV := target/python
in_python := scripts/python $(PYTHON) $(VENV)

# Release code, as users have it; the command line is not counted, so it need not be built.
counting := bench --locked --no-default-features --bench instructions

.PHONY: demo test prove lint contract bench flat instructions held-instructions python zaqar zaqar-bench

# Posts real-looking orders, works them off, kills and stops workers meanwhile, and counts.
demo:
	@scripts/need server
	$(CARGO) build --release --locked
	target/release/marconi demo $(DEMO)

test: lint
	@scripts/need server
	$(CARGO) test --locked
	@# Small, and without a word: that the benchmarks still run.
	$(CARGO) test --locked --bench flat --bench posts --bench wake > /dev/null
	@$(MAKE) --no-print-directory held-instructions
	@$(in_python) pytest

# What is promised, held against what sixteen processes really did, and against faults put into the scripts on purpose;
# writes docs/reliability.md. A short run of it is one of the tests.
prove:
	@scripts/need server
	$(CARGO) test --release --locked --test prove -- full

# The Python client alone: its lint and its tests, one of them beside the Rust one on one queue.
python:
	@scripts/need server
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "make python wants Python 3.10 or later" or 0)'
	$(CARGO) build --locked
	@$(in_python) lint pytest

lint:
	@scripts/need luacheck
	$(CARGO) fmt --check
	$(foreach set,$(FEATURE_SETS),$(CARGO) clippy --locked --all-targets $(subst $(comma), ,$(set)) -- -D warnings &&) true
	luacheck --quiet lua
	$(CARGO) fmt --check --manifest-path bench/Cargo.toml
	$(CARGO) clippy --quiet --release --locked --all-targets --manifest-path bench/Cargo.toml --target-dir target/bench/cargo -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --all-features
	@$(in_python) lint
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check licenses bans sources; \
	else echo "cargo-deny is not here: licences, bans and sources were not checked" >&2; fi

# Rewrites lua/manifest.json and the copies of lua/lib from the scripts' headers and the pieces.
contract:
	@scripts/need server
	MARCONI_UPDATE=1 $(CARGO) test --no-default-features --test contract

# Against raw Streams, BullMQ, apalis-redis and Zaqar, in ten minutes; BENCH=small in one: docs/benchmarks/README.md.
bench:
	@CARGO=$(CARGO) PYTHON=$(PYTHON) scripts/bench

# What a call costs over what a queue can hold, how many posts a client makes, how soon a waiter is woken; prints, judges nothing.
flat:
	@scripts/need server
	$(CARGO) bench --locked --bench flat --bench posts --bench wake

# Counts instructions of the hot scripts and of the Rust client anew, and records them: on purpose, with the reason
# in the commit. docs/benchmarks/instructions.md says more.
instructions:
	@scripts/need server valgrind
	$(CARGO) $(counting) -- --record

# Fails where one of them has grown by more than 5 %.
held-instructions:
ifeq ($(shell uname),Linux)
	@scripts/need server valgrind
	$(CARGO) $(counting)
else
	@echo "INSTRUCTIONS WERE NOT COUNTED: valgrind is for Linux" >&2
endif

# Zaqar's own suites on the storage driver of clients/zaqar; scripts/zaqar says what else it takes.
zaqar:
	@PYTHON=$(PYTHON) scripts/zaqar

# That driver against Zaqar's own ones on Redis and MongoDB: docs/benchmarks/zaqar.md; scripts/zaqar-bench says more.
zaqar-bench:
	@PYTHON=$(PYTHON) scripts/zaqar-bench
