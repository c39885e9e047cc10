-- What Millrace alone knows of an account: backed up, never rebuilt, named by DID.

CREATE TABLE notification_seen (
    did        TEXT NOT NULL PRIMARY KEY,
    seen_at_us BIGINT NOT NULL
) {without_rowid};
