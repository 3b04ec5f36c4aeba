-- What a trainer reports besides losses: memory needed, answers measured, and what of a row is learned.

ALTER TABLE run ADD COLUMN memory_plan_json TEXT;
ALTER TABLE metric ADD COLUMN accuracy REAL CHECK (accuracy IS NULL OR accuracy BETWEEN 0 AND 1);

CREATE TABLE run_mask_sample (
  run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  -- Line of the training file, from 1.
  row INTEGER NOT NULL CHECK (row > 0),
  tokens INTEGER NOT NULL,
  tokens_trained INTEGER NOT NULL,
  segments_json TEXT NOT NULL,
  is_cut INTEGER NOT NULL CHECK (is_cut IN (0, 1)),
  PRIMARY KEY (run_id, row)
) STRICT, WITHOUT ROWID;
