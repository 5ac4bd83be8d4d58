//! Source mappings: from a topic's or file's records to our events (`config/sources/*.toml`).
//!
//! One mechanism for topics and files. `native` records are our events already. A `csv` source names
//! columns, a `json` source JSON Pointers; each table of it makes one event of a row.

pub(in crate::config) mod feeds;
mod file;
mod target;
mod tree;

use crate::codec::csv;
use crate::codec::event::{EventType, Undeclared};
use crate::codec::pointer::PointerTree;
use crate::engine::authorisation::TraceClass;
use crate::engine::subject::SubjectKind;

pub use tree::{Leaf, Node, Values};

/// What is wrong with a mapping, with what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("source mapping: {0}")]
pub struct SourceError(pub String);

/// The shipped mappings by name.
const SHIPPED: [(&str, &str); 3] = [
    ("native", include_str!("../../config/sources/native.toml")),
    ("control", include_str!("../../config/sources/control.toml")),
    ("labelled-csv", include_str!("../../config/sources/labelled-csv.toml")),
];

/// The form of a source's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own events: CloudEvents, one JSON document a record.
    Native,
    /// Somebody's CSV, columns by header name.
    Csv,
    /// Somebody's JSON, values by JSON Pointer.
    Json,
}

/// A mapping, loaded and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMapping {
    pub name: String,
    pub format: Format,
    /// An own party without a holder is its own holder (D2).
    pub holder_from_account: bool,
    /// The longest identifier, in bytes.
    pub id_bytes_max: usize,
    /// Refs are tested for identity, card and phone numbers.
    pub refs_checked: bool,
    /// Identifiers that stand for the world outside.
    pub outside: Vec<String>,
    /// The event types this source may send; all of them if empty.
    pub accepted: Vec<EventType>,
    pub shared_subjects: SharedSubjects,
    pub abnormal_customers: AbnormalCustomers,
    pub tables: Vec<Table>,
}

/// The recorded bases on which fields become subjects of their own (D18). Without one the field is
/// dropped and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedSubjects {
    pub address: Option<String>,
    pub agent: Option<String>,
    pub device: Option<String>,
    pub legal_representative: Option<String>,
    pub outlet: Option<String>,
    pub phone_number: Option<String>,
    pub terminal: Option<String>,
}

impl SharedSubjects {
    /// The basis for a kind of shared subject; none for any other kind.
    #[must_use]
    pub fn basis(&self, kind: SubjectKind) -> Option<&str> {
        match kind {
            SubjectKind::Address => self.address.as_deref(),
            SubjectKind::Agent => self.agent.as_deref(),
            SubjectKind::Device => self.device.as_deref(),
            SubjectKind::LegalRepresentative => self.legal_representative.as_deref(),
            SubjectKind::Outlet => self.outlet.as_deref(),
            SubjectKind::PhoneNumber => self.phone_number.as_deref(),
            SubjectKind::Terminal => self.terminal.as_deref(),
            _ => None,
        }
    }
}

/// On which basis data of Art. 18(4) is taken in as such: held of a customer while an anomaly is open on them,
/// and of nobody else (S22). A field has one basis, so one of a subject of its own is not here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbnormalCustomers {
    pub device: Option<String>,
    pub location: Option<String>,
}

impl AbnormalCustomers {
    /// The recorded basis for a class of data.
    #[must_use]
    pub fn basis(&self, class: TraceClass) -> Option<&str> {
        match class {
            TraceClass::Device => self.device.as_deref(),
            TraceClass::Location => self.location.as_deref(),
        }
    }
}

/// One kind of row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// What rows are read by: column names or pointers. Leaves and conditions hold places in it.
    pub fields: Vec<Field>,
    /// Declared and read by nobody.
    pub unused: Vec<String>,
    pub id: Leaf,
    pub time: Leaf,
    pub events: Vec<EventMapping>,
    /// For JSON: all pointers, as one tree.
    pub pointers: PointerTree,
}

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// A CSV header may leave it out.
    pub optional: bool,
}

/// How one kind of row becomes an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventMapping {
    /// Field and the value it must have, for all.
    pub when: Vec<(usize, String)>,
    pub event_type: EventType,
    pub data: Node,
}

impl SourceMapping {
    /// Names of the mappings that come with the program.
    #[must_use]
    pub fn shipped_names() -> Vec<&'static str> {
        SHIPPED.iter().map(|(name, _)| *name).collect()
    }

    /// Reads a mapping.
    ///
    /// # Errors
    /// `SourceError` naming the key; for an unknown key, type or target with the nearest known one.
    pub fn parse(text: &str) -> Result<SourceMapping, SourceError> {
        file::load(text)
    }

    /// A mapping that comes with the program, by name.
    ///
    /// # Errors
    /// `SourceError` when the shipped file does not load, which a test excludes.
    #[must_use]
    pub fn shipped(name: &str) -> Option<Result<SourceMapping, SourceError>> {
        SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| SourceMapping::parse(text))
    }

    /// A shipped mapping by name, else the file at that path.
    ///
    /// # Errors
    /// `SourceError` when there is neither, or it does not load.
    pub fn load(name_or_path: &str) -> Result<SourceMapping, SourceError> {
        if let Some(shipped) = SourceMapping::shipped(name_or_path) {
            return shipped;
        }
        let text = std::fs::read_to_string(name_or_path).map_err(|error| {
            let shipped = SHIPPED.map(|(name, _)| name).join(", ");
            SourceError(format!("`{name_or_path}` is not shipped ({shipped}) and no readable file: {error}"))
        })?;
        SourceMapping::parse(&text)
    }

    /// A table by name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Whether the source may send events of this type.
    #[must_use]
    pub fn accepts(&self, kind: EventType) -> bool {
        self.accepted.is_empty() || self.accepted.contains(&kind)
    }

    /// Whether this identifier stands for the world outside.
    #[must_use]
    pub fn is_outside(&self, id: &str) -> bool {
        self.outside.iter().any(|known| known == id)
    }
}

/// Where a table's fields stand in one file's lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// For each of the table's fields its column, if the header has it.
    pub places: Vec<Option<usize>>,
    /// How many columns a line must have.
    pub count: usize,
    /// Columns that nobody declared, by the names they are counted under.
    pub undeclared: Vec<String>,
}

impl Table {
    /// Matches a CSV header line.
    ///
    /// # Errors
    /// What is wrong with the header: unreadable, a column twice, a required one missing.
    pub fn columns(&self, header: &str) -> Result<Columns, SourceError> {
        let header = header.strip_prefix('\u{feff}').unwrap_or(header);
        let mut fields = csv::Fields::default();
        fields.split(header).map_err(|fault| SourceError(format!("CSV header: {fault}")))?;
        let names: Vec<&str> = (0..fields.count()).filter_map(|place| fields.get(header, place)).collect();
        if let Some(twice) = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name)) {
            return Err(SourceError(format!(
                "CSV header: column {} has a name that came before",
                twice.0 + 1
            )));
        }
        let place_of = |wanted: &str| names.iter().position(|name| *name == wanted);
        let places: Vec<Option<usize>> = self.fields.iter().map(|field| place_of(&field.name)).collect();
        let missing =
            self.fields.iter().zip(&places).find(|(field, place)| place.is_none() && !field.optional);
        if let Some((field, _)) = missing {
            return Err(SourceError(format!("CSV header: required column `{}` is missing", field.name)));
        }
        let declared = |name: &str| {
            self.fields.iter().any(|field| field.name == name)
                || self.unused.iter().any(|known| known == name)
        };
        let undeclared = names.iter().filter(|name| !declared(name)).map(|name| Undeclared::plain_name(name));
        Ok(Columns { count: names.len(), undeclared: undeclared.collect(), places })
    }
}

#[cfg(test)]
mod tests;
