//! What authorities are told of their word: of an order, a list entry or a special measure (S15, S16, S25).

use super::{Out, Partition};
use crate::engine::base::{Fingerprint, TimeMs, Token};
use crate::engine::disposition::{Disposition, DispositionId, Head, OrderAnswered};
use crate::engine::ident::IdKind;
use crate::engine::input::Effect;
use crate::engine::measure::Lane;
use crate::engine::notice::RuleName;
use crate::engine::order::{CaseKind, OrderKind, OrderName, Outcome};
use crate::engine::purpose::Purpose;
use crate::engine::subject::Party;

/// What became of the word of an authority.
pub(super) struct Answer {
    pub rule: RuleName,
    pub party: Party,
    pub holder: Token,
    pub name: OrderName,
    pub outcome: Outcome,
    /// Of an order whose text is known.
    pub kind: Option<OrderKind>,
    pub case: Option<CaseKind>,
    /// The measure that it set.
    pub measure: Option<DispositionId>,
}

impl Partition {
    pub(super) fn answer_authority(&self, answer: Answer, (event, at): (Fingerprint, TimeMs), out: Out<'_>) {
        let Answer { rule, party, holder, name, outcome, kind, case, measure } = answer;
        let key = &self.identity.id_key;
        let id = key.disposition(IdKind::Answered, &rule, party.subject, event, at, outcome.name());
        let (lane, purpose) = (Lane::Authority, Purpose::AUTHORITY);
        let head = Head { id, lane, rule, party, holder, event, at, purpose };
        let answered = OrderAnswered { head, name, kind, case, outcome, measure };
        out.push(Effect::Disposed(Box::new(Disposition::OrderAnswered(answered))));
    }
}
