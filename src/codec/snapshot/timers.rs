//! Timers in snapshots.

use super::packed::Packed;
use crate::codec::facts::DecodeError;
use crate::codec::facts::bytes::{Reader, Writer};
use crate::engine::base::TimeMs;
use crate::engine::lead::LeadMoment;
use crate::engine::special::SpecialMoment;
use crate::engine::timer::{Timer, Timers};

impl Packed for Timer {
    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Timer::MeasureExpires(id) => {
                writer.byte(0);
                id.write(writer);
            }
            Timer::MeasureForgotten(id) => {
                writer.byte(1);
                id.write(writer);
            }
            Timer::ReservationLapses { holder, opening } => {
                writer.byte(2);
                holder.write(writer);
                opening.write(writer);
            }
            Timer::HoldsEnd(holder) => {
                writer.byte(40);
                holder.write(writer);
            }
            Timer::AppealDue { measure, entered, worsens } => {
                writer.byte(32);
                measure.write(writer);
                entered.write(writer);
                writer.flag(*worsens);
            }
            Timer::MeasureDue { measure, entered, worsens } => {
                writer.byte(16);
                measure.write(writer);
                entered.write(writer);
                worsens.write(writer);
            }
            Timer::Entry { holder, entry, moment } => {
                writer.byte(25);
                holder.write(writer);
                entry.write(writer);
                moment.write(writer);
            }
            Timer::Lead { route, lead, moment } => {
                writer.byte(56);
                route.write(writer);
                lead.write(writer);
                writer.byte(*moment as u8);
            }
            Timer::Special { heard, moment } => {
                writer.byte(57);
                heard.write(writer);
                writer.byte(*moment as u8);
            }
            Timer::Order { holder, order, moment } => {
                writer.byte(24);
                holder.write(writer);
                order.write(writer);
                moment.write(writer);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match reader.byte("a timer")? {
            0 => Packed::read(reader).map(Timer::MeasureExpires),
            1 => Packed::read(reader).map(Timer::MeasureForgotten),
            2 => {
                Ok(Timer::ReservationLapses { holder: Packed::read(reader)?, opening: Packed::read(reader)? })
            }
            32 => Ok(Timer::AppealDue {
                measure: Packed::read(reader)?,
                entered: Packed::read(reader)?,
                worsens: Packed::read(reader)?,
            }),
            16 => Ok(Timer::MeasureDue {
                measure: Packed::read(reader)?,
                entered: Packed::read(reader)?,
                worsens: Packed::read(reader)?,
            }),
            40 => Packed::read(reader).map(Timer::HoldsEnd),
            25 => Ok(Timer::Entry {
                holder: Packed::read(reader)?,
                entry: Packed::read(reader)?,
                moment: Packed::read(reader)?,
            }),
            56 => Ok(Timer::Lead {
                route: Packed::read(reader)?,
                lead: Packed::read(reader)?,
                moment: {
                    let code = reader.byte("a moment of a lead")?;
                    let known = LeadMoment::ALL.into_iter().find(|moment| *moment as u8 == code);
                    known.ok_or(DecodeError::Malformed("a moment of a lead"))?
                },
            }),
            57 => Ok(Timer::Special {
                heard: Packed::read(reader)?,
                moment: {
                    let code = reader.byte("a moment of a special measure")?;
                    let known = SpecialMoment::ALL.into_iter().find(|moment| *moment as u8 == code);
                    known.ok_or(DecodeError::Malformed("a moment of a special measure"))?
                },
            }),
            24 => Ok(Timer::Order {
                holder: Packed::read(reader)?,
                order: Packed::read(reader)?,
                moment: Packed::read(reader)?,
            }),
            _ => Err(DecodeError::Malformed("a timer")),
        }
    }
}

impl Packed for Timers {
    fn write(&self, writer: &mut Writer<'_>) {
        self.set_count().write(writer);
        let all: Vec<(TimeMs, u64, Timer)> = self.all().collect();
        all.write(writer);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (set_count, all): (u64, Vec<(TimeMs, u64, Timer)>) = Packed::read(reader)?;
        Ok(Timers::restore(set_count, all))
    }
}
