//! Reports as the judging rooms would make them, for tests of the rooms that write.

use authtrail::report::contract::{
    Alternative, Capture, Cause, ChainRow, Client, Coverage, Evidence, EvidenceValue, ExchangeRef, Finding, Problem,
    Recovered, Report, Revision, SCHEMA, Stretch, Tool, Trail, Undetermined,
};
use authtrail::trail::schema::Link;

/// Every fixture by name.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("lost", report(vec![capture("c1", "login.har", 42)], vec![lost()])),
        ("authorized", report(vec![capture("c1", "clean.har", 31)], vec![authorized()])),
        ("authorized-findings", authorized_findings()),
        ("recovered", recovered()),
        ("unexplained", unexplained()),
        ("no-trail", no_trail()),
        ("several", several()),
        ("long-names", long_names()),
        ("hostile", hostile()),
        ("denied", denied()),
        ("open", open()),
    ]
}

fn report(captures: Vec<Capture>, trails: Vec<Trail>) -> Report {
    let tool = Tool { version: "0.1.0".to_owned(), rules_version: "0".to_owned() };
    Report { schema: SCHEMA, tool, captures, trails, problems: Vec::new() }
}

fn capture(id: &str, path: &str, exchanges: usize) -> Capture {
    Capture {
        id: id.to_owned(),
        path: path.to_owned(),
        sha256: None,
        format: "har".to_owned(),
        creator: Some("WebInspector 537.36".to_owned()),
        usable: true,
        exchanges,
        sanitized: "no",
        legs: vec!["browser-as", "client-as", "client-mcp"],
        clock_offset_s: 0.0,
        complete: true,
        dropped: None,
        problems: Vec::new(),
    }
}

fn evidence(exchange: usize, field: &str, value: Option<EvidenceValue>, says: &str) -> Evidence {
    Evidence {
        capture: "c1".to_owned(),
        exchange,
        at: format!("entry {exchange}"),
        tcp_stream: None,
        h2_stream: None,
        sighting: None,
        field: field.to_owned(),
        kind: "present",
        value,
        window: None,
        says: says.to_owned(),
    }
}

fn secret(fingerprint: &str, length: usize) -> Option<EvidenceValue> {
    Some(EvidenceValue { fingerprint: fingerprint.to_owned(), length, text: None })
}

fn shown(text: &str) -> Option<EvidenceValue> {
    Some(EvidenceValue { fingerprint: "f:00000000".to_owned(), length: text.len(), text: Some(text.to_owned()) })
}

fn row(link: &'static str, status: &'static str, note: &str, place: Option<usize>) -> ChainRow {
    ChainRow {
        link,
        status,
        note: note.to_owned(),
        findings: Vec::new(),
        evidence: place.map(|exchange| evidence(exchange, "request", None, "")).into_iter().collect(),
    }
}

/// A chain from `(status, note, place)`, in the order of the links.
fn chain(rows: [(&'static str, &str, Option<usize>); 12]) -> Vec<ChainRow> {
    Link::chain().zip(rows).map(|(link, (status, note, place))| row(link.name(), status, note, place)).collect()
}

fn finding(id: &str, rule: &str, link: &'static str, level: &'static str, summary: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        key: format!("{rule}/client/https://mcp.example.com/-"),
        rule: rule.to_owned(),
        title: rule.to_owned(),
        summary: summary.to_owned(),
        link,
        party: "client",
        keyword: match level {
            "error" => "MUST",
            "warning" => "SHOULD",
            _ => "none",
        },
        level,
        requirements: if level == "note" { Vec::new() } else { vec!["AUTH-PKCE-07".to_owned()] },
        spec: match level {
            "note" => Vec::new(),
            _ => vec!["https://modelcontextprotocol.io/specification/2025-11-25/basic/authorization".to_owned()],
        },
        valid_under: Vec::new(),
        wrong_under: vec!["2025-11-25".to_owned()],
        absorbed_by: None,
        certainty: "proved",
        occurrences: 1,
        evidence: Vec::new(),
    }
}

fn trail(id: &str, outcome: &'static str, chain: Vec<ChainRow>) -> Trail {
    Trail {
        id: id.to_owned(),
        client: Client {
            name: Some("Acme Notes".to_owned()),
            version: Some("1.4".to_owned()),
            recognised_by: vec!["connection", "state"],
        },
        server: "https://mcp.example.com/mcp".to_owned(),
        authorization_servers: vec!["https://as.example.com".to_owned()],
        exchanges: (0..4).map(|exchange| ExchangeRef { capture: "c1".to_owned(), exchange }).collect(),
        revision: Revision {
            value: Some("2025-11-25".to_owned()),
            candidates: vec!["2025-11-25".to_owned()],
            by: "initialize-result",
            evidence: vec![evidence(37, "response.body.result.protocolVersion", shown("2025-11-25"), "")],
        },
        revisions: vec![Stretch { from_exchange: 0, value: Some("2025-11-25".to_owned()), by: "initialize-result" }],
        outcome,
        headline: None,
        chain,
        cause: None,
        recovered: Vec::new(),
        findings: Vec::new(),
        undetermined: Vec::new(),
        coverage: Coverage {
            satisfied: 14,
            violated: 0,
            not_applicable: 5,
            not_observed: 0,
            depends_on_revision: 0,
            record_next: None,
        },
        verdicts: [("code-challenge-absent".to_owned(), "satisfied")].into(),
    }
}

fn undetermined(rule: &str, needs: &str) -> Undetermined {
    Undetermined { rule: rule.to_owned(), why: "not-observed", needs: needs.to_owned() }
}

/// The sketch of the terminal report: the verifier of another attempt.
fn lost() -> Trail {
    let mut trail = trail(
        "t1",
        "lost",
        chain([
            ("held", "401, resource_metadata", Some(2)),
            ("held", "", Some(3)),
            ("held", "", Some(5)),
            ("held", "", Some(6)),
            ("held", "attempt 1 of 2", Some(9)),
            ("held", "state returned intact", Some(21)),
            ("broken", "S256(verifier) is not the challenge of entry 9", Some(24)),
            ("not-reached", "invalid_grant", Some(24)),
            ("not-reached", "", None),
            ("not-reached", "", None),
            ("not-observed", "", None),
            ("not-applicable", "", None),
        ]),
    );
    trail.headline = Some("f1".to_owned());
    trail.findings = vec![
        finding(
            "f1",
            "verifier-of-another-flow",
            "token-request",
            "error",
            "The code verifier belongs to another authorization request.",
        ),
        Finding {
            evidence: vec![evidence(24, "status", shown("400"), "")],
            absorbed_by: Some("f1".to_owned()),
            ..finding("f2", "token-request-refused", "token-response", "note", "The token endpoint refused the code.")
        },
        Finding {
            occurrences: 3,
            evidence: vec![evidence(26, "request.body.code", secret("f:77ab01c2", 32), "")],
            ..finding("f3", "same-redemption-again", "token-request", "note", "The same redemption again, unchanged.")
        },
        Finding {
            valid_under: vec!["2025-03-26".to_owned()],
            wrong_under: vec!["2025-11-25".to_owned()],
            evidence: vec![evidence(9, "request.query.resource", None, "")],
            requirements: vec!["AUTH-AUD-01".to_owned()],
            ..finding(
                "f4",
                "resource-absent",
                "authorization-request",
                "error",
                "The authorization request does not name the resource that the token is for.",
            )
        },
    ];
    trail.cause = Some(Cause {
        finding: "f1".to_owned(),
        link: "token-request",
        rule: "verifier-of-another-flow".to_owned(),
        mode: Some("pkce-verifier-overwritten".to_owned()),
        party: "client",
        party_reason: None,
        certainty: "proved",
        summary: "The code verifier belongs to another authorization request.".to_owned(),
        fix: "Keep one verifier per authorization request, keyed by its state.".to_owned(),
        tolerance: None,
        not_a_fix: vec![
            "Logging in again.".to_owned(),
            "Asking the authorization server to relax PKCE.".to_owned(),
            "A longer code lifetime.".to_owned(),
        ],
        attempted_repairs: vec!["f3".to_owned()],
        evidence: vec![
            evidence(9, "request.query.code_challenge", secret("f:1d07a2b3", 43), ""),
            evidence(24, "request.body.code_verifier", secret("f:9c21aa07", 43), "fits entry 12"),
        ],
        consequences: vec!["f2".to_owned()],
        alternatives: Vec::new(),
    });
    trail.undetermined = vec![
        undetermined("consent-declined", "leg browser-as"),
        undetermined("login-page-loops", "leg browser-as"),
        undetermined("audience-not-checked", "leg mcp-as"),
    ];
    trail.coverage = Coverage {
        violated: 2,
        not_observed: 9,
        record_next: Some("the browser that logs in, exported as HAR with sensitive data".to_owned()),
        ..trail.coverage
    };
    trail
}

fn authorized() -> Trail {
    let held = |note, place| ("held", note, Some(place));
    trail(
        "t1",
        "authorized",
        chain([
            held("401, resource_metadata", 2),
            held("", 3),
            held("", 5),
            held("", 6),
            held("S256, state, resource", 9),
            held("", 21),
            held("", 24),
            held("Bearer, 3600 s", 24),
            held("9 of 9 requests", 40),
            held("200", 40),
            held("", 40),
            ("not-applicable", "nothing expired", None),
        ]),
    )
}

fn authorized_findings() -> Report {
    let mut trail = authorized();
    trail.headline = Some("f2".to_owned());
    trail.findings = vec![
        Finding {
            party: "mcp-server",
            requirements: vec!["AUTH-DISC-10".to_owned()],
            evidence: vec![evidence(2, "response.header.www-authenticate", shown("Bearer"), "no resource_metadata")],
            ..finding("f1", "challenge-without-pointer", "challenge", "warning", "The challenge names no metadata.")
        },
        Finding {
            valid_under: vec!["2025-03-26".to_owned(), "2025-06-18".to_owned()],
            wrong_under: vec!["2025-11-25".to_owned()],
            requirements: vec!["AUTH-PKCE-02".to_owned()],
            evidence: vec![Evidence {
                kind: "absent",
                ..evidence(9, "request.query.code_challenge", None, "no challenge among the parameters")
            }],
            ..finding(
                "f2",
                "code-challenge-absent",
                "authorization-request",
                "error",
                "The authorization request has no code challenge.",
            )
        },
        finding("f3", "refresh-token-not-asked", "renewal", "note", "No refresh token was asked for."),
    ];
    trail.recovered = vec![Recovered {
        symptom: "unauthorized",
        link: "renewal",
        evidence: vec![evidence(30, "status", shown("401"), ""), evidence(32, "status", shown("200"), "")],
    }];
    trail.coverage.violated = 2;
    trail.revisions.insert(0, Stretch { from_exchange: 0, value: Some("2026-07-28".to_owned()), by: "offered" });
    report(vec![capture("c1", "login.har", 42)], vec![trail])
}

/// A loss that was repaired, and nothing else.
fn recovered() -> Report {
    let mut report = authorized_findings();
    report.trails[0].findings.clear();
    report.trails[0].headline = None;
    report
}

/// Lost, and the headers that would explain it were removed by the exporter.
fn unexplained() -> Report {
    let mut trail = trail(
        "t1",
        "lost",
        chain([
            ("held", "401", Some(2)),
            ("held", "", Some(3)),
            ("held", "", Some(5)),
            ("not-applicable", "client_id known before", None),
            ("held", "", Some(9)),
            ("held", "", Some(10)),
            ("held", "", Some(11)),
            ("held", "", Some(11)),
            ("not-observed", "the exporter removes Authorization", Some(12)),
            ("broken", "401 fourteen times", Some(25)),
            ("not-reached", "", None),
            ("not-reached", "", None),
        ]),
    );
    trail.client = Client { name: None, version: None, recognised_by: vec!["page"] };
    trail.revision = Revision {
        value: None,
        candidates: vec!["2025-03-26".to_owned(), "2025-06-18".to_owned(), "2025-11-25".to_owned()],
        by: "default",
        evidence: Vec::new(),
    };
    trail.undetermined = vec![
        undetermined("token-not-attached", "request.header.authorization of entry 12"),
        undetermined("token-cut-off", "request.header.authorization of entry 12"),
        Undetermined { rule: "resource-absent".to_owned(), why: "revision", needs: String::new() },
    ];
    trail.coverage = Coverage {
        satisfied: 6,
        violated: 0,
        not_applicable: 3,
        not_observed: 12,
        depends_on_revision: 1,
        record_next: Some("the same login, exported from DevTools with sensitive data".to_owned()),
    };
    let capture = Capture { sanitized: "possible", complete: false, ..capture("c1", "support/case-4711.har", 26) };
    let problems = vec![Problem {
        capture: Some("c1".to_owned()),
        at: Some("entry 26".to_owned()),
        message: "the file ends in the middle of this entry; the 26 entries before it were kept".to_owned(),
    }];
    report(vec![Capture { problems, ..capture }], vec![trail])
}

fn no_trail() -> Report {
    let mut report = report(vec![capture("c1", "shop.har", 7)], Vec::new());
    report.problems = vec![Problem {
        capture: None,
        at: None,
        message: "none of the 7 exchanges is MCP; record the client's own traffic, not only the browser's".to_owned(),
    }];
    report
}

/// Two recordings and three clients.
fn several() -> Report {
    let mut healthy = authorized();
    healthy.id = "t1".to_owned();
    let mut broken = lost();
    broken.id = "t2".to_owned();
    broken.client.name = Some("Acme Sync".to_owned());
    if let Some(cause) = &mut broken.cause {
        cause.party_reason = Some("the second recording begins after the first attempt".to_owned());
        cause.certainty = "likely";
        cause.tolerance = Some("Meanwhile the server may accept the code once more.".to_owned());
        cause.alternatives = vec![Alternative {
            rule: "callback-handled-twice".to_owned(),
            party: "client",
            decided_by: "a recording of the callback listener".to_owned(),
        }];
        cause.evidence[1].capture = "c2".to_owned();
        cause.evidence[1].says =
            "the verifier fits the challenge of c1 entry 12, which was sent by the same client 40 seconds later"
                .to_owned();
    }
    let mut quiet = trail("t3", "undecided", chain([("not-observed", "", None); 12]));
    quiet.client.name = None;
    quiet.coverage.record_next = Some("the traffic between client and MCP server".to_owned());
    let second = Capture {
        creator: Some("mitmproxy 11.0.2".to_owned()),
        clock_offset_s: -1.25,
        ..capture("c2", "client.har", 9)
    };
    let missing = Capture {
        usable: false,
        exchanges: 0,
        complete: false,
        creator: None,
        format: "unknown".to_owned(),
        problems: vec![Problem { capture: Some("c3".to_owned()), at: None, message: "no such file".to_owned() }],
        ..capture("c3", "gone.har", 0)
    };
    report(vec![capture("c1", "browser.har", 42), second, missing], vec![healthy, broken, quiet])
}

fn long_names() -> Report {
    let mut trail = lost();
    let long = "segment/".repeat(30);
    trail.server = format!("https://mcp.{}.example.com/{long}mcp", "very-long-label".repeat(4));
    trail.client.name = Some("Ein Programm mit einem außerordentlich langen Namen 文字化け ".repeat(3));
    trail.authorization_servers = vec![format!("https://as.example.com/{long}"), "https://two.example.com".to_owned()];
    trail.chain[1].note = format!("resource is https://mcp.example.com/{long}, asked was https://mcp.example.com/mcp");
    if let Some(cause) = &mut trail.cause {
        cause.link = "authorization-request";
        cause.summary = format!("{} ", "The client names a resource that nobody announced.").repeat(4);
        cause.fix = format!("{} {}", "Name the resource as announced.".repeat(5), long);
        cause.evidence.push(Evidence {
            kind: "changed",
            at: "frame 1234567890".to_owned(),
            tcp_stream: Some(3),
            h2_stream: Some(5),
            sighting: Some(2),
            ..evidence(24, &format!("request.query.{}", "resource".repeat(8)), shown(&format!("https://h/{long}")), "")
        });
    }
    let mut capture = capture("c1", &format!("/home/somebody/{long}login.har"), 1_234_567);
    capture.creator = Some("A recorder ".repeat(20));
    capture.sha256 = Some("ab".repeat(32));
    report(vec![capture], vec![trail])
}

/// A recording that would take over the terminal.
fn hostile() -> Report {
    let evil = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}txt.exe\u{2066}\r\nLOST\u{85}\u{2028}\u{feff}\u{200b}";
    let mut trail = lost();
    trail.client.name = Some(format!("Acme {evil}"));
    trail.client.version = Some(evil.to_owned());
    trail.server = format!("https://mcp.example.com/{evil}");
    trail.chain[0].note = evil.to_owned();
    trail.chain[0].evidence[0].at = evil.to_owned();
    trail.revision.value = Some(evil.to_owned());
    trail.coverage.record_next = Some(evil.to_owned());
    for finding in &mut trail.findings {
        finding.summary = evil.to_owned();
    }
    if let Some(cause) = &mut trail.cause {
        cause.summary = evil.to_owned();
        cause.fix = evil.to_owned();
        cause.not_a_fix = vec![evil.to_owned()];
        cause.evidence[0].field = evil.to_owned();
        cause.evidence[1].value = shown(evil);
        cause.evidence[1].says = evil.to_owned();
    }
    let mut capture = capture("c1", &format!("login{evil}.har"), 42);
    capture.creator = Some(evil.to_owned());
    capture.problems = vec![Problem { capture: None, at: Some(evil.to_owned()), message: evil.to_owned() }];
    report(vec![capture], vec![trail])
}

fn denied() -> Report {
    let mut trail = trail(
        "t1",
        "denied",
        chain([
            ("held", "401", Some(2)),
            ("held", "", Some(3)),
            ("held", "", Some(5)),
            ("held", "", Some(6)),
            ("held", "", Some(9)),
            ("broken", "access_denied", Some(12)),
            ("not-reached", "", None),
            ("not-reached", "", None),
            ("not-reached", "", None),
            ("not-reached", "", None),
            ("not-reached", "", None),
            ("not-applicable", "", None),
        ]),
    );
    trail.revision.by = "offered";
    report(vec![capture("c1", "login.har", 13)], vec![trail])
}

fn open() -> Report {
    let mut rows = [("not-applicable", "", None); 12];
    rows[10] = ("held", "4 requests", Some(5));
    report(vec![capture("c1", "local.har", 6)], vec![trail("t1", "open", chain(rows))])
}
