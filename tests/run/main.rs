//! The program as its users meet it: files in, files out, exit codes. CONTRACT's 'Order and refusals'
//! and 'What will be checked', as far as they concern files.

mod checking;
mod commands;
mod configuration;
mod order;
mod precision;
mod records;
mod release;
mod same;
mod support;
mod survival;
