-- Integer ids of DIDs. Append-only: an id means the same DID for ever, in every domain.
CREATE TABLE actor (
  id BIGINT NOT NULL PRIMARY KEY,
  did TEXT NOT NULL UNIQUE
) {without_rowid};

-- Ids of record keys that are no TID: -1, -2, …
CREATE TABLE record_key (
  id BIGINT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL UNIQUE
) {without_rowid};

-- The last id given. Its row is locked while ids are given, so that they are dense and in order.
CREATE TABLE last_id (
  dictionary TEXT NOT NULL PRIMARY KEY,
  id BIGINT NOT NULL
) {without_rowid};
INSERT INTO last_id (dictionary, id) VALUES ('actor', 0), ('record_key', 0);
