//! The three-valued table and the points under it, one row a case: `tests/verdicts.toml`.

use authtrail::check::evaluate::{Truth, condition, record_verdict};
use authtrail::check::judge::{TrailVerdict, judge_trail};
use authtrail::check::language::Verdict;
use authtrail::decode::exchange::Unknown;
use authtrail::trail::Trail;
use authtrail::trail::record::{Bound, Closing, Record, RecordId, State, Value};
use authtrail::trail::schema::{Binding, Field, Kind, Leg, Revision};
use serde::Deserialize;

use crate::made::{mcp_exchange, only_page, rules, stretch, trail};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    presence: Vec<Row>,
    relations: Vec<Row>,
    sides: Vec<Row>,
    conditions: Vec<Conditions>,
    no_record: Vec<NoRecord>,
    records: Vec<Records>,
    revisions: Vec<Revisions>,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Row {
    left: String,
    relation: String,
    right: Option<String>,
    result: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Conditions {
    when: Vec<String>,
    then: String,
    verdict: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct NoRecord {
    given: String,
    legs: Vec<String>,
    implied: Vec<String>,
    verdict: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Records {
    records: Vec<String>,
    verdict: String,
}

#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
struct Revisions {
    entry: String,
    stretches: Vec<Vec<String>>,
    records: Vec<Vec<String>>,
    verdict: String,
    level: Option<String>,
}

fn table() -> Table {
    toml::from_str(include_str!("../verdicts.toml")).unwrap()
}

/// Compares all rows, so that one wrong row does not hide another.
fn check<R: std::fmt::Debug>(rows: &[R], expected: impl Fn(&R) -> String, found: impl Fn(&R) -> String) {
    assert!(!rows.is_empty());
    let wrong: Vec<String> = rows
        .iter()
        .map(|row| (row, expected(row), found(row)))
        .filter(|(_, expected, found)| expected != found)
        .map(|(row, expected, found)| format!("{row:?}: expected {expected}, found {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Values between which a relation holds, or not.
struct Sample {
    field: &'static str,
    left: Value,
    /// The right side as TOML where it is a constant: matching, other.
    constants: Option<[&'static str; 2]>,
    /// The right side where it is a field.
    right: &'static str,
    matching: Value,
    other: Value,
    /// What stands beside `of`.
    extra: &'static str,
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| (*item).into()).collect())
}

fn constant(field: &'static str, left: Value, constants: [&'static str; 2]) -> Sample {
    let (matching, other) = (Value::Flag(true), Value::Flag(false));
    Sample { field, left, constants: Some(constants), right: "", matching, other, extra: "" }
}

fn of(field: &'static str, left: Value, right: &'static str, matching: Value, other: Value) -> Sample {
    Sample { field, left, constants: None, right, matching, other, extra: "" }
}

fn sample(relation: &str) -> Sample {
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let url = "https://a.example/x";
    match relation {
        "present" | "absent" | "equals" => constant("session_id", "abc".into(), [r#""abc""#, r#""abd""#]),
        "one_of" => constant("status", Value::Number(302), ["[301, 302]", "[200]"]),
        "matches" => constant("session_id", "abc".into(), [r#""visible-ascii""#, r#""https-url""#]),
        "at_most" => constant("status", Value::Number(200), ["200", "199"]),
        "same_as" => of("session_id", "abc".into(), "session_id", "abc".into(), "abd".into()),
        "same_origin_as" => of("url", url.into(), "url", "https://a.example:443".into(), "http://a.example".into()),
        "same_url_as" => of("url", url.into(), "url", "HTTPS://a.example/x".into(), "https://a.example/X".into()),
        "s256_of" => of("session_id", verifier.into(), "session_id", challenge.into(), verifier.into()),
        "covers" => of("bearer.jwt.aud", list(&["b", url]), "url", url.into(), "https://a.example/".into()),
        "contains" => of("accept", list(&["a", "b"]), "method", "a".into(), "c".into()),
        "subset_of" => of("accept", list(&["a"]), "accept", list(&["b", "a"]), list(&["b"])),
        "superset_of" => of("accept", list(&["a", "b"]), "accept", list(&["b"]), list(&["c"])),
        "prefix_of" => of("accept", list(&["a"]), "accept", list(&["a", "b"]), list(&["b", "a"])),
        "before" => of("sent_at", Value::Number(2_000_000), "bearer.jwt.exp", Value::Number(3), Value::Number(2)),
        "within" => {
            let right = (Value::Number(5), Value::Number(6));
            Sample {
                extra: ", seconds = 3",
                ..of("sent_at", Value::Number(2_000_000), "bearer.jwt.exp", right.0, right.1)
            }
        }
        other => panic!("no sample for {other}"),
    }
}

fn state(name: &str, value: Value) -> State {
    match name {
        "value" | "match" | "other" => State::Present(value),
        "unread" => State::Unread(Unknown::RemovedByExporter),
        "absent" => State::Absent,
        "unknown" => State::Unknown(Unknown::BodyNotRecorded),
        other => panic!("no state {other}"),
    }
}

fn field(name: &str) -> Field {
    Field::from_name(name).unwrap()
}

/// Puts a side of a condition into the records and gives its path. Steps are 0 for the judged one, 1 for `previous`
/// and 2 for `next`.
fn put(records: &mut [Record], binding: Binding, step: u32, side: &str, name: &str, value: Value) -> String {
    let bound = match side.split('.').next().unwrap() {
        "found" => Bound::Found(RecordId(step)),
        "none" => Bound::None(Closing::EndMark),
        "unsure" => Bound::Unknown(Unknown::WindowOpen),
        own => {
            records[0].set(field(name), state(own, value), "request.test");
            return name.to_owned();
        }
    };
    records[0].bind(binding, bound);
    match side.split_once('.') {
        None => return binding.name().to_owned(),
        Some(("found", of)) => records[step as usize].set(field(name), state(of, value), "request.test"),
        Some(_) => {}
    }
    format!("{binding}.{name}")
}

fn found_truth(row: &Row) -> String {
    let sample = sample(row.relation.trim_start_matches("not_"));
    let mut records = vec![mcp_exchange(0), mcp_exchange(1), mcp_exchange(2)];
    let left = put(&mut records, Binding::Previous, 1, &row.left, sample.field, sample.left);
    let right = row.right.as_deref().unwrap_or("");
    let matches = !right.ends_with("other");
    let operand = match (right, sample.constants) {
        ("", _) => String::new(),
        (_, Some([matching, other])) => format!(", value = {}", if matches { matching } else { other }),
        (side, None) => {
            let value = if matches { sample.matching } else { sample.other };
            let side = if side.contains('.') { side.to_owned() } else { format!("found.{side}") };
            let path = put(&mut records, Binding::Next, 2, &side, sample.right, value);
            format!(", of = \"{path}\"{}", sample.extra)
        }
    };
    let rules = rules(&format!(
        "keyword = \"none\"\nparty = \"client\"\ngiven = \"mcp_exchange\"\n\
         then = {{ field = \"{left}\", relation = \"{}\"{operand} }}",
        row.relation
    ));
    let trail = trail(records);
    truth(condition(&trail, &trail.records[0], &only_page(&rules).then)).to_owned()
}

fn truth(truth: Truth) -> &'static str {
    match truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::NotApplicable => "not applicable",
        Truth::Unknown(_) => "unknown",
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Violated => "violated",
        Verdict::Satisfied => "satisfied",
        Verdict::NotObserved => "not observed",
        Verdict::NotApplicable => "not applicable",
    }
}

#[test]
fn the_table() {
    let table = table();
    for rows in [&table.presence, &table.relations, &table.sides] {
        check(rows, |row| row.result.clone(), found_truth);
    }
}

#[test]
fn every_relation_has_its_rows() {
    let table = table();
    let rows = || table.presence.iter().chain(&table.relations);
    for relation in authtrail::check::language::RelationName::ALL {
        let name = relation.name();
        assert!(rows().any(|row| row.relation == name), "{name}");
        let negated = format!("not_{name}");
        let is_negated = matches!(name, "present" | "absent") || rows().any(|row| row.relation == negated);
        assert!(is_negated, "{negated}");
    }
}

/// A condition of each truth, on a POST with a body of unknown type and nothing before it.
fn condition_text(truth: &str) -> &'static str {
    match truth {
        "true" => r#"{ field = "method", relation = "equals", value = "POST" }"#,
        "false" => r#"{ field = "method", relation = "equals", value = "GET" }"#,
        "unknown" => r#"{ field = "content_type", relation = "present" }"#,
        "not applicable" => r#"{ field = "previous.method", relation = "present" }"#,
        other => panic!("no condition {other}"),
    }
}

#[test]
fn conditions_of_a_page() {
    check(
        &table().conditions,
        |row| row.verdict.clone(),
        |row| {
            let when: Vec<&str> = row.when.iter().map(|truth| condition_text(truth)).collect();
            let rules = rules(&format!(
                "keyword = \"none\"\nparty = \"client\"\ngiven = \"mcp_exchange\"\nwhen = [{}]\nthen = {}",
                when.join(", "),
                condition_text(&row.then)
            ));
            let mut record = mcp_exchange(0);
            record.set(Field::Method, State::text(Some("POST")), "request.method");
            record.set(Field::ContentType, State::Unknown(Unknown::HeadersNotRecorded), "request.header.content-type");
            record.bind(Binding::Previous, Bound::None(Closing::NotNeeded));
            let trail = trail(vec![record]);
            let found = record_verdict(only_page(&rules), &trail, RecordId(0));
            assert_eq!(found.missing.is_some(), found.verdict == Verdict::NotObserved, "{row:?}");
            verdict(found.verdict).to_owned()
        },
    );
}

/// The verdict of the only page on a trail.
fn of_trail(rules: &authtrail::check::rule_set::RuleSet, trail: &Trail) -> (String, Option<String>) {
    let verdicts = judge_trail(rules, trail);
    assert_eq!(verdicts.len(), 1);
    let found = match verdicts[0].verdict {
        TrailVerdict::Decided(found) => verdict(found),
        TrailVerdict::DependsOnRevision => "depends on the revision",
    };
    let level = verdicts[0].level().map(|level| level.name().to_owned());
    assert_eq!(level.is_some(), matches!(found, "violated" | "depends on the revision"));
    assert_eq!(!verdicts[0].missing.is_empty(), verdicts[0].counts.not_observed > 0 || found == "not observed");
    (found.to_owned(), level)
}

#[test]
fn no_record_of_the_kind() {
    check(
        &table().no_record,
        |row| row.verdict.clone(),
        |row| {
            let rules = rules(&format!(
                "keyword = \"none\"\nparty = \"client\"\ngiven = \"{}\"\nthen = {{ field = \"{}\", relation = \"present\" }}",
                row.given,
                if row.given == "session" { "session_id" } else { "status" },
            ));
            let mut trail = trail(Vec::new());
            trail.legs = row.legs.iter().map(|leg| Leg::from_name(leg).unwrap()).collect();
            trail.implied_kinds = row.implied.iter().map(|kind| Kind::from_name(kind).unwrap()).collect();
            of_trail(&rules, &trail).0
        },
    );
}

/// A page that is violated by a POST without a token, and a record with each verdict.
const POST_HAS_TOKEN: &str = r#"
given = "mcp_exchange"
when = [{ field = "method", relation = "equals", value = "POST" }]
then = { field = "bearer", relation = "present" }
"#;

fn record_with(verdict: &str, exchange: u32) -> Record {
    let mut record = mcp_exchange(exchange);
    let method = if verdict == "not applicable" { "GET" } else { "POST" };
    record.set(Field::Method, State::text(Some(method)), "request.method");
    let bearer = match verdict {
        "violated" => State::Absent,
        "satisfied" => State::text(Some("token")),
        "not observed" => State::Unknown(Unknown::RemovedByExporter),
        _ => State::Absent,
    };
    record.set(Field::Bearer, bearer, "request.header.authorization");
    record
}

#[test]
fn records_of_a_trail() {
    let rules = rules(&format!("keyword = \"none\"\nparty = \"client\"\n{POST_HAS_TOKEN}"));
    check(
        &table().records,
        |row| row.verdict.clone(),
        |row| {
            let records = row.records.iter().zip(0..).map(|(verdict, at)| record_with(verdict, at)).collect();
            of_trail(&rules, &trail(records)).0
        },
    );
}

#[test]
fn candidates_of_the_revision() {
    check(
        &table().revisions,
        |row| format!("{} {:?}", row.verdict, row.level),
        |row| {
            let entry = match row.entry.as_str() {
                "" => "keyword = \"none\"\nparty = \"client\"".to_owned(),
                entry => format!("requirements = [\"{entry}\"]"),
            };
            let rules = rules(&format!("{entry}\n{POST_HAS_TOKEN}"));
            assert_eq!(row.stretches.len(), row.records.len());
            let (mut records, mut stretches) = (Vec::new(), Vec::new());
            for (candidates, verdicts) in row.stretches.iter().zip(&row.records) {
                let candidates: Vec<Revision> = candidates.iter().map(|r| Revision::from_name(r).unwrap()).collect();
                stretches.push(stretch(records.len() as u32, &candidates));
                for verdict in verdicts {
                    let at = records.len() as u32;
                    records.push(record_with(verdict, at));
                }
            }
            let mut trail = trail(records);
            trail.stretches = stretches;
            let (found, level) = of_trail(&rules, &trail);
            format!("{found} {level:?}")
        },
    );
}
