-- Lines of a worker's log say which worker wrote them and how it marked them, so that none is kept twice.
ALTER TABLE run_log ADD COLUMN worker_id TEXT;
ALTER TABLE run_log ADD COLUMN worker_mark TEXT;
CREATE INDEX run_log_worker ON run_log (worker_id, id) WHERE worker_id IS NOT NULL;

-- Worker and app write side by side; the log is read in the order of time and narrowed by source and level.
CREATE INDEX run_log_time ON run_log (run_id, at_ms, id, source, level);
DROP INDEX run_log_run;
