#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""CPU seconds of training, and the quality of what was trained, in one process per fit and in turn.

    compare.py --probe build/release/tests/training_probe [--rounds 3] [--rows 100000]

The tables are those of a published crop mask where GEOLOOM_TEST_DATA holds them, else made-up ones. Each round trains with
every program once; the least of the rounds counts.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FORESTS = [("eastern", 500, "entropy", "sqrt"), ("western", 400, "gini", "log2"), ("southern", 250, "entropy", "all"),
           ("indian_ocean", 200, "entropy", "sqrt")]


def table(region):
    path = pathlib.Path(os.environ.get("GEOLOOM_TEST_DATA", "/nowhere")) / "crop-mask" / f"{region}_training.txt"
    if path.exists():
        rows = np.loadtxt(path)
        return rows[:, 1:].astype(np.float32), rows[:, 0].astype(np.int32)
    return made(4000, 33)


def made(rows, columns):
    random = np.random.default_rng(1)
    classes = random.integers(0, 2, rows).astype(np.int32)
    features = random.normal(size=(rows, columns)).astype(np.float32)
    features[:, :5] += 0.5 * classes[:, None]
    return features, classes


def libraries():
    paths = {}
    for package, variable, file in (("lightgbm", "GEOLOOM_LIGHTGBM", "lib_lightgbm.so"),
                                    ("xgboost", "GEOLOOM_XGBOOST", "libxgboost.so")):
        try:
            folder = pathlib.Path(__import__(package).__file__).parent
        except ImportError:
            continue
        paths[variable] = str(next(folder.rglob(file)))
    return paths


class Ours:
    def __init__(self, probe, folder):
        self.probe, self.folder = probe, pathlib.Path(folder)
        self.environment = {**os.environ, **libraries()}

    def fit(self, x, y, test, algorithm, parameters):
        for name, array in (("x", x), ("y", y), ("t", test)):
            array.tofile(self.folder / name)
        request = {"features": str(self.folder / "x"), "columns": x.shape[1], "classes": str(self.folder / "y"),
                   "class_count": 2, "test_features": str(self.folder / "t"), "algorithm": algorithm,
                   "parameters": parameters, "write": str(self.folder / "out")}
        done = subprocess.run([self.probe], input=json.dumps(request), capture_output=True, text=True, check=True,
                              env=self.environment)
        probability = np.fromfile(self.folder / "out.test.f64").reshape(-1, 2)[:, 1]
        return json.loads(done.stdout)["fit_cpu_seconds"], probability


def theirs(model, x, y, test, told):
    """With `told` the library tells its measure of the training rows after each iteration, which ours always asks it for."""
    start = time.process_time()
    model.fit(x, y, **(told(x, y) if told else {}))
    return time.process_time() - start, model.predict_proba(test)[:, 1]


def compared(rounds, name, ours, peer):
    """Least CPU seconds of both, and AUC and balanced accuracy of both."""
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score
    best = [np.inf, np.inf]
    scores = [None, None]
    for _ in range(rounds):
        for i, run in enumerate((ours, peer)):
            seconds, probability, truth = run()
            best[i] = min(best[i], seconds)
            scores[i] = (roc_auc_score(truth, probability), balanced_accuracy_score(truth, probability > 0.5))
    print(f"| {name} | {best[0]:.2f} | {best[1]:.2f} | {best[1] / best[0]:.1f} | {scores[0][0]:.3f} | {scores[1][0]:.3f} "
          f"| {scores[0][1]:.3f} | {scores[1][1]:.3f} |", flush=True)


def boosting(pair, rows, x, y):
    """Each library as its users call it, and with what ours sets and asks for."""
    available = libraries()
    if "GEOLOOM_LIGHTGBM" in available:
        import lightgbm
        parameters = {"n_estimators": 200, "num_leaves": 50}
        usual = {**parameters, "n_jobs": 1, "verbosity": -1}
        pair(f"lightgbm, {rows} rows x 20, 200 x 50 leaves", x, y, "lightgbm", parameters, lambda: lightgbm.LGBMClassifier(**usual))
        pair("the same, the peer with our settings and measures", x, y, "lightgbm", parameters,
             lambda: lightgbm.LGBMClassifier(**usual, deterministic=True, force_col_wise=True),
             lambda x, y: {"eval_X": x, "eval_y": y, "callbacks": [lightgbm.record_evaluation({})]})
    if "GEOLOOM_XGBOOST" in available:
        import xgboost
        for name, told in ((f"xgboost, {rows} rows x 20, 200 trees", None),
                           ("the same, the peer with our measures", lambda x, y: {"eval_set": [(x, y)], "verbose": False})):
            pair(name, x, y, "xgboost", {"n_estimators": 200}, lambda: xgboost.XGBClassifier(n_estimators=200, n_jobs=1), told)


def main():
    from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--probe", required=True)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--rows", type=int, default=100_000)
    arguments.add_argument("--boosting", action="store_true", help="boosting only")
    options = arguments.parse_args()
    print("| training | ours, CPU s | peer, CPU s | peer / ours | AUC ours | AUC peer | BA ours | BA peer |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        probe = Ours(options.probe, folder)

        def pair(name, x, y, algorithm, parameters, model, told=None):
            train = np.arange(len(x)) % 4 > 0
            data = x[train], y[train], x[~train]
            compared(options.rounds, name, lambda: (*probe.fit(*data, algorithm, parameters), y[~train]),
                     lambda: (*theirs(model(), *data, told), y[~train]))
        for region, trees, criterion, features in [] if options.boosting else FORESTS:
            x, y = table(region)
            for algorithm, kind in (("random_forest", RandomForestClassifier), ("extra_trees", ExtraTreesClassifier)):
                parameters = {"n_estimators": trees, "criterion": criterion, "max_features": features}
                pair(f"{algorithm}, {region}, {trees} trees, {criterion}, {features}", x, y, algorithm, parameters,
                     lambda kind=kind: kind(trees, criterion=criterion, random_state=1,
                                            max_features=None if features == "all" else features))
        x, y = made(options.rows, 20)
        if not options.boosting:
            pair(f"random_forest, {options.rows} rows x 20, 50 trees", x, y, "random_forest", {"n_estimators": 50},
                 lambda: RandomForestClassifier(50, random_state=1))
        boosting(pair, options.rows, x, y)
    return 0


if __name__ == "__main__":
    sys.exit(main())
