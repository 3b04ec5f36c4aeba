-- What the app makes in the user's RunPod account. Each step is noted before it is asked for, so that nothing is left there unseen.
CREATE TABLE endpoint_setup (
  id TEXT PRIMARY KEY,
  state_json TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  -- Set when nothing of it is left in the account.
  ended_at_ms INTEGER
) STRICT;
-- What the endpoint's worker has said about itself, and a greeting that is under way.
ALTER TABLE endpoint ADD COLUMN worker_json TEXT;
