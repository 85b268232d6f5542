// SPDX-License-Identifier: Apache-2.0
// What a run was made of, and how it looks: parameters, pictures, versions.
import type { RunReport } from "../report_data";

export function Parameters({ parameters }: { parameters: RunReport["parameters"] }) {
  if (parameters.length === 0) return <p>The document has no parameters.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of the parameters">
      <table>
        <thead>
          <tr>
            <th scope="col">Parameter</th>
            <th scope="col">Value</th>
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {parameters.map((parameter) => (
            <tr>
              <th scope="row">{parameter.name}</th>
              <td>
                <code>{JSON.stringify(parameter.value)}</code>
              </td>
              <td>{parameter.origin}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Each time that somebody carried out the run. */
export function Executions({ executions }: { executions: RunReport["executions"] }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of the executions">
      <table>
        <thead>
          <tr>
            <th scope="col">Execution</th>
            <th scope="col">Started</th>
            <th scope="col">Ended</th>
            <th scope="col">State</th>
            <th scope="col">By</th>
            <th scope="col">Transport</th>
            <th scope="col">Build</th>
          </tr>
        </thead>
        <tbody>
          {executions.map((execution) => (
            <tr>
              <th scope="row">{execution.number}</th>
              <td>{execution.started}</td>
              <td>{execution.ended || "–"}</td>
              <td class="wide">
                {execution.state}
                {execution.reason && `: ${execution.reason}`}
              </td>
              <td>{execution.by}</td>
              <td>{execution.transport}</td>
              <td>{execution.build}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Pictures({ pictures }: { pictures: RunReport["pictures"] }) {
  return (
    <div class="pictures">
      {pictures.map((picture) => (
        <figure>
          <img src={picture.source} alt={`${picture.layer}, item ${picture.item}`} loading="lazy" />
          <figcaption>
            {picture.layer} · {picture.item}
          </figcaption>
        </figure>
      ))}
    </div>
  );
}

export function Versions({ versions }: { versions: RunReport["versions"] }) {
  return (
    <dl>
      {Object.entries(versions).map(([name, version]) => (
        <>
          <dt>{name}</dt>
          <dd>{version}</dd>
        </>
      ))}
    </dl>
  );
}
