//! Reading one endpoint, page by page, as a machine without I/O: [`Input`] and the time go in,
//! [`Step`] comes out.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{
    GraphBase,
    exchange::{Answer, AnswerBody, Input, Step},
    graph_errors::{Asked, Judgement, diagnostics, judge},
    page::{LINK_BYTES_MAX, Shape},
    retry::{Decision, Retry},
};
use crate::{
    Cursor,
    cursor::{Endless, Trail},
    error::{Code, Diagnostics, ReadError},
};

/// Pages are not made smaller than this.
const PAGE_SIZE_MIN: u16 = 50;

/// Gateway timeouts of one link after which the listing is worth starting again.
const GATEWAY_TIMEOUTS_MAX: u32 = 2;

/// Whose token is sent, and so whom a refusal concerns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// A customer's tenant.
    Customer,
    /// The partner's own tenant.
    Partner,
}

/// A request to send, with a bearer token.
#[derive(Clone, Eq, PartialEq)]
pub struct RequestSpec {
    /// The address; it belongs to the configured service.
    pub url: Url,
    /// The token last used was refused: get a new one.
    pub renew_token: bool,
    /// Send `ConsistencyLevel: eventual`.
    pub eventual: bool,
}

/// A page that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<C> {
    /// What it holds.
    pub content: C,
    /// Where to go on.
    pub next: Option<Cursor>,
    /// Where what changes later is asked for, on the last page of a change feed.
    pub delta: Option<Cursor>,
    /// Bytes received for it, all attempts together.
    pub bytes: u64,
    /// Requests made for it.
    pub requests: u32,
}

/// The machine. After a page, [`follow`](Self::follow) its `next` and begin again, or drop it.
pub struct Reading<S> {
    base: GraphBase,
    shape: S,
    place: Place,
    page_size: u16,
    retry: Retry,
    url: Url,
    trail: Trail,
    resumed: bool,
    renewals: u32,
    gateway_timeouts: u32,
    bytes: u64,
    requests: u32,
}

impl<S: Shape> Reading<S> {
    /// Reads `shape` from its beginning.
    pub fn new(base: GraphBase, shape: S, place: Place, page_size: u16, retry: Retry) -> Self {
        let url = shape.first(&base, page_size);
        Self {
            base,
            shape,
            place,
            page_size,
            retry,
            url,
            trail: Trail::default(),
            resumed: false,
            renewals: 0,
            gateway_timeouts: 0,
            bytes: 0,
            requests: 0,
        }
    }

    /// Goes on at `cursor`, after checking that its link belongs to the configured service.
    pub fn follow(&mut self, cursor: &Cursor) -> Result<(), ReadError> {
        let (trail, link) = cursor.parts().ok_or(Code::CursorUnreadable)?;
        self.url = self.base.check(link).map_err(|_| Code::ForeignNextLink)?;
        self.trail = trail;
        self.resumed = true;
        self.retry = self.retry.renewed();
        self.renewals = 0;
        self.gateway_timeouts = 0;
        self.bytes = 0;
        self.requests = 0;
        Ok(())
    }

    /// Rows per page that this listing asks for; smaller than at first when the service needed it.
    pub fn page_size(&self) -> u16 {
        let told = self.url.query_pairs().find(|(name, _)| name == "$top");
        told.and_then(|(_, size)| size.parse().ok()).unwrap_or(self.page_size)
    }

    /// The page size to begin again with after [`Code::PageTooLarge`].
    pub fn smaller_page_size(&self) -> u16 {
        (self.page_size() / 2).max(PAGE_SIZE_MIN)
    }

    /// What to do after `input`.
    pub fn step(&mut self, input: Input, now: Timestamp) -> Step<RequestSpec, Page<S::Content>> {
        match input {
            Input::Answered(answer) => self.answered(&answer, now),
            Input::Begin | Input::Waited => self.request(false),
            Input::Failed(failure) => {
                let diagnostics = Diagnostics { transport: Some(failure), ..Diagnostics::default() };
                self.again(Code::ConnectionFailed, None, diagnostics)
            }
        }
    }

    fn request(&mut self, renew_token: bool) -> Step<RequestSpec, Page<S::Content>> {
        self.requests += 1;
        Step::Request(RequestSpec { url: self.url.clone(), renew_token, eventual: S::EVENTUAL })
    }

    fn answered(&mut self, answer: &Answer, now: Timestamp) -> Step<RequestSpec, Page<S::Content>> {
        self.bytes += answer.bytes().len() as u64;
        let asked = Asked { place: self.place, resumed: self.resumed, refusals: S::REFUSALS };
        match judge(answer, asked, now) {
            Judgement::Accept => self.accept(answer),
            Judgement::Again(code, told) => self.again(code, told, diagnostics(answer)),
            Judgement::Fail(code) => fail(code, answer),
            Judgement::GatewayTimeout(told) => self.gateway_timeout(answer, told),
            Judgement::Unauthorized if self.renewals == 0 => {
                self.renewals += 1;
                self.request(true)
            }
            Judgement::Unauthorized => fail(
                match self.place {
                    Place::Customer => Code::CustomerTokenRefused,
                    Place::Partner => Code::PartnerTokenRefused,
                },
                answer,
            ),
        }
    }

    fn accept(&mut self, answer: &Answer) -> Step<RequestSpec, Page<S::Content>> {
        if matches!(answer.body, AnswerBody::TooLarge) {
            return fail(Code::AnswerTooLarge, answer);
        }
        let Ok(decoded) = self.shape.decode(answer.bytes()) else {
            return self.again(Code::AnswerUnreadable, None, diagnostics(answer));
        };
        let next = decoded.next.map(|link| self.next_cursor(&link)).transpose();
        let delta = decoded.delta.map(|link| self.delta_cursor(link)).transpose();
        match (next, delta) {
            (Ok(next), Ok(delta)) => Step::Page(Page {
                content: decoded.content,
                next,
                delta,
                bytes: self.bytes,
                requests: self.requests,
            }),
            (Err(code), _) | (_, Err(code)) => fail(code, answer),
        }
    }

    /// The address of a link in an answer, when it may be followed at all.
    fn checked(&self, link: &str) -> Result<Url, Code> {
        if link.len() > LINK_BYTES_MAX {
            return Err(Code::AnswerTooLarge);
        }
        self.base.check(link).map_err(|_| Code::ForeignNextLink)
    }

    fn next_cursor(&self, link: &str) -> Result<Cursor, Code> {
        let url = self.checked(link)?;
        if url == self.url {
            return Err(Code::NextLinkLoop);
        }
        self.trail.follow(link).map_err(|endless| match endless {
            Endless::Loop => Code::NextLinkLoop,
            Endless::TooManyPages => Code::ListingEndless,
        })
    }

    /// The cursor of a link that later changes are asked for at: a new trail begins there, and where
    /// nothing has changed it may well be the link that was just asked.
    fn delta_cursor(&self, link: String) -> Result<Cursor, Code> {
        self.checked(&link)?;
        Ok(Cursor::from(link))
    }

    /// The size of the page is baked into a link, so only a listing that has not begun can
    /// simply ask for less; one that has begun must start over.
    fn gateway_timeout(
        &mut self,
        answer: &Answer,
        told: Option<SignedDuration>,
    ) -> Step<RequestSpec, Page<S::Content>> {
        self.gateway_timeouts += 1;
        if S::PAGED && self.page_size() > PAGE_SIZE_MIN {
            if !self.resumed {
                self.page_size = self.smaller_page_size();
                self.url = self.shape.first(&self.base, self.page_size);
            } else if self.gateway_timeouts >= GATEWAY_TIMEOUTS_MAX {
                return fail(Code::PageTooLarge, answer);
            }
        }
        let code = if told.is_some() { Code::GraphBusy } else { Code::GraphUnavailable };
        self.again(code, told, diagnostics(answer))
    }

    /// Waits and tries the same request again, or gives up with `code`.
    fn again(
        &mut self,
        code: Code,
        told: Option<SignedDuration>,
        diagnostics: Diagnostics,
    ) -> Step<RequestSpec, Page<S::Content>> {
        match self.retry.failed(told) {
            Decision::Wait(wait) => Step::Wait(wait),
            Decision::GiveUp(wait) => {
                let error = ReadError::new(code).with_retry_after(wait).with_diagnostics(diagnostics);
                Step::Fail(error)
            }
        }
    }
}

impl fmt::Debug for RequestSpec {
    /// Query strings of links are confidential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, renew_token, eventual } = self;
        write!(f, "RequestSpec({}, renew_token: {renew_token}, eventual: {eventual})", url.path())
    }
}

fn fail<R, P>(code: Code, answer: &Answer) -> Step<R, P> {
    Step::Fail(ReadError::new(code).with_diagnostics(diagnostics(answer)))
}
