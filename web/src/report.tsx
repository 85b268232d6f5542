// SPDX-License-Identifier: Apache-2.0
// The report of a run: one file that shows what the JSON in it says, without a network.
import "uplot/dist/uPlot.min.css";
import "./report.css";

import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

import { Durations } from "./components/durations";
import { Failures } from "./components/failures";
import { ItemMap } from "./components/item_map";
import { MetricsOfLayer } from "./components/metrics";
import { Executions, Parameters, Pictures, Versions } from "./components/run_facts";
import { StepsTable } from "./components/steps_table";
import { unpackItems, type Items } from "./places";
import { bytes, count } from "./quantities";
import type { RunReport, StateLetter } from "./report_data";
import { STATES, STATE_NAMES } from "./states";

const RELOAD_SECONDS = 5;
const KEEP_RELOADING = "geoloom-keep-reloading";

function total(report: RunReport, state: StateLetter): number {
  return report.steps.reduce((sum, step) => sum + step.counts[state], 0);
}

function verdict(report: RunReport): [string, StateLetter] {
  const failed = total(report, "f");
  const left = total(report, "w") + total(report, "r");
  if (report.run.running) return [`running as of ${report.written}`, "r"];
  if (failed > 0) return [`not complete: ${count(failed, "item")} failed, ${count(left)} not started`, "f"];
  if (left > 0) return [`not complete: ${count(left, "item")} not started`, "w"];
  return ["complete", "d"];
}

function Reloading() {
  const [wanted, setWanted] = useState(sessionStorage.getItem(KEEP_RELOADING) !== "no");
  useEffect(() => {
    sessionStorage.setItem(KEEP_RELOADING, wanted ? "yes" : "no");
    if (!wanted) return;
    const timer = setTimeout(() => location.reload(), RELOAD_SECONDS * 1000);
    return () => clearTimeout(timer);
  }, [wanted]);
  return (
    <label>
      <input type="checkbox" checked={wanted} onChange={() => setWanted(!wanted)} /> load again every {RELOAD_SECONDS}{" "}
      seconds
    </label>
  );
}

function Header({ report }: { report: RunReport }) {
  const [text, state] = verdict(report);
  return (
    <header>
      <h1>{report.run.document}</h1>
      <p>
        <span id="verdict" class={`badge state-${state}`}>
          {text}
        </span>{" "}
        {report.run.trial && "a trial · "}run {report.run.id} in {report.run.store}, begun {report.run.created}
      </p>
      {report.run.ended_because && <p class="alarm">It ended early: {report.run.ended_because}</p>}
      {report.run.running && <Reloading />}
      <ul class="totals">
        {STATES.filter((entry) => total(report, entry) > 0).map((entry) => (
          <li>
            <b>{count(total(report, entry))}</b> <span class={`swatch state-${entry}`} /> {STATE_NAMES[entry]}
          </li>
        ))}
        {report.peak_memory_bytes > 0 && (
          <li>
            <b>{bytes(report.peak_memory_bytes)}</b> memory at most
          </li>
        )}
      </ul>
    </header>
  );
}

function Page({ report, items }: { report: RunReport; items: Items }) {
  return (
    <>
      <Header report={report} />
      <main>
        {report.failures.length > 0 && (
          <section id="failures">
            <h2>Failures by cause</h2>
            <Failures groups={report.failures} />
          </section>
        )}
        <section id="steps">
          <h2>Steps</h2>
          <StepsTable steps={report.steps} />
        </section>
        <section id="map">
          <h2>Items</h2>
          <ItemMap items={items} steps={report.steps} />
        </section>
        {report.steps.some((step) => step.durations !== null) && (
          <section id="durations">
            <h2>Durations</h2>
            <div class="grid">
              {report.steps.map((step) => (
                <Durations step={step} />
              ))}
            </div>
          </section>
        )}
        {report.metrics.length > 0 && (
          <section id="metrics">
            <h2>Metrics</h2>
            {report.metrics.map((layer) => (
              <MetricsOfLayer layer={layer} />
            ))}
          </section>
        )}
        {report.pictures.length > 0 && (
          <section id="pictures">
            <h2>Pictures</h2>
            <Pictures pictures={report.pictures} />
          </section>
        )}
        <section id="parameters">
          <h2>Parameters</h2>
          <Parameters parameters={report.parameters} />
        </section>
        {report.executions.length > 0 && (
          <section id="executions">
            <h2>Executions</h2>
            <Executions executions={report.executions} />
          </section>
        )}
        {report.notes.length > 0 && (
          <section id="notes">
            <h2>Notes</h2>
            <ul>
              {report.notes.map((note) => (
                <li>{note}</li>
              ))}
            </ul>
          </section>
        )}
        <section id="document">
          <h2>Document</h2>
          <details>
            <summary>{report.run.document}</summary>
            <pre tabIndex={0}>{report.document_text}</pre>
          </details>
        </section>
        <section id="versions">
          <h2>Versions</h2>
          <Versions versions={report.versions} />
        </section>
      </main>
      <footer>Written {report.written}</footer>
    </>
  );
}

const report = JSON.parse(document.getElementById("data")!.textContent!) as RunReport;
document.title = `${report.run.document}: ${verdict(report)[0]}`;
unpackItems(report.places).then((items) => {
  render(<Page report={report} items={items} />, document.getElementById("page")!);
});
