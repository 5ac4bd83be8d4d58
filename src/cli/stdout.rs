//! What commands say on standard output. Whoever reads it may have read enough (`| head`): that ends the command, and
//! it is no failure. With the macros of the standard library it would be a panic, so these go by their names.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};

use super::Exit;

macro_rules! print {
    ($($said:tt)*) => { $crate::cli::stdout::say(format_args!($($said)*)) };
}

macro_rules! println {
    () => { $crate::cli::stdout::say(format_args!("\n")) };
    ($($said:tt)*) => { $crate::cli::stdout::say(format_args!("{}\n", format_args!($($said)*))) };
}

/// Writes to standard output, or ends the program.
pub(super) fn say(said: Arguments<'_>) {
    let Err(error) = std::io::stdout().lock().write_fmt(said) else { return };
    let exit = if error.kind() == ErrorKind::BrokenPipe {
        Exit::Done
    } else {
        eprintln!("standard output cannot be written: {error}");
        Exit::Unreachable
    };
    std::process::exit(exit as i32)
}
