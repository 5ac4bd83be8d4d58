//! `score`: compares the alerts of a finished run with labels, and writes the scores into its report.

mod labels;
mod levels;
