//! Frames of HTTP/2 in transcripts:
//!
//! ```text
//! >preface
//! >settings
//! >headers STREAM [WORD...]            then lines `>+ name: value`
//! >promise STREAM PROMISED [WORD...]   the same
//! >data STREAM [WORD...] TEXT          with the escapes of a transcript
//! >rst STREAM CODE
//! >goaway LAST CODE
//! ```
//!
//! Words: `END_STREAM`; `PADDED`; `PRIORITY`; `SPLIT` (into HEADERS and CONTINUATION); `MISSED` (not in the capture, but the
//! encoder made its table entries).

use loona_hpack::Encoder;

use super::transcript::unescape;

/// Writes the frames of one side.
pub(super) struct Frames {
    encoder: Encoder<'static>,
    block: Option<Block>,
}

struct Block {
    promised: Option<u32>,
    stream: u32,
    words: Vec<String>,
    fields: Vec<(String, String)>,
}

impl Default for Frames {
    fn default() -> Self {
        Frames { encoder: Encoder::new(), block: None }
    }
}

impl Frames {
    /// Begins a frame; `None` where the line is none.
    pub(super) fn begin(&mut self, line: &str) -> Option<Vec<u8>> {
        let mut words = line.split(' ').map(str::to_owned);
        let kind = words.next()?;
        let mut number = || words.next().map(|word| word.parse::<u32>().expect("a number"));
        Some(match &*kind {
            "preface" => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            "settings" => frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]),
            "headers" | "promise" => {
                let stream = number()?;
                let promised = if kind == "promise" { number() } else { None };
                self.block = Some(Block { promised, stream, words: words.collect(), fields: Vec::new() });
                Vec::new()
            }
            "data" => {
                let stream = number()?;
                let words: Vec<String> = words.collect();
                let flags = words.iter().take_while(|word| matches!(&***word, "END_STREAM" | "PADDED")).count();
                let (flags, text) = words.split_at(flags);
                let padded = flags.iter().any(|flag| flag == "PADDED");
                let end = flags.iter().any(|flag| flag == "END_STREAM");
                frame(0, u8::from(end) | if padded { 8 } else { 0 }, stream, &pad(unescape(&text.join(" ")), padded))
            }
            "rst" => {
                let stream = number()?;
                frame(3, 0, stream, &number()?.to_be_bytes())
            }
            "goaway" => {
                let last = number()?.to_be_bytes();
                frame(7, 0, 0, &[last, number()?.to_be_bytes()].concat())
            }
            _ => return None,
        })
    }

    /// A field of the frame that was begun.
    pub(super) fn field(&mut self, line: &str) {
        let (name, value) = line[1..].split_once(": ").expect("name and value");
        let name = format!("{}{name}", &line[..1]);
        self.block.as_mut().expect("a frame with fields").fields.push((name, value.to_owned()));
    }

    /// The frame that was begun.
    pub(super) fn end(&mut self) -> Vec<u8> {
        let Some(Block { promised, stream, words, fields }) = self.block.take() else { return Vec::new() };
        let has = |word: &str| words.iter().any(|other| other == word);
        let fields = fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let block = self.encoder.encode(fields);
        if has("MISSED") {
            return Vec::new();
        }
        let (first, second) = block.split_at(if has("SPLIT") { block.len() / 2 } else { block.len() });
        let mut payload = promised.map_or(Vec::new(), |promised| promised.to_be_bytes().to_vec());
        let mut flags = if has("SPLIT") { 0 } else { 4 };
        if has("PRIORITY") {
            flags |= 0x20;
            payload.extend([0, 0, 0, 0, 15]);
        }
        if has("END_STREAM") {
            flags |= 1;
        }
        if has("PADDED") {
            flags |= 8;
        }
        payload.extend(first);
        let kind = if promised.is_some() { 5 } else { 1 };
        let mut octets = frame(kind, flags, stream, &pad(payload, has("PADDED")));
        if has("SPLIT") {
            octets.extend(frame(9, 4, stream, second));
        }
        octets
    }
}

fn pad(payload: Vec<u8>, padded: bool) -> Vec<u8> {
    if padded { [vec![3], payload, vec![0; 3]].concat() } else { payload }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
