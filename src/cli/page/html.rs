//! The frame of the page, and the few things every part of it writes.

use crate::cli::explain::words::Both;
use crate::cli::screen::thousands;

const STYLE: &str = include_str!("page.css");

/// Text as it may stand in HTML, attributes included.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A text in both languages; the reader may choose one.
#[must_use]
pub fn both(zh: &str, en: &str) -> String {
    if zh == en {
        return escaped(zh);
    }
    format!("<span lang=\"zh-CN\">{}</span> <span lang=\"en\">{}</span>", escaped(zh), escaped(en))
}

#[must_use]
pub fn said(text: &Both) -> String {
    both(&text.zh, &text.en)
}

/// What was asked and what was found, in both languages, each on a line of its own.
#[must_use]
pub fn found(asked: &Both, found: &Both, remark: &Both) -> String {
    let line = |lang: &str, asked: &str, was: &str, found: &str, remark: &str| {
        let (asked, found, remark) = (escaped(asked), escaped(found), escaped(remark));
        format!("<span class=\"row\" lang=\"{lang}\">{asked}{was}<b>{found}</b>{remark}</span>")
    };
    line("zh-CN", &asked.zh, "；当时 ", &found.zh, &remark.zh)
        + &line("en", &asked.en, "; was ", &found.en, &remark.en)
}

/// A written time (RFC 3339) to the minute, the same in every language.
#[must_use]
pub fn minute(written: &str) -> String {
    let (day, clock) = (written.get(..10), written.get(11..16));
    day.zip(clock).map_or_else(|| escaped(written), |(day, clock)| escaped(&format!("{day} {clock}")))
}

#[must_use]
pub fn number(count: u64) -> String {
    thousands(count)
}

/// A part of the page under a heading.
#[must_use]
pub fn section(title: &str, body: &str) -> String {
    format!("<section><h2>{title}</h2>{body}</section>")
}

/// The whole page around its parts.
#[must_use]
pub fn document(main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>duecourse</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header><h1>duecourse</h1><p>{what}</p></header>\n\
         <input type=\"radio\" name=\"lang\" id=\"both\" checked><label for=\"both\">中文 + English</label>\
         <input type=\"radio\" name=\"lang\" id=\"zh\"><label for=\"zh\">中文</label>\
         <input type=\"radio\" name=\"lang\" id=\"en\"><label for=\"en\">English</label>\n\
         <main>\n{main}\n</main>\n<footer><p>{owner}</p></footer>\n</body>\n</html>\n",
        what = both("一次运行的结果", "What a run decided, and how well"),
        owner = both(
            "本页使用输入文件自己的编号，只供该数据的持有者使用。",
            "This page names things by the input's own ids: it is for the owner of that input only."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_input_becomes_markup() {
        assert_eq!(escaped("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert!(!both("<script>", "x").contains("<script>"));
        assert!(!found(&Both::same("<g>"), &Both::same("<g>"), &Both::same("<g>")).contains("<g>"));
    }

    #[test]
    fn the_frame_forbids_itself_scripts_and_everything_from_elsewhere() {
        let page = document("");
        assert!(page.contains("default-src 'none'"));
        for absent in ["<script", "http://", "https://", "url(", "@import", "src="] {
            assert!(!page.contains(absent), "{absent}");
        }
    }
}
