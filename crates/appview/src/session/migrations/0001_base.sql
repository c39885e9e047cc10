-- Who is signed in here. Accounts are DIDs, as in everything that only Millrace has; tokens of browsers and
-- programs are kept as their SHA-256, what a PDS gave is sealed. Times are microseconds, UTC.

-- What an account's PDS gave, to act there in its name.
CREATE TABLE pds_grant (
    grant_id       TEXT NOT NULL PRIMARY KEY,
    did            TEXT NOT NULL,
    kind           TEXT NOT NULL,
    sealed         {blob} NOT NULL,
    version        BIGINT NOT NULL,
    -- Until when one process alone renews it: what it renews with is good once.
    renewing_until_us BIGINT NOT NULL DEFAULT 0,
    created_at_us  BIGINT NOT NULL,
    renewed_at_us  BIGINT NOT NULL
) {without_rowid};
CREATE INDEX pds_grant_by_did ON pds_grant (did);

-- A browser that is signed in.
CREATE TABLE session (
    token_digest  {blob} NOT NULL PRIMARY KEY,
    session_id    TEXT NOT NULL UNIQUE,
    did           TEXT NOT NULL,
    grant_id      TEXT NOT NULL,
    user_agent    TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    used_at_us    BIGINT NOT NULL,
    expires_at_us BIGINT NOT NULL
) {without_rowid};
CREATE INDEX session_by_did ON session (did, created_at_us);
CREATE INDEX session_by_grant ON session (grant_id);
CREATE INDEX session_by_expiry ON session (expires_at_us);

-- A sign-in that has begun: what came back must be of the browser that began it, and is taken once.
CREATE TABLE sign_in (
    state_digest   {blob} NOT NULL PRIMARY KEY,
    browser_digest {blob} NOT NULL,
    sealed         {blob} NOT NULL,
    expires_at_us  BIGINT NOT NULL
) {without_rowid};
CREATE INDEX sign_in_by_expiry ON sign_in (expires_at_us);

-- A program that acts for an account.
CREATE TABLE api_token (
    token_digest  {blob} NOT NULL PRIMARY KEY,
    token_id      TEXT NOT NULL UNIQUE,
    did           TEXT NOT NULL,
    grant_id      TEXT,
    name          TEXT NOT NULL,
    scopes        TEXT NOT NULL,
    created_at_us BIGINT NOT NULL,
    used_at_us    BIGINT,
    expires_at_us BIGINT
) {without_rowid};
CREATE INDEX api_token_by_did ON api_token (did, created_at_us);
CREATE INDEX api_token_by_grant ON api_token (grant_id);
CREATE INDEX api_token_by_expiry ON api_token (expires_at_us);
