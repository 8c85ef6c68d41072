//! What a recording says, as pages see it, and which pages ask for what changed.
//!
//! A page sees fields, bindings and the revision in force, and nothing else. A changed octet reaches it through these or
//! not at all: that is what the comparison here rests on.

use std::collections::{BTreeMap, BTreeSet};

use authtrail::check::language::{Operand, Page, Path};
use authtrail::check::rule_set::{PageId, RuleSet};
use authtrail::evidence::At;
use authtrail::trail::record::{Bound, RecordId, State};
use authtrail::trail::schema::{Binding, Field, Kind, Revision};
use authtrail::trail::{Incident, Trail};

/// A record by what it is and where it stands: kind, entry of the unbroken recording, and place among those of the
/// same kind and entry.
type Name = (Kind, u32, usize);

/// Where a binding leads, as far as a page can tell.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leads {
    To(Name),
    Nowhere,
    Unknown(String),
}

/// What one record says.
#[derive(Default)]
struct Said {
    fields: BTreeMap<Field, State>,
    bindings: BTreeMap<Binding, Leads>,
    revisions: Vec<Revision>,
}

/// Everything that the records of a recording say.
pub(super) struct Facts(BTreeMap<Name, Said>);

impl Facts {
    /// The facts of an incident. `entries` says for each entry which one of the unbroken recording it was.
    pub(super) fn of(incident: &Incident, entries: &[u32]) -> Facts {
        let mut facts = BTreeMap::new();
        for trail in &incident.trails {
            let names = names(incident, trail, entries);
            for (record, name) in trail.records.iter().zip(&names) {
                let mut said = Said::default();
                for field in record.kind.fields() {
                    said.fields.insert(field, record.state(field).clone());
                }
                for (binding, _) in record.kind.bindings() {
                    let leads = match record.bound(binding) {
                        Bound::Found(RecordId(at)) => Leads::To(names[at as usize]),
                        Bound::None(_) => Leads::Nowhere,
                        Bound::Unknown(reason) => Leads::Unknown(format!("{reason:?}")),
                    };
                    said.bindings.insert(binding, leads);
                }
                let stretch = trail.stretch_at(record.exchange);
                said.revisions = stretch.map(|stretch| stretch.candidates.clone()).unwrap_or_default();
                facts.insert(*name, said);
            }
        }
        Facts(facts)
    }
}

fn names(incident: &Incident, trail: &Trail, entries: &[u32]) -> Vec<Name> {
    let mut counted: BTreeMap<(Kind, u32), usize> = BTreeMap::new();
    let mut name = |kind: Kind, entry: u32| {
        let count = counted.entry((kind, entry)).or_default();
        *count += 1;
        (kind, entry, *count)
    };
    trail
        .records
        .iter()
        .map(|record| {
            let at = &incident.exchanges[record.exchange.0 as usize].at;
            let At::Entry(entry) = at else { panic!("no entry: {at:?}") };
            name(record.kind, entries[*entry as usize])
        })
        .collect()
}

/// What differs between two recordings.
#[derive(Default)]
pub(super) struct Difference {
    kinds: BTreeSet<Kind>,
    fields: BTreeSet<(Kind, Field)>,
    bindings: BTreeSet<(Kind, Binding)>,
    /// Revisions that a record may have in one and not in the other, by kind.
    revisions: BTreeSet<(Kind, Vec<Revision>, Vec<Revision>)>,
}

impl Difference {
    pub(super) fn between(before: &Facts, after: &Facts) -> Difference {
        let mut difference = Difference::default();
        let all: BTreeSet<&Name> = before.0.keys().chain(after.0.keys()).collect();
        for name in all {
            let kind = name.0;
            let (Some(old), Some(new)) = (before.0.get(name), after.0.get(name)) else {
                difference.kinds.insert(kind);
                continue;
            };
            let changed = old.fields.iter().filter(|(field, state)| new.fields.get(field) != Some(state));
            difference.fields.extend(changed.map(|(field, _)| (kind, *field)));
            let changed = old.bindings.iter().filter(|(binding, leads)| new.bindings.get(binding) != Some(leads));
            difference.bindings.extend(changed.map(|(binding, _)| (kind, *binding)));
            if old.revisions != new.revisions {
                difference.revisions.insert((kind, old.revisions.clone(), new.revisions.clone()));
            }
        }
        difference
    }

    /// Whether the page asks for anything that differs: the field named, a field behind a binding that it passes
    /// through, that binding itself, records of its kind, or the revision in which its duty holds.
    pub(super) fn reaches(&self, rules: &RuleSet, id: PageId) -> bool {
        let page = rules.page(id);
        let given = page.given;
        let target = |binding: Binding| given.bindings().find(|(known, _)| *known == binding).map(|(_, kind)| kind);
        let asks = |path: Path| match path {
            Path::Own(field) => self.fields.contains(&(given, field)),
            Path::Binding(binding) => self.bindings.contains(&(given, binding)),
            Path::Bound(binding, field) => {
                self.bindings.contains(&(given, binding))
                    || target(binding).is_some_and(|kind| self.fields.contains(&(kind, field)))
            }
        };
        let holds =
            |revisions: &[Revision]| revisions.iter().map(|revision| rules.holds_in(id, *revision)).collect::<Vec<_>>();
        self.kinds.contains(&given)
            || paths(page).into_iter().any(asks)
            || self.revisions.iter().any(|(kind, old, new)| *kind == given && holds(old) != holds(new))
    }
}

/// Every path that decides the verdict of a page, those of `then` first.
fn paths(page: &Page) -> Vec<Path> {
    let conditions = std::iter::once(&page.then).chain(&page.when);
    conditions
        .flat_map(|condition| {
            let right = match condition.operand {
                Operand::Of(path) | Operand::OfWithin(path, _) => Some(path),
                _ => None,
            };
            std::iter::once(condition.path).chain(right)
        })
        .collect()
}
