-- What RunPod last said about an endpoint: its GPUs, their price, its network volume and how many workers it may start.
ALTER TABLE endpoint ADD COLUMN remote_json TEXT;
-- The network volume that is reached through S3; null where files travel as jobs. Its keys are in the keychain.
ALTER TABLE endpoint ADD COLUMN storage_json TEXT;
