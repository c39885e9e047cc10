//! `app.bsky.contact.importContacts`: telephone numbers of people who may have accounts.

use serde::Deserialize;

use super::NO_CONTACTS;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

const CONTACTS_MAX: usize = 1_000;

#[derive(Deserialize)]
pub(crate) struct ImportContacts {
    #[serde(rename = "token")]
    _token: String,
    contacts: Vec<String>,
}

impl Procedure for ImportContacts {
    const NSID: &'static str = "app.bsky.contact.importContacts";
    type Answer = ();

    async fn run(self, _: &Call<'_>) -> Result<(), XrpcError> {
        if !(1..=CONTACTS_MAX).contains(&self.contacts.len()) {
            let message = format!("contacts must be from 1 to {CONTACTS_MAX}");
            return Err(XrpcError::invalid(message));
        }
        Err(NO_CONTACTS)
    }
}
