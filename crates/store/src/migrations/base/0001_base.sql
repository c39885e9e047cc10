-- How far each projection has come. Written in the transaction that writes its rows.
CREATE TABLE projection_offset (
  projection TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition BIGINT NOT NULL,
  next_offset BIGINT NOT NULL,
  updated_us BIGINT NOT NULL,
  PRIMARY KEY (projection, topic, partition)
) {without_rowid};

-- Entries that could not be applied, and those that wait behind one of the same key.
CREATE TABLE parked (
  id {identity},
  projection TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition BIGINT NOT NULL,
  log_offset BIGINT NOT NULL,
  appended_us BIGINT NOT NULL,
  barrier_key {blob},          -- later entries of this key park too; NULL: the entry blocks nobody
  reason TEXT NOT NULL,
  error TEXT NOT NULL,
  entry {blob} NOT NULL,
  first_us BIGINT NOT NULL,
  last_us BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  next_us BIGINT,              -- when it is tried again; NULL: when its turn comes, or when asked
  UNIQUE (projection, topic, partition, log_offset)
);
CREATE INDEX parked_by_key ON parked (projection, topic, partition, barrier_key, log_offset);
CREATE INDEX parked_due ON parked (projection, topic, partition, next_us) WHERE next_us IS NOT NULL;

-- What this domain has to say to others; the relay moves it into the log.
CREATE TABLE outbox (
  id {identity},
  topic TEXT NOT NULL,
  key {blob} NOT NULL,
  payload {blob} NOT NULL,
  created_us BIGINT NOT NULL
);

-- Who does what only one may do. `token` grows with each change of hands.
CREATE TABLE lease (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  until_us BIGINT NOT NULL,
  token BIGINT NOT NULL
) {without_rowid};
