//! Places in recordings, and values in a safe form.

use crate::check::language::{Condition, Operand, Page, Path, RelationName};
use crate::check::slots::{EvidenceSlot, Role, Shows, slots_of};
use crate::evidence::{Half, Part};
use crate::report::contract::{Evidence, EvidenceValue};
use crate::report::url::safe_url;
use crate::secret::FingerprintKey;
use crate::trail::record::{Closing, ExchangeId, RecordId, Slot, State, Value};
use crate::trail::schema::{Binding, Field, Kind};
use crate::trail::{Incident, Trail};

/// What evidence is made from.
pub(super) struct Maker<'a> {
    pub incident: &'a Incident,
    pub key: &'a FingerprintKey,
    pub show_secrets: bool,
}

impl Maker<'_> {
    /// The places that a violation rests on, most telling first.
    pub(super) fn of_violation(&self, page: &Page, trail: &Trail, record: RecordId) -> Vec<Evidence> {
        slots_of(page, trail, record).iter().filter_map(|place| self.of_place(page, trail, record, place)).collect()
    }

    fn of_place(&self, page: &Page, trail: &Trail, judged: RecordId, place: &EvidenceSlot<'_>) -> Option<Evidence> {
        let says = says(page, trail, place);
        match place.shows {
            Shows::Slot(slot) => match slot.state {
                // What is not known shows nothing.
                State::Unknown(_) => None,
                _ => Some(self.of_slot(slot, says)),
            },
            Shows::Step(binding) => {
                let id = trail.record(judged)?.found(binding)?;
                self.of_field(trail, id, telling_field(trail.record(id)?.kind), says)
            }
            Shows::NoStep(binding, closing) => {
                let judged = trail.record(judged)?;
                let since = missed_after(binding).and_then(|step| trail.record(judged.found(step)?));
                let exchange = since.unwrap_or(judged).exchange;
                Some(self.at(exchange, &"request".into(), "absent", None, self.window(closing), says))
            }
            Shows::Unset(_) | Shows::UnknownStep(_) => None,
        }
    }

    /// A field of a record as evidence.
    pub(super) fn of_field(&self, trail: &Trail, record: RecordId, field: Field, says: String) -> Option<Evidence> {
        let record = trail.record(record)?;
        Some(match record.slot(field) {
            Some(slot) => self.of_slot(slot, says),
            None => self.at(record.exchange, &"request.url".into(), "present", None, None, says),
        })
    }

    fn of_slot(&self, slot: &Slot, says: String) -> Evidence {
        let kind = if matches!(slot.state, State::Absent) { "absent" } else { "present" };
        let value = match &slot.state {
            State::Present(value) => Some(self.value(slot.field, value)),
            _ => None,
        };
        self.at(slot.exchange, &slot.part, kind, value, None, says)
    }

    fn at(
        &self,
        id: ExchangeId,
        part: &Part,
        kind: &'static str,
        value: Option<EvidenceValue>,
        window: Option<String>,
        says: String,
    ) -> Evidence {
        let at = id.0 as usize;
        let exchange = self.incident.exchanges.get(at);
        Evidence {
            capture: exchange.map(|exchange| exchange.capture.to_string()).unwrap_or_default(),
            exchange: self.incident.ordinals.get(at).copied().unwrap_or_default(),
            at: exchange.map(|exchange| exchange.at.of(part.half())).unwrap_or_default(),
            tcp_stream: exchange.and_then(|exchange| exchange.at.tcp_stream()),
            h2_stream: exchange.and_then(|exchange| exchange.at.h2_stream()),
            sighting: None,
            field: part.as_str().to_owned(),
            kind,
            value,
            window,
            says,
        }
    }

    /// The value in a safe form: secrets as fingerprints, everything else readable, secrets inside of URLs masked.
    fn value(&self, field: Field, value: &Value) -> EvidenceValue {
        let raw = match value {
            Value::Text(text) => text.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::List(items) => items.join(" "),
        };
        let text = if self.show_secrets {
            Some(raw.clone())
        } else if field.is_secret() {
            None
        } else {
            Some(self.readable(value, &raw))
        };
        let fingerprint = self.key.fingerprint(&raw);
        EvidenceValue { fingerprint: fingerprint.to_string(), length: fingerprint.length(), text }
    }

    /// A URL of the trail: its path may be a handle that opens the endpoint to whoever knows it.
    pub(super) fn url(&self, url: &str) -> String {
        if self.show_secrets { url.to_owned() } else { safe_url(url, self.key) }
    }

    fn readable(&self, value: &Value, raw: &str) -> String {
        match value {
            // Also a reference without a host, as in `Location`.
            Value::Text(text) if text.contains("://") || text.starts_with('/') => safe_url(text, self.key),
            Value::List(items) => {
                let shown = items
                    .iter()
                    .map(|item| if item.contains("://") { safe_url(item, self.key) } else { item.to_string() });
                shown.collect::<Vec<_>>().join(" ")
            }
            _ => raw.to_owned(),
        }
    }

    fn window(&self, closing: Closing) -> Option<String> {
        match closing {
            Closing::LaterExchange(id) => {
                let exchange = self.incident.exchanges.get(id.0 as usize)?;
                Some(format!("closed by {}, which would have come after it", exchange.at.of(Half::Request)))
            }
            Closing::ConnectionsClosed => Some("closed: no connection of the client was left open".to_owned()),
            Closing::CallbackRefused(refused) => Some(format!(
                "closed: the connection to the redirect URI was refused (frame {}, asked in frame {})",
                refused.frame, refused.asked
            )),
            Closing::EndMark => Some("closed by the recorder's end mark".to_owned()),
            Closing::NotNeeded => None,
        }
    }
}

/// The step after which another one is missed, where that is not the record which is judged.
fn missed_after(missing: Binding) -> Option<Binding> {
    match missing {
        // Until a session is refused there is no reason to open another one.
        Binding::NextInitialize => Some(Binding::FirstRefusal),
        _ => None,
    }
}

/// The field that tells a person that this is the step meant.
fn telling_field(kind: Kind) -> Field {
    match kind {
        Kind::TokenResponse => Field::AccessToken,
        Kind::TokenRequest => Field::GrantType,
        Kind::AuthorizationRequest | Kind::AuthorizationResponse => Field::State,
        Kind::RegistrationRequest => Field::ResponseClientId,
        Kind::ResourceMetadataRequest => Field::DocumentResource,
        Kind::AsMetadataRequest => Field::DocumentIssuer,
        Kind::Session => Field::SessionId,
        _ => Field::Status,
    }
}

/// What a place shows, in words.
fn says(page: &Page, trail: &Trail, place: &EvidenceSlot<'_>) -> String {
    match place.role {
        Role::ThenLeft => broken(&page.then),
        Role::ThenRight => "what it is held against".to_owned(),
        Role::When => {
            let condition = page.when.iter().find(|condition| condition.path == place.path);
            let at_step = trail.record(place.record).map(|record| record.kind.name().replace('_', " "));
            match (condition, at_step) {
                (Some(condition), _) => kept(condition),
                (None, Some(step)) => format!("of the {step}"),
                (None, None) => String::new(),
            }
        }
    }
}

/// The assertion of a page as it is when broken.
fn broken(condition: &Condition) -> String {
    phrase(condition, condition.negated)
}

/// A condition as it is when it holds.
fn kept(condition: &Condition) -> String {
    phrase(condition, !condition.negated)
}

fn phrase(condition: &Condition, holds: bool) -> String {
    let other = match &condition.operand {
        Operand::Of(path) | Operand::OfWithin(path, _) => spoken(*path),
        Operand::Constant(value) => constant(value),
        Operand::OneOf(values) => values.iter().map(constant).collect::<Vec<_>>().join(", "),
        Operand::Form(form) => form.name().to_owned(),
        Operand::None => String::new(),
    };
    let (yes, no) = match condition.relation {
        RelationName::Present => return if holds { Evidence::IS_THERE } else { Evidence::IS_NOT_THERE }.to_owned(),
        RelationName::Absent => return if holds { Evidence::IS_NOT_THERE } else { Evidence::IS_THERE }.to_owned(),
        RelationName::Equals => ("is", "is not"),
        RelationName::OneOf => ("is one of", "is none of"),
        RelationName::Matches => ("has the form", "has not the form"),
        RelationName::SameAs => ("is the same as", "differs from"),
        RelationName::SameOriginAs => ("has the origin of", "has another origin than"),
        RelationName::SameUrlAs => ("is the URL of", "is another URL than"),
        RelationName::S256Of => ("its S256 is", "its S256 is not"),
        RelationName::Covers => ("covers", "does not cover"),
        RelationName::Contains => ("contains", "does not contain"),
        RelationName::SubsetOf => ("is within", "is not within"),
        RelationName::SupersetOf => ("holds all of", "does not hold all of"),
        RelationName::PrefixOf => ("is the beginning of", "is not the beginning of"),
        RelationName::Before => ("is before", "is not before"),
        RelationName::Within => ("is near", "is too far from"),
        RelationName::AtMost => ("is at most", "is more than"),
    };
    format!("{} {other}", if holds { yes } else { no })
}

fn constant(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::List(items) => items.join(" "),
    }
}

/// A path in words: `authorization_request.code_challenge` is "the code_challenge of the authorization request".
fn spoken(path: Path) -> String {
    match path {
        Path::Own(field) => format!("the {field}"),
        Path::Bound(binding, field) => format!("the {field} of the {}", binding.name().replace('_', " ")),
        Path::Binding(binding) => format!("the {}", binding.name().replace('_', " ")),
    }
}
