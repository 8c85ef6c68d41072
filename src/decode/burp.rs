//! "Save items" of Burp Suite: XML with the octets of each request and response, as base64 or as text.

use std::net::SocketAddr;

use bytes::Bytes;
use memchr::memmem;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

use super::body::from_base64;
use super::exchange::{Answer, Connection, Exchange};
use super::format::{Problems, Reading};
use super::message::{Beside, Reader};
use super::{ReadOptions, Sanitized, url};
use crate::evidence::{At, CaptureId, Timestamp};

/// Octets in which the first element is looked for; a document type of some size comes before it.
const PROLOGUE: usize = 16 << 10;

/// Whether this is an export of Burp.
pub(super) fn recognise(content: &[u8]) -> bool {
    let prologue = content.get(..content.len().min(PROLOGUE)).unwrap_or_default();
    let is_xml = prologue.iter().find(|octet| !octet.is_ascii_whitespace() && octet.is_ascii()) == Some(&b'<');
    is_xml && memmem::find(prologue, b"<items burpVersion=").is_some()
}

/// What was read of one item so far.
#[derive(Default)]
struct Item {
    url: String,
    time: String,
    host: String,
    address: Option<std::net::IpAddr>,
    port: String,
    protocol: String,
    request: Message,
    response: Message,
    /// Something in it is over the limit.
    over_limit: bool,
}

#[derive(Default)]
struct Message {
    text: String,
    base64: bool,
}

impl Item {
    /// The place of the text of an element; `None` where nobody reads it.
    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "url" => &mut self.url,
            "time" => &mut self.time,
            "host" => &mut self.host,
            "port" => &mut self.port,
            "protocol" => &mut self.protocol,
            "request" => &mut self.request.text,
            "response" => &mut self.response.text,
            _ => return None,
        })
    }

    fn begin(&mut self, name: &str, element: &BytesStart<'_>) {
        let attribute = |name: &str| element.try_get_attribute(name).ok().flatten().map(|it| it.value);
        let base64 = attribute("base64").is_some_and(|value| value == "true");
        match name {
            "request" => self.request.base64 = base64,
            "response" => self.response.base64 = base64,
            "host" => {
                self.address = attribute("ip").and_then(|ip| ip.parse().ok());
            }
            _ => {}
        }
    }

    /// Adds text to the element that is open.
    fn push(&mut self, name: &str, text: &str, limit: usize) {
        let Some(field) = self.field(name) else { return };
        if field.len() + text.len() > limit {
            self.over_limit = true;
        } else {
            field.push_str(text);
        }
    }
}

impl Message {
    /// The octets of the message; empty where there is none.
    fn octets(self) -> Option<Vec<u8>> {
        if self.base64 { from_base64(self.text.as_bytes()) } else { Some(self.text.into_bytes()) }
    }
}

/// Reads an export.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let mut problems = Problems::new(options);
    let mut exchanges = Vec::new();
    let mut creator = None;
    let text = String::from_utf8_lossy(content);
    let mut xml = quick_xml::Reader::from_str(&text);
    // A broken item must not hide those before it, and depth costs nothing here.
    xml.config_mut().check_end_names = false;
    let mut item: Option<Item> = None;
    let mut open = String::new();
    let mut number = 0;
    let limit = options.limits.body.saturating_mul(2);
    let complete = loop {
        let event = match xml.read_event() {
            Ok(Event::Eof) => break item.is_none(),
            Ok(event) => event,
            Err(error) => {
                let place = xml.error_position();
                problems.say(None, format!("no XML from octet {place} on ({error}); kept the items before it"));
                break false;
            }
        };
        match (&event, &mut item) {
            (Event::Start(element), None) if element.name().as_ref() == "items" => creator = version(element),
            (Event::Start(element), slot) if element.name().as_ref() == "item" => *slot = Some(Item::default()),
            (Event::Start(element), Some(item)) => {
                open = element.name().as_ref().to_owned();
                item.begin(&open, element);
            }
            (Event::Text(text), Some(item)) => item.push(&open, text, limit),
            (Event::CData(text), Some(item)) => item.push(&open, text, limit),
            (Event::GeneralRef(name), Some(item)) => {
                let char = name.resolve_char_ref().ok().flatten().map(String::from);
                let entity = resolve_predefined_entity(name);
                let text = char.as_deref().or(entity).unwrap_or("\u{fffd}");
                item.push(&open, text, limit);
            }
            (Event::End(element), Some(_)) if element.name().as_ref() == "item" => {
                if exchanges.len() >= options.limits.exchanges {
                    problems.say(None, "more items than the limit; the rest is left out");
                    break false;
                }
                let read = item.take().and_then(|item| exchange(item, number, capture, options, &mut problems));
                exchanges.extend(read);
                number = number.saturating_add(1);
            }
            (Event::End(_), _) => open.clear(),
            _ => {}
        }
    };
    if !complete && item.is_some() {
        problems.say(Some(format!("item {number}")), "cut off; left out");
    }
    // Burp saves what it sent and received.
    Reading { creator, ..Reading::new(exchanges, Sanitized::No, complete, problems) }
}

fn version(element: &BytesStart<'_>) -> Option<String> {
    let version = element.try_get_attribute("burpVersion").ok().flatten()?.value;
    let version: String = version.chars().take(40).collect();
    Some(format!("Burp Suite {version}"))
}

fn exchange(
    item: Item,
    number: u32,
    capture: CaptureId,
    options: &ReadOptions,
    problems: &mut Problems,
) -> Option<Exchange> {
    let at = || Some(format!("item {number}"));
    if item.over_limit {
        problems.say(at(), "larger than the limit; left out");
        return None;
    }
    let text = |text: &str| text.trim().to_owned();
    let (address, protocol, host, port) = (text(&item.url), text(&item.protocol), text(&item.host), text(&item.port));
    let url = url::split(&address);
    let authority = if url.authority.is_empty() { format!("{host}:{port}") } else { url.authority.to_owned() };
    let scheme = if url.scheme.is_empty() { protocol.to_ascii_lowercase() } else { url.scheme.clone() };
    let (Some(request), Some(response)) = (item.request.octets(), item.response.octets()) else {
        problems.say(at(), "a message is no base64; left out");
        return None;
    };
    let mut said = Vec::new();
    let (request, response) = (Bytes::from(request), Bytes::from(response));
    let reader = |content| Reader { content, exact: true, limits: &options.limits };
    let beside = Beside { scheme: &scheme, authority: &authority };
    let Some(read) = reader(&request).request(&request, beside, &mut |message| said.push(message)) else {
        problems.say(at(), "no HTTP request; left out");
        return None;
    };
    let answer = match response.is_empty() {
        true => Answer::NotRecorded,
        false => reader(&response).response(&response, &read.method, &mut |message| said.push(message)),
    };
    said.into_iter().for_each(|message| problems.say(at(), message));
    let server = item.address.map(|ip| SocketAddr::new(ip, port.parse().unwrap_or(0)));
    Some(Exchange {
        capture,
        at: At::Item { word: "item", number },
        sent_at: time(&text(&item.time)),
        answered_at: None,
        connection: Connection { server, ..Connection::default() },
        request: read,
        answer,
    })
}

/// `Sat Sep 30 20:11:32 UTC 2023`. Other abbreviations of zones stand for several zones each, so the time is unknown.
fn time(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let [_, month, day, clock, "UTC" | "GMT", year] = words.as_slice() else { return None };
    let time = jiff::civil::DateTime::strptime("%Y %b %d %H:%M:%S", format!("{year} {month} {day} {clock}")).ok()?;
    let time: jiff::Timestamp = format!("{time}Z").parse().ok()?;
    Some(Timestamp(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_only_where_the_zone_is_one() {
        assert_eq!(time("Sat Sep 30 20:11:32 UTC 2023"), Some(Timestamp(1_696_104_692_000_000)));
        assert_eq!(time("Sat Sep 30 20:11:32 IST 2023"), None);
        assert_eq!(time(""), None);
    }
}
