//! Whatever codec a source's topic has, intake reads it.

use std::time::Duration;

use crate::deployment::Deployment;
use crate::events::Events;
use crate::tools::kafka_tool;

const WITHIN_MAX: Duration = Duration::from_secs(60);
/// Rows in each codec.
const ROWS: usize = 50;

#[test]
fn a_source_is_read_in_every_codec_that_brokers_have() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment::prepare(folder.path(), 1);
    let codecs = ["uncompressed", "gzip", "snappy", "lz4", "zstd"];
    let events = Events::generated(folder.path(), ROWS * codecs.len());
    let text = std::fs::read_to_string(&events.path).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    for (codec, rows) in codecs.iter().zip(rows.chunks(ROWS)) {
        kafka_tool(&format!(
            "kafka-configs.sh --bootstrap-server {} --alter --entity-type topics --entity-name {} --add-config compression.type={codec}",
            deployment.connection.bootstrap_servers,
            deployment.topic("events"),
        ));
        let path = folder.path().join(format!("{codec}.csv"));
        std::fs::write(&path, format!("{header}\n{}\n", rows.join("\n"))).unwrap();
        deployment.feed(&path, None).finish(WITHIN_MAX);
    }
    deployment.start("intake", &["--until-end"]).finish(WITHIN_MAX);
    deployment.start("decide", &["--until-end"]).finish(WITHIN_MAX);
    let counts = deployment.verify();
    assert_eq!((&counts["covered"], &counts["lost"]), (&events.count.into(), &0.into()), "{counts}");
}
