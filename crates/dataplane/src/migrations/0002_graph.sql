-- The other kinds of records. Edges keep 8 bytes of their CID and no record bytes, as likes and
-- follows do; records that are shown themselves ("documents") keep their JSON and share a table.

CREATE TABLE repost (
    actor_id           BIGINT NOT NULL,
    rkey               BIGINT NOT NULL,
    subject_actor      BIGINT NOT NULL,
    subject_collection BIGINT NOT NULL,
    subject_rkey       BIGINT NOT NULL,
    cid_prefix         BIGINT NOT NULL,
    created_at_us      BIGINT NOT NULL,
    indexed_at_us      BIGINT NOT NULL,
    PRIMARY KEY (actor_id, rkey)
) {without_rowid};
CREATE TABLE repost_by_subject (
    subject_actor      BIGINT NOT NULL,
    subject_rkey       BIGINT NOT NULL,
    subject_collection BIGINT NOT NULL,
    actor_id           BIGINT NOT NULL,
    rkey               BIGINT NOT NULL,
    sort_at_us         BIGINT NOT NULL,
    PRIMARY KEY (subject_actor, subject_rkey, subject_collection, actor_id, rkey)
) {without_rowid};

CREATE TABLE block (
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    subject_actor BIGINT NOT NULL,
    cid_prefix    BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    PRIMARY KEY (actor_id, rkey)
) {without_rowid};
CREATE TABLE block_by_subject (
    subject_actor BIGINT NOT NULL,
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    sort_at_us    BIGINT NOT NULL,
    PRIMARY KEY (subject_actor, actor_id, rkey)
) {without_rowid};

-- Who is on a list. A list and its items are of one account; others' items do not count.
CREATE TABLE list_item (
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    list_rkey     BIGINT NOT NULL,
    subject_actor BIGINT NOT NULL,
    cid_prefix    BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    PRIMARY KEY (actor_id, rkey)
) {without_rowid};
CREATE TABLE list_item_by_list (
    actor_id      BIGINT NOT NULL,
    list_rkey     BIGINT NOT NULL,
    subject_actor BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    sort_at_us    BIGINT NOT NULL,
    PRIMARY KEY (actor_id, list_rkey, subject_actor, rkey)
) {without_rowid};

-- Lists whose accounts an account blocks.
CREATE TABLE list_block (
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    list_actor    BIGINT NOT NULL,
    list_rkey     BIGINT NOT NULL,
    cid_prefix    BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    PRIMARY KEY (actor_id, rkey)
) {without_rowid};

CREATE TABLE verification (
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    subject_actor BIGINT NOT NULL,
    handle        TEXT NOT NULL,
    display_name  TEXT NOT NULL,
    cid_prefix    BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    PRIMARY KEY (actor_id, rkey)
) {without_rowid};
CREATE TABLE verification_by_subject (
    subject_actor BIGINT NOT NULL,
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    PRIMARY KEY (subject_actor, actor_id, rkey)
) {without_rowid};

-- Documents: list, generator, starter pack, labeler, threadgate, postgate, status, declarations.
-- A gate stands under the key of its post. `purpose` is a list's: 1 moderation, 2 curation,
-- 3 reference, 0 another.
CREATE TABLE document (
    actor_id      BIGINT NOT NULL,
    collection    BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    cid           {blob} NOT NULL,
    record        TEXT NOT NULL,
    sort_at_us    BIGINT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    purpose       BIGINT,
    PRIMARY KEY (actor_id, collection, rkey)
) {without_rowid};

-- The starter pack an account says it came by.
ALTER TABLE profile ADD COLUMN joined_actor BIGINT;
ALTER TABLE profile ADD COLUMN joined_rkey BIGINT;
CREATE INDEX profile_by_starter_pack ON profile (joined_actor, joined_rkey, indexed_at_us)
    WHERE joined_actor IS NOT NULL;

ALTER TABLE actor_count ADD COLUMN lists BIGINT NOT NULL DEFAULT 0;
ALTER TABLE actor_count ADD COLUMN generators BIGINT NOT NULL DEFAULT 0;
ALTER TABLE actor_count ADD COLUMN starter_packs BIGINT NOT NULL DEFAULT 0;
-- Accounts on a list.
ALTER TABLE record_count ADD COLUMN items BIGINT NOT NULL DEFAULT 0;
