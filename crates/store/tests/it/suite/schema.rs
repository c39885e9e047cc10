//! Migrations: once each, in order, never changed, and nothing newer than the program.

use std::sync::Arc;

use millrace_runtime::supervise::spawn_detached_named;
use millrace_store::migrate::{self, MigrationStatus};
use millrace_store::{Domain, Migration, Store, StoreConfig, StoreError};

use crate::world::World;

const DOMAIN: Domain = Domain::Session;

const ONE: Migration = Migration {
    number: 1,
    name: "one",
    sql: "CREATE TABLE one (id BIGINT NOT NULL PRIMARY KEY)",
    compatible_back_to: 1,
};
const TWO: Migration = Migration {
    number: 2,
    name: "two",
    sql: "CREATE TABLE two (id {identity}, body {blob}); INSERT INTO one (id) VALUES (2)",
    compatible_back_to: 1,
};
/// Takes something away: older programs cannot run on it.
const THREE: Migration =
    Migration { number: 3, name: "three", sql: "DROP TABLE two", compatible_back_to: 3 };

const UP_TO_ONE: &[Migration] = &[ONE];
const UP_TO_TWO: &[Migration] = &[ONE, TWO];
const UP_TO_THREE: &[Migration] = &[ONE, TWO, THREE];

async fn apply(
    world: &World,
    migrations: &'static [Migration],
) -> Result<Vec<MigrationStatus>, StoreError> {
    migrate::apply(&world.config, DOMAIN, migrations, &world.clock).await
}

fn lines(status: &[MigrationStatus]) -> Vec<(&'static str, u32, bool)> {
    status.iter().map(|it| (it.part, it.number, it.applied_us.is_some())).collect()
}

async fn status(world: &World, migrations: &'static [Migration]) -> Vec<(&'static str, u32, bool)> {
    lines(&migrate::status(&world.config, DOMAIN, migrations, &world.clock).await.unwrap())
}

pub async fn migrations_are_applied_once(world: &World) {
    let done = apply(world, UP_TO_TWO).await.unwrap();
    assert_eq!(
        lines(&done),
        [("base", 1, true), ("base", 2, true), ("domain", 1, true), ("domain", 2, true)]
    );
    assert_eq!(apply(world, UP_TO_TWO).await.unwrap(), []);
    let store = world.open(DOMAIN, UP_TO_TWO, &[]).await.unwrap();
    let count: Result<i64, StoreError> =
        store.read(|tx| tx.query_one("SELECT count(*) FROM one", &[], |row| row.get(0))).await;
    assert_eq!(count.unwrap(), 1);
}

pub async fn a_later_migration_follows(world: &World) {
    apply(world, UP_TO_ONE).await.unwrap();
    assert_eq!(
        status(world, UP_TO_TWO).await,
        [("base", 1, true), ("base", 2, true), ("domain", 1, true), ("domain", 2, false)]
    );
    let plan = migrate::plan(&world.config, DOMAIN, UP_TO_TWO, &world.clock).await.unwrap();
    assert_eq!(lines(&plan), [("domain", 2, false)]);
    assert_eq!(lines(&apply(world, UP_TO_TWO).await.unwrap()), [("domain", 2, true)]);
}

pub async fn a_changed_text_is_refused(world: &World) {
    const CHANGED: &[Migration] = &[Migration { sql: "CREATE TABLE other (id BIGINT)", ..ONE }];
    apply(world, UP_TO_ONE).await.unwrap();
    let refused = apply(world, CHANGED).await;
    assert!(matches!(refused, Err(StoreError::SchemaChecksum { number: 1, .. })), "{refused:?}");
    let refused = world.open(DOMAIN, CHANGED, &[]).await;
    assert!(matches!(refused, Err(StoreError::SchemaChecksum { .. })), "{refused:?}");
}

pub async fn a_newer_schema_is_refused(world: &World) {
    apply(world, UP_TO_THREE).await.unwrap();
    let refused = world.open(DOMAIN, UP_TO_TWO, &[]).await;
    assert!(
        matches!(refused, Err(StoreError::SchemaNewer { found: 3, known: 2, .. })),
        "{refused:?}"
    );
}

pub async fn a_newer_schema_marked_compatible_is_used(world: &World) {
    apply(world, UP_TO_TWO).await.unwrap();
    let store = world.open(DOMAIN, UP_TO_ONE, &[]).await.unwrap();
    let written: Result<u64, StoreError> =
        store.write(|tx| tx.execute("INSERT INTO one (id) VALUES (7)", &[])).await;
    assert_eq!(written.unwrap(), 1);
    assert_eq!(
        status(world, UP_TO_ONE).await,
        [("base", 1, true), ("base", 2, true), ("domain", 1, true), ("domain", 2, true)]
    );
}

pub async fn a_failed_migration_leaves_nothing(world: &World) {
    const FAILING: &[Migration] = &[
        ONE,
        Migration {
            number: 2,
            name: "fails",
            sql: "CREATE TABLE two (id BIGINT); INSERT INTO nowhere (id) VALUES (1)",
            compatible_back_to: 1,
        },
    ];
    let failed = apply(world, FAILING).await;
    assert!(matches!(failed, Err(StoreError::Migration { number: 2, .. })), "{failed:?}");
    assert_eq!(
        status(world, UP_TO_TWO).await,
        [("base", 1, false), ("base", 2, false), ("domain", 1, false), ("domain", 2, false)]
    );
    apply(world, UP_TO_TWO).await.unwrap();
}

pub async fn two_processes_migrate_at_once(world: &World) {
    let config = Arc::new(world.config.clone());
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (config, clock) = (Arc::clone(&config), world.clock.clone());
            spawn_detached_named("migrate", async move {
                migrate::apply(&config, DOMAIN, UP_TO_TWO, &clock).await
            })
        })
        .collect();
    let mut applied = 0;
    for task in tasks {
        applied += task.await.unwrap().unwrap().len();
    }
    assert_eq!(applied, 4);
}

fn waiting(world: &World, schema_wait_ms: u64) -> StoreConfig {
    StoreConfig { run_migrations: false, schema_wait_ms, ..world.config.clone() }
}

pub async fn a_role_that_does_not_migrate_waits(world: &World) {
    let config = waiting(world, 30_000);
    let (clock, registry) = (world.clock.clone(), world.registry.clone());
    let opening = spawn_detached_named("waiting role", async move {
        Store::open(&config, DOMAIN, UP_TO_ONE, &[], &clock, &registry).await
    });
    status(world, UP_TO_ONE).await;
    assert!(!opening.is_finished());
    apply(world, UP_TO_ONE).await.unwrap();
    opening.await.unwrap().unwrap();
}

pub async fn a_role_that_waited_too_long_says_so(world: &World) {
    let config = waiting(world, 250);
    let late = Store::open(&config, DOMAIN, UP_TO_TWO, &[], &world.clock, &world.registry).await;
    let Err(StoreError::SchemaNotReady { wanted, waited_ms, .. }) = late else {
        panic!("{late:?}");
    };
    assert_eq!((wanted, waited_ms), (2, 250));
}

pub async fn looking_creates_nothing(world: &World) {
    for _ in 0..2 {
        assert_eq!(
            status(world, UP_TO_ONE).await,
            [("base", 1, false), ("base", 2, false), ("domain", 1, false)]
        );
    }
    assert!(!world.dir.path().join("store").exists());
}

pub async fn numbers_with_a_gap_are_refused(world: &World) {
    let refused = apply(world, &[ONE, THREE]).await;
    assert!(
        matches!(refused, Err(StoreError::SchemaOrder { number: 3, expected: 2, .. })),
        "{refused:?}"
    );
}
