// SPDX-License-Identifier: Apache-2.0
// The JSON of a run's report, as src/engine/run_report.cpp writes it.

/** done, unchanged, empty, retried, waiting, failed, left out: see src/engine/run_facts.h */
export type StateLetter = "d" | "u" | "e" | "r" | "w" | "f" | "x";

export interface Histogram {
  /** Bin k holds 10^((first + k) / 5) up to 10^((first + k + 1) / 5) seconds. */
  first: number;
  counts: number[];
}

export interface StepReport {
  name: string;
  over: string;
  ops: string;
  layers: string[];
  selected: boolean;
  items: number;
  counts: Record<StateLetter, number>;
  attempts: number;
  started: string;
  ended: string;
  seconds: { input: number; compute: number; output: number; wall: number };
  durations: null | { p50: number; p90: number; p99: number; least: number; most: number; histogram: Histogram };
  memory_bytes: null | { p50: number; most: number };
  slowest: { item: string; seconds: number }[];
  /** Run lengths: "d12f" is twelve items done and one failed. */
  states: string;
}

export interface FailureGroup {
  cause: string;
  message: string;
  hint: string;
  /** How many scenes its failures name. */
  scenes: number;
  since: string;
  items: number;
  steps: string[];
  sample: { step: string; item: string; place: string; detail: string; attempt: number; time: string };
  examples: string[];
}

export interface RunReport {
  geoloom_run_report: number;
  written: string;
  run: {
    id: string;
    created: string;
    document: string;
    store: string;
    trial: boolean;
    running: boolean;
    ended_because: string;
  };
  steps: StepReport[];
  failures: FailureGroup[];
  pictures: { layer: string; item: string; source: string }[];
  parameters: { name: string; value: unknown; origin: string }[];
  document_text: string;
  notes: string[];
  peak_memory_bytes: number;
  versions: Record<string, string>;
  /** ItemPlaces as JSON, compressed as zlib does, in Base64. */
  places: string;
}

export interface Zone {
  name: string;
  crs: string;
  origin: [number, number];
  pixel: [number, number];
  size: [number, number];
  cells?: number;
  lattice?: { lon: (number | null)[]; lat: (number | null)[] };
}

/** As src/engine/item_places.h describes it. Columns are run lengths of differences. */
export interface ItemPlaces {
  crs: string;
  zones: Zone[];
  places: { count: number; zone: number[]; x: number[]; y: number[]; width: number[]; height: number[] };
  names: string[];
  names_left_out: number;
  steps: { place: number[]; first: number[]; second: number[] }[];
}
