//! Verdicts of a rule set on trails: order, threads, evidence, certainty, other revisions.

use authtrail::check::evaluate::certainty;
use authtrail::check::judge::{judge, judge_trail, valid_under};
use authtrail::check::language::Certainty;
use authtrail::check::rule_set::{RuleSet, Source};
use authtrail::check::slots::{Role, Shows, records_named, slots_of};
use authtrail::decode::exchange::Unknown;
use authtrail::trail::record::{Bound, Closing, ExchangeId, Record, RecordId, State, Value};
use authtrail::trail::schema::{Binding, Field, Kind, Revision};
use authtrail::trail::{Incident, Trail};

use crate::made::{mcp_exchange, only_page, page_text, rules, stretch, trail};

/// A trail in which an authorization request, a token request with another verifier, and MCP calls follow each other.
fn lost(calls: u32) -> Trail {
    let mut authorization = Record::new(Kind::AuthorizationRequest, ExchangeId(0));
    authorization.set(Field::CodeChallenge, State::text(Some("challenge")), "request.query.code_challenge");
    authorization.set(Field::CodeChallengeMethod, State::text(Some("S256")), "request.query.code_challenge_method");
    let mut token = Record::new(Kind::TokenRequest, ExchangeId(1));
    token.set(Field::CodeVerifier, State::text(Some("verifier")), "request.body.code_verifier");
    token.bind(Binding::AuthorizationRequest, Bound::Found(RecordId(0)));
    let mut records = vec![authorization, token, Record::new(Kind::TokenResponse, ExchangeId(1))];
    for call in 0..calls {
        let mut exchange = mcp_exchange(call + 2);
        exchange.bind(Binding::NewestTokenResponse, Bound::Found(RecordId(2)));
        exchange.set(Field::Bearer, State::Absent, "request.header.authorization");
        records.push(exchange);
    }
    trail(records)
}

#[test]
fn one_order_whatever_the_number_of_threads() {
    let rules = RuleSet::embedded().unwrap();
    let trails: Vec<Trail> = (1..30).map(lost).collect();
    let expected: Vec<_> = trails.iter().map(|trail| judge_trail(rules, trail)).collect();
    assert!(expected.iter().flatten().any(|verdict| !verdict.violations.is_empty()));
    let incident = Incident { trails, ..Incident::default() };
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| judge(rules, &incident)), expected, "{threads} threads");
    }
}

#[test]
fn verdicts_are_in_order_of_link_step_and_slug() {
    let page = |link: &str, slug: &str, method: &str| {
        let head = format!(
            "keyword = \"none\"\nparty = \"client\"\ngiven = \"mcp_exchange\"\n\
             when = [{{ field = \"method\", relation = \"equals\", value = \"{method}\" }}]\n\
             then = {{ field = \"bearer\", relation = \"present\" }}"
        );
        Source { file: format!("{link}/{slug}.md"), text: page_text(slug, &head) }
    };
    let pages = [
        page("session", "b", "POST"),
        page("session", "a", "POST"),
        page("challenge", "z", "GET"),
        page("session", "first", "GET"),
        page("session", "silent", "PUT"),
    ];
    let rules = RuleSet::from_sources(&[], &pages).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let records = ["GET", "POST"].iter().zip(0..).map(|(method, at)| {
        let mut record = mcp_exchange(at);
        record.set(Field::Method, State::text(Some(method)), "request.method");
        record.set(Field::Bearer, State::Absent, "request.header.authorization");
        record
    });
    let verdicts = judge_trail(&rules, &trail(records.collect()));
    let slugs: Vec<&str> = verdicts.iter().map(|verdict| rules.page(verdict.page).slug.as_str()).collect();
    assert_eq!(slugs, ["z", "first", "a", "b", "silent"]);
}

#[test]
fn the_places_of_a_verdict_begin_with_what_is_asserted() {
    let rules = RuleSet::embedded().unwrap();
    let page = rules.page(rules.by_slug("verifier-of-another-flow").unwrap());
    let trail = lost(0);
    let places: Vec<_> = slots_of(page, &trail, RecordId(1))
        .iter()
        .map(|place| match place.shows {
            Shows::Slot(slot) => (place.role, place.record.0, slot.part.as_str().to_owned()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        places,
        [
            (Role::ThenLeft, 1, "request.body.code_verifier".to_owned()),
            (Role::ThenRight, 0, "request.query.code_challenge".to_owned()),
            (Role::When, 0, "request.query.code_challenge_method".to_owned()),
        ]
    );
    assert_eq!(records_named(page, &trail, RecordId(1)), [RecordId(1), RecordId(0)]);
}

#[test]
fn a_step_that_never_came_shows_what_closes_its_window() {
    let rules = rules(
        "keyword = \"none\"\nparty = \"client\"\ngiven = \"authorization_response\"\n\
         when = [{ field = \"code\", relation = \"present\" }]\n\
         then = { field = \"token_request\", relation = \"present\" }",
    );
    let mut answer = Record::new(Kind::AuthorizationResponse, ExchangeId(4));
    answer.set(Field::Code, State::Unread(Unknown::RemovedByExporter), "request.query.code");
    answer.bind(Binding::TokenRequest, Bound::None(Closing::LaterExchange(ExchangeId(9))));
    let trail = trail(vec![answer]);
    let places = slots_of(only_page(&rules), &trail, RecordId(0));
    assert!(matches!(
        (places[0].role, places[0].shows),
        (Role::ThenLeft, Shows::NoStep(Binding::TokenRequest, Closing::LaterExchange(ExchangeId(9))))
    ));
    assert!(matches!((places[1].role, places[1].shows), (Role::When, Shows::Slot(_))));
    assert_eq!(places.len(), 2);
}

#[test]
fn proof_lifts_a_likely_page_where_it_is_true() {
    let head = "keyword = \"none\"\nparty = \"mcp-server\"\ngiven = \"session\"\ncertainty = \"likely\"\n\
                proved_by = [\"instance_marks_differ\", \"next_initialize\"]\nalternatives = [\"other\"]\n\
                then = { field = \"verdict_changes\", relation = \"at_most\", value = 1 }";
    let other = "keyword = \"none\"\nparty = \"user\"\ngiven = \"session\"\n\
                 then = { field = \"session_id\", relation = \"present\" }";
    let source = |slug: &str, head: &str| Source { file: format!("session/{slug}.md"), text: page_text(slug, head) };
    let rules = RuleSet::from_sources(&[], &[source("replicas", head), source("other", other)]);
    let rules = rules.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let page = rules.page(rules.by_slug("replicas").unwrap());
    let found = |marks: State, next: Bound| {
        let mut session = Record::new(Kind::Session, ExchangeId(0));
        session.set(Field::InstanceMarksDiffer, marks, "response.header.x");
        session.bind(Binding::NextInitialize, next);
        certainty(page, &trail(vec![session]), RecordId(0))
    };
    let none = Bound::None(Closing::EndMark);
    let flag = |flag| State::Present(Value::Flag(flag));
    assert_eq!(found(flag(true), none), Certainty::Proved);
    assert_eq!(found(flag(false), none), Certainty::Likely);
    assert_eq!(found(State::Unknown(Unknown::Opaque), Bound::Unknown(Unknown::WindowOpen)), Certainty::Likely);
    assert_eq!(found(State::Absent, Bound::Found(RecordId(0))), Certainty::Proved);
}

#[test]
fn right_under_another_revision() {
    let page = |entry: &str, slug: &str, revisions: &str, field: &str| {
        let head = format!(
            "requirements = [\"{entry}\"]\n{revisions}\ngiven = \"mcp_exchange\"\n\
             then = {{ field = \"{field}\", relation = \"present\" }}"
        );
        Source { file: format!("challenge/{slug}.md"), text: page_text(slug, &head) }
    };
    let catalogues = RuleSet::embedded_catalogues();
    let mut record = mcp_exchange(0);
    record.set(Field::ChallengeError, State::Absent, "response.header.www-authenticate");
    record.set(Field::ChallengeScope, State::Absent, "response.header.www-authenticate");
    record.set(Field::AuthScheme, State::text(Some("bearer")), "request.header.authorization");
    let mut trail = trail(vec![record]);
    trail.stretches = vec![stretch(0, &[Revision::R20250618])];
    let valid = |pages: &[Source]| {
        let rules = RuleSet::from_sources(&catalogues, pages).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let names = valid_under(&rules, &trail, rules.by_slug("one").unwrap(), RecordId(0));
        names.iter().map(|revision| revision.name()).collect::<Vec<_>>().join(" ")
    };
    let (narrow, later) = ("in = [\"2025-06-18\"]", "in = [\"2025-11-25\"]");
    // AUTH-DISC-05 is a MUST in 2025-06-18, a MAY later, and stated nowhere before.
    let permitted = page("AUTH-DISC-05", "one", "", "challenge.error");
    assert_eq!(valid(&[permitted]), "2025-03-26 2025-11-25 2026-07-28");
    // AUTH-AUD-01 is a MUST since 2025-06-18: narrowing the page does not make the behaviour right elsewhere.
    let one = || page("AUTH-AUD-01", "one", narrow, "challenge.error");
    assert_eq!(valid(&[one()]), "2025-03-26");
    let kept = page("AUTH-AUD-01", "two", later, "auth_scheme");
    assert_eq!(valid(&[one(), kept.clone()]), "2025-03-26 2025-11-25");
    let broken = page("AUTH-AUD-01", "three", later, "challenge.scope");
    assert_eq!(valid(&[one(), kept, broken]), "2025-03-26");
}
