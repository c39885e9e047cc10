//! The whole program against real peers: a PDS, the official client, PostgreSQL, and power loss.
//!
//! A test builds a [`world::World`] and reads like what happens to people: accounts are created, they
//! post and follow through the official client, and what they then see through their PDS is compared
//! with what they did. [`audit`] is the judge where a story is too long to spell out: it reads the
//! repositories and says what every count must be.

mod audit;
mod backfill;
mod backup;
mod browser;
mod caddy;
mod chromium;
mod client;
mod confidential;
mod crash;
mod dashboard;
mod dashboard_own;
mod demo;
mod deploy;
mod exhibits;
mod faults;
mod fuzzed;
mod homes;
mod json_lines;
mod kills;
mod labels;
mod methods;
mod millrace;
mod network;
mod oracle;
mod outages;
mod ozone;
mod page;
mod partial;
mod people;
mod postgres;
mod posting;
mod process;
mod real_pds;
mod rebuild;
mod records;
mod reported;
mod scope;
mod sign_in;
mod signed_in;
mod story;
mod telemetry;
mod traffic;
mod webhooks;
mod world;
