//! The real binary, from outside: its exit codes, what it prints, what it does to a folder.

#![expect(clippy::unwrap_used, reason = "tests")]

mod program;

mod backfill;
mod backup;
mod config;
mod demo;
mod dlq;
mod first_server;
mod folder;
mod internal;
mod listeners;
mod moderation;
mod operate;
mod roles;
mod schema;
mod signed_in;
mod split;
