//! Reads a rule page: title, summary, head and the four sections.
//!
//! Knows the form of a page; what may stand in its head is known in `head`.

use std::ops::Range;

use super::catalogue::Catalogue;
use super::diagnostic::{Diagnostic, Report, closest};
use super::head::{self, Reference};
use super::language::{Page, PageText};
use crate::trail::schema::Link;

/// A page that was read, and what is left to check once all pages are known.
#[derive(Debug)]
pub(super) struct Reading {
    /// The page; `None` where something is wrong with it.
    pub(super) page: Option<Page>,
    /// The slugs that it names.
    pub(super) references: Vec<Reference>,
    /// What is wrong with it.
    pub(super) report: Report,
}

/// Reads one page alone, without looking whether the pages that it names exist.
///
/// `file` ends in `<link>/<slug>.md`.
pub fn parse(file: &str, text: &str, catalogue: &Catalogue) -> Result<Page, Vec<Diagnostic>> {
    let reading = read(file, text, catalogue);
    let diagnostics = reading.report.into_diagnostics();
    match reading.page {
        Some(page) if diagnostics.is_empty() => Ok(page),
        _ => Err(diagnostics),
    }
}

/// Longest page that is read, in octets.
const LONGEST: usize = 256 * 1024;

pub(super) fn read(file: &str, text: &str, catalogue: &Catalogue) -> Reading {
    let mut report = Report::new(file, text);
    if text.len() > LONGEST {
        report.error(0..0, format!("a rule page is at most {LONGEST} octets long"));
        return Reading { page: None, references: Vec::new(), report };
    }
    let mut name = file.rsplit(['/', '\\']);
    let slug = name.next().unwrap_or(file).trim_end_matches(".md").to_owned();
    let link = read_link(name.next().unwrap_or(""), &mut report);
    let lines = Lines::of(text);
    let layout = read_layout(&lines, &slug, &mut report);
    let head = layout.head.clone().map(|at| head::read(&text[at.clone()], at.start, &slug, catalogue, &mut report));
    let page_text = layout.text(&lines, &mut report);
    let Some((head, references)) = head else {
        return Reading { page: None, references: Vec::new(), report };
    };
    let page = match (head, link, page_text) {
        (Some(head), Some(link), Some(words)) if report.is_empty() => Some(head.into_page(slug, link, words, text)),
        _ => None,
    };
    Reading { page, references, report }
}

fn read_link(folder: &str, report: &mut Report) -> Option<Link> {
    let link = Link::from_name(folder);
    if link.is_none() {
        let message = format!("the folder of a page is a link of the chain, found `{folder}`");
        report.unknown_word(0..0, message, folder, Link::ALL.iter().map(|link| link.name()));
    }
    link
}

/// The sections that a page has, by heading.
const SECTIONS: [&str; 4] =
    ["Why the session stays unauthorized", "How to fix it", "What does not fix it", "When this rule is silent"];

/// The lines of a text with their place in it.
struct Lines<'t> {
    lines: Vec<(usize, &'t str)>,
    end: usize,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let mut at = 0;
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            lines.push((at, line.trim_end()));
            at += line.len();
        }
        Lines { lines, end: text.len() }
    }

    fn start(&self, line: usize) -> usize {
        self.lines.get(line).map_or(self.end, |(at, _)| *at)
    }

    fn span(&self, line: usize) -> Range<usize> {
        self.lines.get(line).map_or(self.end..self.end, |(at, text)| *at..at + text.len())
    }

    fn slice(&self, lines: Range<usize>) -> Vec<&'t str> {
        self.lines.get(lines).unwrap_or(&[]).iter().map(|(_, text)| *text).collect()
    }
}

/// Where the parts of a page stand: lines, but for the head, which is octets.
#[derive(Default)]
struct Layout {
    summary: Range<usize>,
    head: Option<Range<usize>>,
    sections: [Option<Range<usize>>; 4],
}

fn read_layout(lines: &Lines<'_>, slug: &str, report: &mut Report) -> Layout {
    let mut layout = Layout::default();
    let count = lines.lines.len();
    let first = (0..count).find(|at| !lines.lines[*at].1.is_empty()).unwrap_or(0);
    read_title(lines, first, slug, report);
    let Some(fence) = (first..count).find(|at| lines.lines[*at].1 == "```toml") else {
        report.error(lines.span(first), "the page has no head").help =
            Some("a head stands between ```toml and ``` under the summary".to_owned());
        return layout;
    };
    layout.summary = first + 1..fence;
    let Some(end) = (fence + 1..count).find(|at| lines.lines[*at].1 == "```") else {
        report.error(lines.span(fence), "the head has no end").help = Some("it ends with ``` on a line".to_owned());
        return layout;
    };
    layout.head = Some(lines.start(fence + 1)..lines.start(end));
    read_sections(lines, end + 1, &mut layout, report);
    for (heading, section) in SECTIONS.iter().zip(&layout.sections) {
        if section.is_none() {
            report.error(lines.end..lines.end, format!("the section `## {heading}` is missing"));
        }
    }
    layout
}

fn read_title(lines: &Lines<'_>, first: usize, slug: &str, report: &mut Report) {
    let title = lines.lines.get(first).and_then(|(_, line)| line.strip_prefix("# "));
    match title {
        Some(title) if title.trim() == slug => {}
        Some(title) => {
            let message = format!("the title is `{}`, the file is `{slug}.md`", title.trim());
            report.error(lines.span(first), message).help = Some("both are the slug of the rule".to_owned());
        }
        None => {
            report.error(lines.span(first), format!("a page begins with its title, `# {slug}`"));
        }
    }
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.is_empty() || !slug.chars().all(kebab) {
        report.error(lines.span(first), format!("a slug is lower case words joined by `-`, found `{slug}`"));
    }
}

/// Where a line under the head belongs.
#[derive(Clone, Copy)]
enum Place {
    BeforeSections,
    In(usize),
    /// Under a heading that was refused.
    Refused,
}

fn read_sections(lines: &Lines<'_>, from: usize, layout: &mut Layout, report: &mut Report) {
    let mut place = Place::BeforeSections;
    let mut fenced = false;
    for at in from..lines.lines.len() {
        let line = lines.lines[at].1;
        fenced ^= line.starts_with("```");
        match (line.strip_prefix("## ").filter(|_| !fenced), place) {
            (Some(heading), _) => place = read_heading(lines, at, heading.trim(), layout, report),
            (None, Place::In(section)) => {
                layout.sections[section] = layout.sections[section].take().map(|lines| lines.start..at + 1);
            }
            (None, Place::BeforeSections) if !line.is_empty() => {
                report.error(lines.span(at), "text under the head belongs into a section");
                place = Place::Refused;
            }
            (None, _) => {}
        }
    }
}

fn read_heading(lines: &Lines<'_>, at: usize, heading: &str, layout: &mut Layout, report: &mut Report) -> Place {
    let meant = SECTIONS.iter().position(|known| *known == heading).or_else(|| {
        let message = format!("a page has no section `## {heading}`");
        report.unknown_word(lines.span(at), message, heading, SECTIONS);
        closest(heading, SECTIONS).and_then(|meant| SECTIONS.iter().position(|known| *known == meant))
    });
    match meant {
        Some(section) if layout.sections[section].is_none() => {
            layout.sections[section] = Some(at + 1..at + 1);
            Place::In(section)
        }
        Some(_) => {
            report.error(lines.span(at), format!("the section `## {heading}` stands twice"));
            Place::Refused
        }
        None => Place::Refused,
    }
}

impl Layout {
    fn text(&self, lines: &Lines<'_>, report: &mut Report) -> Option<PageText> {
        let summary = paragraphs(&lines.slice(self.summary.clone())).into_iter().next();
        if summary.is_none() && self.head.is_some() {
            report.error(lines.span(self.summary.start), "the page has no summary between title and head");
        }
        let mut section = |which: usize| -> Option<(usize, Vec<&str>)> {
            let at = self.sections[which].clone()?;
            let text = lines.slice(at.clone());
            if text.iter().all(|line| line.is_empty()) {
                report.error(lines.span(at.start - 1), format!("the section `## {}` is empty", SECTIONS[which]));
                return None;
            }
            Some((at.start, text))
        };
        let (why, fix, not, silent) = (section(0), section(1), section(2), section(3));
        let not_a_fix = not.and_then(|(start, text)| items(&text, lines, start, report));
        let mut repairs = paragraphs(&fix?.1).into_iter();
        Some(PageText {
            summary: summary?,
            why: paragraphs(&why?.1).join("\n\n"),
            fix: repairs.next()?,
            tolerance: repairs.next().filter(|second| second.starts_with("Meanwhile")),
            not_a_fix: not_a_fix?,
            silent: paragraphs(&silent?.1).join("\n\n"),
        })
    }
}

/// The paragraphs of a text, each in one line but for lists, tables and fenced blocks, which keep their lines.
fn paragraphs(lines: &[&str]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut open, mut fenced) = (false, false);
    for line in lines {
        let fence = line.trim_start().starts_with("```");
        if line.is_empty() && !fenced {
            open = false;
            continue;
        }
        let own_line = fenced || fence || line.trim_start().starts_with(['-', '*', '|']);
        fenced ^= fence;
        match found.last_mut().filter(|_| open) {
            Some(paragraph) if own_line => {
                paragraph.push('\n');
                paragraph.push_str(line);
            }
            Some(paragraph) => {
                paragraph.push(' ');
                paragraph.push_str(line.trim_start());
            }
            None => found.push((*line).to_owned()),
        }
        open = true;
    }
    found
}

/// The items of a list, each in one line.
fn items(text: &[&str], lines: &Lines<'_>, start: usize, report: &mut Report) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for (at, line) in text.iter().enumerate() {
        if let Some(item) = line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
            found.push(item.trim().to_owned());
        } else if let Some(item) = found.last_mut().filter(|_| line.starts_with(' ')) {
            item.push(' ');
            item.push_str(line.trim_start());
        } else if !line.is_empty() {
            report.error(lines.span(start + at), format!("`## {}` is a list", SECTIONS[2])).help =
                Some("each item begins with `- `, its further lines with two spaces".to_owned());
            return None;
        }
    }
    Some(found)
}
