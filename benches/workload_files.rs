//! Writes the generated workload into a folder, for programs that are not ours: `events.ndjson`, `rules/`
//! and `rules.tsv`. `cargo bench --bench workload_files -- FOLDER EVENTS DAYS`; without arguments it does nothing.

mod traffic;

use std::io::{BufWriter, Write};
use std::path::Path;

use traffic::{Events, Population, Windows, write_folder};

const HOLDERS: usize = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [folder, count, days] = arguments.as_slice() else {
        println!("workload_files: nothing to do; give FOLDER EVENTS DAYS");
        return;
    };
    let folder = Path::new(folder);
    let count: u64 = count.parse().expect("a number of events");
    let days: u64 = days.parse().expect("a number of days");
    let gap_ms = (days * 86_400_000 / count).max(1);
    // A device meets about one payment in 24 days, whatever the number of events.
    let population = Population { holders: HOLDERS, devices: (count * 2 / 5).max(1), gap_ms, hot: false };
    std::fs::create_dir_all(folder).expect("a folder");
    write_folder(folder, Windows::MONTH, "1d");
    let file = std::fs::File::create(folder.join("events.ndjson")).expect("a new file");
    let (mut file, mut bytes) = (BufWriter::new(file), 0);
    for line in Events::new(population).take(count as usize) {
        bytes += line.len();
        writeln!(file, "{line}").expect("room for events");
    }
    file.flush().expect("room for events");
    std::fs::write(folder.join("gap_ms"), gap_ms.to_string()).expect("a written file");
    println!("{count} events of {} bytes, {gap_ms} ms apart", bytes / count.max(1) as usize);
}
