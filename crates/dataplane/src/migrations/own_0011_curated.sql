-- What whoever runs this place has chosen: verifiers whose word on who others are is shown, and feeds, people and
-- starter packs that are suggested. A list has an order.
CREATE TABLE curated (
    list        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    position    BIGINT NOT NULL,
    note        TEXT NOT NULL,
    added_at_us BIGINT NOT NULL,
    PRIMARY KEY (list, subject)
) {without_rowid};
