//! The rule language as types: what a page asserts, and the four verdicts.

use std::fmt;

use crate::decode::exchange::Unknown;
use crate::trail::record::RecordId;
use crate::trail::schema::{Binding, Field, Kind, Link, Party, Revision, names};

names! {
    /// How a loss shows. The closed list for `breaks`.
    Symptom {
        /// Challenged, but the browser is never sent to the authorization endpoint.
        NoAuthorizationRequest = "no-authorization-request",
        /// The authorization endpoint answers with an error.
        AuthorizationError = "authorization-error",
        /// The authorization response never reaches the client.
        NoCallback = "no-callback",
        /// The code is never redeemed.
        NoTokenRequest = "no-token-request",
        /// The token endpoint answers with an error.
        TokenError = "token-error",
        /// A token was issued and the MCP server is never asked again.
        NoMcpRequest = "no-mcp-request",
        /// 401 to an MCP request.
        Unauthorized = "unauthorized",
        /// 403 to an MCP request.
        Forbidden = "forbidden",
        /// 400 or 404 to an MCP request with a session.
        SessionRefused = "session-refused",
        /// Another 4xx to an MCP request.
        RequestRefused = "request-refused",
        /// An answer that the client cannot read: HTML, status 0, CORS.
        Unreadable = "unreadable",
    }
}

names! {
    /// How sure a cause is, weakest first.
    Certainty {
        /// One of several explanations that fit.
        Possible = "possible",
        /// The best explanation; the page names the others.
        Likely = "likely",
        /// The recording shows it.
        Proved = "proved",
    }
}

names! {
    /// Level of a finding, weakest first.
    Level {
        /// Worth knowing.
        Note = "note",
        /// A SHOULD was broken.
        Warning = "warning",
        /// A MUST was broken.
        Error = "error",
    }
}

names! {
    /// How the specification says it.
    Keyword {
        /// MUST, REQUIRED.
        Must = "MUST",
        /// MUST NOT.
        MustNot = "MUST NOT",
        /// SHOULD, RECOMMENDED.
        Should = "SHOULD",
        /// SHOULD NOT.
        ShouldNot = "SHOULD NOT",
        /// MAY, OPTIONAL.
        May = "MAY",
        /// Stated without a keyword.
        Prose = "prose",
        /// Stated nowhere as a duty.
        Derived = "derived",
        /// A fact that is no fault of a duty.
        None = "none",
    }
}

names! {
    /// The families that people ask for by name.
    Family {
        /// Messages, headers and streams (entries TRANS, SSE, META, SECX).
        TransportFraming = "transport-framing",
        /// Opening, version, session id and end (entries INIT, VER, SESS).
        SessionLifecycle = "session-lifecycle",
        /// From challenge to token and renewal (entries AUTH).
        AuthorizationFlow = "authorization-flow",
        /// Older transports and eras, and the ways between them (entries COMPAT, AUTH-COMPAT, SSE-OLD).
        BackwardCompatibility = "backward-compatibility",
    }
}

impl Family {
    /// The family of a catalogue entry.
    pub fn of_entry(id: &str) -> Family {
        let begins = |starts: &[&str]| starts.iter().any(|start| id.starts_with(start));
        if begins(&["COMPAT-", "AUTH-COMPAT-", "SSE-OLD-"]) {
            Family::BackwardCompatibility
        } else if begins(&["AUTH-"]) {
            Family::AuthorizationFlow
        } else if begins(&["INIT-", "VER-", "SESS-"]) {
            Family::SessionLifecycle
        } else {
            Family::TransportFraming
        }
    }

    /// The family of a fact that is reported at a link.
    fn of_link(link: Link) -> Family {
        match link {
            Link::Session => Family::SessionLifecycle,
            Link::Transport => Family::TransportFraming,
            _ => Family::AuthorizationFlow,
        }
    }
}

/// `field` or `binding.field`; or a binding itself, for `present` and `absent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// A field of the record.
    Own(Field),
    /// A field of the record that a binding leads to.
    Bound(Binding, Field),
    /// The binding itself.
    Binding(Binding),
}

impl Path {
    /// The field, where it is one of the judged record itself.
    pub fn own_field(self) -> Option<Field> {
        match self {
            Path::Own(field) => Some(field),
            Path::Bound(..) | Path::Binding(_) => None,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Own(field) => write!(f, "{field}"),
            Path::Bound(binding, field) => write!(f, "{binding}.{field}"),
            Path::Binding(binding) => write!(f, "{binding}"),
        }
    }
}

names! {
    /// The seventeen relations (`rules.md`, section 5).
    RelationName {
        /// The field is there.
        Present = "present",
        /// The field is not there, in a record that is.
        Absent = "absent",
        /// Equal to a constant.
        Equals = "equals",
        /// One of the constants.
        OneOf = "one_of",
        /// Of a named form.
        Matches = "matches",
        /// The same octets as another field; typed for JSON.
        SameAs = "same_as",
        /// Same scheme, host and port (RFC 6454, 4).
        SameOriginAs = "same_origin_as",
        /// Equivalent URLs (RFC 3986, 6.2.2, 6.2.3).
        SameUrlAs = "same_url_as",
        /// BASE64URL(SHA256(this)) is the other (RFC 7636, 4.6).
        S256Of = "s256_of",
        /// The audience (a string or a list) covers the resource.
        Covers = "covers",
        /// The list holds the item; or the text the text.
        Contains = "contains",
        /// Every item is in the other list.
        SubsetOf = "subset_of",
        /// Every item of the other list is here.
        SupersetOf = "superset_of",
        /// The other begins with this.
        PrefixOf = "prefix_of",
        /// Earlier than the other.
        Before = "before",
        /// At most so many seconds away from the other.
        Within = "within",
        /// At most the number.
        AtMost = "at_most",
    }
}

names! {
    /// The forms of `matches`.
    Form {
        /// An `https` URL with a path (CIMD draft 00, 3).
        HttpsUrl = "https-url",
        /// An absolute URI (RFC 3986, 4.3).
        AbsoluteUri = "absolute-uri",
        /// `http` on a loopback host (RFC 8252, 7.3).
        LoopbackRedirect = "loopback-redirect",
        /// 43 to 128 unreserved characters (RFC 7636, 4.1).
        PkceVerifier = "pkce-verifier",
        /// `b64token` (RFC 6750, 2.1).
        B64token = "b64token",
        /// What may have been issued as a token: visible characters (RFC 6749, A.12) but quotes, brackets and separators.
        /// Some servers issue more than `b64token` allows, and clients pass on what they got.
        BareToken = "bare-token",
        /// Characters 0x21 to 0x7E (MCP, session id).
        VisibleAscii = "visible-ascii",
    }
}

/// What stands on the right of a relation.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Nothing: `present`, `absent`.
    None,
    /// A constant: text, number, flag or list.
    Constant(crate::trail::record::Value),
    /// One of these constants.
    OneOf(Vec<crate::trail::record::Value>),
    /// A named form.
    Form(Form),
    /// Another field.
    Of(Path),
    /// Another field and a number of seconds.
    OfWithin(Path, i64),
}

/// One condition of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The left side.
    pub path: Path,
    /// The relation.
    pub relation: RelationName,
    /// Whether it is negated (`not_` before the relation).
    pub negated: bool,
    /// The right side.
    pub operand: Operand,
}

/// The prose of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageText {
    /// The first paragraph: what is wrong, in one sentence.
    pub summary: String,
    /// `## Why the session stays unauthorized`.
    pub why: String,
    /// First paragraph of `## How to fix it`.
    pub fix: String,
    /// Second paragraph of `## How to fix it`, where it begins with "Meanwhile": what the other side may tolerate.
    pub tolerance: Option<String>,
    /// The items of `## What does not fix it`.
    pub not_a_fix: Vec<String>,
    /// `## When this rule is silent`.
    pub silent: String,
}

/// One rule page.
#[derive(Debug, Clone)]
pub struct Page {
    /// Slug: title and file stem.
    pub slug: String,
    /// Folder.
    pub link: Link,
    /// Catalogue entries that it judges; empty for a fact.
    pub requirements: Vec<String>,
    /// Revisions to which it is narrowed; `None` where the entries decide.
    pub narrowed_to: Option<Vec<Revision>>,
    /// The family of a fact, where it is not the one of its link.
    pub family: Option<Family>,
    /// Failure mode.
    pub mode: Option<String>,
    /// Who must change.
    pub party: Party,
    /// One verdict per record of this kind.
    pub given: Kind,
    /// Conjunction: where it does not hold, the page does not apply.
    pub when: Vec<Condition>,
    /// The assertion.
    pub then: Condition,
    /// Losses that a violation can explain.
    pub breaks: Vec<Symptom>,
    /// The most that it can reach.
    pub certainty: Certainty,
    /// Fields or bindings that, if true or present, lift `likely` to `proved`.
    pub proved_by: Vec<Path>,
    /// Pages that could explain the same.
    pub alternatives: Vec<String>,
    /// More general pages that are absorbed.
    pub explains: Vec<String>,
    /// A violation shows a wrong repair being tried after a loss of this kind (design, decision 12).
    pub tried_after: Vec<Symptom>,
    /// The prose.
    pub text: PageText,
    /// The page as written.
    pub source: String,
}

impl Page {
    /// The families that it belongs to, each once: those of its entries; of a fact, the one it names or that of its link.
    pub fn families(&self) -> Vec<Family> {
        let mut families: Vec<Family> = self.requirements.iter().map(|entry| Family::of_entry(entry)).collect();
        if families.is_empty() {
            families.push(self.family.unwrap_or_else(|| Family::of_link(self.link)));
        }
        families.sort_unstable();
        families.dedup();
        families
    }
}

/// The four verdicts on one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// This revision or this trail does not have it.
    NotApplicable,
    /// Kept.
    Satisfied,
    /// The step or value is not in the recording.
    NotObserved,
    /// Broken.
    Violated,
}

/// Why something was not observed: which path, and the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The path of the page; `None` where no record of the kind is there.
    pub path: Option<Path>,
    /// Why it is not known.
    pub reason: Unknown,
}

/// The verdict of one page on one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordVerdict {
    /// The record.
    pub record: RecordId,
    /// The verdict.
    pub verdict: Verdict,
    /// What is missing, where not observed.
    pub missing: Option<Missing>,
}
