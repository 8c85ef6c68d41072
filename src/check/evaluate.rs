//! Three-valued evaluation (`rules.md`, section 3): one condition, and one page on one record.
//!
//! What the recording does not show is neither true nor false, and never becomes a verdict against anybody.

use super::language::{Certainty, Condition, Missing, Operand, Page, Path, RecordVerdict, RelationName, Verdict};
use super::relation::{self, Right, Side};
use crate::decode::exchange::Unknown;
use crate::trail::Trail;
use crate::trail::record::{Bound, Record, RecordId, State, Value};
use crate::trail::shape::Unit;

/// Whether a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    True,
    /// It does not.
    False,
    /// It speaks of a step that is known not to be there.
    NotApplicable,
    /// The recording does not show it.
    Unknown(Missing),
}

impl Truth {
    /// Kleene negation.
    fn negated(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            other => other,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Truth::True } else { Truth::False }
    }
}

/// What stands at a path: the rows of the table.
#[derive(Debug, Clone, Copy)]
enum Seen<'t> {
    /// present(value).
    Value(&'t Value, Option<Unit>),
    /// present(unread).
    Unread(Unknown),
    /// Absent, in a record that is there; or a binding that is none, asked itself.
    Absent,
    /// A binding that is found, asked itself.
    Found,
    /// Unknown; or a binding that is unknown, asked itself.
    Unknown(Unknown),
    /// A field of a binding that is none.
    OfNone,
    /// A field of a binding that is unknown.
    OfUnknown(Unknown),
}

fn look<'t>(trail: &'t Trail, record: &'t Record, path: Path) -> Seen<'t> {
    let (holder, field) = match path {
        Path::Own(field) => (record, field),
        Path::Bound(binding, field) => match record.bound(binding) {
            Bound::Found(id) => match trail.record(id) {
                Some(found) => (found, field),
                None => return Seen::OfUnknown(Unknown::StepNotRecorded),
            },
            Bound::None(_) => return Seen::OfNone,
            Bound::Unknown(reason) => return Seen::OfUnknown(reason),
        },
        Path::Binding(binding) => {
            return match record.bound(binding) {
                Bound::Found(_) => Seen::Found,
                Bound::None(_) => Seen::Absent,
                Bound::Unknown(reason) => Seen::Unknown(reason),
            };
        }
    };
    match holder.state(field) {
        State::Present(value) => Seen::Value(value, field.unit()),
        State::Unread(reason) => Seen::Unread(*reason),
        State::Absent => Seen::Absent,
        State::Unknown(reason) => Seen::Unknown(*reason),
    }
}

/// Whether a condition holds for a record.
pub fn condition(trail: &Trail, record: &Record, condition: &Condition) -> Truth {
    let left = look(trail, record, condition.path);
    let unknown = |path, reason| Truth::Unknown(Missing { path: Some(path), reason });
    let truth = match condition.relation {
        RelationName::Present | RelationName::Absent => {
            let asked = condition.relation == RelationName::Present;
            match left {
                Seen::Value(..) | Seen::Unread(_) | Seen::Found => Truth::from(asked),
                Seen::Absent => Truth::from(!asked),
                Seen::OfNone => Truth::NotApplicable,
                Seen::Unknown(reason) | Seen::OfUnknown(reason) => unknown(condition.path, reason),
            }
        }
        _ => match right_side(trail, record, condition) {
            Ok(right) => against(left, None, condition, right),
            Err((path, right)) => against(left, Some((path, right)), condition, Right::Nothing),
        },
    };
    if condition.negated { truth.negated() } else { truth }
}

/// The right side, or the path at which no readable value stands.
fn right_side<'t>(
    trail: &'t Trail,
    record: &'t Record,
    condition: &'t Condition,
) -> Result<Right<'t>, (Path, Seen<'t>)> {
    let side = |path: Path| match look(trail, record, path) {
        Seen::Value(value, unit) => Ok(Side { value, unit }),
        seen => Err((path, seen)),
    };
    Ok(match &condition.operand {
        Operand::None => Right::Nothing,
        Operand::Constant(value) => Right::Value(Side { value, unit: None }),
        Operand::OneOf(values) => Right::OneOf(values),
        Operand::Form(form) => Right::Form(*form),
        Operand::Of(path) => Right::Value(side(*path)?),
        Operand::OfWithin(path, seconds) => Right::Within(side(*path)?, *seconds),
    })
}

/// A relation between two sides. A step that is known not to be there makes it not applicable; one that may be there or
/// not leaves it open; only then does an absent value decide it, whatever the other side is.
fn against(left: Seen<'_>, bare_right: Option<(Path, Seen<'_>)>, condition: &Condition, right: Right<'_>) -> Truth {
    let sides = [Some((condition.path, left)), bare_right];
    let sides = || sides.iter().flatten();
    let unknown = |path: Path, reason| Truth::Unknown(Missing { path: Some(path), reason });
    if sides().any(|(_, seen)| matches!(seen, Seen::OfNone)) {
        return Truth::NotApplicable;
    }
    for (path, seen) in sides() {
        if let Seen::OfUnknown(reason) = seen {
            return unknown(*path, *reason);
        }
    }
    if sides().any(|(_, seen)| matches!(seen, Seen::Absent)) {
        return Truth::False;
    }
    for (path, seen) in sides() {
        if let Seen::Unknown(reason) | Seen::Unread(reason) = seen {
            return unknown(*path, *reason);
        }
    }
    let Seen::Value(value, unit) = left else { return unknown(condition.path, Unknown::Opaque) };
    // A value of a type that the relation cannot compare decides nothing.
    match relation::holds(condition.relation, Side { value, unit }, right) {
        Some(holds) => Truth::from(holds),
        None => unknown(condition.path, Unknown::Opaque),
    }
}

/// The verdict of a page on one record, whatever the revision (points 1 and 2).
pub fn record_verdict(page: &Page, trail: &Trail, id: RecordId) -> RecordVerdict {
    let decided = |verdict| RecordVerdict { record: id, verdict, missing: None };
    let Some(record) = trail.record(id) else { return decided(Verdict::NotApplicable) };
    let mut not_applicable = false;
    let mut missing = None;
    for item in &page.when {
        match condition(trail, record, item) {
            Truth::True => {}
            Truth::False => return decided(Verdict::NotApplicable),
            Truth::NotApplicable => not_applicable = true,
            Truth::Unknown(what) => missing = missing.or(Some(what)),
        }
    }
    if not_applicable {
        return decided(Verdict::NotApplicable);
    }
    if missing.is_some() {
        return RecordVerdict { record: id, verdict: Verdict::NotObserved, missing };
    }
    match condition(trail, record, &page.then) {
        Truth::True => decided(Verdict::Satisfied),
        Truth::False => decided(Verdict::Violated),
        Truth::NotApplicable => decided(Verdict::NotApplicable),
        Truth::Unknown(what) => RecordVerdict { record: id, verdict: Verdict::NotObserved, missing: Some(what) },
    }
}

/// How sure a page is about a record that violates it: `proved_by` lifts `likely` to `proved`.
pub fn certainty(page: &Page, trail: &Trail, id: RecordId) -> Certainty {
    let Some(record) = trail.record(id) else { return page.certainty };
    let lifts = page.proved_by.iter().any(|path| match look(trail, record, *path) {
        Seen::Value(Value::Flag(flag), _) => *flag,
        Seen::Value(..) | Seen::Unread(_) | Seen::Found => true,
        Seen::Absent | Seen::Unknown(_) | Seen::OfNone | Seen::OfUnknown(_) => false,
    });
    if lifts { Certainty::Proved } else { page.certainty }
}
