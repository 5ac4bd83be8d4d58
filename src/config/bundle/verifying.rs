//! `notices/verifying.toml`: ways of delivery and methods of verification, checked so that everybody can
//! be verified at every risk, in person too, and nobody has to use the voluntary service (APL 33).

use super::files::VerifyingFile;
use super::load::Bundle;
use super::notices::text;
use super::values::named;
use crate::engine::life::Word;
use crate::engine::verifying::{DeliveryChannel, MethodText, Risk, VerificationMethod, Verifying};

const FILE: &str = "notices/verifying.toml";

/// Nothing is declared where there is no such file: then no table of a life may ask for verification.
pub(super) fn verifying(bundle: &mut Bundle) -> Verifying {
    if !bundle.has(FILE, "channels") && !bundle.has(FILE, "methods") {
        return Verifying::default();
    }
    let Some(file) = bundle.file::<VerifyingFile>(FILE) else { return Verifying::default() };
    let mut channels = Vec::new();
    for name in &file.channels {
        let Some(channel) = bundle.note(FILE, "channels", word::<DeliveryChannel>("way of delivery", name))
        else {
            continue;
        };
        if channels.contains(&channel) {
            bundle.problems.add(FILE, "channels", format!("`{name}` stands twice"));
        }
        channels.push(channel);
    }
    if channels.is_empty() {
        bundle.problems.add(FILE, "channels", "is empty; name at least one way to deliver a notice");
    }
    let mut methods: Vec<MethodText> = Vec::new();
    for (name, decl) in file.methods {
        let key = format!("methods.{name}");
        let method = bundle.note(FILE, &key, word::<VerificationMethod>("method of verification", &name));
        let said = text(bundle, FILE, &format!("{key}.text"), decl.text);
        let mut risks = Vec::new();
        for risk in &decl.risks {
            risks.extend(bundle.note(FILE, &format!("{key}.risks"), word::<Risk>("risk", risk)));
        }
        let Some(method) = method else { continue };
        if method.is_voluntary() != decl.voluntary {
            let message = if method.is_voluntary() {
                "is voluntary by law (APL 33); write `voluntary = true`"
            } else {
                "is not the voluntary service; leave `voluntary` out"
            };
            bundle.problems.add(FILE, &key, message);
        }
        methods.push(MethodText { method, text: said, risks });
    }
    methods.sort_by_key(|known| known.method);
    let serving = |risk: Risk| methods.iter().filter(move |known| known.risks.contains(&risk));
    for risk in Risk::ALL {
        let message = if serving(*risk).all(|known| known.method.is_voluntary()) {
            "is served by nothing but a voluntary service; offer another method beside it (APL 33)"
        } else if !serving(*risk).any(|known| known.method.is_in_person()) {
            "cannot be verified in person; not everybody has a phone that does the rest"
        } else {
            continue;
        };
        bundle.problems.add(FILE, "methods", format!("risk `{}` {message}", risk.name()));
    }
    Verifying { channels, methods }
}

/// A word of a closed list.
pub(super) fn word<W: Word>(what: &str, name: &str) -> Result<W, String> {
    named(what, name, W::ALL.iter().map(|word| (word.name(), *word)))
}
