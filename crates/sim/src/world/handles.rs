//! Handles: what documents claim, and what the names themselves say.

use millrace_atproto::syntax::{Did, Handle};

use super::{Account, World};

impl World {
    /// The account a handle leads to, as DNS or a web server says.
    pub fn by_handle(&self, handle: &str) -> Option<&Account> {
        let handle = Handle::parse(handle).ok()?;
        self.account(self.handles.get(&handle)?)
    }

    /// An account's handle, if it leads back to the account.
    pub fn verified_handle(&self, did: &Did) -> Option<&Handle> {
        let handle = &self.account(did)?.identity.handle;
        (self.handles.get(handle) == Some(did)).then_some(handle)
    }

    /// Gives an account another handle, which leads to it from now on, and announces it. Whoever had the
    /// handle before still claims it, in vain.
    pub fn set_handle(&mut self, did: &Did, handle: Handle, now_us: i64) {
        let Some(account) = self.accounts.get_mut(did) else { return };
        let before = std::mem::replace(&mut account.identity.handle, handle.clone());
        self.release_handle(did, &before);
        self.handles.insert(handle, did.clone());
        self.emit_identity(did, now_us);
    }

    /// Writes a handle into an account's document that does not lead to it, and announces it.
    pub fn claim_handle(&mut self, did: &Did, handle: Handle, now_us: i64) {
        let Some(account) = self.accounts.get_mut(did) else { return };
        let before = std::mem::replace(&mut account.identity.handle, handle);
        self.release_handle(did, &before);
        self.emit_identity(did, now_us);
    }

    /// A handle leads nowhere any more, if it led to this account. Who claims it in vain lost it while
    /// nobody may have looked: of that nothing but a new announcement tells.
    fn release_handle(&mut self, did: &Did, handle: &Handle) {
        if self.handles.get(handle) != Some(did) {
            return;
        }
        self.handles.remove(handle);
        let claims = |account: &&Account| account.identity.handle == *handle;
        let in_vain: Vec<Did> =
            self.accounts().filter(claims).map(|account| account.identity.did.clone()).collect();
        for claimant in in_vain.into_iter().filter(|claimant| claimant != did) {
            self.touched.entry(claimant).or_default().identity = true;
        }
    }
}
