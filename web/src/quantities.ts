// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them.

export function count(number: number, word?: string): string {
  const text = number.toLocaleString("en").replaceAll(",", " ");
  return word === undefined ? text : `${text} ${word}${number === 1 ? "" : "s"}`;
}

export function seconds(value: number): string {
  if (value < 0.0095) return `${(value * 1000).toFixed(1)} ms`;
  if (value < 0.95) return `${(value * 1000).toFixed(0)} ms`;
  if (value < 100) return `${value.toFixed(1)} s`;
  const minutes = value / 60;
  if (minutes < 100) return `${minutes.toFixed(0)} min`;
  return `${(minutes / 60).toFixed(1)} h`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 999.5 && unit + 1 < units.length) {
    value /= 1000;
    ++unit;
  }
  return `${unit === 0 || value >= 99.5 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** A measured value: six digits, which is what plots and tables need. */
export function value(number: number): string {
  if (Number.isInteger(number)) return count(number);
  const size = Math.abs(number);
  return size >= 1e6 || size < 1e-4 ? number.toExponential(4) : String(Number(number.toPrecision(6)));
}

/** As CSS wants it where `digits` are given. */
export function percent(share: number, digits?: number): string {
  return digits === undefined ? `${(100 * share).toFixed(0)} %` : `${(100 * share).toFixed(digits)}%`;
}
