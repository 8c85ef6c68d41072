//! Where the events of a stream end (HTML, 9.2.5): at an empty line. Reads no event.

/// Goes through a stream octet by octet, in whatever pieces it comes.
#[derive(Debug, Default, Clone)]
pub(crate) struct EventEnds {
    /// The last octets ended a line, so that another line end is an empty line.
    line_ended: bool,
    /// The last octet was a carriage return: a line feed after it is part of the same line end.
    after_return: bool,
}

impl EventEnds {
    /// Whether an event, a comment or nothing at all ends with this octet.
    pub(crate) fn ends_with(&mut self, octet: u8) -> bool {
        if octet == b'\n' && std::mem::take(&mut self.after_return) {
            return false;
        }
        let ends_line = matches!(octet, b'\n' | b'\r');
        self.after_return = octet == b'\r';
        let ends = ends_line && self.line_ended;
        self.line_ended = ends_line;
        ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_of_every_kind() {
        for end in ["\n", "\r\n", "\r"] {
            let stream = format!("id: 1{end}data: a{end}{end}data: b{end}{end}: ping{end}{end}data: c{end}");
            let mut ends = EventEnds::default();
            let found: Vec<usize> =
                stream.bytes().enumerate().filter(|(_, octet)| ends.ends_with(*octet)).map(|(at, _)| at).collect();
            let expected: Vec<usize> = stream.match_indices(&end.repeat(2)).map(|(at, _)| at + end.len()).collect();
            assert_eq!(found, expected, "{end:?}");
        }
    }
}
