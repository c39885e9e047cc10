-- The session of its account in which a browser asked to be told; it ends with that session. None where a program asked.
ALTER TABLE web_push ADD COLUMN session_id TEXT;
CREATE INDEX web_push_by_session ON web_push (session_id);
