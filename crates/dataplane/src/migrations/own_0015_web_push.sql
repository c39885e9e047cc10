-- Browsers to which an account wants its notifications pushed (RFC 8030): where the push service takes them and
-- the keys they are encrypted with (RFC 8291). A device of `push_device` that is a browser has its token here too.
-- What is newer than `told_us` and not in `told` is told next, not before `next_us`; `failures` in a row end it.
CREATE TABLE web_push (
    did           TEXT NOT NULL,
    endpoint      TEXT NOT NULL,
    p256dh        TEXT NOT NULL,
    auth          TEXT NOT NULL,
    device_token  TEXT,
    updated_at_us BIGINT NOT NULL,
    told_us       BIGINT NOT NULL,
    told          TEXT NOT NULL,
    next_us       BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    PRIMARY KEY (did, endpoint)
) {without_rowid};
