//! Colours, where somebody can see them.

use std::fmt::Display;
use std::io::IsTerminal;

/// How text is set off. Without a terminal, or with `NO_COLOR`, it is plain.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    coloured: bool,
}

impl Style {
    /// By standard output and the environment.
    #[must_use]
    pub fn of_terminal() -> Style {
        let coloured = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Style { coloured }
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_string() }
    }

    #[must_use]
    pub fn bold(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    #[must_use]
    pub fn dim(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    /// Something restricts somebody.
    #[must_use]
    pub fn measure(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// Something eases.
    #[must_use]
    pub fn eased(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// Something was only observed.
    #[must_use]
    pub fn shadow(self, text: impl Display) -> String {
        self.paint("36", text)
    }
}
