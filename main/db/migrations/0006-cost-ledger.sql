-- What every run, file job and greeting cost as computed here, in its parts, and what RunPod's bill says beside it.

CREATE TABLE cost_entry (
  id TEXT PRIMARY KEY,
  -- One record per run and per job, however often it is told.
  source_key TEXT NOT NULL UNIQUE,
  run_id TEXT REFERENCES run (id) ON DELETE SET NULL,
  run_name TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('training_compute', 'transfer', 'hello')),
  endpoint_kind TEXT NOT NULL CHECK (endpoint_kind IN ('local', 'runpod')),
  endpoint_id TEXT,
  endpoint_name TEXT NOT NULL DEFAULT '',
  -- Null where the price or the time is not known.
  amount_micro_usd INTEGER CHECK (amount_micro_usd >= 0),
  -- The parts of the amount; null in records of earlier versions and where nothing was computed.
  start_up_micro_usd INTEGER CHECK (start_up_micro_usd >= 0),
  execution_micro_usd INTEGER CHECK (execution_micro_usd >= 0),
  idle_micro_usd INTEGER CHECK (idle_micro_usd >= 0),
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  -- The span that was computed as billed.
  from_ms INTEGER,
  to_ms INTEGER,
  detail TEXT NOT NULL,
  recorded_at_ms INTEGER NOT NULL,
  CHECK ((from_ms IS NULL) = (to_ms IS NULL))
) STRICT;
INSERT INTO cost_entry (id, source_key, run_id, run_name, type, endpoint_kind, endpoint_id, endpoint_name, amount_micro_usd, duration_ms,
    detail, recorded_at_ms)
  SELECT c.id, coalesce('run:' || c.run_id, 'old:' || c.id), c.run_id, c.run_name, c.type, c.endpoint_kind, r.endpoint_id,
    coalesce(e.name, ''), c.amount_micro_usd, c.duration_ms, c.detail, c.recorded_at_ms
  FROM cost_record c LEFT JOIN run r ON r.id = c.run_id LEFT JOIN endpoint e ON e.id = r.endpoint_id;
DROP TABLE cost_record;
ALTER TABLE cost_entry RENAME TO cost_record;
CREATE INDEX cost_record_time ON cost_record (recorded_at_ms);

-- RunPod's bill as it was last read: one line per endpoint or volume and span of time.
CREATE TABLE bill_line (
  subject TEXT NOT NULL CHECK (subject IN ('endpoint', 'volume')),
  remote_id TEXT NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER NOT NULL,
  amount_micro_usd INTEGER NOT NULL,
  read_at_ms INTEGER NOT NULL,
  PRIMARY KEY (subject, remote_id, start_ms),
  CHECK (end_ms > start_ms)
) STRICT, WITHOUT ROWID;

-- When the bill was last asked for, and why it could not be read.
CREATE TABLE bill_check (
  subject TEXT NOT NULL CHECK (subject IN ('endpoint', 'volume')),
  remote_id TEXT NOT NULL,
  name TEXT NOT NULL,
  -- Null until it was read once; the bill is known from here on.
  read_from_ms INTEGER,
  read_at_ms INTEGER,
  tried_at_ms INTEGER NOT NULL,
  problem_code TEXT,
  problem TEXT,
  PRIMARY KEY (subject, remote_id)
) STRICT, WITHOUT ROWID;
