//! Generated parts of the pages below `docs/`: between `<!-- NAME: generated -->` and `<!-- /NAME -->`.

use std::path::Path;

/// Holds the part of a page to what it should say; with `UPDATE_DOCS` set, writes it instead.
pub fn hold(page: &str, part: &str, should: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (opens, closes) = (format!("<!-- {part}: generated -->\n"), format!("<!-- /{part} -->"));
    let start = text.find(&opens).unwrap_or_else(|| panic!("{page} has no `{opens}`")) + opens.len();
    let end = start + text[start..].find(&closes).unwrap_or_else(|| panic!("{page} has no `{closes}`"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{}{should}{}", &text[..start], &text[end..])).unwrap();
        return;
    }
    assert!(text[start..end] == *should, "docs/{page} is out of date: UPDATE_DOCS=1 writes `{part}` anew");
}
