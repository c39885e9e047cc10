-- Who has a handle is asked whenever somebody takes it, or says so.
CREATE INDEX identity_by_handle ON identity_task (handle) WHERE handle IS NOT NULL;
