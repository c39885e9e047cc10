-- Who reads here, and when last; noted at most once an hour.
CREATE TABLE reader (
    did     TEXT NOT NULL PRIMARY KEY,
    last_us BIGINT NOT NULL
) {without_rowid};
CREATE INDEX reader_by_last ON reader (last_us);
