-- Actors, records and graph. Integer ids and record keys come from the dictionary domain;
-- cid_prefix is the first 8 bytes of a record's digest. Times are microseconds, UTC.

CREATE TABLE actor (
    actor_id      BIGINT NOT NULL PRIMARY KEY,
    handle        TEXT,
    handle_at_us  BIGINT NOT NULL DEFAULT 0,
    active        BIGINT NOT NULL DEFAULT 1,
    status        TEXT,
    status_at_us  BIGINT NOT NULL DEFAULT 0,
    repo_rev      BIGINT NOT NULL DEFAULT -1,
    indexed_at_us BIGINT NOT NULL
) {without_rowid};
CREATE INDEX actor_by_handle ON actor (handle) WHERE handle IS NOT NULL;

CREATE TABLE profile (
    actor_id      BIGINT NOT NULL PRIMARY KEY,
    cid           {blob} NOT NULL,
    record        TEXT NOT NULL,
    indexed_at_us BIGINT NOT NULL
) {without_rowid};

CREATE TABLE post (
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
) {without_rowid};
CREATE INDEX post_by_parent ON post (parent_actor, parent_rkey, sort_at_us, rkey) WHERE parent_actor IS NOT NULL;
CREATE INDEX post_by_quote ON post (quote_actor, quote_rkey) WHERE quote_actor IS NOT NULL;

-- What an account brings to its followers, newest first: its posts, later its reposts.
CREATE TABLE feed_item (
    actor_id   BIGINT NOT NULL,
    sort_at_us BIGINT NOT NULL,
    collection BIGINT NOT NULL,
    rkey       BIGINT NOT NULL,
    post_actor BIGINT NOT NULL,
    post_rkey  BIGINT NOT NULL,
    flags      BIGINT NOT NULL,
    root_actor BIGINT,
    PRIMARY KEY (actor_id, sort_at_us, rkey, collection)
) {without_rowid};

CREATE TABLE "like" (
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
CREATE TABLE like_by_subject (
    subject_actor      BIGINT NOT NULL,
    subject_rkey       BIGINT NOT NULL,
    subject_collection BIGINT NOT NULL,
    actor_id           BIGINT NOT NULL,
    rkey               BIGINT NOT NULL,
    sort_at_us         BIGINT NOT NULL,
    PRIMARY KEY (subject_actor, subject_rkey, subject_collection, actor_id, rkey)
) {without_rowid};

CREATE TABLE follow (
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    subject_actor BIGINT NOT NULL,
    cid_prefix    BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    indexed_at_us BIGINT NOT NULL,
    PRIMARY KEY (actor_id, rkey)
) {without_rowid};
CREATE TABLE follow_by_subject (
    subject_actor BIGINT NOT NULL,
    actor_id      BIGINT NOT NULL,
    rkey          BIGINT NOT NULL,
    sort_at_us    BIGINT NOT NULL,
    PRIMARY KEY (subject_actor, actor_id, rkey)
) {without_rowid};

-- Counters: moved only by rows that were really inserted or removed.
CREATE TABLE actor_count (
    actor_id  BIGINT NOT NULL PRIMARY KEY,
    followers BIGINT NOT NULL DEFAULT 0,
    follows   BIGINT NOT NULL DEFAULT 0,
    posts     BIGINT NOT NULL DEFAULT 0
) {without_rowid};
CREATE TABLE record_count (
    actor_id   BIGINT NOT NULL,
    rkey       BIGINT NOT NULL,
    collection BIGINT NOT NULL,
    likes      BIGINT NOT NULL DEFAULT 0,
    replies    BIGINT NOT NULL DEFAULT 0,
    reposts    BIGINT NOT NULL DEFAULT 0,
    quotes     BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (actor_id, rkey, collection)
) {without_rowid};

-- A recipient is told of a record once per reason.
CREATE TABLE notification (
    actor_id           BIGINT NOT NULL,
    sort_at_us         BIGINT NOT NULL,
    author             BIGINT NOT NULL,
    rkey               BIGINT NOT NULL,
    collection         BIGINT NOT NULL,
    reason             BIGINT NOT NULL,
    subject_actor      BIGINT,
    subject_collection BIGINT,
    subject_rkey       BIGINT,
    cid                {blob} NOT NULL,
    record             TEXT NOT NULL,
    PRIMARY KEY (actor_id, sort_at_us, author, rkey, collection, reason)
) {without_rowid};
-- … and of one record once in all, whatever the reasons.
CREATE UNIQUE INDEX notification_by_record ON notification (author, rkey, collection, actor_id);

-- Of each source the sequence number up to which every event shows in these tables: what its
-- last mark in the log said.
CREATE TABLE source_progress (
    source      TEXT NOT NULL PRIMARY KEY,
    visible_seq BIGINT NOT NULL
) {without_rowid};

-- Accounts of which entries were given up: their repositories have to be fetched again.
CREATE TABLE resync_wanted (
    did          TEXT NOT NULL PRIMARY KEY,
    wanted_at_us BIGINT NOT NULL
) {without_rowid};
