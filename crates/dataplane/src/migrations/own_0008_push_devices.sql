-- Devices to which an account wants its notifications pushed: an app on a platform, and what the
-- platform knows the device by. Whoever pushes reads them here.
CREATE TABLE push_device (
    did            TEXT NOT NULL,
    platform       TEXT NOT NULL,
    app_id         TEXT NOT NULL,
    token          TEXT NOT NULL,
    age_restricted BIGINT NOT NULL,
    updated_at_us  BIGINT NOT NULL,
    PRIMARY KEY (did, platform, app_id, token)
) {without_rowid};
