//! Session archives of Fiddler (SAZ): a zip with `raw/N_c.txt` (request), `raw/N_s.txt` (response) and `raw/N_m.xml`
//! (times, addresses) for each session.
//!
//! The description of a tunnel that Fiddler puts after a CONNECT is no content of it and is passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use memchr::memmem;
use quick_xml::events::Event;
use zip::result::ZipError;

use super::exchange::{Answer, Connection, Exchange};
use super::format::{Problems, Reading};
use super::message::{Beside, Reader};
use super::{ReadOptions, Sanitized};
use crate::evidence::{At, CaptureId, Timestamp};

/// Whether this is an archive of Fiddler.
pub(super) fn recognise(content: &[u8]) -> bool {
    content.starts_with(b"PK\x03\x04")
        && memmem::find(content, b"raw/").is_some()
        && memmem::find(content, b"_c.txt").is_some()
}

/// The files of one session.
#[derive(Default)]
struct Session {
    request: Option<Bytes>,
    response: Option<Bytes>,
    about: Option<Bytes>,
}

/// Reads an archive.
pub(super) fn read(content: &Bytes, capture: CaptureId, options: &ReadOptions) -> Reading {
    let mut problems = Problems::new(options);
    let mut sessions = BTreeMap::new();
    let complete = match zip::ZipArchive::new(Cursor::new(&**content)) {
        Ok(mut archive) => {
            let mut unpacked = Unpacked { sessions: &mut sessions, room: options.limits.memory, complete: true };
            for index in 0..archive.len() {
                let Some(Ok(name)) = archive.name_for_index(index).map(|name| name.map(Cow::into_owned)) else {
                    continue;
                };
                unpacked.take(&name, archive.by_index(index), options, &mut problems);
            }
            unpacked.complete
        }
        // The list of what is inside stands at the end of a zip.
        Err(_) => {
            problems.say(None, "the archive is cut off or broken; read the files at its beginning that are whole");
            let mut unpacked = Unpacked { sessions: &mut sessions, room: options.limits.memory, complete: true };
            let mut rest = Cursor::new(&**content);
            while let Ok(Some(file)) = zip::read::read_zipfile_from_stream(&mut rest) {
                let Ok(name) = file.name().map(Cow::into_owned) else { continue };
                unpacked.take(&name, Ok(file), options, &mut problems);
            }
            false
        }
    };
    let mut exchanges = Vec::new();
    for (number, session) in sessions {
        exchanges.extend(exchange(number, session, capture, options, &mut problems));
    }
    // Fiddler saves what went through it.
    let reading = Reading::new(exchanges, Sanitized::No, complete, problems);
    Reading { creator: Some("Fiddler".to_owned()), ..reading }
}

/// Takes files out of the archive while there is room.
struct Unpacked<'a> {
    sessions: &'a mut BTreeMap<u32, Session>,
    room: usize,
    complete: bool,
}

impl Unpacked<'_> {
    fn take<R: Read>(
        &mut self,
        name: &str,
        file: Result<zip::read::ZipFile<'_, R>, ZipError>,
        options: &ReadOptions,
        problems: &mut Problems,
    ) {
        let Some((number, part)) = place(name) else { return };
        let mut say = |message: &str| problems.say(Some(format!("session {number}")), message);
        if self.sessions.len() >= options.limits.exchanges && !self.sessions.contains_key(&number) {
            self.complete = false;
            return say("more sessions than the limit; left out");
        }
        let file = match file {
            Ok(file) => file,
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => {
                self.complete = false;
                return say("protected by a password; save the archive without one");
            }
            Err(_) => {
                self.complete = false;
                return say("a file of it cannot be unpacked; read without");
            }
        };
        let most = options.limits.body.saturating_add(options.limits.headers).min(self.room);
        let mut octets = Vec::new();
        let whole = file.take(most as u64 + 1).read_to_end(&mut octets).is_ok() && octets.len() <= most;
        if !whole {
            self.complete = false;
            return say("a file of it is broken or over the limit; read without");
        }
        self.room = self.room.saturating_sub(octets.len());
        let session = self.sessions.entry(number).or_default();
        let slot = match part {
            Part::Request => &mut session.request,
            Part::Response => &mut session.response,
            Part::About => &mut session.about,
        };
        *slot = Some(octets.into());
    }
}

enum Part {
    Request,
    Response,
    About,
}

/// `raw/01_c.txt`; some writers use a backslash.
fn place(name: &str) -> Option<(u32, Part)> {
    let name = name.replace('\\', "/");
    let (number, part) = name.strip_prefix("raw/")?.split_once('_')?;
    let part = match part {
        "c.txt" => Part::Request,
        "s.txt" => Part::Response,
        "m.xml" => Part::About,
        _ => return None,
    };
    Some((number.parse().ok()?, part))
}

fn exchange(
    number: u32,
    session: Session,
    capture: CaptureId,
    options: &ReadOptions,
    problems: &mut Problems,
) -> Option<Exchange> {
    let at = || Some(format!("session {number}"));
    let mut said = Vec::new();
    let reader = |content| Reader { content, exact: true, limits: &options.limits };
    let octets = session.request.unwrap_or_default();
    let request = reader(&octets).request(&octets, Beside::default(), &mut |message| said.push(message));
    let Some(request) = request else {
        problems.say(at(), "no HTTP request; left out");
        return None;
    };
    let octets = session.response.unwrap_or_default();
    let answer = reader(&octets).response(&octets, &request.method, &mut |message| said.push(message));
    said.into_iter().for_each(|message| problems.say(at(), message));
    let about = session.about.map(|xml| About::read(&xml)).unwrap_or_default();
    let received = matches!(answer, Answer::Received(_));
    Some(Exchange {
        capture,
        at: At::Item { word: "session", number },
        sent_at: about.sent_at,
        answered_at: about.answered_at.filter(|_| received),
        connection: about.connection(),
        request,
        answer,
    })
}

/// What `N_m.xml` says.
#[derive(Default)]
struct About {
    sent_at: Option<Timestamp>,
    answered_at: Option<Timestamp>,
    client: Option<IpAddr>,
    client_port: u16,
    server: Option<IpAddr>,
}

impl About {
    fn read(xml: &[u8]) -> About {
        let mut about = About::default();
        let xml = String::from_utf8_lossy(xml);
        let mut reader = quick_xml::Reader::from_str(xml.trim_start_matches('\u{feff}'));
        while let Ok(Event::Start(element) | Event::Empty(element)) = next_element(&mut reader) {
            let attribute = |name: &str| -> Option<String> {
                let value = element.try_get_attribute(name).ok().flatten()?.value;
                Some(value.into_owned())
            };
            let time = |name: &str| -> Option<Timestamp> {
                // A session that did not get so far has the year 1, without a zone.
                let time: jiff::Timestamp = attribute(name)?.parse().ok()?;
                Some(Timestamp(time.as_microsecond()))
            };
            match element.name().as_ref() {
                "SessionTimers" => {
                    about.sent_at = time("ClientBeginRequest");
                    about.answered_at = time("ServerDoneResponse").or_else(|| time("ClientDoneResponse"));
                }
                "SessionFlag" => about.flag(&attribute("N").unwrap_or_default(), &attribute("V").unwrap_or_default()),
                _ => {}
            }
        }
        about
    }

    fn flag(&mut self, name: &str, value: &str) {
        match name.to_ascii_lowercase().as_str() {
            "x-clientip" => self.client = value.parse().ok().map(|ip: IpAddr| ip.to_canonical()),
            "x-clientport" => self.client_port = value.parse().unwrap_or(0),
            "x-hostip" => self.server = value.parse().ok(),
            _ => {}
        }
    }

    /// A port of the client's stands for the connection; sessions that Fiddler made itself have none.
    fn connection(&self) -> Connection {
        let id = (self.client_port != 0).then(|| format!("ClientPort:{}", self.client_port).into());
        Connection {
            id,
            client: self.client.map(|ip| SocketAddr::new(ip, self.client_port)),
            server: self.server.map(|ip| SocketAddr::new(ip, 0)),
            ..Connection::default()
        }
    }
}

/// The next element; an error at the end.
fn next_element<'a>(reader: &mut quick_xml::Reader<&'a [u8]>) -> Result<Event<'a>, ()> {
    loop {
        match reader.read_event() {
            Ok(event @ (Event::Start(_) | Event::Empty(_))) => return Ok(event),
            Ok(Event::Eof) | Err(_) => return Err(()),
            Ok(_) => {}
        }
    }
}
