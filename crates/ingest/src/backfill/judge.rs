//! Whether an account that was wished for is settled, by its row. Pure.

use crate::backfill::tally::Outcome;
use crate::model::{AccountState, SyncState};
use crate::tables::backfill_jobs::Awaited;
use crate::tables::scope::OUT_OF_SCOPE;

/// Attempts in vain after which a job does not wait any more. Whoever fetches goes on trying.
pub(crate) const ATTEMPTS_MAX: u32 = 5;
/// A wish that left no trace for so long was lost with the process that sent it.
pub(crate) const LOST_AFTER_US: i64 = 10_000_000;

/// What is to be done about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not settled yet.
    Wait,
    /// The wish is to be sent again.
    Lost,
    Fetched {
        records: u64,
        bytes: u64,
    },
    Passed,
    Failed(String),
}

/// What the account's row, and the last word of who fetches, say. `named`: the job is of accounts that
/// somebody meant, followed or not.
pub(crate) fn judge(
    awaited: &Awaited,
    last: Option<Outcome>,
    named: bool,
    followed: bool,
    now_us: i64,
) -> Verdict {
    if !followed && !named {
        return Verdict::Passed;
    }
    let lost = match now_us.saturating_sub(awaited.wished_us) > LOST_AFTER_US {
        true => Verdict::Lost,
        false => Verdict::Wait,
    };
    let Some(account) = &awaited.account else { return lost };
    let fetched = match last {
        Some(Outcome::Fetched { records, bytes }) => Some(Verdict::Fetched { records, bytes }),
        _ => None,
    };
    match account.sync_state {
        SyncState::InProgress => Verdict::Wait,
        SyncState::Gone => Verdict::Failed("deleted".to_owned()),
        _ if !account.active => {
            let status = account.status.as_deref().unwrap_or("inactive");
            Verdict::Failed(known_status(status).to_owned())
        }
        SyncState::Complete if account.next_try_us.is_none() => {
            fetched.unwrap_or(Verdict::Fetched { records: 0, bytes: 0 })
        }
        // It is not followed: it was fetched once, and grows old from now on.
        SyncState::Partial if account.error.as_deref() == Some(OUT_OF_SCOPE) => {
            fetched.unwrap_or(lost)
        }
        _ if account.attempts >= ATTEMPTS_MAX
            && !is_put_off(account, last)
            && account.next_try_us.is_some_and(|due_us| due_us > now_us) =>
        {
            let reason = match last {
                Some(Outcome::Failed(label)) => label,
                _ => "unknown",
            };
            Verdict::Failed(reason.to_owned())
        }
        _ if account.next_try_us.is_none() => lost,
        _ => Verdict::Wait,
    }
}

/// Whether it is not tried only because its host asked for a pause: that is no failure of the account's.
fn is_put_off(account: &AccountState, last: Option<Outcome>) -> bool {
    match last {
        Some(Outcome::Failed(label)) => label == "rate_limited",
        Some(Outcome::Fetched { .. }) => false,
        None => account.error.as_ref().is_some_and(|error| error.contains("rate limited")),
    }
}

/// A status as a reason: hosts may say anything, and reasons are few.
fn known_status(status: &str) -> &str {
    match status {
        "takendown" | "suspended" | "deactivated" | "deleted" | "desynchronized" | "throttled" => {
            status
        }
        _ => "inactive",
    }
}

#[cfg(test)]
mod tests {
    use millrace_atproto::Did;

    use super::*;

    const NOW_US: i64 = 1_000_000_000;

    fn row(state: SyncState, change: impl FnOnce(&mut AccountState)) -> Option<AccountState> {
        let did = Did::parse("did:plc:abc").expect("a DID");
        let mut account = AccountState { sync_state: state, ..AccountState::unknown(did, 0) };
        change(&mut account);
        Some(account)
    }

    fn check(account: Option<AccountState>, last: Option<Outcome>, age_us: i64, expected: Verdict) {
        let did = Did::parse("did:plc:abc").expect("a DID");
        let awaited = Awaited { did, wished_us: NOW_US - age_us, account };
        assert_eq!(judge(&awaited, last, true, true, NOW_US), expected, "{awaited:?}");
    }

    #[test]
    fn an_account_is_settled_by_its_row() {
        let old = LOST_AFTER_US + 1;
        let got = Some(Outcome::Fetched { records: 3, bytes: 40 });
        let host = Some(Outcome::Failed("host"));
        let due = |us: i64| move |account: &mut AccountState| account.next_try_us = Some(us);
        check(None, None, 0, Verdict::Wait);
        check(None, None, old, Verdict::Lost);
        check(row(SyncState::Complete, |_| ()), got, 0, Verdict::Fetched { records: 3, bytes: 40 });
        check(row(SyncState::Complete, |_| ()), None, 0, Verdict::Fetched { records: 0, bytes: 0 });
        check(row(SyncState::Complete, due(1)), got, old, Verdict::Wait);
        check(row(SyncState::InProgress, |_| ()), got, old, Verdict::Wait);
        check(row(SyncState::Desynchronized, due(1)), None, old, Verdict::Wait);
        check(row(SyncState::Desynchronized, |_| ()), None, old, Verdict::Lost);
        check(row(SyncState::Gone, |_| ()), None, 0, Verdict::Failed("deleted".to_owned()));
        for (status, reason) in
            [("deactivated", "deactivated"), ("on holiday", "inactive"), ("", "inactive")]
        {
            let away = row(SyncState::Partial, |account| {
                account.active = false;
                account.status = Some(status.to_owned());
            });
            check(away, None, 0, Verdict::Failed(reason.to_owned()));
        }
        let failing = |attempts: u32| {
            row(SyncState::Partial, |account| {
                account.attempts = attempts;
                account.next_try_us = Some(NOW_US + 1);
            })
        };
        check(failing(ATTEMPTS_MAX - 1), host, 0, Verdict::Wait);
        check(failing(ATTEMPTS_MAX), host, 0, Verdict::Failed("host".to_owned()));
        check(failing(ATTEMPTS_MAX), None, 0, Verdict::Failed("unknown".to_owned()));
        let limited = Some(Outcome::Failed("rate_limited"));
        check(failing(ATTEMPTS_MAX), limited, 0, Verdict::Wait);
        let left = || row(SyncState::Partial, |row| row.error = Some(OUT_OF_SCOPE.to_owned()));
        check(left(), got, 0, Verdict::Fetched { records: 3, bytes: 40 });
        check(left(), None, old, Verdict::Lost);
    }

    #[test]
    fn who_is_not_followed_is_passed_over_unless_it_was_named() {
        let did = Did::parse("did:plc:abc").expect("a DID");
        let awaited = Awaited { did, wished_us: NOW_US, account: None };
        assert_eq!(judge(&awaited, None, false, false, NOW_US), Verdict::Passed);
        assert_eq!(judge(&awaited, None, true, false, NOW_US), Verdict::Wait);
    }
}
