//! Pages below `docs/` against the files they are about. `UPDATE_DOCS=1 cargo test --test docs` writes
//! what is generated anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use duecourse::config::bundle;

#[path = "support/docs.rs"]
mod page;

/// What issue and legal notes ask to be looked at, one by one.
const IDS: [&str; 27] = [
    "B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "B12", "B13", "B14", "B15", "B16",
    "B17", "L4", "T1", "T2", "T3", "T8", "T9", "T10", "X2", "X3", "X8",
];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

struct Row {
    id: String,
    file: Option<String>,
    state: String,
    established: String,
    scenario: Option<String>,
    note: String,
}

fn rows() -> Vec<Row> {
    // `[name](link)`: its name.
    let named =
        |cell: &str| cell.strip_prefix('[').and_then(|cell| cell.split(']').next()).map(str::to_owned);
    let page = read("docs/limits.md");
    let lines = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| id "));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 7, "{line}");
            Row {
                id: cells[0].to_owned(),
                file: named(cells[2]),
                state: cells[3].to_owned(),
                established: cells[4].to_owned(),
                scenario: named(cells[5]),
                note: cells[6].to_owned(),
            }
        })
        .collect()
}

#[test]
fn each_id_has_its_row_and_each_limit_its_place() {
    let rows = rows();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, BTreeSet::from(IDS));
    let named: BTreeSet<String> = rows.iter().filter_map(|row| row.file.clone()).collect();
    let limits = std::fs::read_dir(project("config/limits")).unwrap();
    for file in limits.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        assert!(named.contains(&format!("limits/{file}")), "docs/limits.md does not name {file}");
    }
}

#[test]
fn each_row_says_what_its_files_say() {
    for row in rows() {
        let Some(file) = &row.file else {
            assert_eq!((row.state.as_str(), row.established.as_str()), ("not covered", "-"), "{}", row.id);
            assert!(row.scenario.is_none() && !row.note.is_empty(), "{}: say why not", row.id);
            continue;
        };
        let text: toml::Table = toml::from_str(&read(&format!("config/{file}"))).unwrap();
        let (state, established) = if file.starts_with("rules/") {
            let acts = text["status"].as_str() == Some("enforced") && text.contains_key("precision");
            (if acts { "rule, acts" } else { "rule, observes" }, "-".to_owned())
        } else {
            let newest = text["dated"].as_array().unwrap().last().unwrap();
            let on = text["enabled"].as_bool().unwrap();
            (if on { "limit, on" } else { "limit, off" }, newest["status"].as_str().unwrap().to_owned())
        };
        assert_eq!((row.state.as_str(), row.established.as_str()), (state, established.as_str()), "{file}");
        let id = Path::new(file).file_stem().unwrap().to_str().unwrap();
        let scenario = read(&format!("tests/golden/{}", row.scenario.expect("a scenario")));
        assert!(scenario.contains(&format!(", {id} version ")), "its scenario does not show {id}");
    }
}

#[test]
fn the_readme_says_how_many_rules_only_observe() {
    let rules = std::fs::read_dir(project("config/rules")).unwrap().map(|entry| {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        toml::from_str::<toml::Table>(&text).unwrap()
    });
    let acts =
        |rule: &toml::Table| rule["status"].as_str() == Some("enforced") && rule.contains_key("precision");
    let (acting, observing): (Vec<_>, Vec<_>) = rules.partition(acts);
    let said = format!("{} of the {} rules only observe", observing.len(), acting.len() + observing.len());
    assert!(read("README.md").contains(&said), "README.md does not say: {said}");
}

#[test]
fn every_class_of_data_has_a_term_a_basis_and_a_status() {
    let checked = bundle::check_embedded(bundle::Profile::Strict).unwrap();
    let config = duecourse::config::Config::load(None, &[]).unwrap();
    let all = duecourse::cli::retention::all(&config, &checked).unwrap();
    page::hold("retention.md", "classes", &bundle::retention_table(&all));
    for term in &all {
        assert!(
            !term.basis.is_empty() && !term.status.is_empty() && !term.source.is_empty(),
            "{}",
            term.class
        );
        let within = term.at_most.is_none_or(|most| term.kept.is_some_and(|kept| kept <= most));
        assert!(within, "{} is kept longer than it may be", term.class);
    }
    let named = |class: &str| all.iter().any(|term| term.class == class);
    for class in ["fingerprints", "measures", "openings", "holdings", "firings", "overrides", "standings"] {
        assert!(named(class), "{class}");
    }
    for (topic, _) in config.topics.all().into_iter().filter(|(topic, _)| *topic != "decided") {
        assert!(named(&format!("topic {topic}")), "{topic}");
    }
}

#[test]
fn every_figure_says_whose_it_is() {
    let figures = bundle::dated_figures(&bundle::embedded(bundle::Profile::Strict).unwrap());
    let elsewhere = |figure: &&bundle::DatedFigure| figure.file != "retention.toml";
    let own = bundle::figures_table(figures.iter().filter(elsewhere).filter(|figure| figure.is_own()));
    let given = bundle::figures_table(figures.iter().filter(elsewhere).filter(|figure| !figure.is_own()));
    page::hold("figures.md", "own", &own);
    page::hold("figures.md", "given", &given);
    assert!(own.contains("| `settings.toml` | `measure_for_max` | 92d |"), "{own}");
    assert!(
        given.contains("| `limits/phone_cards_per_carrier.toml` | `dated[1]` | count_max = 5"),
        "{given}"
    );
    for figure in &figures {
        assert!(!figure.value.is_empty() && !figure.source.is_empty(), "{figure:?}");
        // A figure that is taken from a text is read there, and one that is our own says so.
        let says_own = ["own choice", "institution's own", "自定"]
            .iter()
            .any(|word| figure.source.contains(word) || figure.basis.contains(word));
        assert!(!figure.is_own() || says_own, "it is the institution's own and does not say so: {figure:?}");
    }
    // Nobody has to find out by himself from when on the calendar knows no notice.
    let calendar: toml::Table = toml::from_str(&read("config/calendar.toml")).unwrap();
    let years = calendar["notices"].as_array().unwrap().iter().map(|notice| notice["year"].as_integer());
    let next = years.max().flatten().unwrap() + 1;
    assert!(read("docs/figures.md").contains(&format!("From {next} on it knows none")), "{next}");
    assert!(given.contains("| `calendar.toml` | `notices[1]` | off = "), "{given}");
    // No file has a status that is in no table.
    let mut files = vec![project("config/settings.toml"), project("config/calendar.toml")];
    for folder in ["limits", "lives", "leads"] {
        let folder = std::fs::read_dir(project(&format!("config/{folder}"))).unwrap();
        files.extend(folder.map(|entry| entry.unwrap().path()));
    }
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(project("config")).unwrap().display().to_string();
        let listed = figures.iter().filter(|figure| figure.file == name).count();
        let is_dated = |line: &&str| line.starts_with("effective_from = ") || line.starts_with("dated = ");
        let dated = text.lines().filter(is_dated).count();
        assert_eq!(listed, dated, "{name}");
    }
}

#[test]
fn every_table_of_a_life_is_a_page() {
    let off = bundle::check_embedded(bundle::Profile::Strict).unwrap().lives_off;
    // What ships switched off is read by whoever is to switch it on.
    let mut text = bundle::embedded(bundle::Profile::Strict).unwrap();
    for id in &off {
        let (before, after) = text.split_at(text.find(&format!("\"lives/{id}.toml\"")).unwrap());
        text = format!("{before}{}", after.replacen("\"enabled\":false", "\"enabled\":true", 1));
    }
    let lives = bundle::lives_page(&bundle::compile(&text).unwrap().lives, &off);
    page::hold("lives.md", "lives", &lives);
    for file in std::fs::read_dir(project("config/lives")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(lives.contains(&format!("`config/lives/{name}`")), "docs/lives.md has no {name}");
    }
    assert_eq!(lives.matches("Ships switched off").count(), off.len());
    assert_eq!(off, ["entry"], "who reads README.md and docs/lives.md is told of it");
}

#[test]
fn every_signal_is_listed_with_fields_that_exist_a_purpose_a_basis_and_a_reach() {
    let checked = bundle::check_embedded(bundle::Profile::Strict).unwrap();
    let listing = bundle::signal_listing(&checked);
    page::hold("signals.md", "signals", &listing);
    let mut declared = BTreeSet::new();
    for file in std::fs::read_dir(project("config/signals")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        declared.extend(toml::from_str::<toml::Table>(&text).unwrap().into_iter().map(|(name, _)| name));
    }
    let mut listed = BTreeSet::new();
    for line in listing.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
        listed.insert(cells[0].trim_start_matches('`').split('`').next().unwrap().to_owned());
        for field in cells[3].split(", ").map(|field| field.trim_matches('`')) {
            let (event, field) = field.split_once('.').unwrap();
            let schema: serde_json::Value =
                serde_json::from_str(&read(&format!("config/schemas/events/{event}.schema.json"))).unwrap();
            let known = schema.pointer(&format!("/properties/data/properties/{field}")).is_some();
            assert!(known || field == "time", "no event has {event}.{field}");
        }
    }
    assert_eq!(listed, declared);
}
