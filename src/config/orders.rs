//! `orders/codes.toml`: what the message codes of the police-bank platform mean (law.md X1, X5).
//!
//! It is part of how intake reads and comes with the program, like the shipped source mappings (D6).

use std::sync::LazyLock;

use serde::Deserialize;

use super::bundle::standing;
use crate::engine::base::TimeMs;
use crate::engine::order::{CaseKind, OrderKind};

const SHIPPED: &str = include_str!("../../config/orders/codes.toml");

/// What a message about an order does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    Issued,
    Extended,
    Released,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodesFile {
    status: String,
    effective_from: String,
    basis: String,
    source: String,
    orders: Vec<OrderDecl>,
    reports: Vec<ReportDecl>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderDecl {
    code: String,
    to: Option<String>,
    means: Means,
    kind: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportDecl {
    code: String,
    means: String,
}

/// The codes, by what they mean.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Codes {
    from: TimeMs,
    /// First and last code, and what they mean.
    orders: Vec<(String, String, Means, OrderKind)>,
    /// What the institution reports (X5): an order names the case that it rests on by the same codes.
    reports: Vec<(String, Reported)>,
}

/// What a code of the institution's own reports says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    Case(CaseKind),
    /// The case was cleared: what was reported is cancelled, and an order that rested on it is released.
    Cancelled,
}

impl Codes {
    /// The table that the program comes with.
    #[must_use]
    pub fn shipped() -> &'static Codes {
        // A test reads it, so it never is the empty one; with that every code would be refused.
        static CODES: LazyLock<Codes> = LazyLock::new(|| Codes::read(SHIPPED).unwrap_or_default());
        &CODES
    }

    fn read(text: &str) -> Result<Codes, String> {
        let file: CodesFile = toml::from_str(text).map_err(|error| error.to_string())?;
        standing(&file.status)?;
        if file.basis.trim().is_empty() || file.source.trim().is_empty() {
            return Err("basis or source is empty; say where the codes come from".to_owned());
        }
        let from: jiff::civil::Date =
            file.effective_from.parse().map_err(|_| "effective_from is no date".to_owned())?;
        // From midnight in Beijing, where the platform is.
        let zone = jiff::tz::Offset::constant(8);
        let from = zone.to_timestamp(from.at(0, 0, 0, 0)).map_err(|error| error.to_string())?;
        let mut orders: Vec<(String, String, Means, OrderKind)> = Vec::new();
        for OrderDecl { code, to, means, kind } in file.orders {
            let kind = OrderKind::from_name(&kind).ok_or_else(|| format!("unknown kind `{kind}`"))?;
            let to = to.unwrap_or_else(|| code.clone());
            let is_code = |code: &str| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
            if !is_code(&code) || !is_code(&to) || to < code {
                return Err(format!("`{code}` to `{to}` are no codes of six digits"));
            }
            if orders.iter().any(|(first, last, ..)| *first <= to && code <= *last) {
                return Err(format!("`{code}` is listed twice"));
            }
            orders.push((code, to, means, kind));
        }
        let mut reports: Vec<(String, Reported)> = Vec::new();
        for ReportDecl { code, means } in file.reports {
            let means = match means.as_str() {
                "cancelled" => Reported::Cancelled,
                name => {
                    Reported::Case(CaseKind::from_name(name).ok_or_else(|| format!("unknown case `{name}`"))?)
                }
            };
            if code.len() != 4 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(format!("`{code}` is no code of four digits"));
            }
            if reports.iter().any(|(known, meant)| *known == code || *meant == means) {
                return Err(format!("`{code}` or what it means is listed twice"));
            }
            reports.push((code, means));
        }
        Ok(Codes { from: TimeMs(from.as_millisecond()), orders, reports })
    }

    /// What a message with this code does, and about what kind of order; none for a code that is not
    /// listed or not in use at the time.
    #[must_use]
    pub fn order(&self, code: &str, at: TimeMs) -> Option<(Means, OrderKind)> {
        let of_code = |(first, last, ..): &&(String, String, Means, OrderKind)| {
            code.len() == first.len() && first.as_str() <= code && code <= last.as_str()
        };
        let (.., means, kind) = self.orders.iter().find(of_code).filter(|_| self.from <= at)?;
        Some((*means, *kind))
    }

    /// What a code of reports says; none for one that is not listed or not in use at the time.
    #[must_use]
    pub fn report(&self, code: &str, at: TimeMs) -> Option<Reported> {
        let known = self.reports.iter().find(|(known, _)| known == code).filter(|_| self.from <= at)?;
        Some(known.1)
    }

    /// Whether a code is one of reports, in use at whatever time.
    #[must_use]
    pub fn is_of_case(&self, code: &str) -> bool {
        self.reports.iter().any(|(known, _)| known == code)
    }

    /// Every code of orders with its meaning, a range by its ends.
    pub fn orders(&self) -> impl Iterator<Item = (&str, Means, OrderKind)> {
        self.orders.iter().flat_map(|(first, last, means, kind)| {
            let last = Some(last).filter(|last| *last != first);
            std::iter::once(first).chain(last).map(|code| (code.as_str(), *means, *kind))
        })
    }

    /// Every code of reports with what it says.
    pub fn reports(&self) -> impl Iterator<Item = (&str, Reported)> {
        self.reports.iter().map(|(code, reported)| (code.as_str(), *reported))
    }
}

/// The platform's own code for a case, by the table that the program comes with: what answers say beside its name.
#[must_use]
pub fn case_code(case: CaseKind) -> Option<&'static str> {
    let mut reports = Codes::shipped().reports();
    reports.find(|(_, known)| *known == Reported::Case(case)).map(|(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_codes_are_those_of_the_platform() {
        let codes = Codes::read(SHIPPED).unwrap();
        assert_eq!(&codes, Codes::shipped());
        let now = TimeMs(1_767_225_600_000);
        for (code, meant) in [
            ("100101", Some((Means::Issued, OrderKind::StopPayment))),
            ("100103", Some((Means::Released, OrderKind::StopPayment))),
            ("100105", Some((Means::Extended, OrderKind::StopPayment))),
            ("100201", Some((Means::Issued, OrderKind::Freeze))),
            ("100305", Some((Means::Issued, OrderKind::Query))),
            ("100310", None),
            ("1003", None),
            ("100401", None),
        ] {
            assert_eq!(codes.order(code, now), meant, "{code}");
        }
        assert_eq!(codes.order("100101", TimeMs(0)), None, "before the platform there was no code");
        for (code, said) in [
            ("0000", Some(Reported::Cancelled)),
            ("3001", Some(Reported::Case(CaseKind::AttemptedFraud))),
            ("3002", Some(Reported::Case(CaseKind::VictimReport))),
            ("3003", Some(Reported::Case(CaseKind::BankReport))),
            ("3004", Some(Reported::Case(CaseKind::PayeeInCase))),
            ("3005", Some(Reported::Case(CaseKind::PayerInCase))),
            ("9999", Some(Reported::Case(CaseKind::Other))),
            ("3006", None),
            ("100101", None),
        ] {
            assert_eq!(codes.report(code, now), said, "{code}");
            if let Some(Reported::Case(case)) = said {
                assert_eq!(case_code(case), Some(code));
            }
        }
        assert_eq!(codes.report("0000", TimeMs(0)), None);
    }

    #[test]
    fn a_table_that_says_two_things_is_refused() {
        for (from, to) in [
            ("code = \"100103\"", "code = \"100101\""),
            ("kind = \"freeze\"", "kind = \"seizure\""),
            ("code = \"100105\"", "code = \"1001\""),
            ("status = \"verified_code\"", "status = \"sure\""),
            ("code = \"3002\"", "code = \"3001\""),
            ("code = \"3002\"", "code = \"32\""),
            ("means = \"victim_report\"", "means = \"bank_report\""),
            ("means = \"victim_report\"", "means = \"a_hunch\""),
            ("source = \"law.md X1 (S27)\"", "source = \"\""),
        ] {
            assert!(SHIPPED.contains(from), "{from}");
            assert!(Codes::read(&SHIPPED.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
