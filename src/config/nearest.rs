//! 'Did you mean': the nearest known name to one that is unknown.

/// The known name nearest to `name`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance * 3 <= candidate.chars().count().max(name.chars().count()))
        .map(|(_, candidate)| candidate)
}

/// Rewrites serde's list of everything that was expected into the one name that was probably meant.
/// Serde says: unknown field `a`, expected one of `b`, `c`.
#[must_use]
pub fn plain(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let (Some(name), what) = (quoted.next(), message.split('`').next().unwrap_or("").trim()) else {
        return message.to_owned();
    };
    let what = match what {
        "unknown field" => "key",
        "unknown variant" => "value",
        _ => return message.to_owned(),
    };
    let known: Vec<&str> = quoted.collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown {what} `{name}`; did you mean `{near}`?"),
        None => format!("unknown {what} `{name}`; known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_meant() {
        assert_eq!(nearest("windw", ["window", "basis"]), Some("window"));
        assert_eq!(nearest("purpose_of_life", ["window", "basis"]), None);
    }

    #[test]
    fn serdes_words_become_a_suggestion() {
        assert_eq!(
            plain("unknown field `windw`, expected one of `window`, `basis`"),
            "unknown key `windw`; did you mean `window`?"
        );
        assert_eq!(plain("unknown field `zzz`, expected `window`"), "unknown key `zzz`; known: window");
        assert_eq!(plain("missing field `basis`"), "missing field `basis`");
    }
}
