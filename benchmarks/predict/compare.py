#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains three models of 400 trees once, checks that our predictions are those of the libraries, and measures both.

    compare.py --program PREDICT_MODEL --work FOLDER [--rounds N] [--rows N] [--target NAME]

CPU seconds of one thread, the least of the rounds; in each round every program runs once, in turn.
"""
import argparse
import json
import os
import pathlib
import pickle
import subprocess
import time

import lightgbm
import numpy
import skl2onnx
import sklearn.ensemble
import xgboost

FEATURES, CLASSES, TREES = 20, 6, 400


def samples(rows, seed):
    random = numpy.random.default_rng(seed)
    values = random.standard_normal((rows, FEATURES)).astype("float32")
    weights = numpy.random.default_rng(1).standard_normal((FEATURES, CLASSES))
    score = values @ weights + 1.5 * numpy.sin(2 * values[:, :CLASSES]) + 2.5 * random.standard_normal((rows, CLASSES))
    return values, score.argmax(1)


def alike(rows, likeness):
    """Rows in which each is like the one before, as pixels of an image are."""
    rows = rows.copy()
    for i in range(1, len(rows)):
        rows[i] = likeness * rows[i - 1] + (1 - likeness ** 2) ** 0.5 * rows[i]
    return rows


def train(folder):
    values, label = samples(20000, 2)
    forest = sklearn.ensemble.RandomForestClassifier(TREES, max_depth=15, n_jobs=1, random_state=0).fit(values, label)
    (folder / "forest.pickle").write_bytes(pickle.dumps(forest))
    onnx = skl2onnx.to_onnx(forest, values[:1], options={id(forest): {"zipmap": False}})
    (folder / "forest.onnx").write_bytes(onnx.SerializeToString())
    settings = {"objective": "binary:logistic", "tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 200, "max_depth": 0, "eta": 0.05,
                "nthread": 1, "min_child_weight": 0.01}
    xgboost.train(settings, xgboost.DMatrix(values, label > 2), TREES).save_model(folder / "xgboost.ubj")
    settings = {"objective": "binary", "num_leaves": 200, "learning_rate": 0.05, "num_threads": 1, "verbosity": -1, "min_data_in_leaf": 1}
    lightgbm.train(settings, lightgbm.Dataset(values, label > 2), TREES).save_model(folder / "lightgbm.txt")


class Peers:
    def __init__(self, folder):
        forest = pickle.loads((folder / "forest.pickle").read_bytes())
        forest.n_jobs = 1
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(folder / "xgboost.ubj")
        light = lightgbm.Booster(model_file=folder / "lightgbm.txt")
        self.models = {
            "forest.onnx": ("scikit-learn", forest.predict_proba),
            "xgboost.ubj": ("XGBoost", lambda rows: booster.inplace_predict(rows, predict_type="margin")),
            "lightgbm.txt": ("LightGBM", lambda rows: light.predict(rows, raw_score=True, num_threads=1)),
        }


def measured(body):
    start = time.process_time()
    result = body()
    return time.process_time() - start, result


def ours(arguments, model, rows):
    names = [str(arguments.work / name) for name in ("rows.bin", "results.bin", "sums.bin", "classes.bin")]
    rows.tofile(names[0])
    environment = dict(os.environ, **({"GEOLOOM_CPU_TARGET": arguments.target} if arguments.target else {}))
    done = subprocess.run([arguments.program, str(arguments.work / model), names[0], str(FEATURES), *names[1:]], check=True, capture_output=True,
                          text=True, env=environment)
    told = json.loads(done.stdout)
    results = numpy.fromfile(names[1], "float32").reshape(len(rows), -1)
    return told["ns_per_row"] * 1e-9 * len(rows), results, numpy.fromfile(names[2], "float64"), numpy.fromfile(names[3], "uint16"), told


def check(model, answer, results, sums, classes):
    if model == "forest.onnx":
        assert numpy.abs(results - answer).max() < 1e-6
        apart = numpy.sort(answer, 1)
        clear = apart[:, -1] - apart[:, -2] > 1e-5  # the file holds shares in float32
        assert (classes == answer.argmax(1))[clear].all()
    else:
        assert numpy.array_equal(sums, answer.astype("float64")), model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=50000)
    parser.add_argument("--target")
    arguments = parser.parse_args()
    if not (arguments.work / "lightgbm.txt").exists():
        train(arguments.work)
    peers = Peers(arguments.work)
    incoherent = samples(arguments.rows, 3)[0]
    print("| rows | model | peer | peer, us/row | ours, us/row | ratio |\n|---|---|---|---|---|---|")
    for kind, rows in (("unlike", incoherent), ("alike, 0.99", alike(incoherent, 0.99))):
        for model, (name, predict) in peers.models.items():
            # scikit-learn takes long: a fifth of the rows tells as much.
            some = rows[: len(rows) // 5] if name == "scikit-learn" else rows
            least = {"peer": 1e9, "ours": 1e9}
            for _ in range(arguments.rounds):
                seconds, answer = measured(lambda: predict(some))
                least["peer"] = min(least["peer"], seconds / len(some))
                seconds, results, sums, classes, told = ours(arguments, model, rows)
                least["ours"] = min(least["ours"], seconds / len(rows))
            check(model, answer, results[: len(some)], sums if len(some) == len(rows) else None, classes[: len(some)])
            print(f"| {kind} | {model} | {name} | {least['peer'] * 1e6:.1f} | {least['ours'] * 1e6:.2f} | {least['peer'] / least['ours']:.1f} |", flush=True)
    print(f"\nTarget: {told['target']}")


if __name__ == "__main__":
    main()
