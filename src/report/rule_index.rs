//! The index of the rules (`authtrail rules`), by link.

use serde::Serialize;

use super::layout::{Canvas, Text};
use super::palette::{FAINT, STRONG};
use super::{escape, words};
use crate::check::language::Page;

/// One rule in the index.
#[derive(Debug, Clone, Serialize)]
pub struct Row<'a> {
    /// Slug.
    pub rule: &'a str,
    /// Folder.
    pub link: &'static str,
    /// Who must change.
    pub party: &'static str,
    /// Catalogue entries; empty for a fact.
    pub requirements: &'a [String],
    /// Failure mode; null where the page names none.
    pub mode: Option<&'a str>,
    /// What is wrong, in one sentence.
    pub summary: &'a str,
}

/// The index, in order of link and slug.
pub fn rows<'a>(pages: impl IntoIterator<Item = &'a Page>) -> Vec<Row<'a>> {
    let mut pages: Vec<&Page> = pages.into_iter().collect();
    pages.sort_by(|a, b| a.link.cmp(&b.link).then_with(|| a.slug.cmp(&b.slug)));
    let row = |page: &'a Page| Row {
        rule: &page.slug,
        link: page.link.name(),
        party: page.party.name(),
        requirements: &page.requirements,
        mode: page.mode.as_deref(),
        summary: &page.text.summary,
    };
    pages.into_iter().map(row).collect()
}

/// The index for a terminal.
pub fn render(rows: &[Row<'_>], width: usize) -> String {
    let mut canvas = Canvas::new(width);
    let mut link = "";
    for row in rows {
        if row.link != link {
            link = row.link;
            canvas.blank();
            canvas.line(&Text::new().styled(STRONG, link));
        }
        let duty = if row.requirements.is_empty() { "fact".to_owned() } else { row.requirements.join(", ") };
        let line = Text::new().padded_to(2).plain(row.rule).plain("  ");
        canvas.line(&line.styled(FAINT, &format!("{duty}; {}", row.party)));
        canvas.paragraph(6, 6, escape::prose(row.summary));
    }
    canvas.blank();
    canvas.line(&Text::from(format!("{}; authtrail explain RULE shows one in full", words::count(rows.len(), "rule"))));
    canvas.finish()
}
