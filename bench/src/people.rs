//! The accounts of the large store: thousands, with DIDs drawn from their number and one signing key for all of
//! them, because nothing they do is signed but the tokens of those who ask.

use anyhow::Result;
use data_encoding::BASE32_NOPAD;
use millrace_atproto::crypto::{Curve, SigningKey, sha256};
use millrace_atproto::jwt::{Claims, ServiceToken};
use millrace_atproto::syntax::{Did, Handle};
use millrace_runtime::clock::{Clock, SystemClock};

use crate::plan::Sizes;

/// How many accounts a viewer follows, by class.
pub const CLASSES: [u32; 3] = [50, 200, 2_000];
/// How long a token is good for; a run of questions takes less.
const TOKEN_LIFE_S: i64 = 1_800;

/// Who is in the large store.
#[derive(Clone)]
pub struct People {
    pub dids: Vec<Did>,
    viewers_each: u32,
}

impl People {
    pub fn of(sizes: &Sizes) -> Self {
        Self { dids: (0..sizes.people).map(did).collect(), viewers_each: sizes.viewers }
    }

    /// The viewers of a class are the last accounts but those of the classes after it: nobody's favourites.
    pub fn viewers(&self, class: usize) -> std::ops::Range<u32> {
        let each = self.viewers_each;
        let total = u32::try_from(self.dids.len()).unwrap_or(u32::MAX);
        let first = total - each * u32::try_from(CLASSES.len() - class).unwrap_or(0);
        first..first + each
    }

    pub fn did(&self, at: u32) -> &Did {
        &self.dids[at as usize]
    }
}

fn did(at: u32) -> Did {
    let hash = sha256(format!("millrace bench {at}").as_bytes());
    let text: String = BASE32_NOPAD.encode(&hash).to_ascii_lowercase().chars().take(24).collect();
    Did::parse(&format!("did:plc:{text}")).expect("invariant: base32 is valid in a DID")
}

pub fn handle(at: u32) -> Handle {
    Handle::parse(&format!("u{at}.bench.test")).expect("invariant: a number is part of a label")
}

/// Everybody's key.
pub fn key() -> Result<SigningKey> {
    Ok(SigningKey::from_bytes(Curve::K256, &sha256(b"millrace bench"))?)
}

type KeyOf = Box<dyn Fn(&Did) -> Option<SigningKey> + Send + Sync>;

/// Makes tokens as a PDS does for its users, each good for one request.
pub struct Tokens {
    keys: KeyOf,
    audience: String,
    made: std::sync::atomic::AtomicU64,
}

impl Tokens {
    /// For questions to the service of that DID, by accounts whose keys `keys` knows.
    pub fn new(
        audience: impl Into<String>,
        keys: impl Fn(&Did) -> Option<SigningKey> + Send + Sync + 'static,
    ) -> Self {
        let made = std::sync::atomic::AtomicU64::new(0);
        Self { keys: Box::new(keys), audience: audience.into(), made }
    }

    pub fn of_people(audience: impl Into<String>) -> Result<Self> {
        let key = key()?;
        Ok(Self::new(audience, move |_| Some(key.clone())))
    }

    pub fn mint(&self, viewer: &Did, method: &str) -> Option<String> {
        let number = self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let now_us = SystemClock.now_us();
        let now_s = now_us.div_euclid(1_000_000);
        let claims = Claims {
            iss: viewer.clone(),
            iss_service: None,
            aud: self.audience.clone(),
            exp: now_s + TOKEN_LIFE_S,
            iat: Some(now_s),
            nbf: None,
            lxm: Some(method.to_owned()),
            jti: Some(format!("{now_us}-{number}")),
        };
        Some(ServiceToken::mint(&(self.keys)(viewer)?, None, &claims))
    }
}
