"""Talks to the cloud with RunPod's own Python client and prints what it saw as one line of JSON."""

import json
import sys

import runpod
from runpod.endpoint.runner import Job

base, key, endpoint_id, action = sys.argv[1:5]
runpod.endpoint_url_base = base
runpod.api_key = key
endpoint = runpod.Endpoint(endpoint_id)


def outcome(job: Job) -> dict[str, object]:
    status = job.status()
    return {"id": job.job_id, "status": status, "output": job.output() if status == "COMPLETED" else None}


def main() -> object:
    if action == "run":
        job = endpoint.run({"input": {"hello": "cloud"}})
        output = job.output(timeout=30)
        return {**outcome(job), "output": output}
    if action == "post":
        return outcome(endpoint.run({"input": json.loads(sys.argv[5])}))
    if action == "cancel":
        job = Job(endpoint_id, json.loads(sys.argv[5]), endpoint.rp_client)
        before = job.status()
        return {"before": before, "reply": job.cancel(), "after": job.status()}
    if action == "purge":
        jobs = [endpoint.run({"input": {"n": n}}) for n in range(2)]
        return {"ids": [job.job_id for job in jobs], "reply": endpoint.purge_queue()}
    if action == "health":
        return endpoint.health()
    raise SystemExit(f"unknown action {action}")


try:
    print(json.dumps(main()))
except RuntimeError as error:
    print(json.dumps({"error": str(error)}))
