//! Sources as the checks see them: without comments, without the insides of literals, without tests.

use std::path::{Path, PathBuf};

/// One source file.
pub struct Source {
    /// Relative to the folder that was read, such as `engine/base.rs`.
    pub path: String,
    pub text: String,
    /// The text with comments, insides of literals and test-only items replaced by spaces. Lines
    /// keep their numbers. Empty for a file that holds tests only.
    pub code: String,
}

impl Source {
    /// A source for testing the checks.
    #[cfg(test)]
    pub fn of(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned(), code: without_tests(&blanked(text)) }
    }

    /// All of `src/`, ordered by path.
    pub fn all() -> Vec<Source> {
        Source::all_under("src")
    }

    /// All Rust files of a folder of the package, ordered by path.
    pub fn all_under(folder: &str) -> Vec<Source> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut paths = Vec::new();
        collect(&root, &mut paths);
        paths.sort();
        assert!(!paths.is_empty(), "no sources under {}", root.display());
        let mut sources: Vec<Source> = paths.iter().map(|path| read(&root, path)).collect();
        let tests: Vec<String> = sources.iter().flat_map(test_modules).collect();
        for source in &mut sources {
            let stem = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
            if tests.iter().any(|test| stem == test || stem.starts_with(&format!("{test}/"))) {
                source.code.clear();
            }
        }
        sources
    }

    /// The top-level module that the file belongs to.
    pub fn module(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// The line number of a place in `code`.
    pub fn line(&self, place: usize) -> usize {
        self.code[..place].matches('\n').count() + 1
    }
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn read(root: &Path, path: &Path) -> Source {
    let text = std::fs::read_to_string(path).unwrap();
    let path = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    let code = without_tests(&blanked(&text));
    Source { path, text, code }
}

/// Paths, without extension, of modules that a file declares under `#[cfg(test)]`.
fn test_modules(source: &Source) -> Vec<String> {
    let blanked = blanked(&source.text);
    let folder = source.path.trim_end_matches(".rs").trim_end_matches("mod").trim_end_matches('/');
    let marked = blanked.split("#[cfg(test)]").skip(1);
    let names = marked.filter_map(|rest| {
        let item = rest.trim_start();
        // A `#[path = "..."]` between the two names the file; its literal is blank, so look it up.
        let place = blanked.len() - rest.len() + (rest.len() - item.len());
        if item.starts_with("#[path") {
            let literal = source.text[place..].split('"').nth(1)?;
            let beside = source.path.rsplit_once('/').map_or("", |(beside, _)| beside);
            return Some(format!("{beside}/{}", literal.trim_end_matches(".rs")));
        }
        let name = item.trim_start_matches("pub ").strip_prefix("mod ")?;
        let (name, _) = name.split_once(';')?;
        let plain = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
        plain.then(|| format!("{folder}/{name}"))
    });
    names.collect()
}

/// Replaces comments and the insides of literals by spaces; lengths and lines stay as they are.
pub fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut place = 0;
    while place < bytes.len() {
        let end = match bytes[place..] {
            [b'/', b'/', ..] => line_end(bytes, place),
            [b'/', b'*', ..] => block_end(bytes, place),
            [b'"', ..] => string_end(bytes, place + 1),
            [b'r', b'"' | b'#', ..] if !is_word_before(bytes, place) => raw_end(bytes, place + 1),
            [b'\'', ..] => char_end(bytes, place),
            _ => place + 1,
        };
        if end > place + 1 {
            for byte in &mut out[place..end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
        place = end;
    }
    String::from_utf8(out).unwrap()
}

fn is_word_before(bytes: &[u8], place: usize) -> bool {
    // `br"..."` is a raw string too; any other word that ends in r is not.
    let before = place.checked_sub(1).map(|before| bytes[before]);
    before.is_some_and(|byte| byte != b'b' && (byte.is_ascii_alphanumeric() || byte == b'_'))
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| from + end)
}

fn block_end(bytes: &[u8], from: usize) -> usize {
    let (mut depth, mut place) = (0, from);
    while place + 1 < bytes.len() {
        match &bytes[place..place + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                place += 1;
                continue;
            }
        }
        place += 2;
        if depth == 0 {
            return place;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut place = from;
    while place < bytes.len() {
        match bytes[place] {
            b'\\' => place += 2,
            b'"' => return place + 1,
            _ => place += 1,
        }
    }
    bytes.len()
}

fn raw_end(bytes: &[u8], from: usize) -> usize {
    let hashes = bytes[from..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(from + hashes) != Some(&b'"') {
        // `r#name` is an identifier.
        return from;
    }
    let close = [&b"\""[..], &b"#".repeat(hashes)].concat();
    let start = from + hashes + 1;
    let found = bytes[start..].windows(close.len()).position(|window| window == close);
    found.map_or(bytes.len(), |end| start + end + close.len())
}

/// The end of a character literal; a lifetime or label is left alone.
fn char_end(bytes: &[u8], from: usize) -> usize {
    if bytes.get(from + 1) == Some(&b'\\') {
        let close = bytes[from + 3..].iter().position(|byte| *byte == b'\'');
        return close.map_or(bytes.len(), |close| from + 3 + close + 1);
    }
    // One character of up to four bytes, then the closing quote.
    let close = bytes[from + 1..].iter().take(5).position(|byte| *byte == b'\'');
    match close {
        Some(close)
            if close > 0
                && std::str::from_utf8(&bytes[from + 1..from + 1 + close])
                    .is_ok_and(|inside| inside.chars().count() == 1) =>
        {
            from + close + 2
        }
        _ => from + 1,
    }
}

/// Blanks every item under `#[cfg(test)]`: to its closing brace or, if that comes first, semicolon.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(start) = out.find(MARK) {
        let body = start + MARK.len();
        let end = match out[body..].find(['{', ';']) {
            Some(place) if out.as_bytes()[body + place] == b'{' => closing(&out, body + place),
            Some(place) => body + place + 1,
            None => out.len(),
        };
        let blank: String =
            out[start..end].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
    }
    out
}

fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (place, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return place + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Places where `word` stands in `code` with no letter, digit or underscore around it.
pub fn words<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = usize> + 'c {
    let part_of_word =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    code.match_indices(word).map(|(place, _)| place).filter(move |place| {
        let bytes = code.as_bytes();
        let before = place.checked_sub(1).and_then(|before| bytes.get(before));
        !part_of_word(before) && !part_of_word(bytes.get(place + word.len()))
    })
}

#[test]
fn comments_literals_and_tests_are_blank() {
    let source = Source::of(
        "a.rs",
        "// use tokio;\n/* /* tokio */ */ let c = '\"'; let s = \"tokio // \\\" x\"; keep::<'a>();\n\
         let r = r#\"tokio \" \"#; r#type();\n#[cfg(test)]\nmod tests { fn t() { tokio() } }\nfn after() {}",
    );
    assert!(!source.code.contains("tokio"), "{}", source.code);
    for kept in ["keep::<'a>()", "fn after() {}", "r#type()"] {
        assert!(source.code.contains(kept), "{}", source.code);
    }
    assert_eq!(source.code.len(), source.text.len());
    assert_eq!(source.line(source.code.find("fn after").unwrap()), 6);
}

#[test]
fn a_file_of_tests_is_known_by_its_declaration() {
    let declared = |path: &str, text: &str| test_modules(&Source::of(path, text));
    assert_eq!(declared("a/mod.rs", "#[cfg(test)]\nmod tests;"), ["a/tests"]);
    assert_eq!(declared("a/b.rs", "#[cfg(test)]\nmod tests;"), ["a/b/tests"]);
    assert_eq!(declared("a/b.rs", "#[cfg(test)]\n#[path = \"b_tests.rs\"]\nmod tests;"), ["a/b_tests"]);
    assert!(declared("a/b.rs", "#[cfg(test)]\nmod tests {}\nmod real;").is_empty());
}
