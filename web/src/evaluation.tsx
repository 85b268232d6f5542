// SPDX-License-Identifier: Apache-2.0
// How good a model is: one file that shows what the JSON in it says, without a network.
import "./report.css";
import "./evaluation.css";

import { render } from "preact";

import { Chart } from "./components/chart";
import type { ClassResult, Curve, Evaluation, Numbers, Test } from "./evaluation_data";
import { count, value } from "./quantities";

const NAMES: Record<string, string> = {
  overall_accuracy: "overall accuracy",
  balanced_accuracy: "balanced accuracy",
  kappa: "kappa",
  f1_macro: "F1, mean over classes",
  f1_weighted: "F1, weighted",
  precision_macro: "precision, mean over classes",
  precision_weighted: "precision, weighted",
  recall_macro: "recall, mean over classes",
  recall_weighted: "recall, weighted",
  auc: "area under ROC",
  average_precision: "average precision",
  log_loss: "log loss",
  brier: "Brier score",
  calibration_error: "calibration error",
  r2: "R²",
  rmse: "RMSE",
  mae: "MAE",
  mse: "MSE",
  bias: "bias",
  interval_coverage: "true values within the interval",
};

function shown(number: number | null | undefined): string {
  return number == null ? "–" : Number.isInteger(number) ? value(number) : number.toFixed(Math.abs(number) < 100 ? 4 : 1);
}

/** All tests side by side: the first thing to see is that they differ. */
function Summary({ evaluation }: { evaluation: Evaluation }) {
  const names = Object.keys(evaluation.tests[0]?.scores ?? {});
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="All tests side by side">
      <table>
        <thead>
          <tr>
            <th scope="col">Number</th>
            {evaluation.tests.map((test) => (
              <th scope="col">
                {test.kind} <small>{test.described}</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr>
              <th scope="row">{NAMES[name] ?? name}</th>
              {evaluation.tests.map((test) => (
                <td>{shown(test.scores[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Confusion({ classes, counts }: { classes: ClassResult[]; counts: number[][] }) {
  const shade = (row: number[], cell: number) => {
    const total = row.reduce((sum, each) => sum + each, 0);
    return `rgb(0 114 178 / ${(total > 0 ? (0.55 * cell) / total : 0).toFixed(3)})`;
  };
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Confusion matrix">
      <table class="matrix">
        <thead>
          <tr>
            <th scope="col">true \ predicted</th>
            {classes.map((each) => (
              <th scope="col">{each.name}</th>
            ))}
            <th scope="col">producer's accuracy</th>
            <th scope="col">F1</th>
          </tr>
        </thead>
        <tbody>
          {counts.map((row, i) => (
            <tr>
              <th scope="row">{classes[i].name}</th>
              {row.map((cell) => (
                <td style={{ background: shade(row, cell) }}>{value(cell)}</td>
              ))}
              <td>{shown(classes[i].producers_accuracy)}</td>
              <td>{shown(classes[i].f1)}</td>
            </tr>
          ))}
          <tr>
            <th scope="row">user's accuracy</th>
            {classes.map((each) => (
              <td>{shown(each.users_accuracy)}</td>
            ))}
          </tr>
        </tbody>
      </table>
    </div>
  );
}

function curves(classes: ClassResult[], of: (each: ClassResult) => Curve | undefined) {
  const wanted = classes.length === 2 ? classes.slice(1) : classes;
  return wanted.flatMap((each) => {
    const curve = of(each);
    return curve ? [{ name: each.name, x: curve.x, y: curve.y }] : [];
  });
}

function calibration(each: ClassResult): Curve {
  const bins = each.calibration ?? [];
  return { x: bins.map((bin) => bin.predicted), y: bins.map((bin) => bin.observed) };
}

function ClassPlots({ test }: { test: Test }) {
  const classes = test.classes!;
  return (
    <div class="plots">
      <Chart title="Receiver operating characteristic" xName="false positive rate" yName="recall" even unit
        lines={curves(classes, (each) => each.roc)} />
      <Chart title="Precision and recall" xName="recall" yName="precision" unit
        lines={curves(classes, (each) => each.precision_recall)} />
      <Chart title="Calibration" xName="predicted probability" yName="share that was true" even unit
        lines={curves(classes, calibration)} />
    </div>
  );
}

/** A quantile is right when as many true values lie below it as it says. */
function Quantiles({ quantiles }: { quantiles: NonNullable<Test["quantiles"]> }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Quantiles">
      <table>
        <thead>
          <tr>
            <th scope="col">Quantile</th>
            <th scope="col">true values at or below it</th>
            <th scope="col">pinball loss</th>
          </tr>
        </thead>
        <tbody>
          {quantiles.map((each) => (
            <tr>
              <th scope="row">{value(each.share)}</th>
              <td>{shown(each.observed)}</td>
              <td>{shown(each.pinball_loss)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Folds({ test }: { test: Test }) {
  if (test.folds.length === 0) return null;
  const names = Object.keys(test.folds[0].scores).filter((name) => !/_(macro|weighted)$/.test(name) || name === "f1_macro");
  const tuned = test.folds.some((fold) => fold.parameters);
  return (
    <details>
      <summary>{count(test.folds.length, "fold")}</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Folds">
        <table>
          <thead>
            <tr>
              <th scope="col">Fold</th>
              <th scope="col">Trained on</th>
              <th scope="col">Tested</th>
              {names.map((name) => (
                <th scope="col">{NAMES[name] ?? name}</th>
              ))}
              {tuned && <th scope="col">Chosen parameters</th>}
            </tr>
          </thead>
          <tbody>
            {test.folds.map((fold) => (
              <tr>
                <th scope="row">{fold.fold}</th>
                <td>{count(fold.trained)}</td>
                <td>{count(fold.tested)}</td>
                {names.map((name) => (
                  <td>{shown(fold.scores[name])}</td>
                ))}
                {tuned && <td class="wide">{JSON.stringify(fold.parameters ?? {})}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function TestSection({ test, evaluation }: { test: Test; evaluation: Evaluation }) {
  const { scatter, classes, confusion, quantiles } = test;
  return (
    <section>
      <h2>{test.kind}</h2>
      <p class="meaning">{test.meaning}</p>
      <p>
        {count(test.rows, "row")} tested{test.described && `; ${test.described}`}
      </p>
      {classes && confusion && <Confusion classes={classes} counts={confusion.counts} />}
      {classes && <ClassPlots test={test} />}
      {quantiles && <Quantiles quantiles={quantiles} />}
      {scatter && (
        <div class="plots">
          <Chart title="Predicted over true" xName="true" yName="predicted" even
            lines={[{ name: "rows", x: scatter.truth, y: scatter.predicted, points: true }]} />
        </div>
      )}
      <Folds test={test} />
      {test.importance && (
        <Importance title={`What ${evaluation.measure} loses when a feature is shuffled`} features={evaluation.features}
          values={test.importance.lost} deviations={test.importance.deviation} />
      )}
    </section>
  );
}

interface ImportanceProperties {
  title: string;
  features: string[];
  values: Numbers;
  deviations?: Numbers;
}

function Importance({ title, features, values, deviations }: ImportanceProperties) {
  const most = Math.max(...values.map((each) => each ?? 0), 1e-300);
  const order = features.map((_, i) => i).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  return (
    <details open={features.length <= 40}>
      <summary>{title}</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table>
          <tbody>
            {order.map((i) => (
              <tr>
                <th scope="row">{features[i]}</th>
                <td>
                  {shown(values[i])}
                  {deviations && <small> ± {shown(deviations[i])}</small>}
                </td>
                <td class="wide">
                  <span class="share" style={{ width: `${(100 * Math.max(0, values[i] ?? 0)) / most}%` }} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Training({ evaluation }: { evaluation: Evaluation }) {
  const groups = new Map<string, { name: string; x: Numbers; y: Numbers }[]>();
  for (const [name, values] of Object.entries(evaluation.series)) {
    const [part, ...metric] = name.split("/");
    const lines = groups.get(metric.join("/")) ?? [];
    lines.push({ name: part.replaceAll("_", " "), x: values.map((_, i) => i + 1), y: values });
    groups.set(metric.join("/"), lines);
  }
  const curve = evaluation.learning_curve;
  const area = evaluation.applicability;
  return (
    <section>
      <h2>Training</h2>
      <div class="plots">
        {[...groups].map(([metric, lines]) => (
          <Chart title={`${metric} after each iteration`} xName="iteration" yName={metric} lines={lines} />
        ))}
        {curve && (
          <Chart title="Learning curve" xName="rows trained on" yName={NAMES[evaluation.measure] ?? evaluation.measure}
            lines={[
              { name: "rows trained on", x: curve.rows, y: curve.trained },
              { name: "tested rows", x: curve.rows, y: curve.tested },
            ]} />
        )}
        {area && (
          <Chart title={`Dissimilarity of training rows; applicable up to ${shown(area.threshold)}`} xName="dissimilarity index"
            yName="share of training rows" limit={area.threshold}
            lines={[{ name: "rows", x: area.training_dissimilarity.x, y: area.training_dissimilarity.y }]} />
        )}
      </div>
      {evaluation.importances.length > 0 && (
        <Importance title="Share in what training gained" features={evaluation.features} values={evaluation.importances} />
      )}
      <details>
        <summary>Parameters</summary>
        <pre>{JSON.stringify(evaluation.parameters, null, 1)}</pre>
      </details>
    </section>
  );
}

function Page({ evaluation }: { evaluation: Evaluation }) {
  return (
    <main>
      <h1>{evaluation.model}</h1>
      <p>
        {evaluation.algorithm}, {count(evaluation.rows, "training row")}, {count(evaluation.features.length, "feature")}
      </p>
      {evaluation.notes.map((note) => (
        <p class="alarm">{note}</p>
      ))}
      <Summary evaluation={evaluation} />
      {evaluation.tests.map((test) => (
        <TestSection test={test} evaluation={evaluation} />
      ))}
      <Training evaluation={evaluation} />
    </main>
  );
}

const evaluation = JSON.parse(document.getElementById("data")!.textContent!) as Evaluation;
document.title = `Evaluation of ${evaluation.model}`;
render(<Page evaluation={evaluation} />, document.getElementById("page")!);
