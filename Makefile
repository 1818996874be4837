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

.PHONY: demo test prove lint contract bench python zaqar zaqar-bench

# Posts real-looking orders, works them off, kills and stops workers meanwhile, and counts.
demo:
	@scripts/need server
	$(CARGO) build --release --locked
	target/release/marconi demo $(DEMO)

test: lint
	@scripts/need server
	$(CARGO) test --locked
	@# Small, and without a word: that the benchmarks still run.
	$(CARGO) test --locked --bench flat --bench wake > /dev/null
	@$(in_python) pytest

# The promises, tried at length: prints a table, writes docs/reliability.md and .json. A short run of it is in `make test`.
prove:
	@scripts/need server
	$(CARGO) test --locked --release --test prove -- full

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
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --all-features
	@$(in_python) lint
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny check licenses bans sources; \
	else echo "cargo-deny is not here: licences, bans and sources were not checked" >&2; fi

# Rewrites lua/manifest.json and the copies of lua/lib from the scripts' headers and the pieces.
contract:
	@scripts/need server
	MARCONI_UPDATE=1 $(CARGO) test --no-default-features --test contract

# Measures against a server of its own; prints, judges nothing.
bench:
	@scripts/need server
	$(CARGO) bench --locked

# Zaqar's own suites on the storage driver of clients/zaqar; scripts/zaqar says what else it takes.
zaqar:
	@PYTHON=$(PYTHON) scripts/zaqar

# That driver against Zaqar's own ones on Redis and MongoDB: docs/benchmarks/zaqar.md; scripts/zaqar-bench says more.
zaqar-bench:
	@PYTHON=$(PYTHON) scripts/zaqar-bench
