//! The crate from outside. Telemetry is set up once in a process, so everything that needs it set up
//! is one test, in a binary of its own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod traces;
