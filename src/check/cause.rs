//! Why a trail was lost: the algorithm of `rules.md`, section 5.

use std::collections::{HashMap, HashSet};

use super::judge::{self, RuleVerdict};
use super::language::{Certainty, Page, Symptom};
use super::loss::{Loss, Taken, taken};
use super::rule_set::{PageId, RuleSet};
use super::slots::records_named;
use crate::trail::Trail;
use crate::trail::record::{ExchangeId, Record, RecordId, State};
use crate::trail::schema::{Binding, Field, Kind, Link};

/// A broken page that can explain a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The page.
    pub page: PageId,
    /// The first record that violates it and can have led to the loss.
    pub record: RecordId,
}

/// Why a trail was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The page and the record.
    pub candidate: Candidate,
    /// The loss that it explains.
    pub loss: Loss,
    /// How sure.
    pub certainty: Certainty,
    /// Other broken pages that could explain the same.
    pub others: Vec<Candidate>,
}

/// What `explains` absorbs: a violated record of a page, and the page that explains it.
pub type Absorbed = (PageId, RecordId, PageId);

/// Findings that a more special page explains: on the same record, the same exchange, or on a record that the bindings of
/// the special page name.
pub fn absorbed(rules: &RuleSet, trail: &Trail, verdicts: &[RuleVerdict]) -> Vec<Absorbed> {
    let mut absorbed = Vec::new();
    // Only what is broken explains anything.
    for verdict in verdicts.iter().filter(|verdict| !verdict.violations.is_empty()) {
        let page = rules.page(verdict.page);
        let explained: HashSet<PageId> = page.explains.iter().filter_map(|slug| rules.by_slug(slug)).collect();
        if explained.is_empty() {
            continue;
        }
        let mut reached: HashSet<RecordId> = HashSet::new();
        let mut exchanges = HashSet::new();
        for violation in &verdict.violations {
            reached.extend(records_named(page, trail, violation.record));
            exchanges.extend(trail.record(violation.record).map(|record| record.exchange));
        }
        for other in verdicts.iter().filter(|other| explained.contains(&other.page)) {
            for violation in &other.violations {
                let exchange = trail.record(violation.record).map(|record| record.exchange);
                // What follows in the same session from what was hidden there is explained as well.
                let named = exchange.is_some_and(|exchange| exchanges.contains(&exchange));
                if reached.contains(&violation.record) || named || same_session(trail, violation.record, &reached) {
                    absorbed.push((other.page, violation.record, verdict.page));
                }
            }
        }
    }
    absorbed
}

fn same_session(trail: &Trail, record: RecordId, reached: &HashSet<RecordId>) -> bool {
    let follows = |record: &Record| record.found(Binding::EarlierAccepted).or_else(|| record.found(Binding::Previous));
    trail.record(record).and_then(follows).is_some_and(|earlier| reached.contains(&earlier))
}

/// The cause of the losses of a trail; `None` where nothing broken in the recording explains them.
pub fn cause(
    rules: &RuleSet,
    trail: &Trail,
    verdicts: &[RuleVerdict],
    losses: &[Loss],
    absorbed: &[Absorbed],
) -> Option<Cause> {
    let absorbed: HashSet<(PageId, RecordId)> = absorbed.iter().map(|(page, record, _)| (*page, *record)).collect();
    let is_absorbed = |page: PageId, record: RecordId| absorbed.contains(&(page, record));
    let mut candidates: Vec<(Candidate, Loss)> = Vec::new();
    // For most pages step 3 does not depend on the loss: asked once, not for each of very many losses.
    let mut accepted: HashMap<PageId, bool> = HashMap::new();
    let broken: Vec<Broken<'_>> =
        verdicts.iter().map(|verdict| Broken::of(verdict, rules, trail, is_absorbed)).collect();
    let accepted_by = last_accepted(trail);
    let lost = LostTokens::of(trail);
    let consequences = lost.logins_after(trail);
    for loss in losses.iter().filter(|loss| !consequences.contains(&loss.record)) {
        for broken in broken.iter().filter(|broken| !broken.records.is_empty()) {
            let page = broken.page;
            if !page.breaks.contains(&loss.to_explain()) {
                continue;
            }
            let ask = || accepted_all_the_same(trail, page, broken.verdict, loss, &accepted_by);
            let depends_on_loss = page.link == Link::Renewal && !is_about_the_request(page);
            let stands = if depends_on_loss { ask() } else { *accepted.entry(broken.verdict.page).or_insert_with(ask) };
            if stands {
                continue;
            }
            let fits = |record: &&RecordId| {
                belongs_together(trail, page, **record, loss) && can_explain(trail, &lost, page, **record, loss)
            };
            if let Some(record) = broken.near(trail, loss).iter().find(fits) {
                candidates.push((Candidate { page: broken.verdict.page, record: *record }, loss.clone()));
            }
        }
    }
    let strength = |candidate: &Candidate| judge::certainty(rules, trail, candidate.page, candidate.record);
    // The earliest hand-over; among pages of one link the surer one, then the earlier step.
    let order = |(candidate, _): &(Candidate, Loss)| {
        let page = rules.page(candidate.page);
        (rank(page.link), std::cmp::Reverse(strength(candidate)), candidate.record, candidate.page)
    };
    candidates.sort_by_cached_key(order);
    let (first, loss) = candidates.first()?.clone();
    let mut others: Vec<Candidate> = Vec::new();
    for (other, _) in &candidates {
        if other.page != first.page && !others.iter().any(|known| known.page == other.page) {
            others.push(other.clone());
        }
    }
    let party = rules.page(first.page).party;
    let contested =
        others.iter().any(|other| rules.page(other.page).party != party && strength(other) >= strength(&first));
    let certainty = if contested { lower(strength(&first)) } else { strength(&first) };
    Some(Cause { candidate: first, loss, certainty, others })
}

/// `transport` is no link of the chain: framing breaks last.
fn rank(link: Link) -> usize {
    Link::ALL.iter().position(|other| *other == link).unwrap_or(usize::MAX)
}

fn lower(certainty: Certainty) -> Certainty {
    match certainty {
        Certainty::Proved => Certainty::Likely,
        Certainty::Likely | Certainty::Possible => Certainty::Possible,
    }
}

/// A page, and what violates it that no other page explains.
struct Broken<'a> {
    verdict: &'a RuleVerdict,
    page: &'a Page,
    /// In time order. Of a page about requests the first of each operation: which one it is makes no difference.
    records: Vec<RecordId>,
}

impl<'a> Broken<'a> {
    fn of(
        verdict: &'a RuleVerdict,
        rules: &'a RuleSet,
        trail: &Trail,
        is_absorbed: impl Fn(PageId, RecordId) -> bool,
    ) -> Self {
        let page = rules.page(verdict.page);
        let records = verdict.violations.iter().map(|violation| violation.record);
        let mut records: Vec<RecordId> = records.filter(|record| !is_absorbed(verdict.page, *record)).collect();
        records.sort_unstable();
        if is_about_the_request(page) {
            let mut operations = HashSet::new();
            records.retain(|record| operations.insert(operation(trail, *record)));
        }
        Broken { verdict, page, records }
    }

    /// Those that may belong together with a loss, so that of very many not every one is looked at for each of very many
    /// losses.
    fn near(&self, trail: &Trail, loss: &Loss) -> &[RecordId] {
        let page = self.page;
        if is_about_the_grant(page, loss) || is_about_a_span(page) || is_about_the_request(page) {
            return &self.records;
        }
        let exchange = trail.record(loss.record).map(|record| record.exchange);
        let first_of_exchange = trail.records.partition_point(|record| Some(record.exchange) < exchange);
        let flows = trail.flows.get(trail.flows_of(loss.record)).unwrap_or_default();
        let from = flows.first().and_then(|flow| flow.records.first()).map_or(loss.record, |first| *first);
        let to = flows.last().and_then(|flow| flow.records.last()).map_or(loss.record, |last| *last);
        let is_same = |id: RecordId| trail.record(id).is_some_and(|record| Some(record.exchange) == exchange);
        let from = from.min(RecordId(first_of_exchange as u32));
        let start = self.records.partition_point(|record| *record < from);
        let near = self.records.get(start..).unwrap_or_default();
        let end = near.partition_point(|record| *record <= to || is_same(*record));
        near.get(..end).unwrap_or_default()
    }
}

/// For each attempt the last exchange with a token that was accepted in it. The same request seen once more nearer to the
/// server is no second attempt.
fn last_accepted(trail: &Trail) -> Vec<Option<ExchangeId>> {
    let is_accepted = |record: &&Record| {
        record.kind == Kind::McpExchange
            && !record.is_upstream
            && taken(record) == Taken::Accepted
            && carries_token(record)
    };
    let last = |records: &[RecordId]| {
        records.iter().filter_map(|id| trail.record(*id)).filter(is_accepted).map(|record| record.exchange).max()
    };
    trail.flows.iter().map(|flow| last(&flow.records)).collect()
}

/// Step 3: the same fault stands in an attempt that was accepted, so it breaks nothing here.
fn accepted_all_the_same(
    trail: &Trail,
    page: &Page,
    verdict: &RuleVerdict,
    loss: &Loss,
    accepted_by: &[Option<ExchangeId>],
) -> bool {
    verdict.violations.iter().any(|violation| {
        let Some(record) = trail.record(violation.record) else { return false };
        if is_about_the_request(page) {
            return taken(record) == Taken::Accepted;
        }
        if is_about_a_span(page) || is_about_the_grant(page, loss) {
            return false;
        }
        trail.flows_of(violation.record).any(|at| {
            let Some(flow) = trail.flows.get(at) else { return false };
            // A refusal that ends one attempt and begins the next tells of the next only where the page is about the
            // challenge.
            if flow.trigger == Some(violation.record) && page.link != Link::Challenge {
                return false;
            }
            // A renewal that went wrong may be accepted for a while and end the grant all the same.
            if page.link == Link::Renewal && trail.flows_of(loss.record).contains(&at) {
                return false;
            }
            accepted_by.get(at).is_some_and(|last| *last > Some(record.exchange))
        })
    })
}

/// Whether a page judges how one MCP request itself was sent or taken, not what it opens for those after it.
fn is_about_the_request(page: &Page) -> bool {
    page.given == Kind::McpExchange
        && matches!(page.link, Link::TokenAttachment | Link::TokenAcceptance | Link::Renewal)
}

/// Whether a page judges a renewal and the loss is a later one: the token in between was accepted, the grant was not.
fn is_about_the_grant(page: &Page, loss: &Loss) -> bool {
    page.given == Kind::TokenRequest && page.link == Link::Renewal && loss.symptom == Symptom::TokenError
}

/// Whether two token requests, or the answers to them, belong to one grant.
fn in_one_grant(trail: &Trail, a: RecordId, b: RecordId) -> bool {
    let root = |id: RecordId| {
        let record = trail.record(id)?;
        let request = if record.kind == Kind::TokenResponse { record.found(Binding::TokenRequest)? } else { id };
        trail.record(request)?.found(Binding::GrantRoot)
    };
    root(a).is_some_and(|first| root(b) == Some(first))
}

/// Whether a page judges what spans several requests, accepted ones among them.
fn is_about_a_span(page: &Page) -> bool {
    matches!(page.given, Kind::Session | Kind::TokenUse | Kind::StepUp)
}

/// Whether a step is one of those that a span is made of.
fn is_in_span(span: &Record, id: RecordId, step: &Record) -> bool {
    let bound = span.kind.bindings().any(|(binding, _)| span.found(binding) == Some(id));
    let same = |field: Field| span.text(field).is_some() && span.text(field) == step.text(field);
    bound
        || match span.kind {
            Kind::Session => same(Field::SessionId),
            Kind::TokenUse => same(Field::Bearer),
            _ => step.exchange > span.exchange && step.text(Field::RefusalReadsAs) == Some("insufficient"),
        }
}

fn carries_token(record: &Record) -> bool {
    !matches!(record.state(Field::Bearer), State::Absent)
}

/// Step 2: the violated record shares the attempt, the exchange or a custody value with the refused step.
fn belongs_together(trail: &Trail, page: &Page, violated: RecordId, loss: &Loss) -> bool {
    let exchange = |id: RecordId| trail.record(id).map(|record| record.exchange);
    if violated == loss.record || exchange(violated) == exchange(loss.record) {
        return true;
    }
    if is_about_the_grant(page, loss) && in_one_grant(trail, violated, loss.record) {
        return true;
    }
    if is_about_a_span(page)
        && let (Some(span), Some(step)) = (trail.record(violated), trail.record(loss.record))
    {
        return is_in_span(span, loss.record, step);
    }
    if is_about_the_request(page) {
        // How another request was sent says nothing about this one, unless it is the same operation again.
        let is_earlier = trail.record(loss.record).is_some_and(|record| record.kind != Kind::McpExchange);
        return is_earlier || operation(trail, violated) == operation(trail, loss.record);
    }
    let (of_violated, of_loss) = (trail.flows_of(violated), trail.flows_of(loss.record));
    of_violated.start < of_loss.end && of_loss.start < of_violated.end
}

/// Method and message of a request.
fn operation(trail: &Trail, id: RecordId) -> Option<(&str, Option<&str>)> {
    let record = trail.record(id)?;
    Some((record.text(Field::Method)?, record.text(Field::JsonrpcMethod)))
}

/// Whether a fault at this link can show in this way: a refusal that says that no token came is not about what the token
/// says, and a token that was refused was not lost on the way to being issued.
fn can_explain(trail: &Trail, lost: &LostTokens, page: &Page, violated: RecordId, loss: &Loss) -> bool {
    let Some(refused) = trail.record(loss.record) else { return false };
    // `invalid_grant` is about the code or the refresh token (RFC 6749, 5.2); for the resource there is `invalid_target`
    // (RFC 8707, 2).
    let about_resource = page.then.path.own_field() == Some(Field::Resource);
    if about_resource && token_error(trail, loss) == Some("invalid_grant") {
        return false;
    }
    if refused.kind != Kind::McpExchange || loss.symptom != Symptom::Unauthorized {
        return true;
    }
    let before = trail.record(violated).is_some_and(|record| record.exchange <= refused.exchange);
    let reads_as = refused.text(Field::RefusalReadsAs);
    let attaches = matches!(page.link, Link::TokenAttachment | Link::TokenAcceptance | Link::Renewal);
    match refused.state(Field::Bearer) {
        State::Present(_) | State::Unread(_) if matches!(reads_as, Some("missing" | "nonce")) => attaches,
        // A login that began with this refusal tells of what came after it.
        State::Present(_) | State::Unread(_) => {
            attaches
                || (before && shapes_the_token(page))
                || (!before
                    && page.link < Link::TokenAttachment
                    && began_again(trail, loss.record)
                    && (page.given == Kind::McpExchange || !lost.before(refused.exchange)))
        }
        State::Absent if refused.found(Binding::NewestTokenResponse).is_some() => {
            attaches || (!before && began_again(trail, loss.record))
        }
        // The exporter hides whether a token was sent: only what shapes a token, or stops a login, can be told.
        State::Unknown(_) if refused.found(Binding::NewestTokenResponse).is_some() => {
            (before && shapes_the_token(page))
                || (attaches && page.then.path != super::language::Path::Own(Field::Bearer))
        }
        _ => true,
    }
}

/// Pages before the use of a token that shape what it says.
fn shapes_the_token(page: &Page) -> bool {
    matches!(page.link, Link::ResourceMetadata | Link::AuthorizationRequest | Link::TokenRequest | Link::TokenResponse)
}

/// Whether the refusal began another login that did not end with a token.
fn began_again(trail: &Trail, refusal: RecordId) -> bool {
    let flows = trail.flows.get(trail.flows_of(refusal)).unwrap_or_default();
    flows.iter().any(|flow| flow.trigger == Some(refusal) && flow.token.is_none())
}

/// The requests that came with a token, in time order, each with whether that token was lost as soon as it was issued:
/// issued in this recording, refused, and accepted by no request.
struct LostTokens(Vec<(ExchangeId, bool)>);

impl LostTokens {
    fn of(trail: &Trail) -> Self {
        let sent = || trail.of_kind(Kind::McpExchange).filter_map(|(_, sent)| Some((sent, sent.text(Field::Bearer)?)));
        let accepted: HashSet<&str> =
            sent().filter(|(sent, _)| taken(sent) == Taken::Accepted).map(|(_, token)| token).collect();
        let is_lost = |sent: &Record, token: &str| {
            sent.number(Field::Status) == Some(401)
                && sent.found(Binding::IssuingTokenResponse).is_some()
                && !accepted.contains(token)
        };
        LostTokens(sent().map(|(sent, token)| (sent.exchange, is_lost(sent, token))).collect())
    }

    /// Whether the last request with a token, up to this one, lost it so.
    fn before(&self, at: ExchangeId) -> bool {
        let sent = self.0.partition_point(|(sent, _)| *sent <= at);
        sent.checked_sub(1).and_then(|last| self.0.get(last)).is_some_and(|(_, lost)| *lost)
    }

    /// The steps of logins that began because a token was lost, and that gave no other one. Whatever became of them,
    /// authorization was lost before: a user or a client that gives up then is no cause.
    fn logins_after(&self, trail: &Trail) -> HashSet<RecordId> {
        let begun_so = |trigger: RecordId| trail.record(trigger).is_some_and(|refused| self.before(refused.exchange));
        let flows = trail.flows.iter().filter(|flow| flow.token.is_none() && flow.trigger.is_some_and(begun_so));
        let steps = flows.flat_map(|flow| flow.records.iter().copied());
        // The request that lost the token began the login, and is no step of it.
        let is_step =
            |record: &Record| record.kind != Kind::McpExchange || record.state(Field::Bearer) == &State::Absent;
        steps.filter(|step| trail.record(*step).is_some_and(is_step)).collect()
    }
}

/// The error of the token endpoint with which a login stopped.
fn token_error<'t>(trail: &'t Trail, loss: &Loss) -> Option<&'t str> {
    if loss.to_explain() != Symptom::TokenError {
        return None;
    }
    let record = trail.record(loss.record)?;
    if record.kind == Kind::TokenResponse {
        return record.text(Field::Error);
    }
    let flows = trail.flows.get(trail.flows_of(loss.record))?;
    let flow = flows.iter().find(|flow| flow.records.first() == Some(&loss.record))?;
    let mut answers = flow.records.iter().filter_map(|id| trail.record(*id));
    answers.rfind(|answer| answer.kind == Kind::TokenResponse)?.text(Field::Error)
}
