-- Whether a document that was known when the look was asked for may be used for it.
ALTER TABLE identity_task ADD COLUMN doubted BIGINT NOT NULL DEFAULT 0;
