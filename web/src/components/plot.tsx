// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

interface PlotProperties {
  title: string;
  xName: string;
  yName: string;
  x: (number | null)[];
  y: (number | null)[];
}

const HEIGHT = 220;

/** One line over rising or falling x. A value that is not finite is a gap. */
export function Plot({ title, xName, yName, x, y }: PlotProperties) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current!;
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const draw = () => {
      const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line") } };
      const points = x
        .map((at, i) => [at, y[i]] as const)
        .filter((point): point is readonly [number, number | null] => point[0] !== null)
        .sort((a, b) => a[0] - b[0]);
      return new uPlot(
        {
          width: element.clientWidth,
          height: HEIGHT,
          scales: { x: { time: false } },
          axes: [
            { ...axis, label: xName },
            { ...axis, label: yName, size: 64 },
          ],
          series: [{ label: xName }, { label: yName, stroke: colour("--input"), width: 2, spanGaps: false }],
        },
        [points.map((point) => point[0]), points.map((point) => point[1])],
        element,
      );
    };
    let plot = draw();
    const again = () => {
      plot.destroy();
      plot = draw();
    };
    const dark = matchMedia("(prefers-color-scheme: dark)");
    addEventListener("resize", again);
    dark.addEventListener("change", again);
    return () => {
      removeEventListener("resize", again);
      dark.removeEventListener("change", again);
      plot.destroy();
    };
  }, [x, y, xName, yName]);
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <div ref={place} role="img" aria-label={`${yName} over ${xName}`} />
    </figure>
  );
}
