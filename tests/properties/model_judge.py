#!/usr/bin/env python3
"""Trains models with LightGBM, XGBoost and scikit-learn, lets them predict, and holds our reading of their files against it.

    model_judge.py PREDICT_MODEL FOLDER        prints one line per model, exit code 1 when one differs

Sums must be the libraries' own, bit for bit where they sum in float32 or double tree after tree; probabilities within 1e-6; classes equal. Rows hold
NaN, infinities and zeros of both signs, as many values that are thresholds, and categories.
"""
import pathlib
import subprocess
import sys

import lightgbm
import numpy
import onnxruntime
import skl2onnx
import sklearn
import sklearn.ensemble
import xgboost

ROWS, FEATURES = 3000, 8


def samples(seed, special):
    random = numpy.random.default_rng(seed)
    rows = random.standard_normal((ROWS, FEATURES)).astype("float32")
    rows[:, 1] = numpy.round(rows[:, 1], 1)
    rows[:, 2] = random.integers(0, 40, ROWS)
    rows[random.random(rows.shape) < 0.05] = 0
    if special:
        rows[random.random(rows.shape) < 0.05] = numpy.nan
    return rows


def answers(rows):
    clean = numpy.nan_to_num(rows)
    score = clean[:, 0] + clean[:, 1] * clean[:, 3] + (clean[:, 2] % 3 == 1) - 0.3 * clean[:, 4]
    return score, numpy.digitize(score, numpy.quantile(score, [0.3, 0.6, 0.8]))


class Judge:
    def __init__(self, program, folder):
        self.program, self.folder, self.failures = program, pathlib.Path(folder), 0

    def predict(self, model, rows):
        names = [str(self.folder / name) for name in ("rows.bin", "results.bin", "sums.bin", "classes.bin")]
        rows.tofile(names[0])
        told = subprocess.run([self.program, str(model), names[0], str(rows.shape[1]), *names[1:]], capture_output=True, text=True)
        if told.returncode != 0:
            raise ValueError(told.stderr.strip())
        results = numpy.fromfile(names[1], "float32").reshape(len(rows), -1)
        sums = numpy.fromfile(names[2], "float64").reshape(len(rows), -1)
        return results, sums, numpy.fromfile(names[3], "uint16")

    def compare(self, name, model, rows, sums=None, results=None, classes=None, within=1e-6):
        try:
            our_results, our_sums, our_classes = self.predict(model, rows)
        except ValueError as refused:
            return self.tell(name, str(refused))
        faults = []
        if sums is not None and not numpy.array_equal(our_sums, sums.reshape(our_sums.shape).astype("float64")):
            faults.append(f"sums differ by {numpy.abs(our_sums - sums.reshape(our_sums.shape)).max():.3g}")
        if results is not None:
            away = numpy.abs(our_results - results.reshape(our_results.shape))
            if not (away <= within * numpy.maximum(1, numpy.abs(our_results))).all():
                faults.append(f"results differ by {away.max():.3g}")
        if classes is not None and (our_classes != classes).any():
            faults.append(f"{(our_classes != classes).sum()} classes differ")
        self.tell(name, ", ".join(faults))

    def tell(self, name, fault):
        self.failures += bool(fault)
        print(f"{name}: {fault or 'agrees'}")


def both(probability):
    return numpy.stack([1 - probability, probability], 1) if probability.ndim == 1 else probability


def lightgbm_models(judge, train, test):
    score, classes = answers(train)
    runs = [("regression", {}, score), ("binary", {}, classes > 1), ("binary", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, classes > 1),
            ("binary", {"sigmoid": 0.7}, classes > 1), ("multiclass", {"num_class": 4}, classes), ("multiclassova", {"num_class": 4}, classes),
            ("regression_l1", {}, score), ("poisson", {}, numpy.exp(score / 3)), ("regression", {"reg_sqrt": True}, score), ("quantile", {"alpha": 0.9}, score),
            ("cross_entropy", {}, 1 / (1 + numpy.exp(-score))), ("cross_entropy_lambda", {}, 1 / (1 + numpy.exp(-score))),
            ("regression", {"zero_as_missing": True}, score), ("regression", {"use_missing": False}, score), ("multiclass", {"num_class": 4, "categorical_feature": [2]}, classes),
            ("regression", {"boosting": "dart"}, score), ("regression", {"num_leaves": 2}, score), ("regression", {"min_data_in_leaf": ROWS}, score)]
    for objective, more, label in runs:
        parameters = {"objective": objective, "num_leaves": 31, "num_threads": 1, "verbosity": -1, "min_data_in_leaf": 5, **more}
        categories = parameters.pop("categorical_feature", "auto")
        booster = lightgbm.train(parameters, lightgbm.Dataset(train, label, categorical_feature=categories), 25)
        path = judge.folder / "model.txt"
        booster.save_model(path)
        results = booster.predict(test)
        classifies = objective in ("binary", "multiclass", "multiclassova")
        winners = both(results).argmax(1) if classifies else None
        # Its raw scores of forests are no means yet.
        sums = booster.predict(test, raw_score=True) / (25 if more.get("boosting") == "rf" else 1)
        judge.compare(f"LightGBM {objective} {more}", path, test, sums, both(results) if classifies else results, winners)


def xgboost_models(judge, train, test):
    score, classes = answers(train)
    common = {"nthread": 1, "max_depth": 6, "eta": 0.3}
    runs = [("reg:squarederror", {}, score), ("binary:logistic", {}, classes > 1), ("binary:logistic", {"base_score": 0.2, "grow_policy": "lossguide", "max_leaves": 40}, classes > 1),
            ("multi:softprob", {"num_class": 4}, classes), ("multi:softprob", {"num_class": 4, "num_parallel_tree": 3, "subsample": 0.5}, classes),
            ("count:poisson", {}, numpy.exp(score / 3)), ("reg:gamma", {}, numpy.exp(score / 3)), ("reg:tweedie", {}, numpy.exp(score / 3)),
            ("reg:logistic", {}, 1 / (1 + numpy.exp(-score))), ("reg:absoluteerror", {}, score), ("binary:hinge", {}, classes > 1), ("binary:logitraw", {}, classes > 1),
            ("reg:squarederror", {"tree_method": "exact"}, score), ("reg:squarederror", {"tree_method": "exact", "gamma": 3}, score),
            ("multi:softprob", {"num_class": 4, "categorical": True}, classes), ("reg:squarederror", {"two_targets": True}, numpy.stack([score, -score ** 2], 1)),
            ("reg:quantileerror", {"quantile_alpha": [0.1, 0.5, 0.9]}, score)]
    for objective, more, label in runs:
        more = dict(more)
        kinds = ["c" if more.get("categorical") and i == 2 else "float" for i in range(FEATURES)]
        more.pop("two_targets", None)
        clean = train.copy()
        tested = test.copy()
        if more.pop("categorical", False):
            clean[:, 2] = numpy.where(numpy.isnan(clean[:, 2]), numpy.nan, clean[:, 2])
        data = xgboost.DMatrix(clean, label, feature_types=kinds, enable_categorical=True)
        booster = xgboost.train({"objective": objective, **common, **more}, data, 25)
        matrix = xgboost.DMatrix(tested, feature_types=kinds, enable_categorical=True)
        margins, results = booster.predict(matrix, output_margin=True), booster.predict(matrix)
        classifies = objective.startswith(("binary", "multi"))
        winners = None
        if classifies:
            winners = (results > (0 if objective == "binary:logitraw" else 0.5)) if results.ndim == 1 else results.argmax(1)
            results = None if objective == "binary:logitraw" else both(results)
        for ending in ("json", "ubj"):
            path = judge.folder / f"model.{ending}"
            booster.save_model(path)
            judge.compare(f"XGBoost {objective} {more} {ending}", path, tested, margins, results, winners)


def onnx_models(judge, train, test):
    train, test = numpy.nan_to_num(train), numpy.nan_to_num(test)
    score, classes = answers(train)
    ensembles = sklearn.ensemble
    runs = [(ensembles.RandomForestClassifier(40, random_state=0), classes), (ensembles.RandomForestClassifier(40, max_depth=6, random_state=0), classes),
            (ensembles.RandomForestClassifier(40, max_depth=6, random_state=0), classes > 1), (ensembles.ExtraTreesClassifier(40, max_depth=7, random_state=0), classes),
            (ensembles.RandomForestClassifier(40, max_depth=5, random_state=0), numpy.array(["water", "wood", "crop", "town"])[classes]),
            (ensembles.GradientBoostingClassifier(n_estimators=20), classes), (ensembles.GradientBoostingClassifier(n_estimators=20), classes > 1),
            (ensembles.RandomForestRegressor(40, random_state=0), score), (ensembles.ExtraTreesRegressor(40, random_state=0), numpy.stack([score, -score], 1)),
            (ensembles.GradientBoostingRegressor(n_estimators=20), score)]
    for model, label in runs:
        label = label.astype(int) if label.dtype == bool else label
        model.fit(train, label)
        path = judge.folder / "model.onnx"
        options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
        path.write_bytes(skl2onnx.to_onnx(model, train[:1], options=options).SerializeToString())
        # With several threads, the order in which it adds trees depends on their number.
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        outputs = onnxruntime.InferenceSession(path, settings).run(None, {"X": test})
        name = f"ONNX {type(model).__name__} {label.shape} {label.dtype}"
        if hasattr(model, "predict_proba"):
            known = list(model.classes_)
            judge.compare(name, path, test, None, outputs[1], numpy.array([known.index(value) for value in outputs[0]]))
            # scikit-learn's classes as well: ONNX sums in float32, so classes may differ where shares tie.
            shares = numpy.sort(model.predict_proba(test), 1)
            apart = shares[:, -1] - shares[:, -2] > 1e-5
            winners = model.predict_proba(test).argmax(1)
            judge.compare(name + " beside scikit-learn", path, test[apart], None, model.predict_proba(test)[apart], winners[apart])
        else:
            judge.compare(name, path, test, None, outputs[0], within=2e-6)


def main(program, folder):
    judge = Judge(program, folder)
    train, test = samples(1, True), samples(2, True)
    lightgbm_models(judge, train, test)
    xgboost_models(judge, train, test)
    onnx_models(judge, train, test)
    sys.exit(1 if judge.failures else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
