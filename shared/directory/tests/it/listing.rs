//! The paging machine against the ways in which a listing goes wrong.

use directory::{
    Code, Cursor, ErrorClass, ReadError,
    error::TransportFailure,
    protocol::{
        Answer, AnswerBody, GraphBase, Input, Step,
        listing::{Page, Place, Reading, RequestSpec},
        retry::{Retry, RetryPolicy},
        users::{UserRows, Users},
    },
};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

const BASE: &str = "https://graph.microsoft.com";

fn reading() -> Reading<Users> {
    let base = GraphBase::new(BASE.parse().unwrap()).unwrap();
    let policy = RetryPolicy { attempts_max: 4, wait_max: SignedDuration::from_secs(20) };
    Reading::new(base, Users, Place::Customer, 999, Retry::new(policy, 7))
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Input {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Input::Answered(Answer { status, headers: map, body: AnswerBody::Whole(body.as_bytes().to_vec()) })
}

fn page(rows: usize, next: Option<&str>) -> Input {
    let rows: Vec<Value> =
        (0..rows).map(|n| json!({ "id": format!("00000000-0000-4000-8000-{n:012}") })).collect();
    let mut body = json!({ "value": rows });
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(next);
    }
    answer(200, &[], &body.to_string())
}

fn link(n: u32) -> String {
    format!("{BASE}/v1.0/users?$top=999&$skiptoken={n}")
}

fn step(reading: &mut Reading<Users>, input: Input) -> Step<RequestSpec, Page<UserRows>> {
    reading.step(input, Timestamp::UNIX_EPOCH)
}

fn request(step: Step<RequestSpec, Page<UserRows>>) -> RequestSpec {
    match step {
        Step::Request(request) => request,
        other => panic!("a request was expected, not {other:?}"),
    }
}

fn wait(step: Step<RequestSpec, Page<UserRows>>) -> SignedDuration {
    match step {
        Step::Wait(wait) => wait,
        other => panic!("a wait was expected, not {other:?}"),
    }
}

fn read(step: Step<RequestSpec, Page<UserRows>>) -> Page<UserRows> {
    match step {
        Step::Page(page) => page,
        other => panic!("a page was expected, not {other:?}"),
    }
}

fn failure(step: Step<RequestSpec, Page<UserRows>>) -> ReadError {
    match step {
        Step::Fail(error) => error,
        other => panic!("a failure was expected, not {other:?}"),
    }
}

/// Answers with `input` until the machine stops asking.
fn insist(reading: &mut Reading<Users>, input: impl Fn() -> Input) -> (u32, ReadError) {
    let mut sent = 0;
    let mut next = step(reading, Input::Begin);
    loop {
        next = match next {
            Step::Request(_) => {
                sent += 1;
                step(reading, input())
            }
            Step::Wait(_) => step(reading, Input::Waited),
            Step::Fail(error) => return (sent, error),
            Step::Page(page) => panic!("no page was expected: {page:?}"),
        };
    }
}

#[test]
fn sizes_of_listings() {
    for total in [0_usize, 1, 999, 1_000, 1_998] {
        let mut reading = reading();
        let (mut left, mut seen, mut pages) = (total, 0, 0_u32);
        loop {
            request(step(&mut reading, Input::Begin));
            let rows = left.min(999);
            left -= rows;
            pages += 1;
            let page = read(step(&mut reading, page(rows, (left > 0).then(|| link(pages)).as_deref())));
            seen += page.content.users.len();
            match page.next {
                Some(next) => reading.follow(&next).unwrap(),
                None => break,
            }
        }
        assert_eq!((seen, pages as usize), (total, total.div_ceil(999).max(1)), "{total}");
    }
}

#[test]
fn an_empty_middle_page_is_not_the_end() {
    let mut reading = reading();
    request(step(&mut reading, Input::Begin));
    let empty = read(step(&mut reading, page(0, Some(&link(1)))));
    assert_eq!(empty.content.users.len(), 0);
    reading.follow(&empty.next.unwrap()).unwrap();
    assert_eq!(request(step(&mut reading, Input::Begin)).url.as_str(), link(1));
    assert!(read(step(&mut reading, page(2, None))).next.is_none());
}

#[test]
fn a_repeated_id_across_pages_is_passed_on() {
    let mut reading = reading();
    request(step(&mut reading, Input::Begin));
    let first = read(step(&mut reading, page(1, Some(&link(1)))));
    reading.follow(&first.next.unwrap()).unwrap();
    request(step(&mut reading, Input::Begin));
    let second = read(step(&mut reading, page(1, None)));
    assert_eq!(first.content.users[0].object, second.content.users[0].object);
}

#[test]
fn a_link_to_a_foreign_host_is_refused_before_a_token_is_sent() {
    for foreign in
        ["https://evil.example/v1.0/users?x", "http://graph.microsoft.com/v1.0/users", "users?x", ""]
    {
        let mut reading = reading();
        request(step(&mut reading, Input::Begin));
        let error = failure(step(&mut reading, page(1, Some(foreign))));
        assert_eq!((error.code(), error.class()), (Code::ForeignNextLink, ErrorClass::Fault), "{foreign}");
        let stored = Cursor::from(format!("3.0.{foreign}"));
        assert_eq!(reading.follow(&stored).unwrap_err().code(), Code::ForeignNextLink, "{foreign}");
    }
    assert_eq!(reading().follow(&Cursor::from("x".to_owned())).unwrap_err().code(), Code::CursorUnreadable);
}

#[test]
fn the_same_link_twice_is_a_loop() {
    let mut reading = reading();
    request(step(&mut reading, Input::Begin));
    let first = read(step(&mut reading, page(1, Some(&link(1)))));
    reading.follow(&first.next.unwrap()).unwrap();
    request(step(&mut reading, Input::Begin));
    assert_eq!(failure(step(&mut reading, page(1, Some(&link(1))))).code(), Code::NextLinkLoop);
}

#[test]
fn a_loop_over_several_links_is_noticed_across_restarts() {
    let mut cursor: Option<Cursor> = None;
    for n in 0..20 {
        let mut restarted = reading();
        if let Some(cursor) = &cursor {
            restarted.follow(cursor).unwrap();
        }
        request(step(&mut restarted, Input::Begin));
        match step(&mut restarted, page(1, Some(&link(n % 3)))) {
            Step::Page(page) => cursor = page.next,
            Step::Fail(error) => {
                assert_eq!(error.code(), Code::NextLinkLoop);
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the loop was not noticed");
}

#[test]
fn throttled_on_page_k_the_same_link_is_sent_again() {
    let mut reading = reading();
    reading.follow(&Cursor::from(link(5))).unwrap();
    let first = request(step(&mut reading, Input::Begin));
    let told = wait(step(&mut reading, answer(429, &[("retry-after", "2.128")], "Too Many Requests")));
    assert_eq!(told, SignedDuration::from_millis(2_128), "exactly");
    let again = request(step(&mut reading, Input::Waited));
    assert_eq!(again, first);
    let page = read(step(&mut reading, page(1, None)));
    assert_eq!(page.requests, 2);
    assert!(page.bytes > 17);
}

#[test]
fn retry_after_as_a_date() {
    let mut reading = reading();
    request(step(&mut reading, Input::Begin));
    let date = [("retry-after", "Thu, 01 Jan 1970 00:00:09 GMT")];
    assert_eq!(wait(step(&mut reading, answer(503, &date, ""))), SignedDuration::from_secs(9));
}

#[test]
fn a_wait_longer_than_the_process_may_is_handed_on() {
    for status in [429, 503] {
        let mut reading = reading();
        request(step(&mut reading, Input::Begin));
        let error = failure(step(&mut reading, answer(status, &[("retry-after", "300")], "")));
        let expected = ErrorClass::Throttled { retry_after: SignedDuration::from_secs(300) };
        assert_eq!(error.class(), expected, "{status}");
    }
}

#[test]
fn transient_failures_are_tried_a_few_times() {
    for (status, code) in [
        (429, Code::Throttled),
        (423, Code::GraphUnavailable),
        (500, Code::GraphUnavailable),
        (502, Code::GraphUnavailable),
        (503, Code::GraphUnavailable),
        (509, Code::GraphUnavailable),
    ] {
        let (sent, error) = insist(&mut reading(), || answer(status, &[], "Too Many Requests"));
        assert_eq!((sent, error.code()), (4, code), "{status}");
    }
    let (sent, error) = insist(&mut reading(), || Input::Failed(TransportFailure::Connect));
    assert_eq!((sent, error.code(), error.class()), (4, Code::ConnectionFailed, ErrorClass::Transient));
}

#[test]
fn a_body_that_cannot_be_read_is_tried_again_then_a_fault() {
    for body in [r#"{"value":[{"id":"#, "<html>proxy</html>", "", r#"{"error":{"code":"x"}}"#] {
        let (sent, error) = insist(&mut reading(), || answer(200, &[], body));
        assert_eq!((sent, error.code()), (4, Code::AnswerUnreadable), "{body}");
        assert_eq!(error.class(), ErrorClass::Fault);
    }
}

#[test]
fn a_body_beyond_the_limit_is_a_fault() {
    let mut reading = reading();
    request(step(&mut reading, Input::Begin));
    let answer = Answer { status: 200, headers: HeaderMap::new(), body: AnswerBody::TooLarge };
    assert_eq!(failure(step(&mut reading, Input::Answered(answer))).code(), Code::AnswerTooLarge);
}

#[test]
fn a_refused_token_is_renewed_once() {
    let mut reading = reading();
    assert!(!request(step(&mut reading, Input::Begin)).renew_token);
    assert!(request(step(&mut reading, answer(401, &[], ""))).renew_token);
    let error = failure(step(&mut reading, answer(401, &[], "")));
    assert_eq!((error.code(), error.class()), (Code::CustomerTokenRefused, ErrorClass::AccessLost));
}

#[test]
fn refusals() {
    let denied = r#"{"error":{"code":"Authorization_RequestDenied","message":"x"}}"#;
    let query = r#"{"error":{"code":"Request_UnsupportedQuery","message":"x"}}"#;
    for (status, body, code, class) in [
        (403, denied, Code::RoleMissing, ErrorClass::AccessLost),
        (400, query, Code::RequestRejected, ErrorClass::Fault),
        (404, "", Code::ResourceUnknown, ErrorClass::Fault),
        (302, "", Code::AnswerUnexpected, ErrorClass::Fault),
    ] {
        let (sent, error) = insist(&mut reading(), || answer(status, &[], body));
        assert_eq!((sent, error.code(), error.class()), (1, code, class), "{status}");
    }
}

#[test]
fn an_expired_position_in_all_its_forms() {
    for (status, code) in [
        (400, "Directory_ExpiredPageToken"),
        (400, "syncStateNotFound"),
        (410, "syncStateNotFound"),
        (410, "resyncRequired"),
    ] {
        let mut reading = reading();
        reading.follow(&Cursor::from(link(5))).unwrap();
        request(step(&mut reading, Input::Begin));
        let body = json!({ "error": { "code": code, "message": "x" } }).to_string();
        let error = failure(step(&mut reading, answer(status, &[], &body)));
        assert_eq!(
            (error.code(), error.class()),
            (Code::PageExpired, ErrorClass::ExpiredPage),
            "{status} {code}"
        );
    }
}

#[test]
fn a_gateway_timeout_at_the_start_asks_for_less() {
    let mut reading = reading();
    let mut sizes = Vec::new();
    let mut next = step(&mut reading, Input::Begin);
    while let Step::Request(_) | Step::Wait(_) = next {
        next = match next {
            Step::Request(_) => {
                sizes.push(reading.page_size());
                step(&mut reading, answer(504, &[], ""))
            }
            _ => step(&mut reading, Input::Waited),
        };
    }
    assert_eq!(sizes, [999, 499, 249, 124]);
    assert_eq!(failure(next).class(), ErrorClass::Transient);
}

#[test]
fn gateway_timeouts_on_a_link_begin_the_listing_again_with_smaller_pages() {
    let mut reading = reading();
    reading.follow(&Cursor::from(link(5))).unwrap();
    request(step(&mut reading, Input::Begin));
    wait(step(&mut reading, answer(504, &[], "")));
    assert_eq!(request(step(&mut reading, Input::Waited)).url.as_str(), link(5), "the same link first");
    let error = failure(step(&mut reading, answer(504, &[], "")));
    assert_eq!((error.code(), error.class()), (Code::PageTooLarge, ErrorClass::ExpiredPage));
    assert_eq!(reading.smaller_page_size(), 499);
}
