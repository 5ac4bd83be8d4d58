//! The `duecourse` program: reads the command line and leaves with the command's exit code.

fn main() -> std::process::ExitCode {
    duecourse::cli::main()
}
