//! Bodies as handles: a slice of the recording and how to read it. Nothing is decoded before it is asked for.

use std::borrow::Cow;

use bytes::Bytes;

use super::exchange::Unknown;
use crate::capture::limits::Limits;

/// The body of a message.
#[derive(Clone)]
pub struct Body(Content);

#[derive(Clone)]
enum Content {
    /// The message has no body.
    None,
    /// The recording does not hold it.
    NotRecorded(Unknown),
    /// The octets, transfer and content codings removed.
    Plain(Bytes),
}

impl Body {
    /// A message without body.
    pub fn none() -> Self {
        Body(Content::None)
    }

    /// A body that the recording does not hold.
    pub fn not_recorded(reason: Unknown) -> Self {
        Body(Content::NotRecorded(reason))
    }

    /// A body as it was meant: no transfer or content coding left.
    pub fn plain(octets: impl Into<Bytes>) -> Self {
        Body(Content::Plain(octets.into()))
    }

    /// The octets, decoded. `Ok(None)` where the message has no body.
    ///
    /// # Errors
    ///
    /// Why it cannot be read: not recorded, over a limit, broken coding.
    pub fn octets(&self, limits: &Limits) -> Result<Option<Cow<'_, [u8]>>, Unknown> {
        match &self.0 {
            Content::None => Ok(None),
            Content::NotRecorded(reason) => Err(*reason),
            Content::Plain(octets) if octets.len() > limits.body => Err(Unknown::BodyUnreadable),
            Content::Plain(octets) => Ok(Some(Cow::Borrowed(octets))),
        }
    }

    /// The text, decoded. `Ok(None)` where the message has no body.
    ///
    /// # Errors
    ///
    /// As [`octets`](Body::octets); and where it is no UTF-8.
    pub fn text(&self, limits: &Limits) -> Result<Option<Cow<'_, str>>, Unknown> {
        match self.octets(limits)? {
            None => Ok(None),
            Some(Cow::Borrowed(octets)) => {
                std::str::from_utf8(octets).map(|text| Some(Cow::Borrowed(text))).map_err(|_| Unknown::BodyUnreadable)
            }
            Some(Cow::Owned(octets)) => {
                String::from_utf8(octets).map(|text| Some(Cow::Owned(text))).map_err(|_| Unknown::BodyUnreadable)
            }
        }
    }

    /// Length in octets without any coding; `None` where it is not known.
    pub fn len(&self) -> Option<u64> {
        match &self.0 {
            Content::None => Some(0),
            Content::NotRecorded(_) => None,
            Content::Plain(octets) => Some(octets.len() as u64),
        }
    }
}

impl std::fmt::Debug for Body {
    /// Never prints the content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Content::None => f.write_str("Body(none)"),
            Content::NotRecorded(reason) => write!(f, "Body({})", reason.reason()),
            Content::Plain(octets) => write!(f, "Body({} octets)", octets.len()),
        }
    }
}
