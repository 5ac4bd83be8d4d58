//! The merging reader of input files: what `run` and `feed` read, in CONTRACT's order.
//!
//! Rows merge by (time, input order, line). A refused line moves nothing: it follows the line before
//! it in its input. Accounts come first, at the first row's time; feedback follows the rows of its
//! millisecond. What a line means is a `Judge`'s business; this file only knows their order.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use super::lines::{Lines, NextLine, UnreadableInput};
use crate::engine::base::{SpanMs, TimeMs};

/// A row more than this past the newest accepted row is refused, the first row exempt (CONTRACT).
pub const LEAP_MAX: SpanMs = SpanMs::days(400);

/// What only the reader of files can refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRefusal {
    /// The line is over 1 MiB.
    LineTooLong,
    /// More than 400 days past the newest accepted row.
    TimeLeap,
    /// A feedback line names an event that is not among the accepted rows.
    FeedbackUnmatched,
}

/// An accepted line: its event time, and whatever the judge made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted<T> {
    pub at: TimeMs,
    pub item: T,
}

/// A feedback line that has a time: from then on it may be known that this event was fraud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub event_id: String,
    pub available_at: TimeMs,
}

/// Says what lines mean. `input` counts `--input` files from 0; accounts and feedback come after them.
pub trait Judge {
    type Item;
    type Refusal;

    /// The first line of an input whose format has a header. Not called for the others.
    ///
    /// # Errors
    /// Why this file cannot be read with this source's mapping.
    fn header(&mut self, input: u32, line: &[u8]) -> Result<(), Self::Refusal>;

    /// A row of an `--input` file.
    ///
    /// # Errors
    /// Why it is refused.
    fn row(&mut self, input: u32, line: &[u8]) -> Result<Accepted<Self::Item>, Self::Refusal>;

    /// A row of the accounts file, stated at `at`.
    ///
    /// # Errors
    /// Why it is refused.
    fn account(&mut self, input: u32, line: &[u8], at: TimeMs)
    -> Result<Accepted<Self::Item>, Self::Refusal>;

    /// A line of the feedback file; `None` if it is no event label or has no time.
    ///
    /// # Errors
    /// Why it is refused.
    fn label(&mut self, input: u32, line: &[u8]) -> Result<Option<Label>, Self::Refusal>;

    /// The event that confirms `row` as fraud at `at`; `line` is the row's line in `input`.
    ///
    /// # Errors
    /// Why it is refused.
    fn confirmed(
        &mut self,
        input: u32,
        line: &[u8],
        row: &Self::Item,
        at: TimeMs,
    ) -> Result<Accepted<Self::Item>, Self::Refusal>;

    fn event_id<'a>(&self, item: &'a Self::Item) -> &'a str;

    fn order_refusal(&self, refusal: OrderRefusal) -> Self::Refusal;
}

/// The files of a run, in the order in which they are numbered.
#[derive(Clone, Debug, Default)]
pub struct InputFiles {
    pub rows: Vec<PathBuf>,
    pub accounts: Option<PathBuf>,
    pub feedback: Option<PathBuf>,
    /// Whether rows begin with a header line (CSV); accounts and feedback always do.
    pub rows_have_header: bool,
}

/// One line in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged<T, R> {
    pub input: u32,
    /// Lines count from 1, a header included. Of a feedback event: its line in the feedback file.
    pub line: u64,
    pub outcome: Result<Accepted<T>, R>,
}

/// Why files cannot be merged at all.
#[derive(Debug, thiserror::Error)]
pub enum FilesError<R: std::fmt::Debug> {
    #[error(transparent)]
    Unreadable(#[from] UnreadableInput),
    #[error("the header of {path} does not fit the source: {refusal:?}", path = path.display())]
    Header { path: PathBuf, refusal: R },
}

type Taken<J> = Merged<<J as Judge>::Item, <J as Judge>::Refusal>;
type Failed<J> = FilesError<<J as Judge>::Refusal>;
type Judged<J> = Result<Accepted<<J as Judge>::Item>, <J as Judge>::Refusal>;

/// The merged inputs. Call `next` until it gives `None`.
pub struct Files<J: Judge> {
    judge: J,
    rows: Vec<Input<J::Item>>,
    accounts: Option<Lines>,
    accounts_at: Option<TimeMs>,
    feedback_input: u32,
    /// Labels that wait for their row: event id to (time, line).
    labels: HashMap<String, Vec<(TimeMs, u64)>>,
    /// Feedback that waits for its time, by (time, line).
    confirmed: BTreeMap<(TimeMs, u64), Judged<J>>,
    /// Refused or unmatched feedback lines, in line order.
    feedback_refused: BTreeMap<u64, J::Refusal>,
    newest: Option<TimeMs>,
}

struct Input<T> {
    lines: Lines,
    head: Option<(u64, Accepted<T>)>,
    ended: bool,
}

impl<J: Judge> Files<J>
where
    J::Refusal: std::fmt::Debug,
{
    /// Opens all files, reads their headers and the whole feedback file.
    ///
    /// # Errors
    /// When one cannot be read, or its header does not fit the source.
    pub fn open(files: &InputFiles, mut judge: J) -> Result<Self, Failed<J>> {
        let mut rows = Vec::new();
        let mut number = 0;
        for path in &files.rows {
            let mut lines = Lines::open(path)?;
            if files.rows_have_header {
                read_header(&mut judge, number, &mut lines)?;
            }
            rows.push(Input { lines, head: None, ended: false });
            number += 1;
        }
        let mut accounts = None;
        if let Some(path) = &files.accounts {
            let mut lines = Lines::open(path)?;
            read_header(&mut judge, number, &mut lines)?;
            accounts = Some(lines);
        }
        // The number after the accounts', whether or not there are any.
        let feedback_input = number + 1;
        let mut merged = Files {
            judge,
            rows,
            accounts,
            accounts_at: None,
            feedback_input,
            labels: HashMap::new(),
            confirmed: BTreeMap::new(),
            feedback_refused: BTreeMap::new(),
            newest: None,
        };
        if let Some(path) = &files.feedback {
            merged.read_feedback(path)?;
        }
        Ok(merged)
    }

    /// The next line in CONTRACT's order, or `None` at the end of all inputs.
    ///
    /// # Errors
    /// When a file can no longer be read.
    #[allow(clippy::should_implement_trait)] // fallible: an iterator would need collecting by hand everywhere
    pub fn next(&mut self) -> Result<Option<Taken<J>>, Failed<J>> {
        if let Some(refused) = self.refill()? {
            return Ok(Some(refused));
        }
        if let Some(refused) = self.refuse_leap() {
            return Ok(Some(refused));
        }
        let next = self.earliest_head();
        if let Some(stated) = self.next_account(next.map(|(at, _)| at))? {
            return Ok(Some(stated));
        }
        if let Some(feedback) = self.due_feedback(next.map(|(at, _)| at)) {
            return Ok(Some(feedback));
        }
        Ok(next.and_then(|(_, input)| self.take_head(input)))
    }

    /// Bytes taken from the `--input` files and their sizes, before decompression: for progress.
    #[must_use]
    pub fn progress_bytes(&self) -> (u64, u64) {
        let each = self.rows.iter().map(|input| input.lines.progress_bytes());
        each.fold((0, 0), |(taken, size), (more, of)| (taken + more, size + of))
    }

    /// The judge, with whatever it counted.
    pub fn judge(&self) -> &J {
        &self.judge
    }

    /// Gives every input a head. A refused line is handed out at once: it follows the line before it.
    fn refill(&mut self) -> Result<Option<Taken<J>>, Failed<J>> {
        for (number, input) in (0..).zip(&mut self.rows) {
            while input.head.is_none() && !input.ended {
                let judged = match input.lines.advance()? {
                    NextLine::End => {
                        input.ended = true;
                        break;
                    }
                    NextLine::TooLong => Err(self.judge.order_refusal(OrderRefusal::LineTooLong)),
                    NextLine::Line => self.judge.row(number, input.lines.bytes()),
                };
                let line = input.lines.number();
                match judged {
                    Ok(accepted) => input.head = Some((line, accepted)),
                    Err(refusal) => return Ok(Some(Merged { input: number, line, outcome: Err(refusal) })),
                }
            }
        }
        Ok(None)
    }

    /// Refuses a head that leaps. It is judged when it comes up in its input, against what has been
    /// accepted by then, so that a wild date never holds back the lines after it.
    fn refuse_leap(&mut self) -> Option<Taken<J>> {
        let latest = self.newest?.plus(LEAP_MAX);
        for (number, input) in (0..).zip(&mut self.rows) {
            if let Some((line, _)) = input.head.take_if(|(_, head)| head.at > latest) {
                let refusal = self.judge.order_refusal(OrderRefusal::TimeLeap);
                return Some(Merged { input: number, line, outcome: Err(refusal) });
            }
        }
        None
    }

    /// Time and input of the head that comes next; the first input wins a tie.
    fn earliest_head(&self) -> Option<(TimeMs, usize)> {
        let heads = self.rows.iter().enumerate();
        heads.filter_map(|(index, input)| input.head.as_ref().map(|(_, head)| (head.at, index))).min()
    }

    fn take_head(&mut self, index: usize) -> Option<Taken<J>> {
        let (line, accepted) = self.rows.get_mut(index)?.head.take()?;
        self.newest = self.newest.max(Some(accepted.at));
        if !self.labels.is_empty() {
            self.join_feedback(index, &accepted.item);
        }
        Some(Merged { input: index as u32, line, outcome: Ok(accepted) })
    }

    /// The next row of the accounts file, at the time of the first accepted row; without any row,
    /// at the earliest time there is.
    fn next_account(&mut self, first: Option<TimeMs>) -> Result<Option<Taken<J>>, Failed<J>> {
        let Some(lines) = &mut self.accounts else { return Ok(None) };
        let at = *self.accounts_at.get_or_insert(first.unwrap_or(TimeMs::EARLIEST));
        let input = self.rows.len() as u32;
        let outcome = match lines.advance()? {
            NextLine::End => {
                self.accounts = None;
                return Ok(None);
            }
            NextLine::TooLong => Err(self.judge.order_refusal(OrderRefusal::LineTooLong)),
            NextLine::Line => self.judge.account(input, lines.bytes(), at),
        };
        Ok(Some(Merged { input, line: lines.number(), outcome }))
    }

    fn read_feedback(&mut self, path: &std::path::Path) -> Result<(), Failed<J>> {
        let mut lines = Lines::open(path)?;
        read_header(&mut self.judge, self.feedback_input, &mut lines)?;
        loop {
            let judged = match lines.advance()? {
                NextLine::End => return Ok(()),
                NextLine::TooLong => Err(self.judge.order_refusal(OrderRefusal::LineTooLong)),
                NextLine::Line => self.judge.label(self.feedback_input, lines.bytes()),
            };
            match judged {
                Ok(Some(label)) => {
                    self.labels.entry(label.event_id).or_default().push((label.available_at, lines.number()));
                }
                Ok(None) => {}
                Err(refusal) => {
                    self.feedback_refused.insert(lines.number(), refusal);
                }
            }
        }
    }

    /// Joins a row that was just taken to its labels.
    fn join_feedback(&mut self, index: usize, row: &J::Item) {
        let Some(labels) = self.labels.remove(self.judge.event_id(row)) else { return };
        // The input has not been read on: its line is still this row's.
        let Some(text) = self.rows.get(index).map(|input| input.lines.bytes()) else { return };
        for (at, line) in labels {
            self.confirmed.insert((at, line), self.judge.confirmed(index as u32, text, row, at));
        }
    }

    /// Feedback whose millisecond is over; at the end all that is left, what found no row last.
    fn due_feedback(&mut self, next: Option<TimeMs>) -> Option<Taken<J>> {
        let input = self.feedback_input;
        let is_due =
            self.confirmed.first_key_value().is_some_and(|((at, _), _)| next.is_none_or(|next| next > *at));
        if is_due {
            let ((_, line), outcome) = self.confirmed.pop_first()?;
            return Some(Merged { input, line, outcome });
        }
        if next.is_some() {
            return None;
        }
        for (_, line) in self.labels.drain().flat_map(|(_, labels)| labels) {
            self.feedback_refused.insert(line, self.judge.order_refusal(OrderRefusal::FeedbackUnmatched));
        }
        let (line, refusal) = self.feedback_refused.pop_first()?;
        Some(Merged { input, line, outcome: Err(refusal) })
    }
}

fn read_header<J: Judge>(judge: &mut J, input: u32, lines: &mut Lines) -> Result<(), Failed<J>>
where
    J::Refusal: std::fmt::Debug,
{
    let judged = match lines.advance()? {
        // An empty file has no header and no rows either.
        NextLine::End => return Ok(()),
        NextLine::TooLong => Err(judge.order_refusal(OrderRefusal::LineTooLong)),
        NextLine::Line => judge.header(input, lines.bytes()),
    };
    judged.map_err(|refusal| FilesError::Header { path: lines.path().to_owned(), refusal })
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
