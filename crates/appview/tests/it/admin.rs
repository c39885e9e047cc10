//! Operators' routes: the overview, accounts and their hosts, what was parked and what was refused.

use millrace_dataplane::query::standing::GetStanding;
use millrace_log::{Append, Topic};
use millrace_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::ingest_side::{KNOWN, WHOLE, WHOLE_UNTIL_US};
use crate::people::did;
use crate::world::{ADMIN_TOKEN, Answer, Reach, World, near_and_far};

near_and_far!(
    the_overview_joins_both_halves,
    accounts_and_hosts,
    numbers_are_exact_when_all_of_it_can_be_read,
    backfills_are_told_of_and_changed,
    backfills_are_begun,
    parked_entries_are_looked_at_retried_and_discarded,
    deliveries_are_looked_at_retried_resolved_and_discarded,
    what_was_refused_is_listed_by_reason,
    the_operator_takes_down_and_lifts,
    questions_that_are_wrong_are_refused
);

impl World {
    /// Puts entries into the log that no data-plane can read, and waits until they are parked.
    pub async fn poison(&self, entries: usize) {
        self.settle().await;
        let before = self.parked().await;
        let item = |n| Append::new(format!("did:plc:poison{n}"), format!("no entry {n}"));
        self.log.append(Topic::NetworkEntries, (0..entries).map(item).collect()).await.unwrap();
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while self.parked().await < before + entries as u64 {
            assert!(tokio::time::Instant::now() < deadline, "they are never parked");
            tokio::task::yield_now().await;
        }
    }

    async fn parked(&self) -> u64 {
        let standing = self.dataplane.ask(GetStanding {}).await.unwrap();
        standing.parked.iter().map(|parked| parked.entries).sum()
    }

    async fn admin(&self, verb: &str, path: &str) -> Answer {
        let request = self.request(verb, &format!("/api/v1/admin/{path}"));
        self.send(request.bearer_auth(ADMIN_TOKEN)).await
    }
}

async fn the_overview_joins_both_halves(world: World) {
    world.actor("alice").posts("hello");
    world.poison(2).await;
    let overview = world.admin("GET", "overview").await.ok();
    assert_eq!(overview["version"], env!("CARGO_PKG_VERSION"));
    let (ingest, dataplane) = (&overview["ingest"], &overview["dataplane"]);
    assert_eq!((&ingest["error"], &dataplane["error"]), (&Value::Null, &Value::Null));
    assert_eq!(ingest["status"]["counts"]["rejected"], json!({ "signature": 2 }));
    assert_eq!(ingest["status"]["accounts"]["byState"]["partial"], 4);
    let place = &dataplane["status"]["offsets"][0];
    assert_eq!((&place["projection"], &place["partition"]), (&json!("dataplane"), &json!(0)));
    let applied = place["nextOffset"].as_i64().unwrap();
    assert!(applied >= 4, "{place}");
    // What ingest says the log has, less what the data-plane has applied.
    assert_eq!(overview["lag"]["entries"], 1_000 - applied);
    assert_eq!(
        (&overview["lag"]["ageUs"], &overview["lag"]["atLeast"]),
        (&json!(3_000_000), &json!(false))
    );
    assert_eq!(overview["parked"], 2);
    let parked = json!([{ "projection": "dataplane", "reason": "undecodable", "entries": 2 }]);
    assert_eq!(dataplane["status"]["parked"], parked);
    assert_eq!(overview["sources"][0]["visibleSeq"], 2);
    assert_eq!(overview["scope"]["scope"], "network");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_that_is_away_is_told_as_such() {
    let world = World::open(Reach::Remote).await;
    world.lose_dataplane();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    let overview = loop {
        let overview = world.admin("GET", "overview").await.ok();
        if overview["dataplane"]["error"].is_string() {
            break overview;
        }
        assert!(tokio::time::Instant::now() < deadline, "{overview}");
    };
    assert_eq!((&overview["dataplane"]["status"], &overview["lag"]), (&Value::Null, &Value::Null));
    assert_eq!(overview["ingest"]["status"]["counts"]["events"], 7);
    assert_eq!(world.admin("GET", "parked").await.refused(), (503, "NotEnoughResources"));
}

async fn accounts_and_hosts(world: World) {
    let hosts = world.admin("GET", "hosts").await.ok();
    assert_eq!(hosts["hosts"][0]["pausedMs"], 9_000);
    let path = format!("accounts/{}", did(KNOWN));
    let account = world.admin("GET", &path).await.ok();
    assert_eq!(
        (&account["syncState"], &account["pds"]),
        (&json!("partial"), &json!("https://pds.test"))
    );
    let wanted = world.admin("POST", &format!("{path}/resync")).await.ok();
    assert_eq!(wanted, json!({ "did": did(KNOWN) }));
    let nobody = format!("accounts/{}", did("nobody"));
    assert_eq!(world.admin("GET", &nobody).await.refused(), (404, "NotFound"));
}

async fn numbers_are_exact_when_all_of_it_can_be_read(world: World) {
    let path = format!("accounts/{}", did(WHOLE));
    let exact = async || world.admin("GET", &path).await.ok()["countsExact"]["own"].clone();
    world.actor(WHOLE).posts("before");
    world.settle().await;
    assert_eq!(exact().await, false, "what came last cannot be read yet");
    let left = WHOLE_UNTIL_US - world.now_us();
    world.clock.advance(std::time::Duration::from_micros(u64::try_from(left).unwrap()));
    world.actor(WHOLE).posts("the last");
    world.settle().await;
    assert_eq!(exact().await, true);
}

async fn parked_entries_are_looked_at_retried_and_discarded(world: World) {
    world.poison(3).await;
    let page = world.admin("GET", "parked?limit=2").await.ok();
    let ids: Vec<i64> =
        page["parked"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(page["cursor"], ids[1]);
    let rest = world.admin("GET", &format!("parked?limit=2&after={}", ids[1])).await.ok();
    assert_eq!((rest["parked"].as_array().unwrap().len(), rest.get("cursor")), (1, None));
    assert!(page["parked"][0].get("entry").is_none(), "a list has no contents");

    let one = world.admin("GET", &format!("parked/{}", ids[0])).await.ok();
    assert_eq!((&one["reason"], &one["attempts"]), (&json!("undecodable"), &json!(1)));
    assert!(
        one["cause"].as_str().unwrap().contains("cannot")
            || one["cause"].as_str().unwrap().contains("not one")
    );
    assert!(!one["remedy"].as_str().unwrap().is_empty());
    assert_eq!(one["entry"]["bytes"], "no entry 0".len());

    let touched = world.admin("POST", &format!("parked/{}/retry", ids[0])).await.ok();
    assert_eq!(touched, json!({ "entries": 1 }));
    let all = world.admin("POST", "parked/retry").await.ok();
    assert_eq!(all, json!({ "entries": 3 }));
    assert_eq!(world.admin("POST", "parked/retry?projection=other").await.ok()["entries"], 0);
    assert_eq!(world.admin("POST", &format!("parked/{}/discard", ids[0])).await.ok()["entries"], 1);
    for (verb, what) in [("GET", ""), ("POST", "/retry"), ("POST", "/discard")] {
        let gone = world.admin(verb, &format!("parked/{}{what}", ids[0])).await;
        assert_eq!(gone.refused(), (404, "NotFound"), "{what}");
    }
    assert_eq!(world.admin("GET", "overview").await.ok()["parked"], 2);
}

async fn deliveries_are_looked_at_retried_resolved_and_discarded(world: World) {
    let alice = did("alice");
    let write = move |tx: &mut Tx| {
        for event in ["1", "2", "3"] {
            let (payload, nothing): (&[u8], &[u8]) = (b"{\"a\":1}", &[]);
            tx.execute(
                "INSERT INTO dlq (consumer, event_id, topic, original_topic, partition, log_offset, key, did,
                   headers, payload, error, reason, attempts, first_at_us, last_at_us, state)
                 VALUES ('webhook:a', $1, 'post.created.v1-retry-1h', 'post.created.v1', 0, 7, $2, $3, $2, $4,
                   'status 500', 'status', 4, 1, 1, 0)",
                &[event.into(), nothing.into(), (&alice).into(), payload.into()],
            )?;
        }
        Ok::<_, StoreError>(())
    };
    world.own.write(write).await.unwrap();
    let list = async |query: &str| {
        let page = world.admin("GET", &format!("parked?of=deliveries{query}")).await.ok();
        let parked = page["parked"].as_array().unwrap().clone();
        let state = |one: &Value| format!("{} {}", one["id"], one["state"].as_str().unwrap());
        parked.iter().map(state).collect::<Vec<String>>()
    };
    assert_eq!(list("").await, ["1 pending", "2 pending", "3 pending"]);
    assert_eq!(list("&limit=1&after=1").await, ["2 pending"]);
    assert!(list("&projection=webhook:b").await.is_empty());
    assert_eq!(world.admin("GET", "overview").await.ok()["parked"], 3);
    let one = world.admin("GET", "parked/deliveries-1").await.ok();
    assert_eq!((&one["of"], &one["topic"]), (&json!("deliveries"), &json!("post.created.v1")));
    assert_eq!(one["key"], did("alice").as_str());
    assert_eq!(one["entry"]["content"]["payload"], json!({ "a": 1 }));
    assert!(one["cause"].is_string() && one["remedy"].is_string());

    assert_eq!(world.admin("POST", "parked/deliveries-1/retry").await.ok()["entries"], 1);
    assert_eq!(list("").await, ["1 retrying", "2 pending", "3 pending"]);
    let sent = "SELECT topic FROM outbox";
    let sent = move |tx: &mut Tx| tx.query(sent, &[], |row| row.get::<String>(0));
    let sent: Result<Vec<String>, StoreError> = world.own.read(sent).await;
    assert_eq!(sent.unwrap(), ["post.created.v1-retry-1m"]);
    let resolve = async |id: &str, note: Value| {
        let request = world.request("POST", &format!("/api/v1/admin/parked/{id}/resolve"));
        let request = request.bearer_auth(ADMIN_TOKEN).json(&json!({ "note": note }));
        world.send(request).await
    };
    assert_eq!(resolve("deliveries-2", json!("x".repeat(1_001))).await.refused().0, 400);
    assert_eq!(resolve("deliveries-2", json!("by hand")).await.ok()["entries"], 1);
    assert_eq!(resolve("deliveries-2", Value::Null).await.refused(), (404, "NotFound"));
    let refused = resolve("12", Value::Null).await;
    assert_eq!(refused.refused(), (400, "InvalidRequest"));
    assert!(refused.text.contains("discard"), "{}", refused.text);
    assert_eq!(world.admin("POST", "parked/deliveries-3/discard").await.ok()["entries"], 1);
    assert_eq!(list("").await, ["1 retrying"]);
    assert_eq!(list("&settled=true").await, ["2 resolved", "3 discarded"]);
    let one = world.admin("GET", "parked/deliveries-2").await.ok();
    assert_eq!((&one["resolution"], &one["actor"]), (&json!("by hand"), &json!("operator")));
    assert_eq!(world.admin("POST", "parked/retry?of=deliveries").await.ok()["entries"], 0);
    assert_eq!(world.admin("GET", "parked/deliveries-9").await.refused(), (404, "NotFound"));
}

async fn backfills_are_told_of_and_changed(world: World) {
    let list = world.admin("GET", "backfills").await.ok();
    let job = &list["backfills"][0];
    assert_eq!(
        (&job["id"], &job["kind"], &job["state"]),
        (&json!(7), &json!("network"), &json!("running"))
    );
    assert_eq!((&job["failed"], &job["recordsPerSecond"]), (&json!({ "host": 1 }), &json!(100.0)));
    for (change, state) in [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")] {
        let job = world.admin("POST", &format!("backfills/7/{change}")).await.ok();
        assert_eq!(job["state"], state);
    }
    let wrong = world.admin("POST", "backfills/seven/pause").await;
    assert_eq!(wrong.refused(), (400, "InvalidRequest"));
}

async fn backfills_are_begun(world: World) {
    let begin = async |body: &Value| {
        let request = world.request("POST", "/api/v1/admin/backfills/begin");
        world.send(request.bearer_auth(ADMIN_TOKEN).json(body)).await
    };
    let job = begin(&json!({ "kind": "dids", "dids": [did("alice"), did("bob")] })).await.ok();
    assert_eq!((&job["kind"], &job["found"]), (&json!("dids"), &json!(2)));
    begin(&json!({ "kind": "interest", "again": true })).await.ok();
    for wrong in [
        json!({ "kind": "list" }),
        json!({ "kind": "list", "list": "no URI" }),
        json!({ "kind": "dids", "dids": ["alice.test"] }),
        json!({ "kind": "dids", "dids": [did("alice")], "more": true }),
        json!({ "kind": "everything" }),
        json!({}),
    ] {
        assert_eq!(begin(&wrong).await.refused(), (400, "InvalidRequest"), "{wrong}");
    }
}

async fn what_was_refused_is_listed_by_reason(world: World) {
    let page = world.admin("GET", "rejected?limit=3&reason=rev").await.ok();
    let ids: Vec<i64> = page["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_i64().unwrap())
        .collect();
    assert_eq!((ids.as_slice(), &page["cursor"]), ([5, 4, 3].as_slice(), &json!(3)));
    assert_eq!(page["rejected"][0]["reason"], "rev");
    let rest = world.admin("GET", "rejected?limit=3&before=3").await.ok();
    assert_eq!((rest["rejected"].as_array().unwrap().len(), rest.get("cursor")), (2, None));
}

async fn the_operator_takes_down_and_lifts(world: World) {
    let tell = async |path: &str, body: &Value| {
        let request = world.request("POST", &format!("/api/v1/admin/takedowns/{path}"));
        world.send(request.bearer_auth(ADMIN_TOKEN).json(body)).await
    };
    let known = did(KNOWN).to_string();
    let subject = json!({ "kind": "account", "did": known });
    let said = json!({ "subject": subject, "reason": "spam", "reference": "7" });
    let takedown = tell("apply", &said).await.ok()["takedown"].clone();
    assert_eq!((&takedown["subject"], &takedown["reason"]), (&subject, &json!("spam")));
    assert_eq!((&takedown["by"], &takedown["reference"]), (&json!("operator"), &json!("7")));
    let post = format!("at://{known}/app.bsky.feed.post/3jzfcijpj2z2a");
    let subject_post = json!({ "kind": "record", "uri": post });
    world.clock.advance(std::time::Duration::from_secs(1));
    tell("apply", &json!({ "subject": subject_post })).await.ok();
    let account = world.admin("GET", &format!("accounts/{known}")).await.ok();
    assert_eq!((&account["takedown"], &account["syncState"]), (&takedown, &json!("partial")));
    let page = world.admin("GET", "takedowns?limit=1").await.ok();
    let next = page["cursor"].as_str().unwrap().replace(' ', "%20");
    let rest = world.admin("GET", &format!("takedowns?limit=1&cursor={next}")).await.ok();
    assert_eq!(page["takedowns"][0]["subject"], subject_post, "the newest first");
    assert_eq!((&rest["takedowns"][0], rest.get("cursor")), (&takedown, None));
    let of_one = world.admin("GET", &format!("takedowns?did={}", did("erin"))).await.ok();
    assert_eq!(of_one["takedowns"], json!([]));
    assert_eq!(tell("lift", &json!({ "subject": subject })).await.ok(), json!({}));
    let account = world.admin("GET", &format!("accounts/{known}")).await.ok();
    assert_eq!(account["takedown"], Value::Null);
    for body in [json!({}), json!({ "subject": { "kind": "planet" } }), json!([])] {
        assert_eq!(tell("apply", &body).await.refused(), (400, "InvalidRequest"), "{body}");
    }
    let long = json!({ "subject": subject, "reason": "x".repeat(200_000) });
    assert_eq!(tell("apply", &long).await.refused(), (413, "PayloadTooLarge"));
}

async fn questions_that_are_wrong_are_refused(world: World) {
    for (verb, path) in [
        ("GET", "parked?limit=0"),
        ("GET", "parked?limit=501"),
        ("GET", "parked?after=x"),
        ("GET", "parked?unknown=1"),
        ("GET", "parked/x"),
        ("POST", "parked/99999999999999999999/discard"),
        ("GET", "rejected?limit=0"),
        ("GET", "rejected?before=x"),
        ("GET", "takedowns?cursor=x"),
        ("GET", "takedowns?did=x"),
        ("GET", "accounts/alice.test"),
        ("POST", "accounts/x/resync"),
    ] {
        assert_eq!(world.admin(verb, path).await.refused(), (400, "InvalidRequest"), "{path}");
    }
}
