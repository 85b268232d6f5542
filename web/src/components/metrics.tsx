// SPDX-License-Identifier: Apache-2.0
import { count, value } from "../quantities";
import type { LayerMetrics, Metrics } from "../report_data";
import { Plot } from "./plot";

/** What a layer's items measured: single values over all items, the rest of some of them. */
export function MetricsOfLayer({ layer }: { layer: LayerMetrics }) {
  return (
    <>
      <h3>
        {layer.layer} <small>of step {layer.step}, {count(layer.items, "item")}</small>
      </h3>
      {layer.items === 1 ? <Values metrics={layer.examples[0].metrics} /> : <Spread layer={layer} />}
      {layer.examples.map((example) => (
        <Plots item={layer.items === 1 ? "" : example.item} metrics={example.metrics} />
      ))}
      {layer.items > 1 && layer.examples.length < layer.items && hasPlots(layer) && (
        <p>
          <small>
            plots of {count(layer.examples.length)} of {count(layer.items, "item")}
          </small>
        </p>
      )}
    </>
  );
}

function hasPlots(layer: LayerMetrics): boolean {
  return layer.examples.some(({ metrics }) =>
    [metrics.series, metrics.curves, metrics.matrices].some((each) => Object.keys(each).length > 0),
  );
}

function text(scalar: unknown): string {
  if (scalar === null) return "absent";
  if (typeof scalar === "number") return value(scalar);
  return typeof scalar === "string" ? scalar : JSON.stringify(scalar);
}

function Values({ metrics }: { metrics: Metrics }) {
  const names = Object.keys(metrics.scalars);
  if (names.length === 0) return null;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of values">
      <table>
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr>
              <th scope="row">{name}</th>
              <td>
                {text(metrics.scalars[name])} {metrics.units[name] ?? ""}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Spread({ layer }: { layer: LayerMetrics }) {
  if (layer.scalars.length === 0) return null;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of values over items">
      <table>
        <thead>
          <tr>
            <th scope="col">Metric</th>
            <th scope="col">Items</th>
            <th scope="col">Least</th>
            <th scope="col">Median</th>
            <th scope="col">Most</th>
          </tr>
        </thead>
        <tbody>
          {layer.scalars.map((scalar) => (
            <tr>
              <th scope="row">
                {scalar.name} {scalar.unit && <small>{scalar.unit}</small>}
              </th>
              <td>{count(scalar.items)}</td>
              <td>{value(scalar.least)}</td>
              <td>{value(scalar.median)}</td>
              <td>{value(scalar.most)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Plots({ item, metrics }: { item: string; metrics: Metrics }) {
  const titled = (name: string) => (item === "" ? name : `${name} of ${item}`);
  return (
    <div class="plots">
      {Object.entries(metrics.series).map(([name, series]) => (
        <Plot title={titled(name)} xName="step" yName={name} x={series.steps} y={series.values} />
      ))}
      {Object.entries(metrics.curves).map(([name, curve]) => (
        <Plot title={titled(name)} xName={curve.x_name} yName={curve.y_name} x={curve.x} y={curve.y} />
      ))}
      {Object.entries(metrics.matrices).map(([name, matrix]) => (
        <Matrix title={titled(name)} matrix={matrix} />
      ))}
    </div>
  );
}

/** Darker cells hold more of their row; the numbers are there for who does not see it. */
function Matrix({ title, matrix }: { title: string; matrix: Metrics["matrices"][string] }) {
  const cell = (row: number, column: number) => matrix.values[row * matrix.columns.length + column];
  const share = (row: number, column: number) => {
    const total = matrix.columns.reduce((sum, _, i) => sum + Math.abs(cell(row, i) ?? 0), 0);
    return total > 0 ? Math.abs(cell(row, column) ?? 0) / total : 0;
  };
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <div class="scroll" tabIndex={0} role="region" aria-label={title}>
        <table class="matrix">
          <thead>
            <tr>
              <th scope="col">
                {matrix.row_name} \ {matrix.column_name}
              </th>
              {matrix.columns.map((column) => (
                <th scope="col">{column}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {matrix.rows.map((name, row) => (
              <tr>
                <th scope="row">{name}</th>
                {matrix.columns.map((_, column) => (
                  <td style={{ background: `rgb(0 114 178 / ${(0.55 * share(row, column)).toFixed(3)})` }}>
                    {cell(row, column) === null ? "–" : value(cell(row, column)!)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
