#!/usr/bin/env python3
"""Training and its numbers against the libraries their users trust.

    training_test.py TRAINING_PROBE [PART]...

On the training tables of a crop mask where GEOLOOM_TEST_DATA holds them, on made-up rows otherwise: forests against
scikit-learn's quality, boosting against what the Python packages train from the same rows and parameters, linear
models and all scores against scikit-learn, the area of applicability against its formulas in NumPy.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VENV_PYTHON = ROOT / ".setup" / "venv" / "bin" / "python"
try:
    import numpy as np
    import sklearn  # noqa: F401
except ImportError:
    if VENV_PYTHON.exists() and pathlib.Path(sys.executable) != VENV_PYTHON and not os.environ.get("IN_VENV"):
        sys.exit(subprocess.run([str(VENV_PYTHON), *sys.argv], env={**os.environ, "IN_VENV": "1"}, check=False).returncode)
    print("SKIPPED: the Python packages numpy and scikit-learn are not installed")
    sys.exit(77)
from sklearn import ensemble, linear_model, metrics, model_selection, pipeline, preprocessing  # noqa: E402

passed, failures, left_out = 0, [], []
# The production parameters of the published maps.
REGIONS = [("eastern", 500, "entropy", "sqrt"), ("western", 400, "gini", "log2"),
           ("southern", 250, "entropy", "all"), ("indian_ocean", 200, "entropy", "sqrt")]


def expect(holds, what):
    global passed
    if holds:
        passed += 1
    else:
        failures.append(what)


def near(a, b, tolerance, what):
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        return expect(False, f"{what}: shapes {a.shape} and {b.shape}")
    off = np.abs(a - b)
    off = off[np.isfinite(off)]
    same_gaps = np.array_equal(np.isnan(a), np.isnan(b))
    return expect(same_gaps and (off.size == 0 or off.max() <= tolerance),
                  f"{what}: off by {off.max() if off.size else 'gaps'}, {tolerance} allowed")


class Probe:
    def __init__(self, program, folder, environment):
        self.program, self.folder, self.environment = program, pathlib.Path(folder), environment

    def ask(self, features, answers, classes=0, arrays=None, **rest):
        request = {"columns": features.shape[1], "write": str(self.folder / "out"), **rest}
        files = {"features": features.astype(np.float32), **(arrays or {})}
        if classes:
            files["classes"] = np.asarray(answers, np.int32)
            request["class_count"] = classes
        else:
            files["targets"] = np.asarray(answers, np.float64)
        for name, array in files.items():
            path = self.folder / name
            np.ascontiguousarray(array).tofile(path)
            request[name] = str(path)
        done = subprocess.run([self.program], input=json.dumps(request), capture_output=True, text=True, check=False,
                              env=self.environment)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return json.loads(done.stdout)

    def written(self, what, dtype=np.float64, columns=1):
        array = np.fromfile(self.folder / f"out.{what}", dtype)
        return array.reshape(-1, columns) if columns > 1 else array


def table(region):
    """Features and classes of a region, or made-up ones that are as hard."""
    data = os.environ.get("GEOLOOM_TEST_DATA")
    path = pathlib.Path(data or "/nowhere") / "crop-mask" / f"{region}_training.txt"
    if path.exists():
        rows = np.loadtxt(path)
        return rows[:, 1:].astype(np.float32), rows[:, 0].astype(int)
    random = np.random.default_rng(len(region))
    classes = random.integers(0, 2, 1500)
    features = random.normal(size=(1500, 12))
    features[:, :4] += 0.6 * classes[:, None]
    features[:, 4:8] += features[:, :4]
    return features.astype(np.float32), classes


def folds_of(classes):
    folds = np.zeros(len(classes), np.int32)
    for number, (_, tested) in enumerate(model_selection.KFold(7, shuffle=True, random_state=0).split(classes)):
        folds[tested] = number
    return folds


def four_scores(truth, probability):
    called = (probability > 0.5).astype(int)
    return [metrics.accuracy_score(truth, called), metrics.balanced_accuracy_score(truth, called),
            metrics.f1_score(truth, called), metrics.roc_auc_score(truth, probability)]


def forests(probe):
    for region, trees, criterion, features in REGIONS:
        x, y = table(region)
        folds = folds_of(y)
        for name, kind in (("random_forest", ensemble.RandomForestClassifier),
                           ("extra_trees", ensemble.ExtraTreesClassifier)):
            trees_here = trees if name == "random_forest" else 100
            # A hundred extra trees of one seed and of another differ by as much as is allowed here.
            seeds = (1,) if name == "random_forest" else (1, 2, 3, 4)
            ours, wanted = [], []

            def theirs(seed):
                return kind(trees_here, criterion=criterion, max_features=None if features == "all" else features,
                            random_state=seed, oob_score=name == "random_forest", n_jobs=-1)
            for seed in seeds:
                parameters = {"n_estimators": trees_here, "criterion": criterion, "max_features": features, "seed": seed}
                answer = probe.ask(x, y, 2, {"folds": folds}, algorithm=name, parameters=parameters)
                ours.append(four_scores(y, probe.written("folds.f64", columns=2)[:, 1]))
                probability = np.zeros(len(y))
                for fold in range(7):
                    fitted = theirs(seed).fit(x[folds != fold], y[folds != fold])
                    probability[folds == fold] = fitted.predict_proba(x[folds == fold])[:, 1]
                wanted.append(four_scores(y, probability))
            for what, a, b in zip(("OA", "BA", "F1", "AUC"), np.mean(ours, axis=0), np.mean(wanted, axis=0)):
                near(a, b, 0.01, f"{name} {region} {what} {a:.4f} {b:.4f}")
            if name == "random_forest":
                near(answer["out_of_bag"]["overall_accuracy"], theirs(1).fit(x, y).oob_score_, 0.01, f"{region} OOB")


def regression_forest(probe):
    x, _ = table("western")
    target, x = x[:, 13].astype(float), np.delete(x, 13, axis=1)
    train = np.arange(len(x)) % 4 > 0
    probe.ask(x[train], target[train], arrays={"test_features": x[~train]}, algorithm="random_forest",
              parameters={"n_estimators": 100})
    ours = metrics.r2_score(target[~train], probe.written("test.f64"))
    model = ensemble.RandomForestRegressor(100, random_state=1, n_jobs=-1).fit(x[train], target[train])
    near(ours, model.score(x[~train], target[~train]), 0.01, "R2 of a forest for quantities")


def three_classes(x, y):
    return y + (y == 1) * (x[:, 3] > np.median(x[y == 1, 3]))


def boosting_with_lightgbm(probe):
    try:
        import lightgbm
    except ImportError:
        left_out.append("lightgbm is not installed")
        return
    x, y = table("eastern")
    train = np.arange(len(x)) % 4 > 0
    # As the eo-grow example has them, and further ones that its users set.
    example = {"learning_rate": 0.1, "n_estimators": 60, "min_child_samples": 30, "num_leaves": 50, "max_depth": 15,
               "random_state": 42, "n_jobs": 1, "subsample": 0.8, "subsample_freq": 2, "colsample_bytree": 0.7,
               "reg_alpha": 0.1, "reg_lambda": 0.2, "min_split_gain": 0.001}
    fixed = {"deterministic": True, "force_col_wise": True, "verbosity": -1}
    three = three_classes(x, y)
    target = x[:, 13].astype(float)
    without = np.delete(x, 13, axis=1)
    cases = [("defaults", lightgbm.LGBMClassifier, x, y, 2, {}), ("example", lightgbm.LGBMClassifier, x, y, 2, example),
             ("balanced", lightgbm.LGBMClassifier, x, y, 2, {"class_weight": "balanced", "n_estimators": 30}),
             ("three classes", lightgbm.LGBMClassifier, x, three, 3, {"n_estimators": 40, "class_weight": {"0": 2}}),
             ("quantity", lightgbm.LGBMRegressor, without, target, 0, example),
             ("median", lightgbm.LGBMRegressor, without, target, 0, {"objective": "quantile", "alpha": 0.5})]
    for what, kind, features, answers, classes, parameters in cases:
        probe.ask(features[train], answers[train], classes, {"test_features": features[~train]}, algorithm="lightgbm",
                  parameters=parameters)
        ours = probe.written("test.f64", columns=max(classes, 1))
        theirs = dict(parameters)
        if isinstance(theirs.get("class_weight"), dict):
            theirs["class_weight"] = {int(c): w for c, w in theirs["class_weight"].items()}
        model = kind(**{"n_jobs": 1, **theirs}, **fixed).fit(features[train], answers[train])
        expected = model.predict_proba(features[~train]) if classes else model.predict(features[~train])
        near(ours, expected, 0, f"LightGBM, {what}")
        if what == "example":
            loaded = lightgbm.Booster(model_file=str(probe.folder / "out.model"))
            near(loaded.predict(features[~train]), ours[:, 1], 0, "LightGBM reads our file")
    stopping(probe, lightgbm, x, y, fixed)


def stopping(probe, lightgbm, x, y, fixed):
    parameters = {"n_estimators": 400, "learning_rate": 0.2, "metric": ["binary_logloss", "auc"]}
    answer = probe.ask(x, y, 2, {"test_features": x}, algorithm="lightgbm", held_out=800,
                       parameters={**parameters, "early_stopping_rounds": 7})
    model = lightgbm.LGBMClassifier(n_jobs=1, **parameters, **fixed)
    model.fit(x[:-800], y[:-800], eval_set=[(x[-800:], y[-800:])], callbacks=[lightgbm.early_stopping(7, verbose=False)])
    expect(answer["iterations"] == model.best_iteration_, f"stops after {answer['iterations']}, not {model.best_iteration_}")
    near(probe.written("test.f64", columns=2), model.predict_proba(x), 0, "LightGBM, stopped early")
    near(answer["series"]["held_out/auc"], model.evals_result_["valid_0"]["auc"], 0, "LightGBM, metrics of iterations")


def boosting_with_xgboost(probe):
    try:
        import xgboost
    except ImportError:
        left_out.append("xgboost is not installed")
        return
    x, y = table("eastern")
    train = np.arange(len(x)) % 4 > 0
    three = three_classes(x, y)
    target = x[:, 13].astype(float)
    without = np.delete(x, 13, axis=1)
    some = {"n_estimators": 40, "learning_rate": 0.2, "max_depth": 5, "subsample": 0.8, "colsample_bytree": 0.7,
            "reg_lambda": 2, "random_state": 3}
    for what, kind, features, answers, classes, parameters in [
            ("defaults", xgboost.XGBClassifier, x, y, 2, {}), ("parameters", xgboost.XGBClassifier, x, y, 2, some),
            ("three classes", xgboost.XGBClassifier, x, three, 3, {"n_estimators": 20}),
            ("quantity", xgboost.XGBRegressor, without, target, 0, some)]:
        probe.ask(features[train], answers[train], classes, {"test_features": features[~train]}, algorithm="xgboost",
                  parameters=parameters)
        ours = probe.written("test.f64", columns=max(classes, 1))
        model = kind(n_jobs=1, **parameters).fit(features[train], answers[train])
        expected = model.predict_proba(features[~train]) if classes else model.predict(features[~train])
        near(ours[:, 1:] if classes == 2 else ours, expected[:, 1:] if classes == 2 else expected, 0, f"XGBoost, {what}")
        if what == "parameters":
            path = probe.folder / "model.ubj"
            path.write_bytes((probe.folder / "out.model").read_bytes())
            loaded = xgboost.Booster(model_file=str(path))
            near(loaded.inplace_predict(features[~train]), ours[:, 1], 0, "XGBoost reads our file")
    shares = [0.05, 0.5, 0.95]
    answer = probe.ask(without, target, 0, {"test_features": without, "folds": np.arange(len(x), dtype=np.int32) % 4}, algorithm="xgboost",
                       parameters=some, quantiles=shares)
    ours = probe.written("test.f64", columns=3)
    model = xgboost.XGBRegressor(n_jobs=1, objective="reg:quantileerror", quantile_alpha=np.array(shares), **some).fit(without, target)
    near(ours, model.predict(without), 0, "XGBoost, quantiles")
    tested = probe.written("folds.f64", columns=3)
    judged = answer["cross_validation"]
    near(judged["pinball_losses"], [metrics.mean_pinball_loss(target, tested[:, i], alpha=share) for i, share in enumerate(shares)], 1e-9, "pinball losses")
    near(judged["rmse"], np.sqrt(metrics.mean_squared_error(target, tested[:, 1])), 1e-9, "RMSE of the median")
    inside = np.mean((target >= tested[:, 0]) & (target <= tested[:, 2]))
    near(judged["interval_coverage"], inside, 1e-12, "coverage of the interval")
    expect(0.75 < inside < 0.98, f"an interval of 90 % holds {inside:.2f} of the rows that it was not trained on")
    answer = probe.ask(x, y, 2, {"test_features": x}, algorithm="xgboost", held_out=800,
                       parameters={"n_estimators": 400, "early_stopping_rounds": 5, "eval_metric": ["logloss", "auc"]})
    model = xgboost.XGBClassifier(n_jobs=1, n_estimators=400, early_stopping_rounds=5, eval_metric=["logloss", "auc"])
    model.fit(x[:-800], y[:-800], eval_set=[(x[-800:], y[-800:])], verbose=False)
    expect(answer["iterations"] == model.best_iteration + 1, "XGBoost stops when it should")
    near(probe.written("test.f64", columns=2)[:, 1], model.predict_proba(x)[:, 1], 0, "XGBoost, stopped early")


def linear_models(probe):
    x, y = table("western")
    for what, answers, classes in (("two", y, 2), ("three", three_classes(x, y), 3)):
        for strength, weight in ((1.0, None), (0.05, "balanced")):
            probe.ask(x, answers, classes, {"test_features": x}, algorithm="logistic",
                      parameters={"C": strength, "class_weight": weight})
            model = pipeline.make_pipeline(
                preprocessing.StandardScaler(),
                linear_model.LogisticRegression(C=strength, class_weight=weight, tol=1e-9, max_iter=20000))
            expected = model.fit(x.astype(float), answers).predict_proba(x.astype(float))
            near(probe.written("test.f64", columns=classes), expected, 1e-4, f"logistic, {what} classes, C {strength}")
    target, features = x[:, 13].astype(float), np.delete(x, 13, axis=1)
    for alpha in (0, 1, 30):
        probe.ask(features, target, 0, {"test_features": features}, algorithm="linear", parameters={"alpha": alpha})
        model = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge(alpha=alpha))
        expected = model.fit(features.astype(float), target).predict(features.astype(float))
        near(probe.written("test.f64"), expected, 1e-4, f"linear, alpha {alpha}")


def scores(probe):
    from sklearn.calibration import calibration_curve
    random = np.random.default_rng(4)
    x, y = table("southern")
    for classes, truth in ((2, y), (3, three_classes(x, y))):
        for weights in (None, random.uniform(0.1, 3, len(truth))):
            odds = random.normal(size=(len(truth), classes))
            odds[np.arange(len(truth)), truth] += 1
            p = np.exp(odds) / np.exp(odds).sum(1, keepdims=True)
            p = np.round(p, 2)  # ties
            p[:, -1] = 1 - p[:, :-1].sum(1)
            p = np.clip(p, 0, 1)
            p /= p.sum(1, keepdims=True)
            arrays = {"score": p} | ({} if weights is None else {"weights": weights})
            ours = probe.ask(x, truth, classes, arrays)
            called = p.argmax(1)
            w = {"sample_weight": weights}
            tell = f"{classes} classes{'' if weights is None else ', weighted'}"
            near(ours["confusion"], metrics.confusion_matrix(truth, called, **w).ravel(), 1e-9, f"confusion, {tell}")
            for name, expected in (
                    ("overall_accuracy", metrics.accuracy_score(truth, called, **w)),
                    ("balanced_accuracy", metrics.balanced_accuracy_score(truth, called, **w)),
                    ("kappa", metrics.cohen_kappa_score(truth, called, **w)),
                    ("log_loss", metrics.log_loss(truth, p, **w))):
                near(ours[name], expected, 1e-12, f"{name}, {tell}")
            for average in ("macro", "weighted"):
                expected = metrics.precision_recall_fscore_support(truth, called, average=average, **w)
                near(ours[average][:3], expected[:3], 1e-12, f"{average}, {tell}")
            near(ours["classes"], np.array(metrics.precision_recall_fscore_support(truth, called, **w)).T, 1e-8,
                 f"per class, {tell}")
            if classes == 2:
                near(ours["brier"], metrics.brier_score_loss(truth, p[:, 1], **w), 1e-12, f"Brier, {tell}")
                near(ours["auc"], metrics.roc_auc_score(truth, p[:, 1], **w), 1e-12, f"AUC, {tell}")
            else:
                each = [metrics.roc_auc_score(truth == c, p[:, c], **w) for c in range(classes)]
                near(ours["auc"], np.mean(each), 1e-12, f"AUC, {tell}")
            for c in range(classes):
                mine = ours["ranking"][c]
                near(mine["average_precision"], metrics.average_precision_score(truth == c, p[:, c], **w), 1e-12,
                     f"average precision, {tell}")
                x_axis, y_axis, thresholds = metrics.roc_curve(truth == c, p[:, c], **w)
                near(np.interp(x_axis, mine["roc"]["x"], mine["roc"]["y"]).mean(), y_axis.mean(), 0.02, f"ROC, {tell}")
                near(mine["roc"]["x"][-1], 1, 0, "ROC ends")
                if weights is None:
                    near(mine["roc"]["x"], x_axis, 1e-12, f"ROC x, {tell}")
                    near(mine["roc"]["y"], y_axis, 1e-12, f"ROC y, {tell}")
                    observed, predicted = calibration_curve(truth == c, p[:, c], n_bins=10)
                    near(mine["calibration"], np.stack([predicted, observed], 1), 1e-12, f"calibration, {tell}")
                precision, recall, _ = metrics.precision_recall_curve(truth == c, p[:, c], **w)
                near(mine["precision_recall"]["x"], recall, 1e-12, f"recall, {tell}")
                near(mine["precision_recall"]["y"], precision, 1e-12, f"precision, {tell}")
    target = x[:, 13].astype(float)
    for weights in (None, random.uniform(0.1, 3, len(target))):
        guess = target + random.normal(size=len(target))
        arrays = {"score": guess} | ({} if weights is None else {"weights": weights})
        ours, w = probe.ask(x, target, 0, arrays), {"sample_weight": weights}
        near([ours["mse"], ours["mae"], ours["r2"], ours["rmse"]],
             [metrics.mean_squared_error(target, guess, **w), metrics.mean_absolute_error(target, guess, **w),
              metrics.r2_score(target, guess, **w), metrics.root_mean_squared_error(target, guess, **w)], 1e-12,
             "scores of quantities")


def applicability(probe):
    x, y = table("indian_ocean")
    x = x[:600]
    importance = np.linspace(-0.1, 1, x.shape[1])
    folds = (np.arange(600) // 100).astype(np.int32)
    test = x[::7] * 1.1
    answer = probe.ask(x, y[:600], 2, {"folds": folds, "test_features": test}, algorithm="logistic",
                       importance=importance.tolist())
    mean, sd = x.astype(float).mean(0), x.astype(float).std(0, ddof=1)
    space = ((x - mean) / sd * np.maximum(importance, 0)).astype(np.float32).astype(float)
    distance = np.sqrt(((space[:, None] - space[None]) ** 2).sum(-1))
    mean_distance = distance.sum() / (600 * 599)
    near(answer["applicability"]["mean_distance"], mean_distance, 1e-6, "mean distance")
    other = np.where(folds[:, None] == folds[None], np.inf, distance)
    training = other.min(1) / mean_distance
    near(np.sort(answer["applicability"]["training"]), np.sort(training), 1e-5, "DI of training rows")
    upper, lower = np.quantile(training, 0.75), np.quantile(training, 0.25)
    near(answer["applicability"]["threshold"], training[training <= upper + 1.5 * (upper - lower)].max(), 1e-5, "threshold")
    pixels = (test.astype(np.float32) - mean) / sd * np.maximum(importance, 0)
    nearest = np.sqrt(((pixels[:, None] - space[None]) ** 2).sum(-1)).min(1) / mean_distance
    near(probe.written("di.f32", np.float32), nearest, 1e-4, "DI of pixels")


def library_paths():
    """Where the Python packages have their libraries, for a program that is not Python."""
    paths = {}
    for package, variable, file in (("lightgbm", "GEOLOOM_LIGHTGBM", "lib_lightgbm.so"),
                                    ("xgboost", "GEOLOOM_XGBOOST", "libxgboost.so")):
        try:
            module = __import__(package)
        except ImportError:
            continue
        found = list(pathlib.Path(module.__file__).parent.rglob(file))
        if found:
            paths[variable] = str(found[0])
    return paths


def main():
    only = sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        probe = Probe(sys.argv[1], folder, {**os.environ, **library_paths()})
        for part in (scores, linear_models, applicability, boosting_with_lightgbm, boosting_with_xgboost,
                     regression_forest, forests):
            if only and part.__name__ not in only:
                continue
            try:
                part(probe)
            except Exception as error:  # one part that fails hides no other
                failures.append(f"{part.__name__}: {type(error).__name__}: {error}")
    for failure in failures:
        print("FAILED:", failure)
    for reason in left_out:
        print("not judged:", reason)
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
