-- The order in which labels were issued here, as those who follow them count it: one number for each row, which
-- changes whenever something else is said. Numbers are never used twice; the last of each issuer is kept apart, so
-- that two that issue at once wait for each other.
ALTER TABLE issued_label ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
UPDATE issued_label SET seq = (
    SELECT count(*) FROM issued_label AS o
    WHERE o.src = issued_label.src AND (o.issued_at_us, o.did, o.subject, o.val)
        <= (issued_label.issued_at_us, issued_label.did, issued_label.subject, issued_label.val));
CREATE INDEX issued_label_by_seq ON issued_label (src, seq);
CREATE TABLE issued_label_last (
    src TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL
) {without_rowid};
INSERT INTO issued_label_last (src, seq) SELECT l.src, max(l.seq) FROM issued_label AS l GROUP BY l.src;
