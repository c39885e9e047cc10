-- Tables with a record in each row, in the order in which the rows came, with an index over their key: SQLite
-- keeps whole rows in the inner pages of a table without row ids, so that large ones make it seven levels deep,
-- and an account's posts lie on pages of their own, where a page of the newest posts of many is wanted.

CREATE TABLE large_post (
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    cid           {blob} NOT NULL,
    record        TEXT NOT NULL,
    sort_at_us    BIGINT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    flags         BIGINT NOT NULL,
    root_actor    BIGINT,
    root_rkey     BIGINT,
    parent_actor  BIGINT,
    parent_rkey   BIGINT,
    quote_actor   BIGINT,
    quote_rkey    BIGINT,
    PRIMARY KEY (actor_id, rkey)
);
INSERT INTO large_post (actor_id, rkey, cid, record, sort_at_us, indexed_at_us, flags,
        root_actor, root_rkey, parent_actor, parent_rkey, quote_actor, quote_rkey)
    SELECT actor_id, rkey, cid, record, sort_at_us, indexed_at_us, flags,
        root_actor, root_rkey, parent_actor, parent_rkey, quote_actor, quote_rkey FROM post;
DROP TABLE post;
ALTER TABLE large_post RENAME TO post;
-- Both say everything that is asked for, without a look at the rows.
CREATE INDEX post_by_parent ON post (parent_actor, parent_rkey, sort_at_us, rkey, actor_id)
    WHERE parent_actor IS NOT NULL;
CREATE INDEX post_by_quote ON post (quote_actor, quote_rkey, sort_at_us, rkey, actor_id)
    WHERE quote_actor IS NOT NULL;

CREATE TABLE large_profile (
    actor_id      BIGINT NOT NULL PRIMARY KEY,
    cid           {blob} NOT NULL,
    record        TEXT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    joined_actor  BIGINT,
    joined_rkey   BIGINT
);
INSERT INTO large_profile (actor_id, cid, record, indexed_at_us, joined_actor, joined_rkey)
    SELECT actor_id, cid, record, indexed_at_us, joined_actor, joined_rkey FROM profile;
DROP TABLE profile;
ALTER TABLE large_profile RENAME TO profile;
CREATE INDEX profile_by_starter_pack ON profile (joined_actor, joined_rkey, indexed_at_us)
    WHERE joined_actor IS NOT NULL;

CREATE TABLE large_document (
    actor_id      BIGINT NOT NULL,
    collection    BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    cid           {blob} NOT NULL,
    record        TEXT NOT NULL,
    sort_at_us    BIGINT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    purpose       BIGINT,
    PRIMARY KEY (actor_id, collection, rkey)
);
INSERT INTO large_document (actor_id, collection, rkey, cid, record, sort_at_us, indexed_at_us, purpose)
    SELECT actor_id, collection, rkey, cid, record, sort_at_us, indexed_at_us, purpose FROM document;
DROP TABLE document;
ALTER TABLE large_document RENAME TO document;
