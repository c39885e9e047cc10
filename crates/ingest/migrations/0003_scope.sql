-- Accounts that are followed where not everybody is. `state`: 0 followed; 1 it came in, and its row
-- does not say yet that it is to be fetched; 2 it goes, and its row does not say so yet.
-- `unwanted_us`: since when nobody is interested in it.
CREATE TABLE scope_account (
    did TEXT NOT NULL PRIMARY KEY,
    state BIGINT NOT NULL,
    entered_us BIGINT NOT NULL,
    unwanted_us BIGINT
) {without_rowid};
CREATE INDEX scope_account_unsettled ON scope_account (state) WHERE state <> 0;
CREATE INDEX scope_account_unwanted ON scope_account (unwanted_us) WHERE unwanted_us IS NOT NULL;

-- The scope that the rows of `account` were last made to fit.
CREATE TABLE scope_kind (
    id BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL
) {without_rowid};
