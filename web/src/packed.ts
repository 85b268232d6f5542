// SPDX-License-Identifier: Apache-2.0
// Unpacks what the program packs: see src/engine/item_places.h.
import type { StateLetter } from "./report_data";

/** Text that was compressed as zlib does and written in Base64. */
export async function unpackText(packed: string): Promise<string> {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

/** [d0, n0, d1, n1, ...]: n0 times the difference d0, then n1 times d1 ... */
export function unpackNumbers(runs: number[]): number[] {
  const numbers: number[] = [];
  let value = 0;
  for (let i = 0; i + 1 < runs.length; i += 2) {
    for (let n = runs[i + 1]; n > 0; --n) numbers.push((value += runs[i]));
  }
  return numbers;
}

/** "d12f": twelve times "d", one "f". */
export function unpackStates(runs: string): StateLetter[] {
  const states: StateLetter[] = [];
  for (const [, letter, count] of runs.matchAll(/([a-z])(\d*)/g)) {
    for (let n = count === "" ? 1 : Number(count); n > 0; --n) states.push(letter as StateLetter);
  }
  return states;
}
