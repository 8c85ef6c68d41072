//! The places that show what a verdict rests on.

use super::language::{Condition, Operand, Page, Path};
use crate::trail::Trail;
use crate::trail::record::{Bound, Closing, RecordId, Slot};
use crate::trail::schema::{Binding, Field};

/// Which part of a page a place belongs to, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The left side of `then`.
    ThenLeft,
    /// The right side of `then`.
    ThenRight,
    /// A side of a condition of `when`.
    When,
}

/// What stands at a place.
#[derive(Debug, Clone, Copy)]
pub enum Shows<'t> {
    /// A field.
    Slot(&'t Slot),
    /// A field that the record never set.
    Unset(Field),
    /// Another step that is there: a binding asked itself.
    Step(Binding),
    /// Another step that is not there, and what closes the window in which it could have come.
    NoStep(Binding, Closing),
    /// Another step that may be there or not.
    UnknownStep(Binding),
}

/// One place that a verdict rests on.
#[derive(Debug, Clone, Copy)]
pub struct EvidenceSlot<'t> {
    /// The part of the page.
    pub role: Role,
    /// The path as the page has it.
    pub path: Path,
    /// The record in which it stands: for a path through a binding the one that it leads to; for a step that is not
    /// there the judged one.
    pub record: RecordId,
    /// What stands there.
    pub shows: Shows<'t>,
}

/// The places that the verdict of a page on a record rests on: both sides of `then`, then those of `when` in the order
/// of the page, each place once.
pub fn slots_of<'t>(page: &Page, trail: &'t Trail, record: RecordId) -> Vec<EvidenceSlot<'t>> {
    let mut places: Vec<EvidenceSlot<'t>> = Vec::new();
    let (left, right) = sides(&page.then);
    let then = std::iter::once((Role::ThenLeft, left)).chain(right.map(|path| (Role::ThenRight, path)));
    let when = page.when.iter().flat_map(|condition| {
        let (left, right) = sides(condition);
        std::iter::once(left).chain(right).map(|path| (Role::When, path))
    });
    for (role, path) in then.chain(when) {
        let Some((holder, shows)) = place(trail, record, path) else { continue };
        let same = |known: &EvidenceSlot<'_>| known.record == holder && key(&known.shows) == key(&shows);
        if !places.iter().any(same) {
            places.push(EvidenceSlot { role, path, record: holder, shows });
        }
    }
    places
}

/// The judged record and those that the bindings of the page lead to: `explains` absorbs findings on them.
pub fn records_named(page: &Page, trail: &Trail, record: RecordId) -> Vec<RecordId> {
    let mut named = vec![record];
    let conditions = page.when.iter().chain(std::iter::once(&page.then));
    let paths = conditions.flat_map(|condition| {
        let (left, right) = sides(condition);
        std::iter::once(left).chain(right)
    });
    for path in paths.chain(page.proved_by.iter().copied()) {
        let (Path::Bound(binding, _) | Path::Binding(binding)) = path else { continue };
        if let Some(found) = trail.record(record).and_then(|record| record.found(binding))
            && !named.contains(&found)
        {
            named.push(found);
        }
    }
    named
}

fn sides(condition: &Condition) -> (Path, Option<Path>) {
    let right = match condition.operand {
        Operand::Of(path) | Operand::OfWithin(path, _) => Some(path),
        _ => None,
    };
    (condition.path, right)
}

fn place(trail: &Trail, id: RecordId, path: Path) -> Option<(RecordId, Shows<'_>)> {
    let record = trail.record(id)?;
    let (binding, field) = match path {
        Path::Own(field) => return Some((id, slot(trail, id, field)?)),
        Path::Bound(binding, field) => (binding, Some(field)),
        Path::Binding(binding) => (binding, None),
    };
    Some(match (record.bound(binding), field) {
        (Bound::Found(found), Some(field)) => (found, slot(trail, found, field)?),
        (Bound::Found(found), None) => (found, Shows::Step(binding)),
        (Bound::None(closing), _) => (id, Shows::NoStep(binding, closing)),
        (Bound::Unknown(_), _) => (id, Shows::UnknownStep(binding)),
    })
}

fn slot(trail: &Trail, id: RecordId, field: Field) -> Option<Shows<'_>> {
    Some(trail.record(id)?.slot(field).map_or(Shows::Unset(field), Shows::Slot))
}

/// What makes a place the same as another one of the same record.
fn key(shows: &Shows<'_>) -> (Option<Field>, Option<Binding>) {
    match shows {
        Shows::Slot(slot) => (Some(slot.field), None),
        Shows::Unset(field) => (Some(*field), None),
        Shows::Step(binding) | Shows::NoStep(binding, _) | Shows::UnknownStep(binding) => (None, Some(*binding)),
    }
}
