-- Times are integer milliseconds UTC, money is integer micro-dollars, JSON columns are parsed by a schema on read.

CREATE TABLE setting (
  key TEXT PRIMARY KEY,
  value_json TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('local', 'runpod')),
  name TEXT NOT NULL,
  runpod_endpoint_id TEXT,
  last_report_json TEXT,
  created_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER,
  CHECK ((kind = 'runpod') = (runpod_endpoint_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX endpoint_single_local ON endpoint (kind) WHERE kind = 'local';

CREATE TABLE dataset (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  file_name TEXT NOT NULL,
  relative_path TEXT,
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  sha256 TEXT,
  shape TEXT CHECK (shape IN ('messages', 'turns', 'brightrun', 'conversations', 'mixed')),
  status TEXT NOT NULL CHECK (status IN ('importing', 'validating', 'ready', 'error')),
  stats_json TEXT,
  -- Exact number of errors by code; of each code only the first 1,000 are stored as rows.
  error_counts_json TEXT,
  -- The normalised training file made from the valid rows, once a run asked for it.
  frozen_json TEXT,
  accepts_valid_rows_only INTEGER NOT NULL DEFAULT 0 CHECK (accepts_valid_rows_only IN (0, 1)),
  error_message TEXT,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  validated_at_ms INTEGER,
  deleted_at_ms INTEGER
) STRICT;
CREATE INDEX dataset_created ON dataset (created_at_ms DESC) WHERE deleted_at_ms IS NULL;

CREATE TABLE dataset_error (
  id INTEGER PRIMARY KEY,
  dataset_id TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  line INTEGER NOT NULL CHECK (line > 0),
  pointer TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL,
  suggestion TEXT NOT NULL
) STRICT;
CREATE INDEX dataset_error_line ON dataset_error (dataset_id, line, id);

-- Where the usable rows of the stored file are: 0-based number among the usable ones to line and bytes.
CREATE TABLE dataset_row (
  dataset_id TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  row INTEGER NOT NULL,
  line INTEGER NOT NULL,
  offset_bytes INTEGER NOT NULL,
  length_bytes INTEGER NOT NULL,
  PRIMARY KEY (dataset_id, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  dataset_id TEXT NOT NULL REFERENCES dataset (id) ON DELETE RESTRICT,
  endpoint_id TEXT NOT NULL REFERENCES endpoint (id) ON DELETE RESTRICT,
  config_json TEXT NOT NULL,
  -- The reducer's whole state; the columns below repeat what lists filter and sort by.
  state_json TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'initializing', 'running', 'collecting', 'completed', 'failed', 'cancelled')),
  stage TEXT NOT NULL,
  job_id TEXT,
  -- Highest worker event taken in, so that nothing is counted twice or left out.
  event_cursor INTEGER NOT NULL DEFAULT 0,
  head_json TEXT NOT NULL,
  plan_json TEXT,
  last_seen_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  started_at_ms INTEGER,
  ended_at_ms INTEGER,
  deleted_at_ms INTEGER
) STRICT;
CREATE INDEX run_created ON run (created_at_ms DESC) WHERE deleted_at_ms IS NULL;
CREATE INDEX run_active ON run (status) WHERE status IN ('queued', 'initializing', 'running', 'collecting');
CREATE UNIQUE INDEX run_job ON run (endpoint_id, job_id) WHERE job_id IS NOT NULL;

CREATE TABLE run_event (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  seq INTEGER NOT NULL CHECK (seq > 0),
  at_ms INTEGER NOT NULL,
  type TEXT NOT NULL,
  event_json TEXT NOT NULL,
  PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE metric (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('train', 'eval')),
  step INTEGER NOT NULL CHECK (step >= 0),
  epoch REAL NOT NULL,
  loss REAL NOT NULL,
  learning_rate REAL,
  grad_norm REAL,
  tokens_per_s REAL,
  tokens INTEGER,
  step_ms REAL,
  memory_bytes INTEGER,
  attempt INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (run_id, kind, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  is_best INTEGER NOT NULL CHECK (is_best IN (0, 1)),
  bytes INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_sample (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  step INTEGER NOT NULL,
  prompt TEXT NOT NULL,
  text TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (run_id, step, prompt)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  at_ms INTEGER NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error')),
  source TEXT NOT NULL CHECK (source IN ('app', 'worker', 'trainer')),
  message TEXT NOT NULL
) STRICT;
CREATE INDEX run_log_run ON run_log (run_id, id);

CREATE TABLE adapter (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL UNIQUE REFERENCES run (id) ON DELETE RESTRICT,
  name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('collecting', 'verified', 'quarantined', 'missing')),
  relative_path TEXT NOT NULL,
  base_model_id TEXT NOT NULL,
  base_model_revision TEXT,
  size_bytes INTEGER NOT NULL,
  copied_bytes INTEGER NOT NULL DEFAULT 0,
  files_json TEXT NOT NULL,
  health_json TEXT NOT NULL,
  summary_json TEXT NOT NULL,
  -- Dataset and hyperparameters it was made from, kept although the run may be deleted.
  origin_json TEXT NOT NULL,
  stopped_early INTEGER NOT NULL CHECK (stopped_early IN (0, 1)),
  manifest_sha256 TEXT NOT NULL,
  quarantine_reason TEXT,
  verified_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  deleted_at_ms INTEGER
) STRICT;
CREATE INDEX adapter_created ON adapter (created_at_ms DESC) WHERE deleted_at_ms IS NULL;

CREATE TABLE cost_record (
  id TEXT PRIMARY KEY,
  run_id TEXT REFERENCES run (id) ON DELETE SET NULL,
  run_name TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('training_compute')),
  endpoint_kind TEXT NOT NULL CHECK (endpoint_kind IN ('local', 'runpod')),
  amount_micro_usd INTEGER NOT NULL CHECK (amount_micro_usd >= 0),
  duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0),
  detail TEXT NOT NULL,
  recorded_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX cost_record_once ON cost_record (run_id, type) WHERE run_id IS NOT NULL;
CREATE INDEX cost_record_time ON cost_record (recorded_at_ms);

CREATE TABLE notification (
  id TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  priority TEXT NOT NULL CHECK (priority IN ('low', 'medium', 'high')),
  title TEXT NOT NULL,
  message TEXT NOT NULL,
  target_page TEXT NOT NULL,
  target_id TEXT NOT NULL,
  -- One notice per thing that happened, however often it is replayed.
  dedupe_key TEXT NOT NULL UNIQUE,
  is_read INTEGER NOT NULL DEFAULT 0 CHECK (is_read IN (0, 1)),
  created_at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX notification_created ON notification (created_at_ms DESC);
