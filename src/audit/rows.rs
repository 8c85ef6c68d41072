//! The six tables: which columns they have, what each holds, and what null means.
//!
//! Names and meanings are a promise: columns are added, never renamed or removed. No row holds a secret: values are
//! fingerprints under the key of the audit, texts from recordings are escaped for terminals, URLs are masked.
//!
//! Every id begins with that of its incident, so that one column joins: `recording`, `trail`, `finding`.

use serde::{Deserialize, Serialize};

use super::columns::{Cell, Column, ColumnType, Row, Time, ToCell, table};

table! {
    /// One recording, also where nothing could be read from it.
    CaptureRow = "captures", "Recordings, one row each, also those from which nothing could be read." {
        incident: Text, "Id of the incident: 16 hex digits, from path and content of its recordings.";
        recording: Text, "Id of the recording: that of its incident and its place in it, `4f0c...-c1`.";
        path: Text, "Path as it was given or found.";
        content: Text null "it could not be opened", "BLAKE3 of the file as stored, 64 hex digits: equal for equal files.";
        bytes: Integer["octets"] null "it could not be opened", "Length of the file as stored.";
        format: Text null "it was not recognised", "Format by content: `har`, `pcap`, `pcapng`, `mitmproxy`, ...";
        creator: Text null "the recording does not say", "The program that wrote it, with its version.";
        usable: Flag, "Whether it could be opened, recognised and judged; otherwise `problem` says why not.";
        complete: Flag, "Whether it was read to its end.";
        sanitized: Text, "Whether credentials were removed from it: `no`, `possible`, `yes`.";
        legs: Texts, "Legs of which it holds a readable exchange.";
        exchanges: Integer["exchanges"], "Exchanges found in it.";
        trails: Integer["trails"], "Trails with an exchange in it.";
        first_at: Time null "the recording has no clock", "Time of its first request.";
        last_at: Time null "the recording has no clock", "Time of its last request.";
        clock_offset: Integer["microseconds"], "To be added to its times to get those of the first recording of the incident.";
        problems: Integer["problems"], "Places that could not be read.";
        problem: Text null "all of it could be read", "The first of them, with its place.";
        judged_by: Text, "Digest of what it was judged by: program, rules, key, options. Equal values compare.";
    }
}

table! {
    /// One HTTP exchange of one recording.
    ExchangeRow = "exchanges", "HTTP exchanges, one row for each recording that shows it." {
        incident: Text, "Id of the incident.";
        recording: Text, "Id of the recording.";
        exchange: Integer["position"], "Place in time order in the recording, from 0.";
        trail: Text null "it belongs to none, or to more than one may", "Id of the trail.";
        at: Text, "Place in the words of other tools: `entry 17`, `frame 118`.";
        tcp_stream: Integer["position"] null "not a packet capture", "`tcp.stream` of Wireshark.";
        h2_stream: Integer["position"] null "not HTTP/2 in a packet capture", "`http2.streamid` of Wireshark.";
        sent_at: Time null "the recording has no clock", "Time of the request, by the clock of the recording.";
        took: Integer["microseconds"] null "no answer or no clock", "From the request to the end of the answer.";
        method: Text, "Method as sent.";
        scheme: Text, "`http`, `https`, or what else the recording says.";
        host: Text, "Host and port as the request names them.";
        uri: Text, "Request target as sent, secrets in it masked.";
        status: Integer["HTTP status"] null "no response was recorded", "Status of the response.";
        request_body_len: Integer["octets"] null "not known", "Length of the request body, codings removed.";
        response_body_len: Integer["octets"] null "not known", "Length of the response body, codings removed.";
        protocol: Text null "the recording does not say", "`http/1.1`, `h2`, ...";
        role: Text null "nothing of OAuth or MCP", "What it is: `mcp_exchange`, `token_request`, ...";
    }
}

table! {
    /// One client at one MCP endpoint.
    TrailRow = "trails", "Trails: one client at one MCP endpoint, with outcome and cause." {
        incident: Text, "Id of the incident.";
        trail: Text, "Id of the trail: that of its incident and its place in it, `4f0c...-t1`.";
        client: Text null "no `clientInfo` was seen", "`clientInfo.name` of the client.";
        client_version: Text null "no `clientInfo.version` was seen", "`clientInfo.version` of the client.";
        server: Text, "Canonical URL of the MCP endpoint, a secret in its path masked.";
        authorization_server: Text null "none was seen", "Issuer of the authorization server that was seen first.";
        authorization_servers: Texts, "Issuers of all authorization servers.";
        revision: Text null "the candidates disagree", "Revision of the protocol in force at the end.";
        revision_by: Text, "How the revision was decided: `initialize-result`, `version-header`, `assumed`, ...";
        revision_candidates: Texts, "Revisions that it may be.";
        outcome: Text, "`authorized`, `lost`, `denied`, `open`, `undecided`.";
        cause: Text null "not lost or denied, or nothing explains it", "Rule that names the cause.";
        cause_finding: Text null "no cause", "Id of the finding that is the cause.";
        cause_link: Text null "no cause", "Link at which the cause was laid.";
        cause_party: Text null "no cause", "Who must change.";
        cause_mode: Text null "no cause, or its page names none", "Failure mode.";
        cause_certainty: Text null "no cause", "`proved`, `likely`, `possible`.";
        broken_link: Text null "no row of the chain is broken", "Earliest link of the chain that is broken.";
        headline: Text null "there is no finding to read first", "Rule of the finding to read first.";
        recovered: Integer["losses"], "Losses that were repaired later.";
        exchanges: Integer["exchanges"], "Exchanges that belong to it.";
        first_at: Time null "the recordings have no clock", "Time of its first request, by the clock of the first recording.";
        last_at: Time null "the recordings have no clock", "Time of its last request, by the same clock.";
        errors: Integer["findings"], "Findings of level error.";
        warnings: Integer["findings"], "Findings of level warning.";
        notes: Integer["findings"], "Findings of level note.";
        satisfied: Integer["rules"], "Rules kept.";
        violated: Integer["rules"], "Rules broken.";
        not_applicable: Integer["rules"], "Rules that this revision or this trail does not have.";
        not_observed: Integer["rules"], "Rules whose step or value is not in the recordings.";
        depends_on_revision: Integer["rules"], "Rules on which the candidate revisions disagree.";
        record_next: Text null "nothing is missing that matters", "The recording that would decide more.";
    }
}

table! {
    /// One link of the chain of a trail.
    LinkRow = "links", "The twelve links of the chain of every trail, in order." {
        incident: Text, "Id of the incident.";
        trail: Text, "Id of the trail.";
        position: Integer["position"], "Place in the chain, from 1.";
        link: Text, "The link: `challenge`, `resource-metadata`, ...";
        status: Text, "`held`, `broken`, `not-reached`, `not-observed`, `not-applicable`.";
        is_cause: Flag, "Whether the cause was laid here.";
        note: Text null "nothing is to be said", "What is to be said of it, in a few words.";
        findings: Integer["findings"], "Findings at this link.";
        recording: Text null "no attempt reached it", "Recording that shows the last attempt that reached it.";
        exchange: Integer["position"] null "no attempt reached it", "Exchange of that recording that shows it.";
        at: Text null "no attempt reached it", "The same in the words of other tools.";
    }
}

table! {
    /// One broken duty or fact of a trail.
    FindingRow = "findings", "Findings: broken duties, and facts that explain a loss; one row a rule and trail." {
        incident: Text, "Id of the incident.";
        trail: Text, "Id of the trail.";
        finding: Text, "Id of the finding: that of its incident and its number, `4f0c...-f3`.";
        key: Text, "Stable over recordings: rule, party, server, field. Baselines and comparisons use it.";
        rule: Text, "Name of the rule; `authtrail explain` prints it.";
        link: Text, "Link at which it is reported.";
        party: Text, "Who must change.";
        level: Text, "`error`, `warning`, `note`.";
        keyword: Text, "`MUST`, `SHOULD`, ... in the revision in force; `none` for a fact.";
        certainty: Text, "`proved`, `likely`, `possible`.";
        is_cause: Flag, "Whether it is the cause of a loss or denial.";
        is_headline: Flag, "Whether it is the one to read first.";
        absorbed_by: Text null "no other explains it", "Id of the finding that explains this one.";
        requirements: Texts, "Ids of the requirements; none for a fact.";
        valid_under: Texts, "Revisions in which the same behaviour breaks nothing.";
        occurrences: Integer["steps"], "Steps of the trail that show it.";
        recording: Text null "no place shows it", "Recording of the most telling place.";
        exchange: Integer["position"] null "no place shows it", "Exchange of that place.";
        at: Text null "no place shows it", "The same in the words of other tools.";
        field: Text null "no place shows it", "Part of the exchange: `request.body.code_verifier`.";
        kind: Text null "no place shows it", "`present`, `absent`, `changed`.";
        fingerprint: Text null "there is no value to show", "Fingerprint of the value there.";
        length: Integer["octets"] null "there is no value to show", "Length of the value.";
        says: Text null "no place shows it", "What the place shows, in words.";
    }
}

table! {
    /// One value that was followed from hand to hand in a trail.
    ValueRow = "values", "Custody: every value that carries authorization state, where it was minted, handed over, consumed." {
        incident: Text, "Id of the incident.";
        trail: Text, "Id of the trail.";
        value: Text, "Id of the value: that of its trail and its number, `4f0c...-t1-v7`.";
        kind: Text, "What it is: `state`, `code`, `access_token`, `session_id`, ...";
        fingerprint: Text, "Fingerprint of the value; equal values have equal ones under one key.";
        length: Integer["octets"], "Length of the value.";
        minted_recording: Text null "the recordings do not show who made it", "Recording of the step that first gave it out.";
        minted_exchange: Integer["position"] null "the recordings do not show who made it", "Exchange of that step.";
        minted_at: Text null "the recordings do not show who made it", "The same in the words of other tools.";
        minted_field: Text null "the recordings do not show who made it", "Part of that exchange.";
        handings: Integer["steps"], "Steps on the way that carried it, neither the first nor a use.";
        handed_recording: Text null "no step carried it on", "Recording of the first of them.";
        handed_exchange: Integer["position"] null "no step carried it on", "Exchange of the first of them.";
        handed_at: Text null "no step carried it on", "The same in the words of other tools.";
        handed_field: Text null "no step carried it on", "Part of that exchange.";
        uses: Integer["steps"], "Steps that consumed it.";
        refusals: Integer["steps"], "Uses that were answered with a status of 400 or more.";
        consumed_recording: Text null "no step consumed it", "Recording of its first use.";
        consumed_exchange: Integer["position"] null "no step consumed it", "Exchange of its first use.";
        consumed_at: Text null "no step consumed it", "The same in the words of other tools.";
        consumed_field: Text null "no step consumed it", "Part of that exchange.";
        last_exchange: Integer["position"] null "no step consumed it", "Exchange of its last use.";
    }
}

/// The rows of one incident, table by table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Its recordings.
    pub captures: Vec<CaptureRow>,
    /// Their exchanges, recording by recording, in time order.
    pub exchanges: Vec<ExchangeRow>,
    /// Its trails.
    pub trails: Vec<TrailRow>,
    /// Twelve for each trail.
    pub links: Vec<LinkRow>,
    /// In order of trail, link, step and rule.
    pub findings: Vec<FindingRow>,
    /// In order of trail and first appearance.
    pub values: Vec<ValueRow>,
}

/// What a table is, without its rows.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub about: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

impl Table {
    const fn of<R: Row>() -> Table {
        Table { name: R::TABLE, about: R::ABOUT, columns: R::COLUMNS }
    }
}

/// The tables, in the order of [`Rows`].
pub const TABLES: [Table; 6] = [
    Table::of::<CaptureRow>(),
    Table::of::<ExchangeRow>(),
    Table::of::<TrailRow>(),
    Table::of::<LinkRow>(),
    Table::of::<FindingRow>(),
    Table::of::<ValueRow>(),
];
