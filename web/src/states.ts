// SPDX-License-Identifier: Apache-2.0
import type { StateLetter } from "./report_data";

/** From what needs attention most to what needs it least: where items share a place, the first one shows. */
export const STATES: StateLetter[] = ["f", "r", "w", "d", "u", "e", "x"];

export const STATE_NAMES: Record<StateLetter, string> = {
  f: "failed",
  r: "to be tried again",
  w: "not started",
  d: "made",
  u: "unchanged",
  e: "empty",
  x: "left out",
};

/** Told apart without red and green as well. The page's style gives the colours, for light and dark. */
export function stateColour(state: StateLetter): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--state-${state}`).trim();
}
