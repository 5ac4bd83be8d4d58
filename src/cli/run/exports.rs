//! The output files of a run: what was committed to the journal, one JSON value a line.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::codec::output::{OutRecord, Topic};

/// The open files. Only committed records come here, so a file never says more than the journal.
#[derive(Debug)]
pub struct Exports {
    dispositions: BufWriter<File>,
    notices: BufWriter<File>,
    shadow: BufWriter<File>,
    leads: BufWriter<File>,
    measures: InForce,
    measures_file: File,
    pub counts: Counts,
}

/// How many records of each kind went out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub dispositions: u64,
    pub notices: u64,
    pub shadow: u64,
    pub leads: u64,
}

/// The compacted topic, as a table: the last value of each key, in the order the keys were first set.
#[derive(Debug, Default)]
struct InForce {
    places: HashMap<Vec<u8>, u64>,
    values: BTreeMap<u64, Vec<u8>>,
    next: u64,
}

impl Exports {
    /// Makes the files anew.
    ///
    /// # Errors
    /// Of the file system.
    pub fn create(out: &Path) -> io::Result<Exports> {
        let buffered = |name: &str| -> io::Result<_> {
            Ok(BufWriter::with_capacity(1 << 18, File::create(out.join(name))?))
        };
        Ok(Exports {
            dispositions: buffered("dispositions.ndjson")?,
            notices: buffered("notices.ndjson")?,
            shadow: buffered("shadow.ndjson")?,
            leads: buffered("leads.ndjson")?,
            measures: InForce::default(),
            measures_file: File::create(out.join("measures.ndjson"))?,
            counts: Counts::default(),
        })
    }

    /// Takes committed records, in order.
    ///
    /// # Errors
    /// Of the file system.
    pub fn write(&mut self, records: Vec<OutRecord>) -> io::Result<()> {
        for record in records {
            let (file, count) = match record.topic {
                Topic::Dispositions => (&mut self.dispositions, &mut self.counts.dispositions),
                Topic::Notices => (&mut self.notices, &mut self.counts.notices),
                Topic::Shadow => (&mut self.shadow, &mut self.counts.shadow),
                Topic::Leads => (&mut self.leads, &mut self.counts.leads),
                Topic::Measures => {
                    self.measures.set(record.key, record.value);
                    continue;
                }
                // Progress stays in the journal; dead letters are written with their input and line. Files
                // come with no keys of authorities, so no order is obeyed or answered there.
                Topic::Decided | Topic::DeadLetters | Topic::Authority => continue,
            };
            if let Some(value) = record.value {
                file.write_all(&value)?;
                file.write_all(b"\n")?;
                *count += 1;
            }
        }
        Ok(())
    }

    /// Hands everything to the operating system, the measures in force last.
    ///
    /// # Errors
    /// Of the file system.
    pub fn finish(mut self) -> io::Result<(Counts, u64)> {
        for file in [&mut self.dispositions, &mut self.notices, &mut self.shadow, &mut self.leads] {
            file.flush()?;
            file.get_ref().sync_data()?;
        }
        let mut measures = BufWriter::new(&self.measures_file);
        for value in self.measures.values.values() {
            measures.write_all(value)?;
            measures.write_all(b"\n")?;
        }
        measures.flush()?;
        self.measures_file.sync_data()?;
        Ok((self.counts, self.measures.values.len() as u64))
    }
}

impl InForce {
    fn set(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let Some(value) = value else {
            if let Some(place) = self.places.remove(&key) {
                self.values.remove(&place);
            }
            return;
        };
        let place = *self.places.entry(key).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        self.values.insert(place, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: Topic, key: &str, value: Option<&str>) -> OutRecord {
        OutRecord { topic, key: key.into(), value: value.map(Into::into) }
    }

    #[test]
    fn measures_hold_what_is_in_force_at_the_end() {
        let out = tempfile::tempdir().unwrap();
        let mut exports = Exports::create(out.path()).unwrap();
        exports
            .write(vec![
                record(Topic::Dispositions, "b", Some("1")),
                record(Topic::Measures, "b", Some("{\"b\":1}")),
                record(Topic::Measures, "a", Some("{\"a\":1}")),
                record(Topic::Decided, "0", Some("{}")),
                record(Topic::Measures, "c", Some("{\"c\":1}")),
                record(Topic::Measures, "a", None),
                record(Topic::Measures, "z", None),
            ])
            .unwrap();
        let (counts, in_force) = exports.finish().unwrap();
        assert_eq!((counts.dispositions, in_force), (1, 2));
        let measures = std::fs::read_to_string(out.path().join("measures.ndjson")).unwrap();
        assert_eq!(measures, "{\"b\":1}\n{\"c\":1}\n");
    }
}
