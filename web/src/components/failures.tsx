// SPDX-License-Identifier: Apache-2.0
import { count, seconds } from "../quantities";
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
          {(group.sample.log.messages.length > 0 || group.sample.log.left_out > 0) && (
            <details>
              <summary>Log of that attempt</summary>
              <ol class="log">
                {group.sample.log.messages.map((each) => (
                  <li>
                    {seconds(each.after_seconds)} {each.level}: {each.text}
                    {each.times > 1 && ` (${count(each.times)} times)`}
                  </li>
                ))}
                {group.sample.log.left_out > 0 && <li>{count(group.sample.log.left_out, "message")} more, not kept</li>}
              </ol>
            </details>
          )}
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
