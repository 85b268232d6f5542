#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""121 tasks pushed at once onto 50 single-request instances: what reaches a worker, and what is lost.

    benchmarks/push-load/measure.py [--speed FACTOR] [--repeat N] [--task-seconds S]...      prints a Markdown table

The queue and the platform are pretended (tests/servers says how); the times are those of the real
settings, made shorter by FACTOR. With the default, all takes about two minutes.
"""
import argparse
import base64
import http.client
import json
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tests" / "servers"))
from instance_pool import InstancePool  # noqa: E402
from pubsub_server import PubSubServer  # noqa: E402

TASKS, INSTANCES = 121, 50
# name: (attempts, retry policy); 0 attempts: no dead-letter policy
SETTINGS = {
    "5 attempts, at once (the course's settings)": (5, None),
    "10 attempts, at once": (10, None),
    "100 attempts, at once": (100, None),
    "5 attempts, 10 to 600 s apart": (5, {"minimumBackoff": "10s", "maximumBackoff": "600s"}),
    "10 attempts, 10 to 600 s apart": (10, {"minimumBackoff": "10s", "maximumBackoff": "600s"}),
    "20 attempts, 10 to 600 s apart (recommended)": (20, {"minimumBackoff": "10s", "maximumBackoff": "600s"}),
}


def call(host, method, path, body):
    connection = http.client.HTTPConnection(host)
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status != 200:
        sys.exit(f"{method} {path}: {response.status} {text[:300]}")
    return json.loads(text)


def set_up(host, endpoint, attempts, retry):
    for topic in ("tasks", "dead"):
        call(host, "PUT", f"/v1/projects/p/topics/{topic}", {})
    subscription = {"topic": "projects/p/topics/tasks", "ackDeadlineSeconds": 600,
                    "pushConfig": {"pushEndpoint": endpoint},
                    "deadLetterPolicy": {"deadLetterTopic": "projects/p/topics/dead", "maxDeliveryAttempts": attempts}}
    if retry is not None:
        subscription["retryPolicy"] = retry
    call(host, "PUT", "/v1/projects/p/subscriptions/push", subscription)
    call(host, "PUT", "/v1/projects/p/subscriptions/dead", {"topic": "projects/p/topics/dead"})


def one_run(attempts, retry, task_seconds, speed, seed):
    with InstancePool(INSTANCES, seconds=task_seconds / speed, seed=seed) as pool, \
            PubSubServer(speed=speed, seed=seed, pushers=160) as queue:
        set_up(queue.host, pool.url + "/median", attempts, retry)
        start = time.monotonic()
        call(queue.host, "POST", "/v1/projects/p/topics/tasks:publish",
             {"messages": [{"data": base64.b64encode(b"%d" % n).decode()} for n in range(TASKS)]})
        while queue.states("projects/p/topics/tasks").get("waiting", 0):
            time.sleep(0.02)
        seconds = (time.monotonic() - start) * speed
        told = [m for m in queue.statistics()["messages"].values() if m["topic"] == "projects/p/topics/tasks"]
        return {"lost": sum(m["state"] == "dead" for m in told), "done": sum(m["state"] == "acknowledged" for m in told),
                "refusals": pool.statuses[429], "most_attempts": max(len(m["statuses"]) for m in told), "seconds": seconds}


def middle(runs, key):
    return statistics.median(run[key] for run in runs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", type=float, default=40)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--task-seconds", type=float, nargs="*", default=[20, 60])
    arguments = parser.parse_args()
    print("| a task takes | settings | done | lost | refusals | most attempts | minutes |\n|---|---|---:|---:|---:|---:|---:|")
    for task_seconds in arguments.task_seconds:
        for name, (attempts, retry) in SETTINGS.items():
            runs = [one_run(attempts, retry, task_seconds, arguments.speed, seed) for seed in range(1, arguments.repeat + 1)]
            lost = sorted({run["lost"] for run in runs})
            print(f"| {task_seconds:g} s | {name} | {middle(runs, 'done'):g} | "
                  f"{lost[0] if len(lost) == 1 else f'{lost[0]} to {lost[-1]}'} | {middle(runs, 'refusals'):g} | "
                  f"{max(run['most_attempts'] for run in runs)} | {middle(runs, 'seconds') / 60:.1f} |", flush=True)


if __name__ == "__main__":
    main()
