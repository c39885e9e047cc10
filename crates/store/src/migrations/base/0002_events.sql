-- Items of the outbox that are events: their columns have the names of Debezium's outbox. Empty for all others.
ALTER TABLE outbox ADD COLUMN event_id TEXT;
ALTER TABLE outbox ADD COLUMN aggregatetype TEXT;
ALTER TABLE outbox ADD COLUMN aggregateid TEXT;
ALTER TABLE outbox ADD COLUMN type TEXT;
-- As the log keeps them.
ALTER TABLE outbox ADD COLUMN headers {blob};

-- The headers of a parked item, as the log keeps them; empty where there are none.
ALTER TABLE parked ADD COLUMN headers {blob};
