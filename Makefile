# Few names; what they do is in xtask/. `make test ARGS='-p millrace-log'` runs a part.
.PHONY: run test conformance soak crash bench lint fmt tidy dev-data-plane dev-appview

# The whole program on made-up data, without internet. Prints the addresses and demo accounts.
# The dev profile: two minutes of building instead of five, and fast enough for a demo.
# ARGS=--split runs it as two processes.
run: web
	cargo run -p millrace -- demo $(ARGS)

# The dashboard, from web/ into the program; needs Node and npm, and without them there is none.
.PHONY: web
web:
	cargo xtask web --if-possible

# Installs what the tests need, runs them all, ends with "N passed, N failed".
test:
	cargo xtask test $(ARGS)

# The reference AppView and Millrace on one seeded network, every answer compared; writes docs/conformance.md.
# ARGS='--method app.bsky.feed.getTimeline' asks one method; `cargo xtask conformance --help` tells the rest.
conformance:
	cargo xtask conformance $(ARGS)

# Every fuzz target for a minute, then 500 made-up networks with faults and kills on every store, each answer judged
# by the oracle. ARGS='--fuzz-seconds 0 --from 7 --seeds 1' runs one network again; --report writes docs/soak.md.
soak:
	cargo xtask soak $(ARGS)

# Programs on every store, killed at every listed point with a thousand entries in flight; writes docs/crashes.md.
# `cargo xtask crash --help` tells the rest.
crash:
	cargo xtask crash $(ARGS)

# Ingest, reads, bytes, start and memory, measured on the release build beside the limit that signatures set and
# the reference AppView; writes docs/benchmarks.md. About 20 minutes; ARGS='--quick' is a small version.
bench:
	cargo xtask bench $(ARGS)

# Everything a reviewer would otherwise have to say: fmt, clippy, deny, typos, tidy.
lint:
	cargo xtask lint

fmt:
	cargo fmt --all

tidy:
	cargo xtask tidy

# The two processes of a split set-up, each in its own terminal; the data-plane first.
dev-data-plane:
	cargo run -p millrace -- serve --role ingest,dataplane

dev-appview:
	cargo run -p millrace -- serve --role appview
