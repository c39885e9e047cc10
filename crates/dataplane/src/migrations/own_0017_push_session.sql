-- By which session of its account a browser said that it is to be told; it ends with that session. None where a program
-- said it, or the browser before this was kept.
ALTER TABLE web_push ADD COLUMN session_id TEXT;
CREATE INDEX web_push_by_session ON web_push (session_id);
