//! The members of a HAR entry that are read, borrowed from the file.
//!
//! Every member may be missing, null, repeated (the last one counts, as in every JSON reader of the exporters) or of
//! another type than the format says. None of that costs the entry.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::headers::List;

/// A string; numbers and booleans as they are written.
#[derive(Debug, Default, Clone)]
pub(super) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text, without white space around it; `None` where it is empty.
    pub(super) fn given(&self) -> Option<&str> {
        self.0.as_deref().map(str::trim).filter(|text| !text.is_empty())
    }
}

/// A number, also one that is written as a string.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Number(pub(super) Option<f64>);

impl Number {
    /// The number where it is not negative; exporters write -1 for what they do not know.
    pub(super) fn known(self) -> Option<f64> {
        self.0.filter(|number| *number >= 0.0)
    }

    /// The number as a count.
    pub(super) fn count(self) -> Option<u64> {
        self.known().map(|number| number as u64)
    }
}

/// A value as it stands in the file.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Raw<'a>(pub(super) Option<&'a str>);

/// An object that may be missing, or something else in its place: then every member is missing.
pub(super) trait Object {
    /// Whether there was an object at all.
    fn is_given(&self) -> bool;
}

/// Declares an object: its members, their types and their names in the file.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $key:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            given: bool,
            $(pub(super) $field: $type,)*
            lifetime: PhantomData<&'a ()>,
        }

        impl Object for $name<'_> {
            fn is_given(&self) -> bool {
                self.given
            }
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Members<'a>(PhantomData<&'a ()>);
                impl<'de: 'a, 'a> Visitor<'de> for Members<'a> {
                    type Value = $name<'a>;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                        let mut object = $name { given: true, ..Default::default() };
                        while let Some(key) = map.next_key::<Key<'de>>()? {
                            match &*key.0 {
                                $($key => object.$field = map.next_value()?,)*
                                _ => {
                                    map.next_value::<IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(object)
                    }

                    list_or_null!();
                    scalars!(nothing);
                    text!(nothing);
                }
                deserializer.deserialize_any(Members(PhantomData))
            }
        }
    };
}

/// What is not expected: it says that nothing was there.
fn nothing<V: Default, E>(_: impl Sized) -> Result<V, E> {
    Ok(V::default())
}

/// Visits of lists and null, in which nothing is looked for.
macro_rules! list_or_null {
    () => {
        fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Self::Value, S::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
    };
}

/// Visits of numbers and booleans, each made into a value by the same function.
macro_rules! scalars {
    ($made:path) => {
        scalars!($made: visit_bool bool, visit_i64 i64, visit_u64 u64, visit_f64 f64);
    };
    ($made:path: $($visit:ident $type:ty),*) => {
        $(fn $visit<E>(self, value: $type) -> Result<Self::Value, E> {
            $made(value)
        })*
    };
}

/// The visit of a string that is not borrowed from the file.
macro_rules! text {
    ($made:path) => {
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            $made(text)
        }
    };
}

pub(super) use {scalars, text};

object! {
    /// `log.creator` and `log.browser`.
    Program { name: Text<'a> = "name", version: Text<'a> = "version", }
}

object! {
    /// `log._authtrailEnd`: the end mark of our own recorder; null before its end.
    End { at: Text<'a> = "at", }
}

impl<'a> End<'a> {
    /// The mark; `None` where the recorder wrote none.
    pub(super) fn read(json: &'a [u8]) -> Option<End<'a>> {
        serde_json::from_slice(json).ok().filter(|end: &End<'_>| end.given)
    }
}

object! {
    /// One element of `log.entries`.
    Entry {
        started: Text<'a> = "startedDateTime",
        time: Number = "time",
        timings: Raw<'a> = "timings",
        request: Request<'a> = "request",
        response: Response<'a> = "response",
        page: Text<'a> = "pageref",
        server_address: Text<'a> = "serverIPAddress",
        connection: Text<'a> = "connection",
        connection_id: Text<'a> = "_connectionId",
        server_port: Number = "_serverPort",
        from_cache: Text<'a> = "_fromCache",
        from_disk_cache: Text<'a> = "_fromDiskCache",
        fetch_type: Text<'a> = "_fetchType",
        error: Text<'a> = "_error",
        blocked_reason: Text<'a> = "_blockedReason",
        events: Raw<'a> = "_eventSourceMessages",
        own: Own<'a> = "_authtrail",
    }
}

object! {
    /// `_authtrail`: what our own recorder adds to an entry.
    Own {
        client: Text<'a> = "client",
        refused: Text<'a> = "refused",
        rewritten: Raw<'a> = "rewritten",
        event_times: Raw<'a> = "eventTimes",
        request_body: Passed<'a> = "requestBody",
        response_body: Passed<'a> = "responseBody",
    }
}

object! {
    /// A body that did not end, or of which not everything was kept.
    Passed { kept: Number = "kept", passed: Number = "passed", ended: Text<'a> = "ended", }
}

object! {
    /// One name that the proxy changed for the client.
    Rewriting { place: Text<'a> = "place", here: Text<'a> = "here", there: Text<'a> = "there", }
}

object! {
    /// One element of `_eventSourceMessages`.
    Event { name: Text<'a> = "eventName", id: Text<'a> = "eventId", text: Text<'a> = "data", }
}

object! {
    /// `timings`, in milliseconds.
    Timings {
        blocked: Number = "blocked",
        dns: Number = "dns",
        connect: Number = "connect",
        send: Number = "send",
        wait: Number = "wait",
        receive: Number = "receive",
    }
}

object! {
    /// `request`.
    Request {
        method: Text<'a> = "method",
        url: Text<'a> = "url",
        version: Text<'a> = "httpVersion",
        headers: List<'a> = "headers",
        headers_size: Number = "headersSize",
        body_size: Number = "bodySize",
        post_data: Raw<'a> = "postData",
    }
}

object! {
    /// `request.postData`.
    PostData {
        mime_type: Text<'a> = "mimeType",
        text: Raw<'a> = "text",
        params: Raw<'a> = "params",
        encoding: Text<'a> = "encoding",
        own_encoding: Text<'a> = "_encoding",
        comment: Text<'a> = "comment",
    }
}

object! {
    /// `response`.
    Response {
        status: Number = "status",
        status_text: Text<'a> = "statusText",
        version: Text<'a> = "httpVersion",
        headers: List<'a> = "headers",
        content: Content<'a> = "content",
        headers_size: Number = "headersSize",
        body_size: Number = "bodySize",
        transfer_size: Number = "_transferSize",
        error: Text<'a> = "_error",
        failure: Text<'a> = "_failureText",
        redirect_url: Text<'a> = "redirectURL",
        fetched_from_cache: Text<'a> = "_fromDiskCache",
    }
}

object! {
    /// `response.content`.
    Content {
        size: Number = "size",
        text: Raw<'a> = "text",
        encoding: Text<'a> = "encoding",
    }
}

/// A member's name.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl<'de> Visitor<'de> for Name {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        fn owned<'a, E>(text: impl ToString) -> Result<Text<'a>, E> {
            Ok(Text(Some(Cow::Owned(text.to_string()))))
        }
        impl<'de> Visitor<'de> for Words {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            list_or_null!();
            scalars!(owned);
            text!(owned);
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Figure;
        fn read<E>(text: &str) -> Result<Number, E> {
            Ok(Number(text.trim().parse().ok().filter(|number: &f64| number.is_finite())))
        }
        impl<'de> Visitor<'de> for Figure {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(Some(number as f64)))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number as f64)))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                Ok(Number(Some(number).filter(|number| number.is_finite())))
            }
            list_or_null!();
            scalars!(nothing: visit_bool bool);
            text!(read);
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }
        deserializer.deserialize_any(Figure)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'de RawValue>::deserialize(deserializer)?.get();
        Ok(Raw((text != "null").then_some(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_other_types_cost_nothing() {
        let json = r#"{"startedDateTime":7,"time":"12.5","timings":[1],"request":{"method":null,"url":"a\u0062","headers":null,
            "headersSize":-1},"response":null,"pageref":{"x":[1]},"connection":443,"time":13,"_x":{"y":["z"]}}"#;
        let entry: Entry<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(entry.started.given(), Some("7"));
        assert_eq!(entry.time.0, Some(13.0));
        assert_eq!(entry.timings.0, Some("[1]"));
        assert!(entry.request.is_given() && !entry.response.is_given());
        assert_eq!(entry.request.url.given(), Some("ab"));
        assert!(matches!(entry.request.headers, List::Missing));
        assert_eq!(entry.request.headers_size.known(), None);
        assert_eq!(entry.page.0, None);
        assert_eq!(entry.connection.given(), Some("443"));
    }
}
