// SPDX-License-Identifier: Apache-2.0
import { bytes, count, percent, seconds } from "../quantities";
import type { StepReport } from "../report_data";
import { STATES, STATE_NAMES } from "../states";

/** Items by state as one bar; the numbers are in its text for who cannot see it. */
export function StateBar({ step }: { step: StepReport }) {
  const present = STATES.filter((state) => step.counts[state] > 0);
  const text = present.map((state) => `${count(step.counts[state])} ${STATE_NAMES[state]}`).join(", ");
  return (
    <div class="bar" role="img" aria-label={text} title={text}>
      {present.map((state) => (
        <span class={`state-${state}`} style={{ width: percent(step.counts[state] / step.items, 2) }} />
      ))}
    </div>
  );
}

const SHARES = ["input", "compute", "output"] as const;

/** Which part of the time that items took went into reading, computing and writing. */
export function TimeShares({ step }: { step: StepReport }) {
  const total = SHARES.reduce((sum, part) => sum + step.seconds[part], 0);
  if (total <= 0) return <>–</>;
  const text = SHARES.map((part) => `${part} ${percent(step.seconds[part] / total)}`).join(", ");
  return (
    <>
      <div class="bar" role="img" aria-label={text} title={text}>
        {SHARES.map((part) => (
          <span class={`share-${part}`} style={{ width: percent(step.seconds[part] / total, 2) }} />
        ))}
      </div>
      <small>{text}</small>
    </>
  );
}

export function StepsTable({ steps }: { steps: StepReport[] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of the steps">
      <table id="steps-table">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Items</th>
            <th scope="col">Made</th>
            <th scope="col">Unchanged</th>
            <th scope="col">Empty</th>
            <th scope="col">Failed</th>
            <th scope="col">Left</th>
            <th scope="col">Seconds per item: median · p90 · p99 · most</th>
            <th scope="col">Share of time</th>
            <th scope="col">Memory per item: median · most</th>
            <th scope="col">Written</th>
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr data-step={step.name} class={step.selected ? "" : "faint"}>
              <th scope="row">
                {step.name}
                <small>
                  {step.over} · {step.ops}
                </small>
                {step.skipped && <small>skipped: {step.skipped}</small>}
              </th>
              <td class="wide" data-value={step.items}>
                {count(step.items)} <StateBar step={step} />
              </td>
              <td data-count="d">{count(step.counts.d)}</td>
              <td data-count="u">{count(step.counts.u)}</td>
              <td data-count="e">{count(step.counts.e)}</td>
              <td data-count="f" class={step.counts.f > 0 ? "alarm" : ""}>
                {count(step.counts.f)}
              </td>
              <td data-count="w">{count(step.counts.w + step.counts.r)}</td>
              <td>
                {step.durations === null
                  ? "–"
                  : (["p50", "p90", "p99", "most"] as const)
                      .map((key) => seconds(step.durations![key]))
                      .join(" · ")}
              </td>
              <td class="wide">
                <TimeShares step={step} />
              </td>
              <td>
                {step.memory_bytes === null
                  ? "–"
                  : `${bytes(step.memory_bytes.p50)} · ${bytes(step.memory_bytes.most)}`}
              </td>
              <td>{step.written_bytes > 0 ? bytes(step.written_bytes) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
