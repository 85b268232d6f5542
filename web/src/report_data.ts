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
  /** Why its items are not wanted; empty: they are. */
  skipped: string;
  attempts: number;
  written_bytes: number;
  started: string;
  ended: string;
  seconds: { input: number; compute: number; output: number; wall: number };
  durations: null | { p50: number; p90: number; p99: number; least: number; most: number; histogram: Histogram };
  memory_bytes: null | { p50: number; most: number };
  slowest: { item: string; seconds: number }[];
  /** Run lengths: "d12f" is twelve items done and one failed. */
  states: string;
}

/** What an attempt was told while it went on. */
export interface AttemptLog {
  messages: { after_seconds: number; level: string; text: string; times: number }[];
  left_out: number;
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
  sample: { step: string; item: string; place: string; detail: string; attempt: number; time: string; log: AttemptLog };
  examples: string[];
}

/** As src/workflow/metrics.h writes them; what is not finite is null. */
export interface Metrics {
  scalars: Record<string, unknown>;
  units: Record<string, string>;
  series: Record<string, { steps: number[]; values: (number | null)[] }>;
  curves: Record<
    string,
    { x_name: string; y_name: string; x: (number | null)[]; y: (number | null)[]; thresholds: (number | null)[] }
  >;
  matrices: Record<
    string,
    { row_name: string; column_name: string; rows: string[]; columns: string[]; values: (number | null)[] }
  >;
}

export interface LayerMetrics {
  layer: string;
  step: string;
  items: number;
  /** Over all items that have a number there. */
  scalars: { name: string; unit: string; items: number; least: number; median: number; most: number }[];
  examples: { item: string; metrics: Metrics }[];
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
  metrics: LayerMetrics[];
  pictures: { layer: string; item: string; source: string }[];
  executions: {
    number: number;
    started: string;
    ended: string;
    by: string;
    build: string;
    transport: string;
    state: string;
    reason: string;
  }[];
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
