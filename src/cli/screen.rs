//! What a person sees while a command works: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Without a terminal, a line of progress at most this often.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Progress on standard error.
pub struct Screen {
    bar: Option<ProgressBar>,
    plain_due: Instant,
    started: Instant,
}

impl Screen {
    /// A bar over `total` of anything; silent where `quiet`.
    #[must_use]
    pub fn new(total: u64, template: &str, quiet: bool) -> Screen {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(12));
            // The templates are constants of this program; a wrong one would show the default bar.
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━╸─"));
            bar
        });
        let plain_due = if quiet { far_future() } else { Instant::now() + PLAIN_EVERY };
        Screen { bar, plain_due, started: Instant::now() }
    }

    /// Where it stands.
    pub fn show(&mut self, done: u64, total: u64, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(message());
        } else if Instant::now() >= self.plain_due {
            self.plain_due = Instant::now() + PLAIN_EVERY;
            let percent = done.saturating_mul(100) / total.max(1);
            eprintln!("{:>4.0} s  {percent:>3} %  {}", self.started.elapsed().as_secs_f64(), message());
        }
    }

    /// A line that stays, on standard output, above the bar.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{text}")),
            None => println!("{text}"),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn far_future() -> Instant {
    Instant::now() + Duration::from_secs(1 << 30)
}

/// 1,234,567.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::thousands;

    #[test]
    fn numbers_are_grouped_by_three() {
        let shown = [0, 999, 1000, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }
}
