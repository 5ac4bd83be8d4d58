//! Signals made of two others: `ratio` and `difference`.

use super::load::Bundle;
use super::notices::title;
use super::purposes::Relabelled;
use super::signals::Declared;
use crate::config::expression::ValueType;
use crate::config::nearest::nearest;
use crate::engine::purpose::Purpose;
use crate::engine::signal::{Reads, Signal};
use crate::engine::subject::SubjectKind;

/// Thousandths, unless the file says.
const SCALE: u32 = 1_000;
const SCALE_MAX: u32 = 1_000_000;

/// A made signal. `parts` are all that are not made, `names` all signals in the order of their numbers.
pub(super) fn signal(
    one: &Declared,
    bundle: &mut Bundle,
    parts: &[Signal],
    names: &[String],
    relabelled: &mut Vec<Relabelled>,
) -> Option<Signal> {
    let title = title(bundle, &one.path, &one.key("title"), one.decl.title.clone());
    one.useless(bundle, &one.question_keys(), "it is made of two other signals");
    if one.is_by_customer() {
        let message = "a signal made of two others is read as its parts are; relabel these";
        bundle.problems.add(&one.path, &one.key("relabel"), message);
    }
    let subject = one.subject(bundle);
    let own = one.purpose(bundle, relabelled);
    let [first, second] = one.decl.of.as_slice() else {
        let message = "names the two signals it is made of, such as `of = [\"out_sum_1d\", \"in_sum_1d\"]`";
        bundle.problems.add(&one.path, &one.key("of"), message);
        return None;
    };
    let (subject, own) = (subject?, own?);
    let first = one.note(bundle, "of", part(first, subject, parts, names));
    let second = one.note(bundle, "of", part(second, subject, parts, names));
    let ((of, first), (to, second)) = (first?, second?);
    let reads = if one.decl.aggregate == "ratio" {
        let scale = one.decl.scale.unwrap_or(SCALE);
        if !(1..=SCALE_MAX).contains(&scale) {
            let message = format!("is out of bounds: at least 1, at most {SCALE_MAX}");
            bundle.problems.add(&one.path, &one.key("scale"), message);
        }
        Reads::Ratio { of, to, scale }
    } else {
        one.useless(bundle, &[("scale", one.decl.scale.is_some())], "a difference is not scaled");
        Reads::Difference { of, to }
    };
    let (one_type, other_type) = (ValueType::of(first, parts), ValueType::of(second, parts));
    if one_type != other_type {
        let message =
            format!("names {} and {}; both must be of one type", one_type.name(), other_type.name());
        bundle.problems.add(&one.path, &one.key("of"), message);
    }
    let purpose = one.note(bundle, "purpose", joined(own, [first, second]))?;
    let report = one.report(bundle, subject, &reads);
    Some(Signal {
        name: one.name.clone(),
        subject,
        reads,
        purpose,
        basis: one.decl.basis.clone(),
        report,
        title,
    })
}

/// One of the two parts, with its number.
fn part<'a>(
    name: &str,
    subject: SubjectKind,
    parts: &'a [Signal],
    names: &[String],
) -> Result<(usize, &'a Signal), String> {
    let Some(found) = parts.iter().find(|signal| signal.name == name) else {
        if names.iter().any(|known| known == name) {
            return Err(format!("`{name}` is made of two signals itself; name what it is made of"));
        }
        return Err(match nearest(name, parts.iter().map(|signal| signal.name.as_str())) {
            Some(near) => format!("unknown signal `{name}`; did you mean `{near}`?"),
            None => format!("unknown signal `{name}`; declare it under config/signals"),
        });
    };
    if found.subject != subject {
        return Err(format!(
            "`{name}` is of `{}`, and this signal is of `{}`",
            found.subject.name(),
            subject.name()
        ));
    }
    if !matches!(found.reads, Reads::Log(_)) {
        return Err(format!("`{name}` asks nothing of a log; only such signals can be put together"));
    }
    let number = names.iter().position(|known| known == name).ok_or_else(|| format!("`{name}` is lost"))?;
    Ok((number, found))
}

/// The stricter of all, which must leave some use.
fn joined(own: Purpose, parts: [&Signal; 2]) -> Result<Purpose, String> {
    let joined = parts.iter().fold(own, |purpose, part| purpose.join(part.purpose));
    if joined.is_empty() {
        return Err("together with the purposes of its parts it permits no use at all".to_owned());
    }
    Ok(joined)
}
