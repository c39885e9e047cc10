-- Accounts whose repositories say that they are labelers. `seen_us`: since when that is known here.
CREATE TABLE declared_labeler (
    did TEXT NOT NULL PRIMARY KEY,
    seen_us BIGINT NOT NULL
) {without_rowid};
