-- The queue of runs: what the user decided about it and the order of what waits. Which runs wait is in their own state.
CREATE TABLE run_queue (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  state_json TEXT NOT NULL
) STRICT;
