-- Full text. A post's document stands under an id that grows with the post's time, so that the
-- latest matches are read first; an account's stands under its own id.

{full_text:post_text};
CREATE TABLE post_document (
    document_id BIGINT NOT NULL PRIMARY KEY,
    actor_id    BIGINT NOT NULL,
    rkey        BIGINT NOT NULL
) {without_rowid};
CREATE UNIQUE INDEX post_document_by_post ON post_document (actor_id, rkey);

{full_text:actor_text};
