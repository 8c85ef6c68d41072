//! What changes between two revisions, for a terminal (`authtrail diff-revisions`): by party, then by link.

use super::layout::{Canvas, Text};
use super::palette::{FAINT, STRONG};
use super::{escape, words};
use crate::check::listing::ListedRevision;
use crate::check::revision_diff::{PartyDiff, RevisionDiff, RuleChange};

/// Widest column of slugs.
const WIDEST_SLUG: usize = 46;

/// The difference for a terminal.
pub fn render(diff: &RevisionDiff, width: usize) -> String {
    let mut canvas = Canvas::new(width);
    let title = format!("{} -> {}", diff.from, diff.to);
    if diff.parties.is_empty() {
        canvas.line(&Text::from(format!("{title}: no rule changes")));
        return canvas.finish();
    }
    canvas.line(&Text::new().styled(STRONG, &title));
    for party in &diff.parties {
        write_party(&mut canvas, party);
    }
    canvas.blank();
    canvas.paragraph(
        0,
        0,
        "+ appears, - vanishes, ! stricter, ~ weaker, = another keyword; authtrail explain RULE shows a rule in full",
    );
    canvas.finish()
}

fn write_party(canvas: &mut Canvas, party: &PartyDiff) {
    canvas.blank();
    let head = Text::new().styled(STRONG, words::party(party.party));
    canvas.paragraph(0, 2, head.plain(&format!("  {}", counts(party))));
    let mut link = "";
    for change in &party.changes {
        if change.link != link {
            link = change.link;
            canvas.blank();
            canvas.line(&Text::new().padded_to(2).styled(STRONG, link));
        }
        write_change(canvas, change);
    }
}

/// `12 appear, 3 vanish, 1 stricter; 40 stay`.
fn counts(party: &PartyDiff) -> String {
    const WORDS: [(&str, &str); 5] = [
        ("appears", "appear"),
        ("vanishes", "vanish"),
        ("stricter", "stricter"),
        ("weaker", "weaker"),
        ("worded", "under another keyword"),
    ];
    let count = |kind: &str| party.changes.iter().filter(|change| change.change == kind).count();
    let told = WORDS.iter().map(|(kind, word)| (count(kind), word)).filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, word)| format!("{count} {word}")).collect();
    format!("{}; {} stay as they are", told.join(", "), party.unchanged)
}

fn write_change(canvas: &mut Canvas, change: &RuleChange) {
    let mark = match change.change {
        "appears" => "+",
        "vanishes" => "-",
        "stricter" => "!",
        "weaker" => "~",
        _ => "=",
    };
    let line = Text::new().padded_to(2).plain(mark).padded_to(4).plain(&change.rule).padded_to(WIDEST_SLUG);
    canvas.hanging(&line, WIDEST_SLUG, holds(change));
    canvas.paragraph(6, 6, escape::prose(&change.summary));
    if !change.in_place_of.is_empty() {
        let word = if change.change == "appears" { "in place of" } else { "judged from then on by" };
        canvas.paragraph(6, 6, Text::new().styled(FAINT, &format!("{word} {}", change.in_place_of.join(", "))));
    }
    if change.permitted {
        let words = if change.change == "appears" { "left open before (MAY)" } else { "left open from then on (MAY)" };
        canvas.paragraph(6, 6, Text::new().styled(FAINT, words));
    }
}

/// `MUST`, or `SHOULD -> MUST`; where that does not tell the level, the level too.
fn holds(change: &RuleChange) -> String {
    let keyword = |holds: &ListedRevision| if holds.keyword == "none" { "fact" } else { holds.keyword };
    match (&change.before, &change.after) {
        (Some(before), Some(after)) if before.level == after.level => {
            format!("{} -> {}", keyword(before), keyword(after))
        }
        (Some(before), Some(after)) => {
            format!("{} -> {} ({} -> {})", keyword(before), keyword(after), before.level, after.level)
        }
        (Some(holds), None) | (None, Some(holds)) => format!("{} ({})", keyword(holds), holds.level),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds_as(keyword: &'static str, level: &'static str) -> Option<ListedRevision> {
        Some(ListedRevision { revision: "2025-11-25", keyword, level, spec: Vec::new() })
    }

    fn change(
        rule: &str,
        change: &'static str,
        before: Option<ListedRevision>,
        after: Option<ListedRevision>,
    ) -> RuleChange {
        RuleChange {
            rule: rule.to_owned(),
            party: "client",
            link: "session",
            change,
            before,
            after,
            requirements: Vec::new(),
            in_place_of: if change == "vanishes" { vec!["b".to_owned()] } else { Vec::new() },
            permitted: change == "vanishes",
            summary: "The id is\nused again.".to_owned(),
        }
    }

    #[test]
    fn changes_go_by_party_and_link() {
        let changes = vec![
            change("a", "vanishes", holds_as("MUST", "error"), None),
            change("b", "stricter", holds_as("SHOULD", "warning"), holds_as("MUST", "error")),
        ];
        let party = PartyDiff { party: "client", unchanged: 7, changes };
        let diff = RevisionDiff { from: "2025-11-25", to: "2026-07-28", parties: vec![party] };
        let expected = "\
2025-11-25 -> 2026-07-28

the client  1 vanish, 1 stricter; 7 stay as they are

  session
  - a                                         MUST (error)
      The id is used again.
      judged from then on by b
      left open from then on (MAY)
  ! b                                         SHOULD -> MUST (warning -> error)
      The id is used again.

+ appears, - vanishes, ! stricter, ~ weaker, = another keyword; authtrail
explain RULE shows a rule in full
";
        assert_eq!(anstream::adapter::strip_str(&render(&diff, 80)).to_string(), expected);
        let same = RevisionDiff { from: "2025-11-25", to: "2025-11-25", parties: Vec::new() };
        assert_eq!(render(&same, 80), "2025-11-25 -> 2025-11-25: no rule changes\n");
    }
}
