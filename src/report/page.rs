//! A rule page for the terminal (`authtrail explain`): the page as written, wrapped.
//!
//! Reads the little Markdown that rule pages use: headings, paragraphs, lists, fenced blocks.

use super::layout::{Canvas, Text};
use super::palette::{FAINT, STRONG};

/// Writes the page with this source.
pub(super) fn write(canvas: &mut Canvas, source: &str) {
    let mut paragraph = Paragraph::default();
    let mut fenced = false;
    for line in source.lines() {
        if line.trim_start().starts_with("```") {
            paragraph.flush(canvas);
            fenced = !fenced;
            canvas.blank();
        } else if fenced {
            canvas.line(&Text::new().padded_to(4).styled(FAINT, line.trim_end()));
        } else {
            paragraph.take(canvas, line);
        }
    }
    paragraph.flush(canvas);
}

/// Lines that belong together.
#[derive(Default)]
struct Paragraph {
    words: String,
    /// `- ` or `1. ` before a list item.
    bullet: String,
}

impl Paragraph {
    fn take(&mut self, canvas: &mut Canvas, line: &str) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            self.flush(canvas);
            canvas.blank();
        } else if trimmed.starts_with('#') {
            self.flush(canvas);
            canvas.blank();
            canvas.paragraph(0, 0, Text::new().styled(STRONG, trimmed.trim_start_matches('#').trim_start()));
        } else if let Some((bullet, rest)) = list_item(trimmed) {
            self.flush(canvas);
            self.bullet = bullet.to_owned();
            self.words = rest.to_owned();
        } else {
            if !self.words.is_empty() {
                self.words.push(' ');
            }
            self.words.push_str(trimmed);
        }
    }

    fn flush(&mut self, canvas: &mut Canvas) {
        if self.words.is_empty() {
            return;
        }
        let lead = Text::new().padded_to(2).plain(&self.bullet);
        let words = self.words.replace('`', "");
        canvas.hanging(&lead, lead.width(), words);
        *self = Paragraph::default();
    }
}

/// The bullet of a list item with its blank, and the rest.
fn list_item(line: &str) -> Option<(&str, &str)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let bullet = if digits > 0 && line[digits..].starts_with(". ") {
        digits + 2
    } else if line.starts_with("- ") || line.starts_with("* ") {
        2
    } else {
        return None;
    };
    Some(line.split_at(bullet))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_wrapped_and_its_head_kept() {
        let source = "# token-lost\n\nThe `token` is lost on its way\nto the server.\n\n```toml\ngiven = \"x\"\n```\n\n\
                      ## What does not fix it\n\n- logging in again and again and again\n- waiting\n";
        let expected = "token-lost\n\n  The token is lost on\n  its way to the server.\n\n    given = \"x\"\n\n\
                        What does not fix it\n\n  - logging in again and\n    again and again\n  - waiting\n";
        let mut canvas = Canvas::new(24);
        write(&mut canvas, source);
        assert_eq!(anstream::adapter::strip_str(&canvas.finish()).to_string(), expected);
    }
}
