//! Stub.
use super::Failure;
use crate::codec::keys::Keys;
use crate::config::source::SourceMapping;
use crate::engine::base::TimeMs;
use crate::intake::classify::Classified;
use crate::intake::files::{Accepted, Judge, Label, OrderRefusal};
use crate::intake::refusal::Refusal;

pub struct FileJudge;
impl FileJudge {
    pub fn new(_m: &SourceMapping, _i: &str, _k: &Keys) -> Result<FileJudge, Failure> {
        Ok(FileJudge)
    }
}
impl Judge for FileJudge {
    type Item = Classified;
    type Refusal = Refusal;
    fn header(&mut self, _: u32, _: &[u8]) -> Result<(), Refusal> {
        Ok(())
    }
    fn row(&mut self, _: u32, _: &[u8]) -> Result<Accepted<Classified>, Refusal> {
        unimplemented!()
    }
    fn account(&mut self, _: u32, _: &[u8], _: TimeMs) -> Result<Accepted<Classified>, Refusal> {
        unimplemented!()
    }
    fn label(&mut self, _: u32, _: &[u8]) -> Result<Option<Label>, Refusal> {
        unimplemented!()
    }
    fn confirmed(&mut self, _: &Classified, _: TimeMs) -> Result<Accepted<Classified>, Refusal> {
        unimplemented!()
    }
    fn event_id<'a>(&self, item: &'a Classified) -> &'a str {
        &item.event_id
    }
    fn order_refusal(&self, _: OrderRefusal) -> Refusal {
        unimplemented!()
    }
}
