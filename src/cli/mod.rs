//! The command line: one file per command.
//!
//! A command is a `clap::Args` struct named `Arguments`, and a function
//! `execute(Arguments) -> Result<Exit, Failure>`. To add one: its file, its `mod` line, its line in
//! `Command` and its line in `execute`.

// First: the modules below print by its macros.
#[macro_use]
mod stdout;

mod config;
mod decide;
mod demo;
mod deployment;
mod doctor;
mod endpoint;
mod exit;
mod explain;
mod feed;
pub mod generate;
mod generations;
mod inputs;
mod intake;
mod judge;
mod keys;
mod page;
mod rekey;
pub mod retention;
pub mod rules;
mod run;
pub mod scenario;
mod score;
mod screen;
mod serve;
mod snapshots;
mod sources;
mod status;
mod subject_access;
mod token;
mod topics;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::{Exit, Failure};

use crate::telemetry::logging;

/// Anti-fraud account-risk stream processor with due process: every measure it takes carries a
/// notice, a legal basis, an end and a way to appeal.
#[derive(Debug, Parser)]
#[command(name = "duecourse", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "First time here?   duecourse demo\n\
    Your own file:     duecourse run --input events.csv --source labelled-csv --out out/\n\n\
    Exit codes: 0 done; 1 a check found a mismatch; 2 usage; 3 configuration or rules; \
    4 input unreadable; 5 done, but with dead letters; 6 a service needed is not reachable.")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Run(run::Arguments),
    Score(score::Arguments),
    Explain(explain::Arguments),
    Token(token::Arguments),
    Topics(topics::Arguments),
    Sources(sources::Arguments),
    Rules(rules::Arguments),
    Config(config::Arguments),
    Retention(retention::Arguments),
    Keys(generations::Arguments),
    Rekey(rekey::Arguments),
    SubjectAccess(subject_access::Arguments),
    Feed(feed::Arguments),
    Intake(intake::Arguments),
    Decide(decide::Arguments),
    Verify(verify::Arguments),
    Serve(serve::Arguments),
    Status(status::Arguments),
    Doctor(doctor::Arguments),
}

/// Reads the command line, does what it says, prints why not on standard error.
#[must_use]
pub fn main() -> ExitCode {
    let line = CommandLine::parse();
    logging::start();
    tracing::debug!(version = env!("CARGO_PKG_VERSION"), "started");
    match execute(line.command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("duecourse: {failure}");
            failure.exit().into()
        }
    }
}

fn execute(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Demo(arguments) => demo::execute(arguments),
        Command::Run(arguments) => run::execute(arguments),
        Command::Score(arguments) => score::execute(arguments),
        Command::Explain(arguments) => explain::execute(arguments),
        Command::Token(arguments) => token::execute(arguments),
        Command::Topics(arguments) => topics::execute(arguments),
        Command::Sources(arguments) => sources::execute(arguments),
        Command::Rules(arguments) => rules::execute(arguments),
        Command::Config(arguments) => config::execute(arguments),
        Command::Retention(arguments) => retention::execute(arguments),
        Command::Keys(arguments) => generations::execute(arguments),
        Command::Rekey(arguments) => rekey::execute(arguments),
        Command::SubjectAccess(arguments) => subject_access::execute(arguments),
        Command::Feed(arguments) => feed::execute(arguments),
        Command::Intake(arguments) => intake::execute(arguments),
        Command::Decide(arguments) => decide::execute(arguments),
        Command::Verify(arguments) => verify::execute(arguments),
        Command::Serve(arguments) => serve::execute(arguments),
        Command::Status(arguments) => status::execute(arguments),
        Command::Doctor(arguments) => doctor::execute(arguments),
    }
}
