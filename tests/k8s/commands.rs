//! Commands that a page tells people to type, who were woken and will type them as they stand.

use std::collections::BTreeMap;

use crate::text::files;
use crate::{read, root, run};

/// Commands between back quotes, and lines of blocks of code.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, part) in text.split("```").enumerate() {
        if at % 2 == 1 {
            let joined = part.replace("\\\n", " ");
            found.extend(
                joined.lines().map(|line| line.split(" # ").next().unwrap_or(line).trim().to_owned()),
            );
        } else {
            found.extend(part.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// The words of our own program in a command, from its name on.
fn ours(command: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "duecourse")?;
    // `kubectl -n duecourse`, and names of objects.
    let is_program = at == 0 || words.get(at - 1) == Some(&"--");
    is_program.then(|| words.iter().skip(at).copied().collect())
}

/// What is wrong with a command of ours. `help` gives what a subcommand says of itself.
fn flaws(words: &[&str], help: &mut dyn FnMut(&[&str]) -> String) -> Vec<String> {
    let mut flaws = Vec::new();
    let is_name = |word: &&&str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let names: Vec<&str> = words
        .iter()
        .skip(1)
        .take_while(|word| !word.starts_with('-'))
        .take(2)
        .filter(is_name)
        .copied()
        .collect();
    let whole = help(&[]);
    let Some(first) = names.first().filter(|name| whole.contains(&format!("\n  {name} "))) else {
        return vec![format!("there is no command {names:?}")];
    };
    let mut path = vec![*first];
    let of_first = help(&path);
    if let Some(second) = names.get(1).filter(|name| of_first.contains(&format!("\n  {name} "))) {
        path.push(second);
    }
    let said = help(&path);
    let options =
        words.iter().filter_map(|word| word.split('=').next()).filter(|word| word.starts_with("--"));
    for option in options {
        if !said.contains(&format!("{option} ")) && !said.contains(&format!("{option}\n")) {
            flaws.push(format!("{path:?} has no option `{option}`"));
        }
    }
    if said.contains("--config <FILE>") && !words.iter().any(|word| word.starts_with("--config")) {
        flaws.push(format!("{path:?} is not told its configuration"));
    }
    flaws
}

/// Steps of a page: what somebody is to do, not what it says of the past.
fn steps(page: &str) -> &str {
    page.split("\n## 处理").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or(page)
}

#[test]
fn commands_of_the_pages_can_be_typed_as_they_stand() {
    let mut said: BTreeMap<String, String> = BTreeMap::new();
    let mut help = |path: &[&str]| {
        let all: Vec<&str> = path.iter().copied().chain(["--help"]).collect();
        said.entry(path.join(" ")).or_insert_with(|| run(&all)).clone()
    };
    let (mut of_ours, mut of_kafka) = (0, 0);
    let readme = (root().join("README.md"), read("README.md"));
    for (path, page) in files(&root().join("runbook"), &["md"]).into_iter().chain([readme]) {
        for command in commands(steps(&page)) {
            if let Some(words) = ours(&command).filter(|words| is_to_be_typed(words, &page)) {
                of_ours += 1;
                assert_eq!(flaws(&words, &mut help), Vec::<String>::new(), "{}: {command}", path.display());
            }
            if command.starts_with("kafka-") && command.contains(".sh ") {
                of_kafka += 1;
                assert!(command.contains("--bootstrap-server B"), "{}: {command}", path.display());
            }
        }
    }
    assert!(of_ours >= 15 && of_kafka >= 4, "{of_ours} and {of_kafka}: were they looked for?");
}

/// Steps of a page are; elsewhere a command without options is only spoken of.
fn is_to_be_typed(words: &[&str], page: &str) -> bool {
    words.len() > 1 && (steps(page) != page || words.iter().any(|word| word.starts_with('-')))
}

#[test]
fn a_command_that_cannot_be_typed_is_noticed() {
    let mut help = |path: &[&str]| run(&path.iter().copied().chain(["--help"]).collect::<Vec<_>>());
    let mut wrong = |command: &str| flaws(&ours(command).unwrap(), &mut help).len();
    assert_eq!(wrong("duecourse status --config F"), 0);
    assert_eq!(wrong("kubectl exec p -- duecourse rules status --config F --json"), 0);
    for command in ["duecourse status", "duecourse state --config F", "duecourse status --config F --all"] {
        assert_eq!(wrong(command), 1, "{command}");
    }
    assert_eq!(ours("kubectl -n duecourse get pods"), None);
    assert_eq!(commands("a `b` c\n```\nd \\\n  e # f\n```\n"), ["b", "", "d    e"]);
}
