// SPDX-License-Identifier: Apache-2.0
import { count, seconds } from "../quantities";
import type { StepReport } from "../report_data";

const BINS_PER_DECADE = 5;

function edge(exponent: number): number {
  return 10 ** (exponent / BINS_PER_DECADE);
}

/** How long the items of one step took, on a scale of powers of ten, and the slowest ones. */
export function Durations({ step }: { step: StepReport }) {
  if (step.durations === null) return null;
  const { first, counts } = step.durations.histogram;
  const highest = Math.max(...counts);
  return (
    <figure class="durations">
      <figcaption>
        {step.name}: {count(counts.reduce((sum, n) => sum + n, 0), "item")}, {seconds(step.seconds.wall)} in all
      </figcaption>
      <div class="histogram" role="img" aria-label={`Durations of the items of ${step.name}`}>
        {counts.map((number, k) => (
          <span
            style={{ height: `${Math.max((100 * number) / highest, number > 0 ? 2 : 0)}%` }}
            title={`${seconds(edge(first + k))} to ${seconds(edge(first + k + 1))}: ${count(number, "item")}`}
          />
        ))}
      </div>
      <div class="axis">
        <span>{seconds(edge(first))}</span>
        <span>{seconds(edge(first + counts.length))}</span>
      </div>
      <details>
        <summary>Slowest items</summary>
        <ol>
          {step.slowest.map((entry) => (
            <li>
              {entry.item}: {seconds(entry.seconds)}
            </li>
          ))}
        </ol>
      </details>
    </figure>
  );
}
