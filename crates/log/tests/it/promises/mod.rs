//! What every engine promises, by area.

pub mod append;
pub mod order;
pub mod read;
pub mod wait;

pub mod reopen;
pub mod retain;

pub mod close;
pub mod crash;
pub mod full;

pub mod metrics;
pub mod model;
