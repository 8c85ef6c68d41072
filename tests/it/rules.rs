//! The loader of rule pages: every refusal has a bad page and, beside it, the whole message.
//!
//! `tests/rules/bad/<folder>/<slug>.md` is loaded as `<folder>/<slug>.md`, alone, with the built-in catalogues. Set
//! `UPDATE_EXPECTED` to write the messages anew, and read the difference.

use std::fs;
use std::path::{Path, PathBuf};

use authtrail::check::language::{Condition, Family, Keyword, Operand, Path as FieldPath, RelationName};
use authtrail::check::listing::Filter;
use authtrail::check::rule_set::{RuleSet, Source};
use authtrail::trail::record::Value;
use authtrail::trail::schema::{Binding, Field, Link, Revision};
use proptest::prelude::*;

use crate::made::{only_page, page_text, rules};

fn bad_pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules/bad");
    let mut files = Vec::new();
    for folder in fs::read_dir(root).unwrap() {
        files.extend(fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
    }
    files.sort();
    files
}

#[test]
fn every_refusal_says_where_and_what_is_meant() {
    let catalogues = RuleSet::embedded_catalogues();
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = Vec::new();
    let files = bad_pages();
    assert!(files.len() > 2);
    for file in &files {
        let expected_file = file.with_extension("txt");
        if file.extension().is_some_and(|extension| extension == "txt") {
            assert!(file.with_extension("md").exists(), "{} has no page", file.display());
            continue;
        }
        let folder = file.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let name = format!("{folder}/{}", file.file_name().unwrap().to_str().unwrap());
        let pages = [Source { file: name.clone(), text: fs::read_to_string(file).unwrap() }];
        let found = match RuleSet::from_sources(&catalogues, &pages) {
            Ok(_) => "no mistake\n".to_owned(),
            Err(mistakes) => format!("{mistakes}\n"),
        };
        if update {
            fs::write(&expected_file, &found).unwrap();
        }
        let expected = fs::read_to_string(&expected_file).unwrap_or_default();
        if found != expected {
            wrong.push(format!("{name}: expected\n{expected}\nfound\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_whole_page_is_read() {
    let text = page_text(
        "made-for-a-test",
        r#"requirements = ["AUTH-AUD-03", "AUTH-AUD-01"]
in = ["2025-06-18", "2026-07-28"]
mode = "some-mode"
given = "token_request"
when = [
    { field = "authorization_request.state", relation = "not_equals", value = "x" },
    { field = "sent_at", relation = "within", of = "token_response.answered_at", seconds = 30 },
    { field = "registration", relation = "absent" },
]
then = { field = "resource", relation = "subset_of", of = "authorization_request.resource" }
breaks = ["token-error", "unauthorized"]
certainty = "likely"
proved_by = ["verifier_owner"]
alternatives = ["other"]"#,
    )
    .replace("Fix.\n", "Fix it\nproperly.\n\nMeanwhile wait.\n")
    .replace("- nothing\n", "- nothing\n  at all\n- this\n");
    let pages = [
        Source { file: "token-request\\made-for-a-test.md".to_owned(), text },
        Source {
            file: "session/other.md".to_owned(),
            text: page_text(
                "other",
                "keyword = \"none\"\nparty = \"user\"\ngiven = \"session\"\nexplains = [\"made-for-a-test\"]\n\
                 then = { field = \"session_id\", relation = \"present\" }",
            ),
        },
    ];
    let rules = RuleSet::from_sources(&RuleSet::embedded_catalogues(), &pages).unwrap_or_else(|e| panic!("{e}"));
    let slugs: Vec<&str> = rules.pages().iter().map(|page| page.slug.as_str()).collect();
    assert_eq!(slugs, ["made-for-a-test", "other"]);
    let id = rules.by_slug("made-for-a-test").unwrap();
    let page = rules.page(id);
    assert_eq!(page.link, Link::TokenRequest);
    assert_eq!(page.party.name(), "client");
    assert_eq!(page.when.len(), 3);
    assert_eq!(
        page.when[0],
        Condition {
            path: FieldPath::Bound(Binding::AuthorizationRequest, Field::State),
            relation: RelationName::Equals,
            negated: true,
            operand: Operand::Constant(Value::from("x")),
        }
    );
    let answered = FieldPath::Bound(Binding::TokenResponse, Field::AnsweredAt);
    assert_eq!(page.when[1].operand, Operand::OfWithin(answered, 30));
    assert_eq!(page.when[2].path, FieldPath::Binding(Binding::Registration));
    assert_eq!(page.proved_by, [FieldPath::Binding(Binding::VerifierOwner)]);
    assert_eq!(page.text.summary, "A summary.");
    assert_eq!(page.text.fix, "Fix it properly.");
    assert_eq!(page.text.tolerance.as_deref(), Some("Meanwhile wait."));
    assert_eq!(page.text.not_a_fix, ["nothing at all", "this"]);
    assert_eq!(rules.revisions(id).collect::<Vec<_>>(), [Revision::R20250618, Revision::R20260728]);
}

#[test]
fn a_page_reads_the_same_with_windows_line_ends() {
    let head = "keyword = \"none\"\nparty = \"client\"\ngiven = \"session\"\n\
                then = { field = \"session_id\", relation = \"present\" }";
    let plain = rules(head);
    let text = page_text("made-for-a-test", head).replace('\n', "\r\n");
    let windows = [Source { file: "session/made-for-a-test.md".to_owned(), text }];
    let windows = RuleSet::from_sources(&[], &windows).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(only_page(&plain).text, only_page(&windows).text);
    assert_eq!(only_page(&plain).then, only_page(&windows).then);
}

#[test]
fn mistakes_of_several_pages_are_all_told() {
    let bad =
        "keyword = \"none\"\nparty = \"client\"\ngiven = \"session\"\nthen = { field = \"x\", relation = \"present\" }";
    let source = |link: &str, slug: &str| Source { file: format!("{link}/{slug}.md"), text: page_text(slug, bad) };
    let mistakes =
        RuleSet::from_sources(&[], &[source("session", "a"), source("session", "b"), source("renewal", "a")]);
    let found: Vec<String> = mistakes.unwrap_err().0.iter().map(|mistake| format!("{mistake:?}")).collect();
    assert_eq!(
        found,
        [
            "session/a.md:9:19: `session` has no field and no binding `x`",
            "session/b.md:9:19: `session` has no field and no binding `x`",
            "renewal/a.md:1:1: the slug `a` is taken by session/a.md",
            "renewal/a.md:9:19: `session` has no field and no binding `x`",
        ]
    );
}

#[test]
fn pages_that_explain_each_other_are_refused() {
    let source = |slug: &str, explains: &str| {
        let head = format!(
            "keyword = \"none\"\nparty = \"client\"\ngiven = \"session\"\nexplains = [\"{explains}\"]\n\
             then = {{ field = \"session_id\", relation = \"present\" }}"
        );
        Source { file: format!("session/{slug}.md"), text: page_text(slug, &head) }
    };
    let mistakes = RuleSet::from_sources(&[], &[source("a", "b"), source("b", "c"), source("c", "b")]);
    let found: Vec<String> = mistakes.unwrap_err().0.iter().map(|mistake| format!("{mistake:?}")).collect();
    assert_eq!(
        found,
        [
            "session/b.md:9:13: `c` explains `b` in turn: both would be absorbed",
            "session/c.md:9:13: `b` explains `c` in turn: both would be absorbed",
        ]
    );
}

#[test]
fn pages_of_a_user_join_the_built_in_ones() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("session")).unwrap();
    let head = "keyword = \"none\"\nparty = \"client\"\ngiven = \"session\"\n\
                then = { field = \"session_id\", relation = \"present\" }";
    fs::write(folder.path().join("session/my-own.md"), page_text("my-own", head)).unwrap();
    fs::write(folder.path().join("session/notes.txt"), "no page").unwrap();
    fs::write(folder.path().join("README.md"), "no page").unwrap();
    let built_in = RuleSet::embedded().unwrap();
    let rules = RuleSet::load_dir(folder.path()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(rules.pages().len(), built_in.pages().len() + 1);
    assert!(rules.by_slug("my-own").is_some());
    assert_ne!(rules.version(), built_in.version());
    fs::write(folder.path().join("session/broken.md"), [0xFF, 0xFE]).unwrap();
    fs::write(folder.path().join("stray.md"), "# stray\n").unwrap();
    let mistakes = RuleSet::load_dir(folder.path()).unwrap_err();
    assert_eq!(mistakes.0.len(), 2, "{mistakes}");
    let missing = RuleSet::load_dir(&folder.path().join("nowhere")).unwrap_err();
    assert_eq!(missing.0.len(), 1, "{missing}");
}

#[test]
fn the_list_is_narrowed_by_the_filter() {
    let rules = RuleSet::embedded().unwrap();
    assert_eq!(rules.list(&Filter::default()).len(), rules.pages().len());
    let only = Filter { link: Some(Link::TokenRequest), ..Filter::default() };
    assert!(rules.list(&only).iter().all(|rule| rule.link == "token-request"));
    let must = Filter {
        keyword: Some(Keyword::Must),
        revision: Some(Revision::R20250618),
        family: Some(Family::SessionLifecycle),
        ..Filter::default()
    };
    let listed = rules.list(&must);
    assert!(listed.iter().any(|rule| rule.slug == "session-id-not-carried"));
    for rule in listed {
        let holds = rule.revisions.iter().find(|revision| revision.revision == "2025-06-18").unwrap();
        assert_eq!((holds.keyword, rule.families.contains(&"session-lifecycle")), ("MUST", true), "{}", rule.slug);
    }
    let entry = Filter { requirement: Some("AUTH-PKCE-07".to_owned()), ..Filter::default() };
    let listed = rules.list(&entry);
    assert!(!listed.is_empty());
    for rule in listed {
        assert!(rule.requirements.iter().any(|id| id == "AUTH-PKCE-07"), "{}", rule.slug);
        assert!(rule.revisions.iter().all(|revision| !revision.spec.is_empty()), "{}", rule.slug);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// A page with something cut out and something put in is read or refused; each refusal can be shown.
    #[test]
    fn a_damaged_page_is_no_crash(which in 0usize..100, from in 0usize..4000, cut in 0usize..60, put in "\\PC{0,12}|[`#\n \"{}\\[\\]=]{0,8}") {
        let pages = RuleSet::embedded_pages();
        let text = &pages[which % pages.len()].text;
        let mut characters: Vec<char> = text.chars().collect();
        let from = from % characters.len();
        let to = (from + cut).min(characters.len());
        characters.splice(from..to, put.chars());
        let damaged: String = characters.into_iter().collect();
        let catalogue = RuleSet::embedded().unwrap().catalogue();
        if let Err(mistakes) = authtrail::check::page::parse(&pages[which % pages.len()].file, &damaged, catalogue) {
            prop_assert!(!mistakes.is_empty());
            for mistake in mistakes {
                prop_assert!(!mistake.to_string().is_empty());
                prop_assert!(mistake.position().0 >= 1);
            }
        }
    }
}
