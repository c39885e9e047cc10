//! Devices for push notifications: the same one comes again, and of too many the last ones stay.

use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Client;
use millrace_dataplane::query::push::{
    APP_BYTES_MAX, DEVICES_MAX, Device, Platform, RegisterPush, TOKEN_BYTES_MAX, UnregisterPush,
};
use millrace_store::{Param, StoreError};

use crate::entries::did;
use crate::harness::{Harness, on_every_engine};

on_every_engine!(devices_come_again, the_last_ones_stay, wrong_devices);

fn device(token: &str) -> Device {
    Device { platform: Platform::Ios, app_id: "app".to_owned(), token: token.to_owned() }
}

fn register(who: &str, device: Device) -> RegisterPush {
    RegisterPush { actor: did(who), device, age_restricted: false, devices_max: 3 }
}

/// What is kept of somebody's devices.
async fn devices(harness: &Harness, who: &str) -> Vec<String> {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let who = did(who);
    let read = move |tx: &mut millrace_store::Tx| -> Result<Vec<String>, StoreError> {
        let sql = "SELECT platform, token, age_restricted FROM push_device WHERE did = $1
            ORDER BY platform, token";
        tx.query(sql, &[Param::from(&who)], |row| {
            let restricted = if row.get::<bool>(2)? { " restricted" } else { "" };
            Ok(format!("{} {}{restricted}", row.get::<String>(0)?, row.get::<String>(1)?))
        })
    };
    local.own.read(read).await.unwrap()
}

async fn devices_come_again(harness: Harness) {
    let client = &harness.client;
    for who in ["alice", "alice", "bob"] {
        client.command(register(who, device("a"))).await.unwrap();
    }
    let web = Device { platform: Platform::Web, ..device("a") };
    let restricted = RegisterPush { age_restricted: true, ..register("alice", web.clone()) };
    client.command(restricted).await.unwrap();
    assert_eq!(devices(&harness, "alice").await, ["ios a", "web a restricted"]);
    client.command(register("alice", web.clone())).await.unwrap();
    assert_eq!(devices(&harness, "alice").await, ["ios a", "web a"]);
    for _ in 0..2 {
        let command = UnregisterPush { actor: did("alice"), device: web.clone() };
        client.command(command).await.unwrap();
        assert_eq!(devices(&harness, "alice").await, ["ios a"]);
    }
    // On a device of two accounts each has its own.
    assert_eq!(devices(&harness, "bob").await, ["ios a"]);
}

async fn the_last_ones_stay(harness: Harness) {
    let client = &harness.client;
    // The clock of these tests stands: the new one stays all the same.
    for token in ["a", "b", "c", "z", "0"] {
        client.command(register("alice", device(token))).await.unwrap();
        let kept = devices(&harness, "alice").await;
        assert!(kept.len() <= 3 && kept.contains(&format!("ios {token}")), "{kept:?}");
    }
    client.command(register("bob", device("a"))).await.unwrap();
    let one = RegisterPush { devices_max: 1, ..register("alice", device("last")) };
    client.command(one).await.unwrap();
    assert_eq!(devices(&harness, "alice").await, ["ios last"]);
    assert_eq!(devices(&harness, "bob").await, ["ios a"]);
}

async fn wrong_devices(harness: Harness) {
    let client = &harness.client;
    let app = |app_id: &str| Device { app_id: app_id.to_owned(), ..device("a") };
    let token = "x".repeat(TOKEN_BYTES_MAX + 1);
    for wrong in [device(""), device(&token), app(""), app(&"x".repeat(APP_BYTES_MAX + 1))] {
        let refused = client.command(register("alice", wrong.clone())).await;
        assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))), "{wrong:?}");
        let refused = client.command(UnregisterPush { actor: did("alice"), device: wrong }).await;
        assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))));
    }
    for devices_max in [0, DEVICES_MAX + 1] {
        let command = RegisterPush { devices_max, ..register("alice", device("a")) };
        let refused = client.command(command).await;
        assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))), "{devices_max}");
    }
    client.command(register("alice", device(&token[1..]))).await.unwrap();
    assert_eq!(devices(&harness, "alice").await.len(), 1);
}
