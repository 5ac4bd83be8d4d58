//! How each type of the engine's state is written and read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::packed::{Packed, packed_plain, packed_struct};
use crate::codec::facts::DecodeError;
use crate::codec::facts::bytes::{Reader, Writer};
use crate::codec::facts::{read_profile, write_profile};
use crate::engine::appeal::AppealCase;
use crate::engine::attributes::{Attributes, Field};
use crate::engine::authorisation::{Authorisation, AuthorisedUse, Grant, OpenAnomaly, TraceClasses, Traces};
use crate::engine::base::{Fingerprint, TimeMs};
use crate::engine::cover::{ConfigVersion, Coverage, Covered, SourceId};
use crate::engine::declared::{
    Assessment, CardProfile, Declared, Explained, Owner, OwnersDeclared, OwnersSource, ProfiledCard,
};
use crate::engine::disposition::{AppealRef, DispositionId};
use crate::engine::fact::{Feed, HolderKind, OpeningStep, Product};
use crate::engine::holder::{Answer, Holder, Holding, Opening, PlatformAnswer, Request, Severity, Step};
use crate::engine::kept::{Hold, HoldClass, Kept, Records};
use crate::engine::life::Word;
use crate::engine::measure::{Lane, MeasureKind};
use crate::engine::notice::RuleName;
use crate::engine::partition::{Core, Image};
use crate::engine::purpose::Purpose;
use crate::engine::reached::Marks;
use crate::engine::report::{ReportPos, Standing};
use crate::engine::retention::Horizons;
use crate::engine::seen::SeenSince;
use crate::engine::state::{
    Firing, Ground, InForce, Living, MeasureState, Meeting, MetBy, Override, ReportLedger, RuleCount,
    RuleLife,
};
use crate::engine::subject::SealedRef;
use crate::engine::table::Changes;
use crate::engine::told::{Told, ToldHolders};
use crate::engine::verifying::{DeliveryChannel, Risk};
use crate::engine::window::Entry;

packed_struct!(SourceId { name, generation, partition });
packed_struct!(Covered { last, time, is_over });
packed_struct!(ConfigVersion { from, number });
packed_struct!(Coverage { sources, versions });
packed_struct!(Step { event, step, at, product } since 3 { holder_kind: None });
packed_struct!(Holding { subject, steps } since 3 { sealed: SealedRef::default() });
packed_struct!(PlatformAnswer { event, opening, product, at, count });
packed_struct!(Opening { token, request, steps });
packed_struct!(Holder { holdings, openings, answers, standings } since 3 {
    declared: None,
    authority: None,
    traces: None,
});
packed_struct!(Traces { authorisations, anomaly });
packed_struct!(OpenAnomaly { since, traced });
packed_struct!(Authorisation { number, grant, revoked });
packed_struct!(Grant { event, at, opens, data, until });
packed_struct!(Declared { profiles, assessments, owners, explained });
packed_struct!(Explained { at, number });
packed_struct!(ProfiledCard { event, at, card, profile });
packed_struct!(Assessment { event, at, opening, passed, assessor });
packed_struct!(OwnersDeclared { event, at, owners, source });
packed_struct!(Request {
    party,
    product,
    holder_kind,
    identity_channels,
    at,
    order,
    event,
    answer,
    reserved_until,
    reserved_by,
    lapsed,
    published,
    on_appeal,
});
packed_struct!(Standing {
    signal,
    about,
    holder,
    target,
    value,
    until,
    event,
    at,
    reply,
    amount,
    untold_count
});
packed_struct!(Meeting { at, event, by });
packed_struct!(MetBy { feed, holder, target });
packed_struct!(Told { signal, holder, until });
packed_plain!(ToldHolders, |w, v| v.all().write(w), |r| Vec::<Told>::read(r)
    .map(|told| told.into_iter().collect()));
packed_struct!(RuleName { id, version });
packed_struct!(MeasureState {
    appeal,
    lane,
    rule,
    party,
    holder,
    event,
    measure,
    purpose,
    end,
    ended,
    overruled,
    utc_offset_minutes,
} since 3 {
    corrected: false,
    decided_by: None,
    awaits_human: false,
    case: None,
    ground: None,
    start: TimeMs::MIN,
    // `read` puts the measure itself and its event here.
    root: DispositionId(0),
    root_event: Fingerprint(0),
    risk: Risk::Medium,
    reason: Arc::from(""),
    basis: Arc::from(""),
    living: None,
});
packed_struct!(AppealCase { state, since, entered, due, open, evidence, outlived });
packed_struct!(Ground { order, attributes, other, entry, at, bound });
packed_struct!(RuleLife { version, state, shadowed });
packed_struct!(Living { state, entered, entered_at, entered_by, due, tried });
packed_struct!(Firing { until, event } since 3 { is_over: false });
packed_struct!(Override { lift, until });
packed_struct!(Hold { name, class, until });
packed_struct!(Records { holdings, openings, answers, standings, declared, measures });
packed_struct!(Kept { holds, records });
packed_struct!(ReportPos { offset, ordinal });
packed_struct!(ReportLedger { received, sent });
packed_struct!(InForce { activated, live_since });
packed_struct!(RuleCount { measures, overruled, interval, harm_ms } since 3 {
    version: 0,
    appeals: 0,
    verified: 0,
    failed: 0,
    restricted_ms: 0,
});
packed_struct!(Core {
    coverage,
    partition_time,
    newest_time,
    record,
    timers,
    bundle,
    live,
    in_force,
    floor,
    since,
    ledger,
    counts,
    harms,
    heard,
    totals,
    request_count,
} since 3 {
    watched: BTreeMap::new(),
    retired: BTreeMap::new(),
    persons: BTreeMap::new(),
    specials: Vec::new(),
    swept: i64::MIN,
    blind_until: TimeMs::MIN,
});
packed_struct!(Marks { year, bits, bits_before });
packed_struct!(SeenSince { first, from, sightings });
packed_struct!(Image { holders, meetings, told, measures, firings, overrides } since 3 {
    kept: Changes { removed: Vec::new(), rows: Vec::new() },
    leads: Changes { removed: Vec::new(), rows: Vec::new() },
    marks: Changes { removed: Vec::new(), rows: Vec::new() },
});

packed_plain!(Feed, |w, v| w.byte(*v as u8), |r| {
    Feed::from_code(r.byte("a feed")?).ok_or(DecodeError::Malformed("a feed"))
});
packed_plain!(Product, |w, v| w.byte(*v as u8), |r| {
    Product::from_code(r.byte("a product")?).ok_or(DecodeError::Malformed("a product"))
});
packed_plain!(TraceClasses, |w, v| w.byte(v.bits()), |r| {
    TraceClasses::from_bits(r.byte("classes of data")?).ok_or(DecodeError::Malformed("classes of data"))
});
packed_plain!(CardProfile, |w, v| write_profile(w, v), |r| read_profile(r));
packed_plain!(
    Owner,
    |w, v| {
        w.token(v.person);
        w.varint(u64::from(v.per_mille));
    },
    |r| {
        let person = r.token("an owner")?;
        let per_mille = u16::try_from(r.u32("a share")?).map_err(|_| DecodeError::Malformed("a share"))?;
        Ok(Owner { person, per_mille })
    }
);
packed_plain!(OwnersSource, |w, v| w.byte(*v as u8), |r| {
    OwnersSource::from_code(r.byte("a source of owners")?).ok_or(DecodeError::Malformed("a source of owners"))
});
packed_plain!(Purpose, |w, v| w.byte(v.bits()), |r| r.byte("a purpose").map(Purpose::from_bits));
packed_plain!(AppealRef, |w, v| w.varint(v.number()), |r| {
    r.varint("an appeal reference").map(AppealRef::from_bits)
});
packed_plain!(DispositionId, |w, v| w.token(crate::engine::base::Token(v.0)), |r| {
    r.token("a disposition id").map(|token| DispositionId(token.0))
});
packed_plain!(HolderKind, |w, v| w.flag(*v == HolderKind::Unit), |r| {
    r.flag("a holder kind").map(|unit| if unit { HolderKind::Unit } else { HolderKind::Person })
});

/// Reads and writes an enum without content by its place in a list of all its values.
macro_rules! packed_listed {
    ($name:ty, $what:literal, $all:expr) => {
        impl Packed for $name {
            fn write(&self, writer: &mut Writer<'_>) {
                writer.count($all.iter().position(|known| known == self).unwrap_or(usize::MAX));
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let place = reader.varint($what)?;
                let known = usize::try_from(place).ok().and_then(|place| $all.get(place));
                known.copied().ok_or(DecodeError::Malformed($what))
            }
        }
    };
}

const STEPS: [OpeningStep; 6] = [
    OpeningStep::Requested,
    OpeningStep::Opened,
    OpeningStep::Abandoned,
    OpeningStep::Closed,
    OpeningStep::Changed,
    OpeningStep::Stated,
];
const SEVERITIES: [Severity; 3] = [Severity::Accept, Severity::CheckFurther, Severity::Refuse];

/// Before form 3 all logs were forgotten alike, and nothing else of this was.
impl Packed for Horizons {
    fn write(&self, writer: &mut Writer<'_>) {
        self.logs.write(writer);
        let Horizons { openings, holdings, firings, overrides, telling, authorisations, .. } = *self;
        let Horizons { declarations, orders, persons_marked, persons_counted, .. } = *self;
        for time in [openings, holdings, firings, overrides, telling, authorisations, declarations, orders] {
            time.write(writer);
        }
        (persons_marked, persons_counted).write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if !reader.has(3) {
            return TimeMs::read(reader).map(Horizons::of_logs);
        }
        Ok(Horizons {
            logs: Packed::read(reader)?,
            openings: Packed::read(reader)?,
            holdings: Packed::read(reader)?,
            firings: Packed::read(reader)?,
            overrides: Packed::read(reader)?,
            telling: Packed::read(reader)?,
            authorisations: Packed::read(reader)?,
            declarations: Packed::read(reader)?,
            orders: Packed::read(reader)?,
            persons_marked: Packed::read(reader)?,
            persons_counted: Packed::read(reader)?,
        })
    }
}

packed_listed!(HoldClass, "the class of a hold", HoldClass::ALL);
packed_listed!(OpeningStep, "a step of an opening", STEPS);
packed_listed!(Severity, "a severity", SEVERITIES);
packed_listed!(AuthorisedUse, "an authorised use", AuthorisedUse::ALL);
packed_listed!(Lane, "a lane", Lane::ALL);
packed_listed!(MeasureKind, "a measure", MeasureKind::ALL);
packed_listed!(Risk, "a risk", Risk::ALL);
packed_listed!(DeliveryChannel, "a way of delivery", DeliveryChannel::ALL);

/// What is known of each field, in the fields' order.
impl Packed for Attributes {
    fn write(&self, writer: &mut Writer<'_>) {
        for field in Field::ALL {
            self.get(field).write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut known = Attributes::default();
        for field in Field::ALL {
            known = known.with(field, Packed::read(reader)?);
        }
        Ok(known)
    }
}

impl Packed for Answer {
    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Answer::Accepted => writer.byte(0),
            Answer::ByLimit { severity, disposition, awaits_platform } => {
                writer.byte(1);
                severity.write(writer);
                disposition.write(writer);
                writer.flag(*awaits_platform);
            }
            Answer::ByRule { disposition } => {
                writer.byte(2);
                disposition.write(writer);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.byte("an answer")? {
            0 => Ok(Answer::Accepted),
            1 => Ok(Answer::ByLimit {
                severity: Packed::read(reader)?,
                disposition: Packed::read(reader)?,
                awaits_platform: Packed::read(reader)?,
            }),
            2 => Ok(Answer::ByRule { disposition: Packed::read(reader)? }),
            _ => Err(DecodeError::Malformed("an answer")),
        }
    }
}

impl Packed for Entry {
    fn write(&self, writer: &mut Writer<'_>) {
        self.at.write(writer);
        self.event.write(writer);
        // A short form of a token: all of its bits are in use.
        writer.fixed(self.other);
        self.amount.write(writer);
        self.feed.write(writer);
        writer.byte(self.marks);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Entry {
            at: Packed::read(reader)?,
            event: Packed::read(reader)?,
            other: reader.fixed("an other side")?,
            amount: Packed::read(reader)?,
            feed: Packed::read(reader)?,
            marks: reader.byte("marks")?,
        })
    }
}
