# SPDX-License-Identifier: Apache-2.0
"""Reads TensorBoard's event files with TensorBoard's own reader, and prints as JSON what it finds.

    .setup/venv/bin/python read_event_files.py FOLDER

{"run/layer/item": {"tag": [[step, value, wall time], ...]}}
"""
import json
import pathlib
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

found = {}
for path in sorted(pathlib.Path(sys.argv[1]).rglob("events.out.tfevents.*")):
    events = EventAccumulator(str(path.parent))
    events.Reload()
    found[str(path.parent.relative_to(sys.argv[1]))] = {
        tag: [[point.step, point.value, point.wall_time] for point in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
print(json.dumps(found))
