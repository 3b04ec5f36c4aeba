-- The dataset engine keeps its index in files of its own; here stands what cannot be made again.

CREATE TABLE dataset_next (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  file_name TEXT NOT NULL,
  -- Every file it was made of: name, hash, size and the stored copy.
  sources_json TEXT NOT NULL DEFAULT '[]',
  -- The working file, one row per line, and where its lines come from.
  relative_path TEXT,
  places_path TEXT,
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  sha256 TEXT,
  format_json TEXT,
  shape TEXT,
  mapping_json TEXT,
  status TEXT NOT NULL CHECK (status IN ('importing', 'validating', 'ready', 'error')),
  stats_json TEXT,
  tokens_json TEXT,
  split_json TEXT,
  -- How many of the edits are in force.
  version INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
  -- The normalised training file, and the state of the dataset it was made from.
  frozen_json TEXT,
  accepts_valid_rows_only INTEGER NOT NULL DEFAULT 0 CHECK (accepts_valid_rows_only IN (0, 1)),
  error_message TEXT,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  validated_at_ms INTEGER,
  deleted_at_ms INTEGER
) STRICT;

-- Whatever has a stored file is checked once more, which makes its index.
INSERT INTO dataset_next (
  id, name, description, file_name, relative_path, size_bytes, sha256, shape, status, stats_json,
  accepts_valid_rows_only, error_message, created_at_ms, updated_at_ms, validated_at_ms, deleted_at_ms
)
SELECT
  id, name, description, file_name, relative_path, size_bytes, sha256, shape,
  CASE WHEN relative_path IS NULL THEN status ELSE 'validating' END,
  stats_json, accepts_valid_rows_only, error_message, created_at_ms, updated_at_ms, validated_at_ms, deleted_at_ms
FROM dataset;

DROP TABLE dataset_error;
DROP TABLE dataset_row;
DROP TABLE dataset;
ALTER TABLE dataset_next RENAME TO dataset;
CREATE INDEX dataset_created ON dataset (created_at_ms DESC) WHERE deleted_at_ms IS NULL;

CREATE TABLE dataset_edit (
  dataset_id TEXT NOT NULL REFERENCES dataset (id) ON DELETE CASCADE,
  -- 1, 2, 3 … in the order in which they were made.
  number INTEGER NOT NULL CHECK (number > 0),
  title TEXT NOT NULL,
  edit_json TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (dataset_id, number)
) STRICT, WITHOUT ROWID;
