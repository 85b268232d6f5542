// SPDX-License-Identifier: Apache-2.0
import { count } from "../quantities";
import type { FailureGroup } from "../report_data";

/** Failures by cause, each with one attempt as it was logged. */
export function Failures({ groups }: { groups: FailureGroup[] }) {
  return (
    <ul class="failures">
      {groups.map((group) => (
        <li>
          <h3>
            <span class="badge state-f">{count(group.items, "item")}</span> {group.cause}: {group.message}
          </h3>
          <dl>
            <dt>Where</dt>
            <dd>{group.sample.place || `${group.sample.step}/${group.sample.item}`}</dd>
            {group.sample.detail && (
              <>
                <dt>Cause</dt>
                <dd>{group.sample.detail}</dd>
              </>
            )}
            {group.hint && (
              <>
                <dt>Hint</dt>
                <dd>{group.hint}</dd>
              </>
            )}
            {group.scenes > 1 && (
              <>
                <dt>Scenes</dt>
                <dd>{count(group.scenes, "scene")} in all</dd>
              </>
            )}
            <dt>Since</dt>
            <dd>
              {group.since}; this one at {group.sample.time}, attempt {group.sample.attempt}
            </dd>
          </dl>
          <details>
            <summary>
              {group.examples.length < group.items
                ? `${count(group.examples.length)} of its ${count(group.items, "item")}`
                : `Its ${count(group.items, "item")}`}
            </summary>
            <p class="names">{group.examples.join(", ")}</p>
          </details>
        </li>
      ))}
    </ul>
  );
}
