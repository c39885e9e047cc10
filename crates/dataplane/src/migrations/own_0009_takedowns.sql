-- What whoever runs this place, or moderates for it, does not let be shown here: whole accounts (kind 0, no
-- subject), records (1, `<collection>/<record key>`) and blobs (2, the CID). Named by DID, known here or not.
CREATE TABLE takedown (
    did           TEXT NOT NULL,
    kind          BIGINT NOT NULL,
    subject       TEXT NOT NULL,
    -- What the moderation service knows it by.
    reference     TEXT NOT NULL,
    reason        TEXT NOT NULL,
    -- Who decided it: a DID, or `operator`.
    taken_by      TEXT NOT NULL,
    taken_at_us   BIGINT NOT NULL,
    PRIMARY KEY (did, kind, subject)
) {without_rowid};
CREATE INDEX takedown_by_time ON takedown (taken_at_us);
