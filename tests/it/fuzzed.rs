//! What the REST API's description says, asked by a program that invents requests from it, well-formed and malformed,
//! on a real PDS: no answer is a fault of the server, and each is as it is described. In `make soak`, which names the
//! program.

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::millrace::{Engine, Split};
use crate::page::Page;
use crate::world::World;

/// The program, and how many requests it invents for each operation.
const PROGRAM: &str = "MILLRACE_SCHEMATHESIS";
const EXAMPLES: &str = "MILLRACE_SCHEMATHESIS_EXAMPLES";
/// A verb that a route does not have is answered with 400, as everywhere here and at the reference: not among them.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_schema_conformance,ignored_auth";

#[tokio::test]
async fn the_rest_api_answers_as_it_is_described() -> Result<()> {
    let Ok(program) = std::env::var(PROGRAM) else {
        eprintln!("skipped: {PROGRAM} is not set (`make soak` sets it)");
        return Ok(());
    };
    let examples = std::env::var(EXAMPLES).unwrap_or_else(|_| "50".to_owned());
    let settings = "\n[appview.limits]\naccount_requests_max = 0\naddress_requests_max = 0\n";
    let mut world = World::configured(&Engine::Sqlite, Split::Local, None, settings).await?;
    let alice = world.client.create_account("alice").await?;
    world.client.post(&alice, "hello").await?;
    world.settle().await?;
    let page = Page::signed_in(&mut world, &alice).await?;
    let token = page.token(&["read", "write", "post"]).await?;
    let status = Command::new(program)
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", page.origin))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--checks", CHECKS, "--max-examples", &examples, "--seed", "7"])
        .args(["--generation-database", "none", "--request-timeout", "60"])
        .current_dir(world.dir())
        .status()
        .await?;
    ensure!(status.success(), "the answers are not as they are described: {status}");
    world.millrace.must_be_running()?;
    world.end().await
}
