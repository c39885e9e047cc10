//! Sessions on both stores.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use millrace_store::testing::{Engine, Place};
use millrace_store::{Domain, Tx};

use super::*;

const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const START_US: i64 = 1_790_000_000_000_000;
const STATES: [Digest; 5] = [[0; 32], [1; 32], [2; 32], [3; 32], [4; 32]];
const DAY: Duration = Duration::from_secs(86_400);

struct World {
    clock: ManualClock,
    store: Store,
    _place: Place,
}

impl World {
    fn sessions(&self, secret: &str) -> Sessions {
        let config = SessionsConfig {
            per_account_max: 3,
            api_tokens_max: 2,
            sign_ins_max: 2,
            ..SessionsConfig::default()
        };
        let rng = Rng::from_entropy();
        Sessions::new(self.store.clone(), &Secret::from(secret), config, self.clock.shared(), rng)
    }
}

/// Runs a test on every engine that is here.
async fn on_every_engine<F: Future<Output = ()>>(test: impl Fn(Arc<World>) -> F) {
    for engine in Engine::ALL {
        let Some(place) = Place::new(engine).await else { continue };
        let clock = ManualClock::at(START_US);
        let (config, shared) = (place.config(), clock.shared());
        let registry = Registry::new();
        let opened = Store::open(&config, Domain::Session, MIGRATIONS, &[], &shared, &registry);
        let store = opened.await.unwrap();
        test(Arc::new(World { clock, store: store.clone(), _place: place })).await;
        store.close().await;
    }
}

fn did(did: &str) -> Did {
    Did::parse(did).unwrap()
}

async fn sign_in(sessions: &Sessions, whose: &str, grant: &[u8]) -> SignedIn {
    sessions.sign_in(&did(whose), "app-password", grant, "a browser").await.unwrap()
}

#[tokio::test]
async fn a_browser_is_known_by_its_token_until_it_is_signed_out() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let SignedIn { token, browser, .. } = sign_in(&sessions, ALICE, b"tokens").await;
        let found = sessions.browser(token.expose()).await.unwrap().unwrap();
        assert_eq!(found, browser);
        assert_eq!(sessions.grant(&found.grant_id).await.unwrap().plain, b"tokens");
        assert!(sessions.browser("somethingelse").await.unwrap().is_none());
        assert!(sessions.browser("not; a token").await.unwrap().is_none());

        // Nobody ends another's.
        let (ended, unused) = sessions.sign_out(&did(BOB), &browser.session_id).await.unwrap();
        assert!(!ended && unused.is_empty());
        let (ended, unused) = sessions.sign_out(&did(ALICE), &browser.session_id).await.unwrap();
        assert!(ended);
        assert_eq!(unused[0].plain, b"tokens");
        assert!(sessions.browser(token.expose()).await.unwrap().is_none());
        assert!(matches!(sessions.grant(&found.grant_id).await, Err(SessionError::Over)));
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_when_it_rests_too_long_and_in_any_case() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let SignedIn { token, .. } = sign_in(&sessions, ALICE, b"tokens").await;
        let other = sign_in(&sessions, BOB, b"others").await;
        let known = async || sessions.browser(token.expose()).await.unwrap().is_some();
        for _ in 0..8 {
            world.clock.advance(20 * DAY);
            assert!(known().await, "used within its rest");
        }
        assert!(sessions.browser(other.token.expose()).await.unwrap().is_none(), "rested too long");
        world.clock.advance(20 * DAY);
        assert!(!known().await, "over in any case");
        let Expired { unused, more } = sessions.remove_expired().await.unwrap();
        assert_eq!(unused.len(), 2, "both grants are to be given back");
        assert!(!more && sessions.remove_expired().await.unwrap().unused.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_one_longest_not_used_makes_room() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let mut signed_in = Vec::new();
        for grant in [b"1", b"2", b"3"] {
            signed_in.push(sign_in(&sessions, ALICE, grant).await);
            world.clock.advance(Duration::from_secs(7_200));
        }
        // The first is used again, so that the second rests longest.
        assert!(sessions.browser(signed_in[0].token.expose()).await.unwrap().is_some());
        world.clock.advance(Duration::from_secs(60));
        let fourth = sign_in(&sessions, ALICE, b"4").await;
        assert_eq!(fourth.unused.len(), 1);
        assert_eq!(fourth.unused[0].plain, b"2");
        assert!(sessions.browser(signed_in[1].token.expose()).await.unwrap().is_none());
        assert_eq!(sessions.browsers(&did(ALICE)).await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn signing_out_everywhere_ends_programs_too() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let first = sign_in(&sessions, ALICE, b"1").await;
        let second = sign_in(&sessions, ALICE, b"2").await;
        let bob = sign_in(&sessions, BOB, b"3").await;
        let scopes: Scopes = [Scope::Read, Scope::Post].into_iter().collect();
        let made = sessions.new_api_token(&first.browser, "a bot", scopes, None).await.unwrap();
        assert!(sessions.api_token(made.token.expose()).await.unwrap().is_some());
        let unused = sessions.sign_out_everywhere(&did(ALICE)).await.unwrap();
        assert_eq!(unused.len(), 2);
        assert!(sessions.api_token(made.token.expose()).await.unwrap().is_none());
        assert!(sessions.browser(second.token.expose()).await.unwrap().is_none());
        assert!(sessions.browser(bob.token.expose()).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_program_that_writes_keeps_its_grant_when_the_browser_goes() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let SignedIn { browser, .. } = sign_in(&sessions, ALICE, b"tokens").await;
        let reads: Scopes = [Scope::Read].into_iter().collect();
        let posts: Scopes = [Scope::Read, Scope::Post].into_iter().collect();
        let reader = sessions.new_api_token(&browser, "reads", reads.clone(), None).await.unwrap();
        let writer = sessions.new_api_token(&browser, " writes ", posts, None).await.unwrap();
        assert_eq!(writer.shown.name, "writes");
        assert!(reader.shown.grant_id.is_none());
        let third = sessions.new_api_token(&browser, "more", reads.clone(), None).await;
        assert!(matches!(third, Err(SessionError::TooManyTokens(2))));
        for (name, scopes) in [("", reads.clone()), ("a\nb", reads), ("none", Scopes::default())] {
            let refused = sessions.new_api_token(&browser, name, scopes, None).await;
            assert!(matches!(refused, Err(SessionError::Invalid(_))), "{name}");
        }

        let (_, unused) = sessions.sign_out(&did(ALICE), &browser.session_id).await.unwrap();
        assert!(unused.is_empty(), "a program still acts by it");
        let found = sessions.api_token(writer.token.expose()).await.unwrap().unwrap();
        assert_eq!(sessions.grant(&found.grant_id.unwrap()).await.unwrap().plain, b"tokens");
        let (removed, unused) =
            sessions.remove_api_token(&did(ALICE), &writer.shown.token_id).await.unwrap();
        assert!(removed);
        assert_eq!(unused.len(), 1);
        assert_eq!(sessions.api_tokens(&did(ALICE)).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_token_of_a_program_ends_at_its_time() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let SignedIn { browser, .. } = sign_in(&sessions, ALICE, b"tokens").await;
        let read: Scopes = [Scope::Read].into_iter().collect();
        let until = Some(START_US + DAY_US);
        let made = sessions.new_api_token(&browser, "a day", read.clone(), until).await.unwrap();
        assert!(sessions.api_token(made.token.expose()).await.unwrap().is_some());
        world.clock.advance(DAY);
        assert!(sessions.api_token(made.token.expose()).await.unwrap().is_none());
        let past = sessions.new_api_token(&browser, "past", read, until).await;
        assert!(matches!(past, Err(SessionError::Invalid(_))));

        // What it acted by is given back, once nothing else acts by it.
        let post: Scopes = [Scope::Post].into_iter().collect();
        let until = Some(START_US + 2 * DAY_US);
        sessions.new_api_token(&browser, "posts", post, until).await.unwrap();
        let (_, unused) = sessions.sign_out(&did(ALICE), &browser.session_id).await.unwrap();
        assert!(unused.is_empty());
        assert!(sessions.remove_expired().await.unwrap().unused.is_empty());
        world.clock.advance(DAY);
        let unused = sessions.remove_expired().await.unwrap().unused;
        assert_eq!(unused.len(), 1);
        assert_eq!(unused[0].plain, b"tokens");
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_is_finished_once_by_the_browser_that_began_it() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let browser = Secret::from("browser-1");
        sessions.begin(STATES[1], &browser, b"verifier").await.unwrap();
        let (one, other) = tokio::join!(
            sessions.finish(STATES[1], "browser-1"),
            sessions.finish(STATES[1], "browser-1")
        );
        assert_eq!([&one, &other].iter().filter(|taken| taken.is_ok()).count(), 1);

        sessions.begin(STATES[2], &browser, b"verifier").await.unwrap();
        let stolen = sessions.finish(STATES[2], "browser-2").await;
        assert!(matches!(stolen, Err(SessionError::OtherBrowser)));
        let after = sessions.finish(STATES[2], "browser-1").await;
        assert!(matches!(after, Err(SessionError::NotUnderWay)), "it was spent by the attempt");

        sessions.begin(STATES[3], &browser, b"verifier").await.unwrap();
        world.clock.advance(Duration::from_secs(15 * 60 + 1));
        let late = sessions.finish(STATES[3], "browser-1").await;
        assert!(matches!(late, Err(SessionError::NotUnderWay)));
    })
    .await;
}

#[tokio::test]
async fn sign_ins_under_way_are_bounded() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let browser = Secret::from("browser");
        for state in [STATES[1], STATES[2]] {
            sessions.begin(state, &browser, b"verifier").await.unwrap();
        }
        let third = sessions.begin(STATES[3], &browser, b"verifier").await;
        assert!(matches!(third, Err(SessionError::TooMany)));
        world.clock.advance(Duration::from_secs(15 * 60 + 1));
        sessions.begin(STATES[4], &browser, b"verifier").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_over_goes_a_bounded_number_at_a_time() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let expires_at_us = START_US + SIGN_IN_US;
        let rows = EXPIRED_ROWS + 1;
        let begin = move |tx: &mut Tx| {
            for number in 0..rows {
                let mut state = [0; 32];
                state[..8].copy_from_slice(&number.to_be_bytes());
                let begun = sign_ins::Begun { browser: [0; 32], sealed: vec![1] };
                assert!(sign_ins::insert(tx, &state, &begun, expires_at_us, rows)?);
            }
            Ok::<_, StoreError>(())
        };
        world.store.write(begin).await.unwrap();
        let under_way = async || {
            let count = |tx: &mut Tx| {
                tx.query_one("SELECT COUNT(*) FROM sign_in", &[], |row| row.get::<i64>(0))
            };
            world.store.read(count).await.unwrap()
        };
        world.clock.advance(Duration::from_secs(15 * 60 - 1));
        assert!(!sessions.remove_expired().await.unwrap().more);
        assert_eq!(under_way().await, rows, "they may come back");
        world.clock.advance(Duration::from_secs(1));
        assert!(sessions.remove_expired().await.unwrap().more);
        assert_eq!(under_way().await, 1);
        assert!(!sessions.remove_expired().await.unwrap().more);
        assert_eq!(under_way().await, 0);
    })
    .await;
}

#[tokio::test]
async fn an_operator_lists_and_ends_what_is_there() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        for (whose, grant) in [(BOB, b"1"), (ALICE, b"2"), (ALICE, b"3")] {
            sign_in(&sessions, whose, grant).await;
        }
        let listed = |did: Option<&str>, limit, cursor| {
            let did = did.map(self::did);
            list_sessions(&world.store, ListSignedIn { did, limit, cursor })
        };
        let whose = |page: &SessionPage| -> Vec<String> {
            page.sessions.iter().map(|browser| browser.did.clone()).collect()
        };
        let first = listed(None, 2, None).await.unwrap();
        assert_eq!((whose(&first), first.total), (vec![ALICE.to_owned(), ALICE.to_owned()], 3));
        let rest = listed(None, 2, first.cursor).await.unwrap();
        assert_eq!((whose(&rest), rest.cursor), (vec![BOB.to_owned()], None));
        let alices = listed(Some(ALICE), 0, None).await.unwrap();
        assert_eq!((alices.sessions.len(), alices.total), (1, 2));
        // A cursor that nobody was given.
        assert_eq!(listed(None, 9, Some("nonsense".to_owned())).await.unwrap().sessions.len(), 3);

        let ended = end_sessions(&world.store, Some(&did(BOB))).await.unwrap();
        assert_eq!(ended, Ended { ended: 1 });
        let unused = sessions.take_unused().await.unwrap().unused;
        assert_eq!((unused.len(), unused[0].plain.as_slice()), (1, b"1".as_slice()));
        assert_eq!(end_sessions(&world.store, None).await.unwrap(), Ended { ended: 2 });
        assert_eq!(end_sessions(&world.store, None).await.unwrap(), Ended { ended: 0 });
        assert_eq!(sessions.take_unused().await.unwrap().unused.len(), 2);
        assert!(sessions.take_unused().await.unwrap().unused.is_empty());
    })
    .await;
}

#[tokio::test]
async fn everybody_s_end_a_bounded_number_at_a_time() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let insert = |tx: &mut Tx| {
            for number in 0..2_001_i64 {
                let id = format!("s{number}");
                tx.execute(
                    "INSERT INTO session (token_digest, session_id, did, grant_id, user_agent,
                                          created_at_us, used_at_us, expires_at_us)
                     VALUES ($1, $2, $3, 'g', '', 1, 1, 1)",
                    &[id.as_bytes().into(), id.as_str().into(), ALICE.into()],
                )?;
            }
            Ok::<_, StoreError>(())
        };
        world.store.write(insert).await.unwrap();
        assert_eq!(end_sessions(&world.store, None).await.unwrap(), Ended { ended: 2_001 });
        let scopes: Scopes = [Scope::Read].into_iter().collect();
        let SignedIn { browser, .. } = sign_in(&sessions, ALICE, b"1").await;
        sessions.new_api_token(&browser, "a bot", scopes, None).await.unwrap();
        assert_eq!(end_tokens(&world.store, Some(&did(BOB))).await.unwrap().ended, 0);
        assert_eq!(end_tokens(&world.store, Some(&did(ALICE))).await.unwrap().ended, 1);
        assert_eq!(sessions.browsers(&did(ALICE)).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_grant_is_renewed_once_however_many_want_it() {
    on_every_engine(|world| async move {
        let (here, elsewhere) = (world.sessions("secret"), world.sessions("secret"));
        let SignedIn { browser, .. } = sign_in(&here, ALICE, b"old").await;
        let asked = AtomicU32::new(0);
        let ask = async |plain: Vec<u8>| {
            assert_eq!(plain, b"old");
            asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok(b"new".to_vec())
        };
        let (one, two, three) = tokio::join!(
            here.renew(&browser.grant_id, 1, &ask),
            here.renew(&browser.grant_id, 1, &ask),
            elsewhere.renew(&browser.grant_id, 1, &ask)
        );
        for renewed in [one, two, three] {
            assert_eq!(renewed.unwrap(), Opened { plain: b"new".to_vec(), version: 2 });
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    })
    .await;
}

#[tokio::test]
async fn a_grant_that_is_over_signs_out_and_one_that_waits_does_not() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let SignedIn { browser, token, .. } = sign_in(&sessions, ALICE, b"old").await;
        let later = async |_| Err(NotRenewed::Later("no answer".to_owned()));
        let waits = sessions.renew(&browser.grant_id, 1, later).await;
        assert!(matches!(waits, Err(SessionError::Later(_))));
        assert!(sessions.browser(token.expose()).await.unwrap().is_some());
        let over = sessions.renew(&browser.grant_id, 1, async |_| Err(NotRenewed::Over)).await;
        assert!(matches!(over, Err(SessionError::Over)));
        assert!(sessions.browser(token.expose()).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_process_that_died_while_it_renewed_holds_nobody_up_for_good() {
    on_every_engine(|world| async move {
        let sessions = world.sessions("secret");
        let SignedIn { browser, .. } = sign_in(&sessions, ALICE, b"old").await;
        assert!(sessions.take(&browser.grant_id, 1).await.unwrap());
        assert!(!sessions.take(&browser.grant_id, 1).await.unwrap());
        world.clock.advance(Duration::from_micros(RENEWING_US.unsigned_abs()));
        let renewed = sessions.renew(&browser.grant_id, 1, async |_| Ok(b"new".to_vec())).await;
        assert_eq!(renewed.unwrap().plain, b"new");
    })
    .await;
}

#[tokio::test]
async fn another_secret_opens_nothing() {
    on_every_engine(|world| async move {
        let SignedIn { browser, .. } = sign_in(&world.sessions("secret"), ALICE, b"tokens").await;
        let changed = world.sessions("another");
        assert!(matches!(changed.grant(&browser.grant_id).await, Err(SessionError::Unreadable(_))));
        let (ended, unused) = changed.sign_out(&did(ALICE), &browser.session_id).await.unwrap();
        assert!(ended && unused.is_empty());
    })
    .await;
}
