//! Alerts, dashboard and runbook against the catalogue of metrics.

use std::collections::BTreeSet;

use duecourse::telemetry::metrics::catalogue::{self, Kind, Metric};
use serde_json::Value;

use crate::text::{after, files, values};
use crate::{read, root};

/// The metric that a name in PromQL reads.
fn metric(name: &str) -> Option<&'static Metric> {
    catalogue::ALL.iter().find(|metric| match metric.kind {
        Kind::Histogram => {
            name.strip_prefix(metric.name).is_some_and(|rest| matches!(rest, "_bucket" | "_sum" | "_count"))
        }
        Kind::Counter | Kind::Gauge => metric.name == name,
    })
}

/// Names of our metrics in a text, each with what stands in the braces after it.
fn read_metrics(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = text;
    while let Some(at) = rest.find("duecourse_") {
        let from = &rest[at..];
        let end = from.find(|c| !is_name(c)).unwrap_or(from.len());
        let (name, tail) = from.split_at(end);
        let braces =
            tail.strip_prefix('{').and_then(|inner| inner.split_once('}')).map_or("", |(inner, _)| inner);
        found.push((name.to_owned(), braces.to_owned()));
        rest = tail;
    }
    found
}

/// Names of labels in `a="x",b!~"y"`.
fn matchers(braces: &str) -> Vec<String> {
    let names = braces.split('"').step_by(2).map(|part| part.trim_matches([',', ' ', '=', '!', '~']));
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Labels that a `by (...)` groups by.
fn groupings(expression: &str) -> Vec<String> {
    let lists = expression.split("by (").skip(1).filter_map(|rest| rest.split_once(')'));
    lists
        .flat_map(|(list, _)| list.split(','))
        .map(|label| label.trim().to_owned())
        .filter(|label| !label.is_empty())
        .collect()
}

/// Everything wrong with an expression, or with labels that a text shows of it.
fn flaws(expression: &str, shown: &str) -> Vec<String> {
    let mut flaws = Vec::new();
    let mut labels = BTreeSet::from(["le".to_owned(), "job".to_owned(), "instance".to_owned()]);
    for (name, braces) in read_metrics(expression) {
        let Some(metric) = metric(&name) else {
            flaws.push(format!("`{name}` is not in the catalogue"));
            continue;
        };
        labels.extend(metric.labels.iter().map(|label| (*label).to_owned()));
        for label in matchers(&braces) {
            if !metric.labels.contains(&label.as_str())
                && !["le", "job", "instance"].contains(&label.as_str())
            {
                flaws.push(format!("`{name}` has no label `{label}`"));
            }
        }
    }
    let told = |mark: &'static str, end: &'static str| {
        shown
            .split(mark)
            .skip(1)
            .filter_map(move |rest| rest.split_once(end))
            .map(|(label, _)| label.trim().to_owned())
    };
    for label in groupings(expression).into_iter().chain(told("{{ $labels.", "}}")) {
        if !labels.contains(&label) {
            flaws.push(format!("no metric of `{expression}` has the label `{label}`"));
        }
    }
    flaws
}

/// Alerts by name: expression, and the text of annotations.
fn alerts() -> Vec<(String, String, String)> {
    let text = read("components/monitoring/alerts.yaml");
    let rules = text.split("- alert: ").skip(1);
    rules
        .map(|rule| {
            let name = rule.lines().next().unwrap().to_owned();
            let expression =
                rule.split_once("expr: |-\n").unwrap().1.split("\n          labels:").next().unwrap();
            let expression = expression.split("\n          for:").next().unwrap().to_owned();
            let annotations = rule.split_once("annotations:").unwrap().1.to_owned();
            (name, expression, annotations)
        })
        .collect()
}

#[test]
fn alerts_read_metrics_and_labels_of_the_catalogue() {
    let alerts = alerts();
    assert!(alerts.len() >= 15, "{}", alerts.len());
    for (name, expression, annotations) in &alerts {
        // What is no process of ours while it is to be watched: kube-state-metrics shows it.
        let others = expression.contains("kube_cronjob_") && expression.contains("duecourse-doctor");
        assert!(!read_metrics(expression).is_empty() || others, "{name} reads nothing of ours");
        assert_eq!(flaws(expression, annotations), Vec::<String>::new(), "{name}");
    }
    for (name, braces) in read_metrics(&read("components/monitoring/alerts.test.yaml")) {
        let metric =
            metric(&name).unwrap_or_else(|| panic!("alerts.test.yaml: `{name}` is not in the catalogue"));
        for label in matchers(&braces) {
            let is_known = metric.labels.contains(&label.as_str())
                || ["le", "job", "instance"].contains(&label.as_str());
            assert!(is_known, "alerts.test.yaml: `{name}` has no label `{label}`");
        }
    }
}

#[test]
fn a_wrong_name_or_label_is_noticed() {
    assert_eq!(flaws("rate(duecourse_facts_total{outcome=\"applied\"}[5m])", ""), Vec::<String>::new());
    for (expression, shown) in [
        ("duecourse_fact_total", ""),
        ("duecourse_end_to_end_latency_seconds", ""),
        ("duecourse_facts_total_bucket", ""),
        ("duecourse_facts_total{outcom=\"applied\"}", ""),
        ("sum by (partition) (duecourse_facts_total)", ""),
        ("duecourse_facts_total", "of {{ $labels.partition }}"),
    ] {
        assert_eq!(flaws(expression, shown).len(), 1, "{expression} {shown}");
    }
}

#[test]
fn the_dashboard_reads_metrics_of_the_catalogue_and_shows_what_operators_ask_for() {
    let board: Value = serde_json::from_str(&read("components/monitoring/dashboard.json")).unwrap();
    let panels = board["panels"].as_array().unwrap();
    for panel in panels {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let (expression, legend) =
                (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap());
            let shown = legend.replace("{{", "{{ $labels.").replace("}}", " }}");
            assert_eq!(flaws(expression, &shown), Vec::<String>::new(), "{}", panel["title"]);
        }
    }
    let text = board.to_string();
    let unseen: Vec<&str> =
        catalogue::ALL.iter().map(|metric| metric.name).filter(|name| !text.contains(name)).collect();
    assert_eq!(unseen, Vec::<&str>::new(), "metrics that no panel shows");
    for row in ["Flow", "Latency", "Time", "Coming back", "Transactions", "Gaps", "Dead letters"] {
        assert!(
            panels
                .iter()
                .any(|panel| panel["type"] == "row" && panel["title"].as_str().unwrap().starts_with(row)),
            "{row}"
        );
    }
}

#[test]
fn each_alert_has_its_page_which_was_tried_and_each_page_its_alert() {
    let mut pages: BTreeSet<String> = files(&root().join("runbook"), &["md"])
        .iter()
        .filter_map(|(path, _)| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    assert!(pages.remove("README"));
    let index = read("runbook/README.md");
    for (name, _, annotations) in alerts() {
        assert_eq!(values(&annotations, "runbook_url").next(), Some(format!("k8s/runbook/{name}.md")));
        assert!(pages.remove(&name), "{name} has no page");
        assert!(index.contains(&format!("({name}.md)")), "{name} is not in the index");
        let page = read(&format!("runbook/{name}.md"));
        assert!(page.starts_with(&format!("# {name}\n")), "{name}");
        for part in ["\n## 含义 · What it means\n", "\n## 处理 · What to do\n", "\n## 试过 · Tried\n"]
        {
            assert!(page.contains(part), "{name} lacks {part}");
        }
        for (metric_name, braces) in read_metrics(&page) {
            let found = metric(&metric_name);
            assert!(found.is_some(), "{name}: `{metric_name}` is not in the catalogue");
            let labels = found.unwrap().labels;
            assert!(
                matchers(&braces).iter().all(|label| labels.contains(&label.as_str())),
                "{name}: {braces}"
            );
        }
        assert!(after(&page, "@").is_empty(), "{name}: something was to be filled in");
    }
    assert!(pages.is_empty(), "pages without an alert: {pages:?}");
}
