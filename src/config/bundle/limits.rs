//! `limits/*.toml`: statutory counts as dated figures with basis and status.

use super::figures::fills_nothing;
use super::files::{LimitFigure, LimitFile};
use super::load::Bundle;
use super::notices::{check_key, title};
use super::values::{Standing, date, named, standing};
use crate::engine::base::{Bilingual, TimeMs};
use crate::engine::fact::Product;
use crate::engine::limit::{Demand, Limit, LimitForce, LimitStatus, SharedCount};
use crate::engine::notice::NoticeTexts;

/// Limits in force (or dated to be), and the names of those kept off.
pub(super) struct Limits {
    pub in_force: Vec<Limit>,
    pub off: Vec<String>,
}

/// All limits, by id and then by date.
pub(super) fn limits(bundle: &mut Bundle, notices: Option<&NoticeTexts>, zone: i32) -> Limits {
    let mut limits = Limits { in_force: Vec::new(), off: Vec::new() };
    for (path, id) in bundle.paths("limits") {
        if bundle.has(&path, "condition") {
            continue;
        }
        let Some(file) = bundle.file::<LimitFile>(&path) else {
            continue;
        };
        bundle.check_name(&path, "", &id);
        check_key(bundle, &path, "reason", notices.map(|texts| &texts.reasons), &file.reason);
        fills_nothing(bundle, &path, notices, &file.reason);
        if let Some(missing) = &file.reason_missing {
            check_key(bundle, &path, "reason_missing", notices.map(|texts| &texts.reasons), missing);
            fills_nothing(bundle, &path, notices, missing);
        }
        if file.dated.is_empty() {
            bundle.problems.add(&path, "dated", "is empty; a limit has at least one dated figure");
        }
        let statuses: Vec<&str> = file.dated.iter().map(|figure| figure.status.as_str()).collect();
        let enabled = is_enabled(bundle, &path, file.enabled, &statuses);
        let dated = dated(bundle, &path, &id, &file, enabled, notices, zone);
        let span = |limit: &Limit| (limit.version, (limit.effective_from, limit.effective_to));
        not_overlapping(bundle, &path, dated.iter().map(span).collect());
        if enabled {
            limits.in_force.extend(dated);
        } else {
            limits.off.push(id);
        }
    }
    limits.in_force.sort_by(|a, b| (&a.id, a.effective_from).cmp(&(&b.id, b.effective_from)));
    limits
}

fn dated(
    bundle: &mut Bundle,
    path: &str,
    id: &str,
    file: &LimitFile,
    enabled: bool,
    notices: Option<&NoticeTexts>,
    zone: i32,
) -> Vec<Limit> {
    let known = Product::ALL.map(|product| (product.name(), product));
    let mut products = Vec::new();
    for written in &file.products {
        products.extend(bundle.note(path, "products", named("product", written, known)));
    }
    if file.products.is_empty() {
        bundle.problems.add(path, "products", "is empty; name what is counted together");
    }
    let title = title(bundle, path, "title", file.title.clone());
    let mut dated = Vec::new();
    for (place, figure) in file.dated.iter().enumerate() {
        let key = |part: &str| format!("dated.{place}.{part}");
        check_key(bundle, path, &key("basis"), notices.map(|texts| &texts.bases), &figure.basis);
        let Some(demand) = demand(bundle, path, &key, file, figure) else { continue };
        if let (true, Demand::Count { max, .. }) = (enabled, &demand) {
            let reason = notices.and_then(|texts| texts.reasons.get(&file.reason));
            told(bundle, path, &key("count_max"), *max, reason);
        }
        let limit = one(bundle, path, &key, id, (figure, demand), zone);
        dated.extend(limit.map(|limit| Limit {
            title: title.clone(),
            products: products.clone(),
            reason: file.reason.clone(),
            ..limit
        }));
    }
    dated
}

/// What the limit demands by a figure; `None`, with the problem noted, when that cannot be read.
fn demand(
    bundle: &mut Bundle,
    path: &str,
    key: &dyn Fn(&str) -> String,
    file: &LimitFile,
    figure: &LimitFigure,
) -> Option<Demand> {
    let kinds = [("count", true), ("risk_assessment", false)];
    let written = file.demand.as_deref().unwrap_or("count");
    let is_count = bundle.note(path, "demand", named("demand", written, kinds))?;
    let counts = [("not_needed", SharedCount::NotNeeded), ("needed", SharedCount::Needed)];
    match (is_count, figure.count_max, &figure.shared_count, &file.reason_missing) {
        (true, Some(max), Some(shared), None) => {
            if max == 0 {
                bundle.problems.add(path, &key("count_max"), "counts from 1");
            }
            let shared = bundle.note(path, &key("shared_count"), named("shared count", shared, counts))?;
            Some(Demand::Count { max, shared })
        }
        (false, None, None, Some(reason_missing)) => {
            Some(Demand::Assessment { reason_missing: reason_missing.clone() })
        }
        (true, ..) => {
            let why = "a count has `count_max` and `shared_count`, and no `reason_missing`";
            bundle.problems.add(path, &key("count_max"), why);
            None
        }
        (false, ..) => {
            let why = "a risk assessment has a `reason_missing`, and neither `count_max` nor `shared_count`";
            bundle.problems.add(path, "demand", why);
            None
        }
    }
}

/// The figure a person is told is the figure that decides.
fn told(bundle: &mut Bundle, path: &str, key: &str, count_max: u32, reason: Option<&Bilingual>) {
    let digits = count_max.to_string();
    let Some(reason) = reason else {
        return;
    };
    let names =
        |text: &str| text.split(|letter: char| !letter.is_ascii_digit()).any(|number| number == digits);
    if !names(&reason.zh) || !names(&reason.en) {
        bundle.problems.add(
            path,
            key,
            format!("the reason's text does not name {digits}; a person must read the figure that decided"),
        );
    }
}

fn one(
    bundle: &mut Bundle,
    path: &str,
    key: &dyn Fn(&str) -> String,
    id: &str,
    (figure, demand): (&LimitFigure, Demand),
    zone: i32,
) -> Option<Limit> {
    let forces = [("refuse", LimitForce::Refuse), ("check_further", LimitForce::CheckFurther)];
    let force = bundle.note(path, &key("force"), named("force", &figure.force, forces));
    let dates = dates(bundle, path, key, (&figure.effective_from, figure.effective_to.as_deref()), zone);
    let status = bundle.note(path, &key("status"), standing(&figure.status))?;
    if status != Standing::Verified && force == Some(LimitForce::Refuse) {
        bundle.problems.add(
            path,
            &key("force"),
            "a refusal needs a figure with status `verified_text`; an unconfirmed one may only check further",
        );
    }
    if figure.version == 0 {
        bundle.problems.add(path, &key("version"), "versions count from 1");
    }
    source(bundle, path, key, &figure.source);
    let (effective_from, effective_to) = dates?;
    Some(Limit {
        id: id.to_owned(),
        version: figure.version,
        title: Bilingual::default(),
        products: Vec::new(),
        demand,
        force: force?,
        effective_from,
        effective_to,
        basis: figure.basis.clone(),
        status: match status {
            Standing::Verified => LimitStatus::VerifiedText,
            _ => LimitStatus::Unconfirmed,
        },
        reason: String::new(),
    })
}

/// Whether a limit is in force. Unless its file says, it is if all of its figures are established; what
/// is switched on and is not established says so.
pub(super) fn is_enabled(bundle: &mut Bundle, path: &str, written: Option<bool>, statuses: &[&str]) -> bool {
    // A status that cannot be read is noted with its figure.
    let standings: Vec<Standing> = statuses.iter().filter_map(|text| standing(text).ok()).collect();
    let enabled = written.unwrap_or_else(|| standings.iter().all(|standing| standing.is_established()));
    if enabled && let Some(doubt) = standings.iter().find_map(|standing| standing.doubt()) {
        bundle.warnings.add(path, "enabled", doubt);
    }
    enabled
}

/// When a figure begins and ends to hold.
pub(super) fn dates(
    bundle: &mut Bundle,
    path: &str,
    key: &dyn Fn(&str) -> String,
    (from, to): (&str, Option<&str>),
    zone: i32,
) -> Option<(TimeMs, Option<TimeMs>)> {
    let from = bundle.note(path, &key("effective_from"), date(from, zone));
    let to = match to {
        Some(text) => Some(bundle.note(path, &key("effective_to"), date(text, zone))?),
        None => None,
    };
    Some((from?, to))
}

pub(super) fn source(bundle: &mut Bundle, path: &str, key: &dyn Fn(&str) -> String, source: &str) {
    if source.trim().is_empty() {
        bundle.problems.add(path, &key("source"), "is empty; say where the figure was read");
    }
}

/// A figure's version and when it holds.
type Dated = (u32, (TimeMs, Option<TimeMs>));

/// The dated figures of one limit follow each other: at any time at most one holds.
pub(super) fn not_overlapping(bundle: &mut Bundle, path: &str, mut dated: Vec<Dated>) {
    dated.sort_by_key(|(_, (from, _))| *from);
    for (version, (from, to)) in &dated {
        if to.is_some_and(|to| to <= *from) {
            bundle.problems.add(path, "dated", format!("version {version} ends before it begins"));
        }
    }
    for pair in dated.windows(2) {
        let [(earlier, (_, to)), (later, (from, _))] = pair else { continue };
        if to.is_none_or(|to| to > *from) {
            let message = format!(
                "versions {earlier} and {later} overlap; end the earlier with `effective_to` where the later begins"
            );
            bundle.problems.add(path, "dated", message);
        }
        if later <= earlier {
            bundle.problems.add(path, "dated", "versions rise with their dates");
        }
    }
}
