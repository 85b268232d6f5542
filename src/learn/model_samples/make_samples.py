#!/usr/bin/env python3
"""Small models of each library, and what it predicts with them: the samples of model_formats_test.cpp and seeds of a fuzzer.

    make_samples.py FOLDER        needs lightgbm, xgboost, scikit-learn, skl2onnx, onnxruntime
"""
import json
import pathlib
import sys

import lightgbm
import numpy
import onnxruntime
import skl2onnx
import sklearn.ensemble
import xgboost


def rounded(values):
    return numpy.asarray(values, "float64").tolist()


def main(folder):
    random = numpy.random.default_rng(7)
    rows = random.standard_normal((400, 3)).astype("float32")
    rows[:, 2] = random.integers(0, 9, 400)
    label = numpy.digitize(rows[:, 0] + (rows[:, 2] == 4), [-0.4, 0.5])
    names = ["ndvi", "slope", "soil"]
    test = rows[:12].copy()
    test[3, 0] = test[5, 2] = numpy.nan
    expected = {"rows": [[None if value != value else value for value in row] for row in rounded(test)]}

    booster = lightgbm.train({"objective": "multiclass", "num_class": 3, "num_leaves": 5, "verbosity": -1, "num_threads": 1},
                             lightgbm.Dataset(rows, label, feature_name=names, categorical_feature=[2]), 2)
    booster.save_model(folder / "lightgbm.txt")
    expected["lightgbm.txt"] = {"sums": rounded(booster.predict(test, raw_score=True)), "results": rounded(booster.predict(test))}

    booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 3, "nthread": 1}, xgboost.DMatrix(rows, label, feature_names=names), 2)
    matrix = xgboost.DMatrix(test, feature_names=names)
    for name in ("xgboost.json", "xgboost.ubj"):
        booster.save_model(folder / name)
        expected[name] = {"sums": rounded(booster.predict(matrix, output_margin=True)), "results": rounded(booster.predict(matrix))}

    test = numpy.nan_to_num(test)
    forest = sklearn.ensemble.RandomForestClassifier(4, max_depth=3, random_state=1).fit(rows, label + 10)
    model = skl2onnx.to_onnx(forest, rows[:1], options={id(forest): {"zipmap": False}})
    (folder / "forest.onnx").write_bytes(model.SerializeToString())
    shares = onnxruntime.InferenceSession(folder / "forest.onnx").run(None, {"X": test})[1]
    expected["forest.onnx"] = {"sums": rounded(shares), "results": rounded(shares)}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
