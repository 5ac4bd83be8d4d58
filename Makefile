# What one types. The scripts behind it are short; read them.

KAFKA_TESTS = cargo test --test kafka --

# Of `make torture`: how many rounds, the seed of the first, how many brokers, faults by name (commas), and after
# how many minutes no round begins any more.
ROUNDS ?= 100
SEED ?= 1
NODES ?= 3
FAULTS ?=
MINUTES ?= 10080

.PHONY: check-k8s demo test torture torture-short demo-kafka model sim equivalence mutants fuzz bench instructions flame peers fmt lint

# A generated day of a small institution, decided before your eyes. Needs no service: Rust, a C compiler, zlib, OpenSSL.
demo:
	scripts/install-missing build
	cargo run --release -- demo

# Everything: what needs no service, then a real Kafka broker on loopback and all that needs one.
test:
	scripts/install-missing
	cargo test
	scripts/check-k8s
	scripts/with-kafka $(KAFKA_TESTS) --test-threads=2 --show-output
	scripts/with-kafka $(KAFKA_TESTS) --ignored --exact --nocapture torture::short
	scripts/fuzz 6

# Rounds of faults under load, each picked by a seed, with a full recount after each; docs/torture.md.
torture:
	scripts/install-missing
	cargo test --release --test kafka --no-run
	KAFKA_NODES=$(NODES) ROUNDS=$(ROUNDS) SEED=$(SEED) FAULTS=$(FAULTS) MINUTES=$(MINUTES) scripts/with-kafka \
		cargo test --release --test kafka -- --ignored --exact --nocapture torture::rounds

# The last part of `make test` alone: workers killed and paused, the broker killed.
torture-short:
	scripts/install-missing
	scripts/with-kafka $(KAFKA_TESTS) --ignored --exact --nocapture torture::short

# The manifests, validated strictly with their custom resources, and each alert with its fixtures.
check-k8s:
	scripts/install-missing
	scripts/check-k8s

# Four source and four facts partitions, kill -9 at feed, intake and decide, then the count.
demo-kafka:
	scripts/install-missing
	cargo test --release --test kafka --no-run
	DUECOURSE_DEMO_EVENTS=all scripts/with-kafka cargo test --release --test kafka -- \
		--exact demo::killed_at_any_time --nocapture

# Every state of the covering protocol within its bounds; `make test` searches a part of them.
model:
	DUECOURSE_MODEL_EXHAUSTIVE=1 cargo test --release --test covering_model -- --nocapture

# Many more simulated worlds than `cargo test` runs: DUECOURSE_SEEDS=100000 make sim
sim:
	DUECOURSE_SEEDS=$${DUECOURSE_SEEDS:-10000} cargo test --lib --config profile.test.opt-level=3 -- \
		--exact simulation::worlds_of_trouble_end_well --nocapture

# The engine and its plain rewriting on many more random logs than `cargo test` has: DUECOURSE_CASES=1000000 make equivalence
equivalence:
	DUECOURSE_CASES=$${DUECOURSE_CASES:-100000} cargo test --release --test equivalence

# One wrong boundary after another put into a copy of the sources, and which test notices each; an hour and more.
mutants:
	scripts/mutation-check

# Every decoder against bytes that were made to reach new code, ten minutes each: SECONDS_EACH=3600 make fuzz
fuzz:
	scripts/install-missing
	scripts/fuzz $${SECONDS_EACH:-600}

# CPU per event: the engine alone, and the whole path over a real broker.
bench:
	scripts/install-missing
	scripts/with-kafka cargo bench

# Instructions of the hot path under valgrind against benches/instructions.txt; a slow-down shows when it enters.
# `scripts/instructions --update` writes the figures anew.
instructions:
	scripts/instructions

# Where the engine bench spends its time, as a picture: target/flame/engine.svg. ROW=hot and the like for another row.
ROW ?= half-year
flame:
	scripts/flame $(ROW)

# The same workload in Kafka Streams and Flink: benches/peers/README.md.
peers:
	scripts/install-missing
	benches/peers/run

fmt:
	cargo fmt

lint:
	cargo fmt --check
	cargo clippy --all-targets
