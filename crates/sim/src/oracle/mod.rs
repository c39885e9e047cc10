//! The oracle: a plain, slow model of what every view of the network must say, written from the protocol's
//! lexicons and the reference's behaviour alone. It shares no code with what it judges.
//!
//! [`Moment`]s of a network make a [`Model`]; a [`View`] of it knows what somebody is shown;
//! [`COMPARED`] makes [`Question`]s, and a question holds an answer against the view. Start at
//! `compared.rs`.
//!
//! Compared exactly: who is in a list, how often, in which order, every count, every relation, every
//! record. Left open, because nothing in the protocol decides it:
//!
//! - **When a record was indexed.** A record that says it was made later than it was written sorts by the
//!   time it was indexed, which is only known to lie between its writing and the moment everything was
//!   found to be visible ([`list::Place`]).
//! - **What was judged at about the same time as it was written.** Between accounts there is no order of
//!   events. A reply is judged by the gate as it stands when the reply is indexed; if gate, follow or list
//!   changed since the moment before, either judgement is right, and the program is asked which it was
//!   ([`Model::unsure`]). All views must agree with that one.
//! - **Notifications of replies whose thread changed meanwhile**, of one of several records that say the
//!   same, and of threads that the recipient muted later: there or not.
//! - **Own posts in a timeline** are left out of large pages when they are many, as the reference does;
//!   timelines are read in small pages.
//! - **Choices**: by which of several lists somebody is blocked; the order of known followers and of
//!   subscribed lists; which twelve members of a larger starter pack are shown.

mod about;
mod compared;
mod feeds;
mod gates;
mod list;
mod lists;
mod model;
mod notifications;
mod of_world;
mod people;
mod posts;
mod question;
mod relations;
mod said;
mod state;
mod threads;
mod truth;
mod view;

#[cfg(test)]
mod tests;

pub use about::{About, Kind};
pub use compared::{COMPARED, Compared};
pub use model::Model;
pub use question::{Answer, Found, Question};
pub use said::{Difference, Said};
pub use truth::{Account, Judged, Label, Moment, Own, Record};
pub use view::View;
