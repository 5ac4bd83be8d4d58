//! How a command ends: one enum of exit codes, and the failures that map to them.

use std::process::ExitCode;

use crate::log::LogError;

/// Exit codes, fixed for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    Done = 0,
    /// A check was made and found a mismatch.
    Mismatch = 1,
    /// The command line asks for something that cannot be done.
    Usage = 2,
    /// Configuration, rules, source mapping or key.
    Configuration = 3,
    /// An input cannot be read.
    InputUnreadable = 4,
    /// All was done, and some records were refused: see the dead letters.
    DoneWithDeadLetters = 5,
    /// A service or storage that is needed does not answer.
    Unreachable = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why a command could not be done. Each kind has one exit code; `anyhow` carries the story.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0:#}")]
    Usage(anyhow::Error),
    #[error("{0:#}")]
    Configuration(anyhow::Error),
    #[error("{0:#}")]
    InputUnreadable(anyhow::Error),
    #[error("{0:#}")]
    Unreachable(anyhow::Error),
}

impl Failure {
    pub fn usage(why: impl Into<anyhow::Error>) -> Failure {
        Failure::Usage(why.into())
    }

    pub fn configuration(why: impl Into<anyhow::Error>) -> Failure {
        Failure::Configuration(why.into())
    }

    pub fn input(why: impl Into<anyhow::Error>) -> Failure {
        Failure::InputUnreadable(why.into())
    }

    /// Also for storage: a full disk is a service that does not serve.
    pub fn unreachable(why: impl Into<anyhow::Error>) -> Failure {
        Failure::Unreachable(why.into())
    }

    /// Of reading a log that holds what is to be looked at: whatever else is wrong with it, it cannot be read.
    #[must_use]
    pub fn reading(error: LogError) -> Failure {
        match error {
            LogError::Unreachable(_) => Failure::unreachable(error),
            error => Failure::input(error),
        }
    }

    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::Configuration(_) => Exit::Configuration,
            Failure::InputUnreadable(_) => Exit::InputUnreadable,
            Failure::Unreachable(_) => Exit::Unreachable,
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Failure {
        match error {
            // A damaged log is something to read that cannot be read.
            LogError::Damaged(_) => Failure::input(error),
            LogError::Refused(_) => Failure::configuration(error),
            LogError::Unreachable(_) | LogError::Io(_) => Failure::unreachable(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_the_contract_s_code() {
        let why = || anyhow::anyhow!("why");
        let codes = [
            (Failure::usage(why()), 2),
            (Failure::configuration(why()), 3),
            (Failure::input(why()), 4),
            (Failure::unreachable(why()), 6),
            (Failure::from(LogError::Damaged(String::new())), 4),
            (Failure::from(LogError::Refused(String::new())), 3),
            (Failure::from(LogError::Unreachable(String::new())), 6),
        ];
        for (failure, code) in codes {
            assert_eq!(failure.exit() as u8, code);
        }
    }
}
