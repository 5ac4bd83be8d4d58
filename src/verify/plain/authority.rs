//! What an authority hears of its order, entry or special measure.

use crate::engine::base::Token;
use crate::engine::disposition::{Disposition, DispositionId, Head, OrderAnswered};
use crate::engine::ident::IdKind;
use crate::engine::input::Effect;
use crate::engine::measure::Lane;
use crate::engine::notice::RuleName;
use crate::engine::order::{CaseKind, OrderKind, OrderName, Outcome};
use crate::engine::purpose::Purpose;
use crate::engine::subject::Party;

use super::{Cause, Plain};

/// To whom, about whom, and whether it set a measure: `set` is the kind of an order and its measure.
pub(super) struct Heard {
    pub rule: RuleName,
    pub party: Party,
    pub holder: Token,
    pub name: OrderName,
    pub set: (Option<OrderKind>, Option<DispositionId>),
    pub case: Option<CaseKind>,
}

impl Plain {
    pub(super) fn let_hear(&mut self, heard: Heard, outcome: Outcome, Cause { event, at }: Cause) {
        let Heard { rule, party, holder, name, set: (kind, measure), case } = heard;
        let id_key = &self.identity.id_key;
        let id = id_key.disposition(IdKind::Answered, &rule, party.subject, event, at, outcome.name());
        let head =
            Head { id, rule, party, holder, event, at, lane: Lane::Authority, purpose: Purpose::AUTHORITY };
        let told = OrderAnswered { head, name, kind, case, outcome, measure };
        self.effects.push(Effect::Disposed(Box::new(Disposition::OrderAnswered(told))));
    }
}
