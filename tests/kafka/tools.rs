//! Kafka's own tools.

use std::process::Command;

/// Runs a line as `doctor` writes it: `kafka-configs.sh ...` or `kafka-acls.sh ...`.
pub fn kafka_tool(line: &str) {
    let mut words = line.split_whitespace();
    let class = match words.next() {
        Some("kafka-configs.sh") => "kafka.admin.ConfigCommand",
        Some("kafka-acls.sh") => "org.apache.kafka.tools.AclCommand",
        other => panic!("no tool is known by {other:?}"),
    };
    let libs = concat!(env!("CARGO_MANIFEST_DIR"), "/.kafka/libs/*");
    let output = Command::new("java").args(["-cp", libs, class]).args(words).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}
