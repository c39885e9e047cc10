//! What an operator does to the log's parked entries and the tables' schemas.
//!
//! Each operation is one function here. A command calls it on the files, under the folder's lock; while a
//! server holds that lock the command asks the server, whose routes call the same function.

pub mod audit;
pub mod backfill;
pub mod backup;
pub mod client;
pub mod doctor;
pub mod operate;
pub mod rebuild;
pub mod routes;
pub mod schema;
pub mod scrape;
pub mod signed_in;
pub mod status;
pub mod target;
