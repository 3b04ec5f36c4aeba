-- What a run was predicted to take and cost, and what it took; the next prediction learns from both.

CREATE TABLE run_forecast (
  run_id TEXT PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
  endpoint_id TEXT NOT NULL,
  -- The GPU as the app names it; null where nobody told which one it was.
  gpu_class TEXT,
  -- Null when nothing could be predicted.
  basis TEXT CHECK (basis IN ('measured', 'table', 'simple')),
  -- The middle before earlier errors were allowed for.
  raw_ms INTEGER CHECK (raw_ms >= 0),
  low_ms INTEGER,
  high_ms INTEGER,
  low_micro_usd INTEGER,
  high_micro_usd INTEGER,
  actual_ms INTEGER CHECK (actual_ms >= 0),
  actual_micro_usd INTEGER CHECK (actual_micro_usd >= 0),
  -- False for runs that were stopped, failed or were taken up again: what they took says nothing about the next.
  is_comparable INTEGER NOT NULL DEFAULT 0 CHECK (is_comparable IN (0, 1)),
  predicted_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX run_forecast_ended ON run_forecast (basis, ended_at_ms DESC) WHERE is_comparable = 1;
