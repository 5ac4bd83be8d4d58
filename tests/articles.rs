//! docs/articles.toml against the files it names; docs/articles.md is written from it.
//! `UPDATE_DOCS=1 cargo test --test articles` writes the page anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[path = "support/docs.rs"]
mod page;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    article: Vec<Article>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Article {
    id: String,
    zh: String,
    en: String,
    state: State,
    #[serde(default)]
    note_zh: String,
    #[serde(default)]
    note_en: String,
    bases: Vec<String>,
    by: Vec<String>,
    shown: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum State {
    Carried,
    Partly,
    Others,
}

impl State {
    fn text(self) -> &'static str {
        match self {
            State::Carried => "落实 carried",
            State::Partly => "部分 partly",
            State::Others => "他方 others'",
        }
    }
}

/// Every article of the laws that our legal notes cite a duty from.
const ARTICLES: [&str; 38] = [
    "APL 4",
    "APL 10",
    "APL 11",
    "APL 12",
    "APL 14",
    "APL 15",
    "APL 16",
    "APL 17",
    "APL 18(1)-(3)",
    "APL 18(4)",
    "APL 19",
    "APL 20",
    "APL 22",
    "APL 26",
    "APL 29",
    "APL 31",
    "APL 32(3)",
    "APL 33",
    "APL 34",
    "APL 35",
    "APL 39-42, 46",
    "JPM 2-12",
    "JPM 14-16",
    "AML 4, 30",
    "AML 7, 37",
    "AML 34",
    "AML 35",
    "AML 39",
    "AML 45",
    "PIPL 6, 19, 47",
    "PIPL 8, 46",
    "PIPL 13-18",
    "PIPL 24",
    "PIPL 28-31",
    "PIPL 44-48, 50",
    "PIPL 55, 56",
    "PIPL 23, 59; NDR 12, 16",
    "Export rules 2024",
];

/// What is somebody else's to do and only named here.
const NAMED_ONLY: [&str; 1] = ["2017 interpretation 5"];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn articles() -> Vec<Article> {
    toml::from_str::<File>(&read("docs/articles.toml")).unwrap().article
}

/// What rests on each basis: (folder, name), by the basis key.
fn by_basis() -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut resting: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for folder in ["rules", "limits", "protections", "lives"] {
        for entry in std::fs::read_dir(project("config").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let table: toml::Table = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let own = table.get("basis").cloned();
            let dated = table.get("dated").and_then(toml::Value::as_array).into_iter().flatten();
            let bases = own.into_iter().chain(dated.filter_map(|figure| figure.get("basis").cloned()));
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            for basis in bases {
                let basis = basis.as_str().unwrap().to_owned();
                resting.entry(basis).or_default().insert((folder.to_owned(), name.clone()));
            }
        }
    }
    resting
}

#[test]
fn every_article_has_its_row_and_every_basis_its_article() {
    let articles = articles();
    let ids: BTreeSet<&str> = articles.iter().map(|article| article.id.as_str()).collect();
    assert_eq!(ids.len(), articles.len(), "an article stands twice");
    assert_eq!(ids, ARTICLES.into_iter().chain(NAMED_ONLY).collect());
    let known: toml::Table = toml::from_str(&read("config/notices/bases.toml")).unwrap();
    let named: BTreeSet<&str> =
        articles.iter().flat_map(|article| &article.bases).map(String::as_str).collect();
    let known: BTreeSet<&str> = known.keys().map(String::as_str).collect();
    assert_eq!(named, known, "bases named by articles, and those of config/notices/bases.toml");
}

#[test]
fn what_carries_an_article_out_is_there_and_shown() {
    let resting = by_basis();
    for article in articles() {
        for reference in article.by.iter().chain(&article.shown) {
            assert!(is_there(reference), "{}: {reference} is not there", article.id);
        }
        let carried = !article.by.is_empty()
            || article.bases.iter().any(|basis| resting.get(basis).is_some_and(|all| !all.is_empty()));
        match article.state {
            State::Carried => assert!(
                carried && !article.shown.is_empty(),
                "{} is said to be carried out; by what, and shown by what?",
                article.id
            ),
            State::Partly | State::Others => assert!(
                !article.note_zh.is_empty() && !article.note_en.is_empty(),
                "{}: say what is missing, or whose it is",
                article.id
            ),
        }
    }
}

/// Whether what a reference names exists: `code:`, `config:` and `docs:` a file, `golden:` a scenario,
/// `compile_fail:` a program, `test:FILE::FUNCTION` a test.
fn is_there(reference: &str) -> bool {
    let (kind, name) = reference.split_once(':').unwrap();
    match kind {
        "code" | "config" | "docs" => project(name).is_file(),
        "golden" => project(&format!("tests/golden/{name}.txt")).is_file(),
        "compile_fail" => project(&format!("tests/compile_fail/{name}.stderr")).is_file(),
        "test" => {
            let (file, function) = name.split_once("::").unwrap();
            project(file).is_file() && read(file).contains(&format!("fn {function}("))
        }
        _ => false,
    }
}

#[test]
fn the_page_says_what_the_table_says() {
    page::hold("articles.md", "articles", &table());
}

fn table() -> String {
    let resting = by_basis();
    let mut page = String::from(
        "| 条文 article | 要求 what it asks | 由何落实 carried out by | 由何证明 shown by | 状态 state |\n|---|---|---|---|---|\n",
    );
    for article in articles() {
        let resting = article.bases.iter().filter_map(|basis| resting.get(basis)).flatten();
        let files = resting.map(|(folder, name)| format!("[{name}](../config/{folder}/{name}.toml)"));
        let all: BTreeSet<String> = files.chain(article.by.iter().map(|by| link(by))).collect();
        let by: Vec<String> = all.into_iter().collect();
        let shown: Vec<String> = article.shown.iter().map(|shown| link(shown)).collect();
        let note = match article.note_zh.as_str() {
            "" => String::new(),
            note => format!("<br>{note}<br>{}", article.note_en),
        };
        page.push_str(&format!(
            "| {} | {}<br>{} | {} | {} | {}{note} |\n",
            article.id,
            article.zh,
            article.en,
            by.join(", "),
            shown.join(", "),
            article.state.text(),
        ));
    }
    page
}

/// A link from `docs/` to what a reference names.
fn link(reference: &str) -> String {
    let (kind, name) = reference.split_once(':').unwrap();
    match kind {
        "golden" => format!("[{name}](../tests/golden/{name}.txt)"),
        "compile_fail" => format!("[{name}](../tests/compile_fail/{name}.rs)"),
        "test" => {
            let (file, function) = name.split_once("::").unwrap();
            format!("[{function}](../{file})")
        }
        _ => format!("[{}](../{name})", name.rsplit('/').next().unwrap()),
    }
}
