//! Names of fields that nobody declared: dropped, and counted by name (D5).

/// Collects the names of undeclared fields of one record, values never.
#[derive(Clone, Debug, Default)]
pub struct Undeclared {
    names: Vec<String>,
}

impl Undeclared {
    /// Names kept of one record; further ones are not told apart.
    const NAMES_MAX: usize = 64;
    /// Stands for a name that may itself be an identifier.
    const OTHER: &'static str = "(other)";

    /// Counts a field by its path.
    pub fn add(&mut self, path: &str) {
        let name =
            if self.names.len() < Undeclared::NAMES_MAX && is_plain(path) { path } else { Undeclared::OTHER };
        self.names.push(name.to_owned());
    }

    /// The name under which a field may be counted.
    #[must_use]
    pub fn plain_name(name: &str) -> String {
        if is_plain(name) { name.to_owned() } else { Undeclared::OTHER.to_owned() }
    }

    #[must_use]
    pub fn into_names(self) -> Vec<String> {
        self.names
    }

    /// Adds the fields that serde ignored under `prefix`.
    pub fn add_ignored(&mut self, prefix: &str, path: &serde_ignored::Path<'_>) {
        let mut text = String::from(prefix);
        write_path(path, &mut text);
        self.add(&text);
    }
}

/// A member's name can be anything, an identity number too: only names that look like names are told.
fn is_plain(name: &str) -> bool {
    let mut digits = 0;
    (1..=96).contains(&name.len())
        && name.bytes().all(|byte| {
            digits = if byte.is_ascii_digit() { digits + 1 } else { 0 };
            digits < 6 && (byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        })
}

fn write_path(path: &serde_ignored::Path<'_>, text: &mut String) {
    use serde_ignored::Path;
    match path {
        Path::Root => {}
        Path::Map { parent, key } => {
            write_path(parent, text);
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(key);
        }
        Path::Seq { parent, .. }
        | Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => write_path(parent, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_may_be_an_identifier_is_not_told() {
        let mut undeclared = Undeclared::default();
        for name in ["payer.nickname", "13800138000", "张三", "", "a b", &"x".repeat(97)] {
            undeclared.add(name);
        }
        let names = undeclared.into_names();
        assert_eq!(&*names[0], "payer.nickname");
        assert!(names[1..].iter().all(|name| &**name == "(other)"));
    }
}
