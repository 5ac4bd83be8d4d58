# What one types. The scripts behind it are short; read them.

KAFKA_TESTS = cargo test --test kafka --

.PHONY: demo test broker-loss demo-kafka model bench peers fmt lint

# A generated day of a small institution, decided before your eyes. Needs nothing but Rust.
demo:
	cargo run --release -- demo

# Everything: what needs no service, then a real Kafka broker on loopback and all that needs one.
test:
	scripts/install-missing
	cargo test
	scripts/with-kafka $(KAFKA_TESTS) --test-threads=2 --show-output
	scripts/with-kafka $(KAFKA_TESTS) --ignored --show-output broker_loss

# The last part of that alone: kills the broker under everybody's feet, twice.
broker-loss:
	scripts/install-missing
	scripts/with-kafka $(KAFKA_TESTS) --ignored --show-output broker_loss

# Four source and four facts partitions, kill -9 at feed, intake and decide, then the count.
demo-kafka:
	scripts/install-missing
	cargo test --release --test kafka --no-run
	DUECOURSE_DEMO_EVENTS=all scripts/with-kafka cargo test --release --test kafka -- \
		--exact demo::killed_at_any_time --nocapture

# Every state of the covering protocol within its bounds; `make test` searches a part of them.
model:
	DUECOURSE_MODEL_EXHAUSTIVE=1 cargo test --release --test covering_model -- --nocapture

# CPU per event: the engine alone, and the whole path over a real broker.
bench:
	scripts/install-missing
	scripts/with-kafka cargo bench

# The same workload in Kafka Streams and Flink: benches/peers/README.md.
peers:
	scripts/install-missing
	benches/peers/run

fmt:
	cargo fmt

lint:
	cargo fmt --check
	cargo clippy --all-targets
