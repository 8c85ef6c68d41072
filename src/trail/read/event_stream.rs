//! Event streams (HTML, 9.2.6): lines into events.

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// `event`; empty where the stream names none, which means `message`.
    pub name: String,
    /// `data` lines joined with line feeds.
    pub data: String,
    /// `id`; `None` where the event sets none.
    pub id: Option<String>,
    /// `retry`, milliseconds.
    pub retry: Option<u64>,
}

/// Reads every event. An event at the end without its empty line is kept: recordings end in the middle.
pub fn parse(text: &str) -> Vec<Event> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut events = Vec::new();
    let mut event = Event::default();
    let mut touched = false;
    let mut data_lines = 0usize;
    for line in text.split('\n').flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r')) {
        if line.is_empty() {
            if touched {
                events.push(std::mem::take(&mut event));
            }
            (touched, data_lines) = (false, 0);
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => event.name = value.to_owned(),
            "data" => {
                if data_lines > 0 {
                    event.data.push('\n');
                }
                data_lines += 1;
                event.data.push_str(value);
            }
            "id" => event.id = Some(value.to_owned()),
            "retry" => event.retry = value.parse().ok(),
            _ => continue,
        }
        touched = true;
    }
    if touched {
        events.push(event);
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_with_every_line_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!(": hello{end}{end}event: message{end}data: a{end}data:b{end}id: 7{end}{end}data: cut");
            let events = parse(&text);
            assert_eq!(events.len(), 2, "{end:?}");
            assert_eq!((events[0].data.as_str(), events[0].id.as_deref()), ("a\nb", Some("7")));
            assert_eq!(events[1].data, "cut");
        }
    }
}
