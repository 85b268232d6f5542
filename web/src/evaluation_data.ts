// SPDX-License-Identifier: Apache-2.0
// What src/learn/evaluation.cpp writes into the page.

export type Numbers = (number | null)[];

export interface Curve {
  x: Numbers;
  y: Numbers;
}

export interface ClassResult {
  name: string;
  users_accuracy: number | null;
  producers_accuracy: number | null;
  f1: number | null;
  support: number | null;
  auc?: number | null;
  roc?: Curve;
  precision_recall?: Curve;
  calibration?: { predicted: number; observed: number; weight: number }[];
}

export interface Test {
  kind: string;
  meaning: string;
  described: string;
  rows: number;
  scores: Record<string, number | null>;
  classes?: ClassResult[];
  confusion?: { counts: number[][] };
  scatter?: { truth: number[]; predicted: number[] };
  quantiles?: { share: number; observed: number | null; pinball_loss: number | null }[];
  folds: {
    fold: number;
    trained: number;
    tested: number;
    scores: Record<string, number | null>;
    parameters?: Record<string, unknown>;
  }[];
  importance?: { lost: Numbers; deviation: Numbers };
}

export interface Evaluation {
  model: string;
  algorithm: string;
  task: "classification" | "regression";
  features: string[];
  parameters: Record<string, unknown>;
  rows: number;
  measure: string;
  tests: Test[];
  importances: Numbers;
  series: Record<string, Numbers>;
  learning_curve?: { rows: number[]; trained: Numbers; tested: Numbers };
  applicability?: { threshold: number; mean_distance: number; reference_rows: number; training_dissimilarity: Curve };
  notes: string[];
}
