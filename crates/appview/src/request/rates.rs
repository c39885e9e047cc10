//! How much one caller may ask: so many requests in a window of time, counted by account, and by address where no
//! account asks or its credentials are wrong. The operator and the moderation service are not counted.
//!
//! Windows begin for everybody at the same moment, so that what was counted is forgotten at once. An address is
//! that of the connection, or what as many trusted proxies as there are say; requests from this machine that
//! nobody says more about are not counted, for whom they come from is not known.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use millrace_atproto::Did;
use millrace_atproto::crypto::sha256;
use millrace_runtime::clock::SharedClock;
use parking_lot::Mutex;

use crate::auth::{Actor, Authenticator, Caller, Signed};
use crate::config::LimitsConfig;
use crate::error::XrpcError;
use crate::routes::ROUTES;

/// Callers counted in one window; further ones are let through uncounted until it ends.
const CALLERS_MAX: usize = 200_000;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Whom a request is counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Account(Did),
    /// An address, or the network of one household.
    Address(IpAddr),
    /// What somebody who signs in calls their account: half of its digest.
    Named([u8; 16]),
}

/// The counters of one listener.
pub(crate) struct Rates {
    clock: SharedClock,
    window_s: i64,
    account_max: u32,
    address_max: u32,
    /// Proxies in front whose word on who is behind them counts.
    proxies: usize,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    /// Which window since the epoch.
    number: i64,
    counted: HashMap<Who, u32>,
}

/// How a caller stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    limit: u32,
    remaining: u32,
    is_exceeded: bool,
    /// Seconds since the epoch at which everything begins anew, and seconds until then.
    reset_s: i64,
    after_s: i64,
    window_s: i64,
}

impl Rates {
    pub(crate) fn new(limits: &LimitsConfig, clock: SharedClock) -> Self {
        Self {
            clock,
            window_s: i64::from(limits.rate_window_s.max(1)),
            account_max: limits.account_requests_max,
            address_max: limits.address_requests_max,
            proxies: limits.trusted_proxies as usize,
            window: Mutex::default(),
        }
    }

    /// Counters of their own for those who sign in: each time asks other servers, or tries a password.
    pub(crate) fn of_sign_ins(limits: &LimitsConfig, clock: SharedClock) -> Self {
        Self {
            account_max: limits.account_sign_ins_max,
            address_max: limits.address_sign_ins_max,
            ..Self::new(limits, clock)
        }
    }

    /// Counts somebody who signs in, by address and by the account they name, wherever its server is; refuses
    /// one too many. Told is what leaves less.
    pub(crate) fn count_sign_in(
        &self,
        named: &str,
        parts: (&HeaderMap, &Extensions),
    ) -> Result<Option<Tally>, XrpcError> {
        let by_address = self.count_address(parts)?;
        let named = named.trim().trim_start_matches('@').to_lowercase();
        let digest = sha256(named.as_bytes());
        let named = digest.first_chunk().expect("invariant: half a digest is shorter than one");
        let by_name = self.take(Who::Named(*named), self.account_max)?;
        Ok(by_address.into_iter().chain(by_name).min_by_key(|tally| tally.remaining))
    }

    /// Counts a request of a caller that is known; refuses one too many.
    pub(crate) fn count(
        &self,
        caller: &Caller,
        moderation: Option<&Did>,
        parts: (&HeaderMap, &Extensions),
    ) -> Result<Option<Tally>, XrpcError> {
        match caller {
            Caller::Operator => Ok(None),
            Caller::Account(did) if Some(did) == moderation => Ok(None),
            Caller::Account(did) => self.take(Who::Account(did.clone()), self.account_max),
            Caller::Anonymous => self.count_address(parts),
        }
    }

    /// Who acts at their own PDS, counted; whoever does not say so rightly is counted by address.
    pub(crate) async fn count_actor(
        &self,
        signed: &Signed,
        parts: (&HeaderMap, &Extensions),
    ) -> Result<(Actor, Option<Tally>), XrpcError> {
        match signed.actor(parts.0).await {
            Ok(actor) => {
                let tally = self.count(&Caller::Account(actor.did.clone()), None, parts)?;
                Ok((actor, tally))
            }
            Err(error) => {
                self.count_address(parts)?;
                Err(error.into())
            }
        }
    }

    /// Counts a request of nobody in particular.
    pub(crate) fn count_address(
        &self,
        (headers, extensions): (&HeaderMap, &Extensions),
    ) -> Result<Option<Tally>, XrpcError> {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        match peer.and_then(|peer| self.address(peer, headers)) {
            Some(address) => self.take(Who::Address(address), self.address_max),
            None => Ok(None),
        }
    }

    /// Who is at the other end, as far as it can be known.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let said = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
        let hops: Vec<&str> = said.flat_map(|line| line.split(',')).map(str::trim).collect();
        let place = hops.len().checked_sub(self.proxies).filter(|_| self.proxies > 0);
        let behind = place.and_then(|place| hops.get(place)?.parse().ok());
        let address: IpAddr = behind.unwrap_or(peer);
        (!address.to_canonical().is_loopback()).then(|| household(address.to_canonical()))
    }

    fn take(&self, who: Who, limit: u32) -> Result<Option<Tally>, XrpcError> {
        if limit == 0 {
            return Ok(None);
        }
        let now_s = self.clock.now_us().div_euclid(1_000_000);
        let number = now_s.div_euclid(self.window_s);
        let mut window = self.window.lock();
        if window.number != number {
            *window = Window { number, counted: HashMap::new() };
        }
        if window.counted.len() >= CALLERS_MAX && !window.counted.contains_key(&who) {
            return Ok(None);
        }
        let counted = window.counted.entry(who).or_default();
        *counted = counted.saturating_add(1);
        let reset_s = (number + 1).saturating_mul(self.window_s);
        let tally = Tally {
            limit,
            remaining: limit.saturating_sub(*counted),
            is_exceeded: *counted > limit,
            reset_s,
            after_s: (reset_s - now_s).max(1),
            window_s: self.window_s,
        };
        if tally.is_exceeded { Err(XrpcError::RateLimited(tally)) } else { Ok(Some(tally)) }
    }
}

impl Tally {
    /// Tells a caller how it stands.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        headers.insert(LIMIT, self.limit.into());
        headers.insert(REMAINING, self.remaining.into());
        headers.insert(RESET, self.reset_s.into());
        let policy = format!("{};w={}", self.limit, self.window_s);
        headers.insert(POLICY, HeaderValue::from_str(&policy).expect("invariant: it is ASCII"));
        if self.is_exceeded {
            headers.insert(header::RETRY_AFTER, self.after_s.into());
        }
    }
}

/// An answer that tells a caller how it stands, where that is known.
pub(crate) fn with_tally(answer: impl IntoResponse, tally: Option<Tally>) -> Response {
    let mut response = answer.into_response();
    tally.inspect(|tally| tally.put(response.headers_mut()));
    response
}

/// Of IPv6 a network of 64 bits is one caller: whoever has one has them all.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(long) => IpAddr::V6(Ipv6Addr::from_bits(long.to_bits() & !u128::from(u64::MAX))),
    }
}

/// What the layer needs that counts requests beside the methods.
#[derive(Clone)]
pub(crate) struct Beside {
    pub(crate) rates: Arc<Rates>,
    pub(crate) auth: Arc<Authenticator>,
}

/// Counts requests to what is no method here by address; methods count their own callers. Whether a service is
/// healthy is told always.
pub(crate) async fn beside_methods(
    State(Beside { rates, auth }): State<Beside>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let route = ROUTES.iter().find(|route| route.path == path);
    let is_method = route.is_some_and(|route| route.nsid().is_some());
    let is_free = is_method
        || matches!(path, "/health" | "/ready" | "/xrpc/_health")
        || auth.operator(request.headers()).is_ok();
    if is_free {
        return next.run(request).await;
    }
    match rates.count_address((request.headers(), request.extensions())) {
        Err(error) => error.into_response(),
        Ok(tally) => {
            let mut response = next.run(request).await;
            // What counts for itself tells that.
            if let Some(tally) = tally.filter(|_| !response.headers().contains_key(LIMIT)) {
                tally.put(response.headers_mut());
            }
            response
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use millrace_runtime::clock::ManualClock;

    use super::*;

    fn rates(clock: &ManualClock, proxies: u32) -> Rates {
        let limits = LimitsConfig {
            rate_window_s: 60,
            account_requests_max: 3,
            address_requests_max: 2,
            trusted_proxies: proxies,
            ..LimitsConfig::default()
        };
        Rates::new(&limits, clock.shared())
    }

    fn alice() -> Caller {
        Caller::Account(Did::parse("did:plc:alice").unwrap())
    }

    #[test]
    fn an_account_may_ask_so_often_in_a_window() {
        let clock = ManualClock::at(90 * 1_000_000);
        let rates = rates(&clock, 0);
        let nothing = (HeaderMap::new(), Extensions::new());
        let ask = |caller: &Caller| rates.count(caller, None, (&nothing.0, &nothing.1));
        for remaining in [2, 1, 0] {
            let tally = ask(&alice()).unwrap().unwrap();
            assert_eq!((tally.limit, tally.remaining, tally.reset_s), (3, remaining, 120));
        }
        let Err(XrpcError::RateLimited(tally)) = ask(&alice()) else {
            panic!("it is one too many")
        };
        assert_eq!((tally.remaining, tally.after_s), (0, 30));
        let mut headers = HeaderMap::new();
        tally.put(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "3;w=60");
        assert_eq!(
            (&headers["ratelimit-reset"], &headers["retry-after"]),
            (&HeaderValue::from_static("120"), &HeaderValue::from_static("30"),)
        );
        // Another's requests are another's; the operator's are nobody's.
        let bob = Caller::Account(Did::parse("did:plc:bob").unwrap());
        assert!(ask(&bob).unwrap().is_some());
        assert_eq!(ask(&Caller::Operator).unwrap(), None);
        clock.advance(Duration::from_secs(30));
        assert_eq!(ask(&alice()).unwrap().unwrap().remaining, 2);
    }

    #[test]
    fn who_signs_in_is_counted_by_the_account_named_too() {
        let clock = ManualClock::at(0);
        let limits = LimitsConfig {
            account_sign_ins_max: 2,
            address_sign_ins_max: 3,
            trusted_proxies: 1,
            ..LimitsConfig::default()
        };
        let rates = Rates::of_sign_ins(&limits, clock.shared());
        let try_from = |address: &'static str, named: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED_FOR, HeaderValue::from_static(address));
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
            let tally = rates.count_sign_in(named, (&headers, &extensions));
            tally.map(|tally| tally.map(|tally| tally.remaining)).ok()
        };
        assert_eq!(try_from("198.51.100.7", "alice.test"), Some(Some(1)));
        assert_eq!(try_from("198.51.100.7", " @Alice.test "), Some(Some(0)));
        assert_eq!(try_from("198.51.100.8", "alice.test"), None, "of whichever address");
        assert_eq!(try_from("198.51.100.7", "bob.test"), Some(Some(0)));
        assert_eq!(try_from("198.51.100.7", "carol.test"), None, "whoever is named");
        assert_eq!(try_from("198.51.100.8", "carol.test"), Some(Some(1)));
        clock.advance(Duration::from_secs(300));
        assert_eq!(try_from("198.51.100.8", "alice.test"), Some(Some(1)));
    }

    #[test]
    fn an_address_is_what_trusted_proxies_say() {
        let clock = ManualClock::at(0);
        let forwarded = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED_FOR, HeaderValue::from_str(text).unwrap());
            headers
        };
        let check = |proxies: u32, peer: &str, said: &str, expected: Option<&str>| {
            let found = rates(&clock, proxies).address(peer.parse().unwrap(), &forwarded(said));
            assert_eq!(
                found,
                expected.map(|text| text.parse().unwrap()),
                "{proxies} {peer} {said}"
            );
        };
        check(0, "192.0.2.1", "198.51.100.7", Some("192.0.2.1"));
        check(1, "192.0.2.1", "203.0.113.9, 198.51.100.7", Some("198.51.100.7"));
        check(2, "192.0.2.1", "203.0.113.9, 198.51.100.7", Some("203.0.113.9"));
        check(3, "192.0.2.1", "203.0.113.9, 198.51.100.7", Some("192.0.2.1"));
        check(1, "192.0.2.1", "nonsense", Some("192.0.2.1"));
        check(0, "127.0.0.1", "198.51.100.7", None);
        check(1, "127.0.0.1", "198.51.100.7", Some("198.51.100.7"));
        check(1, "::ffff:127.0.0.1", "", None);
        check(0, "2001:db8:1:2:3:4:5:6", "", Some("2001:db8:1:2::"));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgotten() {
        let clock = ManualClock::at(0);
        let rates = rates(&clock, 0);
        for n in 0..CALLERS_MAX + 10 {
            let address = IpAddr::V4(std::net::Ipv4Addr::from_bits(n as u32));
            rates.take(Who::Address(address), 1).unwrap();
        }
        assert_eq!(rates.window.lock().counted.len(), CALLERS_MAX);
        clock.advance(Duration::from_secs(60));
        rates.take(Who::Address(IpAddr::from([192, 0, 2, 1])), 1).unwrap();
        assert_eq!(rates.window.lock().counted.len(), 1);
    }
}
