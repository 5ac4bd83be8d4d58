//! The page of `run --html` in a real browser: it renders, fits a phone, says nothing on the console and
//! asks nobody for anything. `scripts/install-missing` installs Chromium.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const CHROMIUM: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/// What a browser found out about a page.
struct Seen {
    /// From the measuring script: `widths` as [asked, needed], `cut` (what a reader does not see whole), `resources`,
    /// `dots`, `background`.
    measured: Value,
    console: Vec<String>,
}

/// Loads a page into a frame of a phone's width, and measures it from outside: the page itself has no
/// script, and would not run one.
fn look(page: &str, is_dark: bool) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
    let frame = format!(
        "<!doctype html><meta charset=utf-8><body><iframe style=\"width:390px;height:844px;border:0\" srcdoc=\"{escaped}\"></iframe>\
         <pre id=seen></pre><script>onload = () => {{\
         const frame = document.querySelector('iframe'), inner = frame.contentDocument, root = inner.documentElement;\
         const past = (part, whole) => {{ const [a, b] = [part, whole].map(box => box.getBoundingClientRect());\
           return a.right > b.right + 0.5 || a.left < b.left - 0.5; }};\
         const cut = new Set();\
         const check = width => {{\
           for (const text of inner.querySelectorAll('svg text'))\
             if (past(text, text.ownerSVGElement)) cut.add(width + ' drawn past the edge: ' + text.textContent);\
           for (const table of inner.querySelectorAll('table'))\
             if (past(table, table.parentElement)) cut.add(width + ' wider than its place: ' + table.textContent);\
           for (const box of inner.body.querySelectorAll('*'))\
             if (box instanceof frame.contentWindow.HTMLElement && box.clientWidth > 0\
               && box.scrollWidth > box.clientWidth + 1) cut.add(width + ' hides a part: ' + box.textContent); }};\
         const widths = [390, 360].map(width => {{ frame.style.width = width + 'px'; check(width);\
           return [width, root.scrollWidth]; }});\
         const dots = [...inner.querySelectorAll('svg circle')].filter(dot => dot.getBoundingClientRect().width > 2).length;\
         const resources = frame.contentWindow.performance.getEntriesByType('resource').length;\
         const background = frame.contentWindow.getComputedStyle(inner.body).backgroundColor;\
         document.getElementById('seen').textContent = JSON.stringify({{widths, cut: [...cut], dots, resources, background}});\
         }};</script>"
    );
    let file = folder.path().join("frame.html");
    std::fs::write(&file, frame).unwrap();
    let program = CHROMIUM
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("Chromium is missing: scripts/install-missing installs it");
    let mut browser = Command::new(program);
    browser
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--window-size=800,1000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
    if is_dark {
        browser.arg("--blink-settings=preferredColorScheme=0");
    }
    let Output { stdout, stderr, .. } = browser.arg(format!("file://{}", file.display())).output().unwrap();
    let (dom, log) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let measured = dom
        .split_once("<pre id=\"seen\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"))
        .unwrap_or_else(|| panic!("the browser measured nothing:\n{log}"));
    Seen {
        measured: serde_json::from_str(measured.0).unwrap_or_else(|error| panic!("{error}: {}", measured.0)),
        console: log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect(),
    }
}

impl Seen {
    fn cut(&self) -> Vec<&str> {
        self.measured["cut"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
    }

    fn overflows(&self) -> bool {
        let widths = self.measured["widths"].as_array().unwrap();
        assert_eq!(widths.len(), 2);
        widths.iter().any(|pair| pair[1].as_u64().unwrap() > pair[0].as_u64().unwrap())
    }
}

fn duecourse() -> Command {
    Command::new(env!("CARGO_BIN_EXE_duecourse"))
}

/// The page of a made-up day, some of it labelled.
fn page() -> String {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let demo = duecourse()
        .args(["demo", "--speed", "max", "--events", "2000", "--out"])
        .arg(path("demo"))
        .output()
        .unwrap();
    assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
    let alerts = std::fs::read_to_string(path("demo").join("alerts.csv")).unwrap();
    let mut labels = String::from("kind,id,typology,role,start_ts_ms\n");
    for row in alerts.lines().skip(1).step_by(2) {
        let cells: Vec<&str> = row.split(',').collect();
        labels += &format!("event,{},x,,{}\naccount,{},x,,{}\n", cells[0], cells[1], cells[3], cells[1]);
    }
    std::fs::write(path("labels.csv"), labels).unwrap();
    let run = duecourse()
        .args(["run", "--source", "native", "--input"])
        .arg(path("demo").join("made-up-day.ndjson"))
        .arg("--labels")
        .arg(path("labels.csv"))
        .arg("--out")
        .arg(path("out"))
        .arg("--html")
        .arg(path("page.html"))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(5), "{}", String::from_utf8_lossy(&run.stderr));
    let page = std::fs::read_to_string(path("page.html")).unwrap();
    // Scored later, the same page comes of it, but for what the report says of the labels: nothing.
    let score = duecourse()
        .arg("score")
        .arg("--out")
        .arg(path("out"))
        .arg("--labels")
        .arg(path("labels.csv"))
        .arg("--html")
        .arg(path("again.html"))
        .output()
        .unwrap();
    assert!(score.status.success(), "{}", String::from_utf8_lossy(&score.stderr));
    assert_eq!(std::fs::read_to_string(path("again.html")).unwrap(), page);
    page
}

#[test]
fn the_page_fits_a_phone_says_nothing_and_asks_nobody() {
    let page = page();
    for part in ["width=device-width", "Scores", "Time to detect", "Alerts over time", "Cases", "真", "<svg"]
    {
        assert!(page.contains(part), "{part}");
    }
    for absent in ["<script", "http://", "https://", " src=", "@import"] {
        assert!(!page.contains(absent), "{absent}");
    }
    let light = look(&page, false);
    assert!(!light.overflows(), "{}", light.measured);
    assert_eq!(light.cut(), Vec::<&str>::new());
    assert_eq!(light.measured["resources"], 0);
    assert_eq!(light.console, Vec::<String>::new());
    assert!(light.measured["dots"].as_u64().unwrap() > 0, "a case has its events drawn: {}", light.measured);
    let dark = look(&page, true);
    assert_ne!(dark.measured["background"], light.measured["background"]);
    assert!(!dark.overflows() && dark.cut().is_empty() && dark.console.is_empty());
}

/// The measuring itself: a page that does everything wrong is found out.
#[test]
fn a_bad_page_is_found_out() {
    let bad = "<!doctype html><body><div style=\"width:600px\">wide</div>\
        <svg viewBox=\"0 0 100 20\" width=100><text x=60 y=9>past the edge</text></svg>\
        <div style=\"width:200px;overflow-x:auto\"><table style=\"width:300px\"><tr><td>scrolled</table></div>\
        <img src=\"http://127.0.0.1:9/x.png\"><script>console.error('heard')</script></body>";
    let seen = look(bad, false);
    assert!(seen.overflows(), "{}", seen.measured);
    for what in
        ["390 drawn past the edge: past", "360 wider than its place: scrolled", "390 hides a part: scrolled"]
    {
        assert!(seen.cut().iter().any(|cut| cut.starts_with(what)), "{what}: {}", seen.measured);
    }
    assert!(seen.measured["resources"].as_u64().unwrap() > 0, "{}", seen.measured);
    assert!(seen.console.iter().any(|line| line.contains("heard")), "{:?}", seen.console);
}
