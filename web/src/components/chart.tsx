// SPDX-License-Identifier: Apache-2.0
import type { Numbers } from "../evaluation_data";
import { value } from "../quantities";

export interface Line {
  name: string;
  x: Numbers;
  y: Numbers;
  points?: boolean; // dots instead of a line
}

interface ChartProperties {
  title: string;
  xName: string;
  yName: string;
  lines: Line[];
  even?: boolean; // the line of equal x and y
  limit?: number; // an x to mark
  unit?: boolean; // both axes are 0..1
}

const WIDTH = 360;
const HEIGHT = 260;
const LEFT = 52;
const BOTTOM = 38;
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f"];

function range(values: number[]): [number, number] {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (!(high > low)) return [low - 0.5, low + 0.5];
  return [low, high];
}

/** Lines or dots in one frame, drawn as SVG: sharp when printed, and readable without colours by their legend. */
export function Chart({ title, xName, yName, lines, even, limit, unit }: ChartProperties) {
  const places = lines.map((line) =>
    line.x.flatMap((x, i) => (x === null || line.y[i] == null ? [] : [[x, line.y[i]!] as const])),
  );
  const all = places.flat();
  if (all.length === 0) return null;
  const xs = all.map((place) => place[0]).concat(limit === undefined ? [] : [limit]);
  const [x0, x1] = unit ? [0, 1] : range(xs);
  const [y0, y1] = unit ? [0, 1] : range(all.map((place) => place[1]));
  const left = (x: number) => LEFT + ((x - x0) / (x1 - x0)) * (WIDTH - LEFT - 10);
  const top = (y: number) => 10 + (1 - (y - y0) / (y1 - y0)) * (HEIGHT - BOTTOM - 10);
  const ticks = (from: number, to: number) => [0, 0.25, 0.5, 0.75, 1].map((share) => from + share * (to - from));
  const short = (number: number) => value(Number(number.toPrecision(3)));
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}: ${yName} over ${xName}`}>
        <rect class="frame" x={LEFT} y={10} width={WIDTH - LEFT - 10} height={HEIGHT - BOTTOM - 10} />
        {ticks(x0, x1).map((x) => (
          <text x={left(x)} y={HEIGHT - BOTTOM + 14} text-anchor="middle">
            {short(x)}
          </text>
        ))}
        {ticks(y0, y1).map((y) => (
          <text x={LEFT - 4} y={top(y) + 4} text-anchor="end">
            {short(y)}
          </text>
        ))}
        <text x={(LEFT + WIDTH) / 2} y={HEIGHT - 6} text-anchor="middle">
          {xName}
        </text>
        {even && (
          <line
            class="even"
            x1={left(Math.max(x0, y0))}
            y1={top(Math.max(x0, y0))}
            x2={left(Math.min(x1, y1))}
            y2={top(Math.min(x1, y1))}
          />
        )}
        {limit !== undefined && <line class="limit" x1={left(limit)} x2={left(limit)} y1={10} y2={HEIGHT - BOTTOM} />}
        {places.map((line, i) =>
          lines[i].points ? (
            line.map(([x, y]) => <circle cx={left(x)} cy={top(y)} r={2} fill={COLOURS[i % COLOURS.length]} opacity={0.6} />)
          ) : (
            <polyline
              points={line.map(([x, y]) => `${left(x).toFixed(1)},${top(y).toFixed(1)}`).join(" ")}
              stroke={COLOURS[i % COLOURS.length]}
            />
          ),
        )}
      </svg>
      <div class="legend">
        <span>{yName}</span>
        {lines.length > 1 &&
          lines.map((line, i) => (
            <span>
              <span class="swatch" style={{ background: COLOURS[i % COLOURS.length] }} /> {line.name}
            </span>
          ))}
      </div>
    </figure>
  );
}
