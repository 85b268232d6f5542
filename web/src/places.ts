// SPDX-License-Identifier: Apache-2.0
// Where items lie: the outlines of their places on one map, and their names.
import { unpackNumbers, unpackText } from "./packed";
import type { ItemPlaces, Zone } from "./report_data";

/** Outlines of `count` places: eight numbers each, the corners from the upper left clockwise. */
export interface Outlines {
  crs: string;
  corners: Float64Array;
  count: number;
}

export interface StepItems {
  /** Of each item. */
  place: number[];
  name(item: number): string;
}

export interface Items {
  outlines: Outlines;
  steps: StepItems[];
  namesLeftOut: number;
}

function interpolated(zone: Zone, values: (number | null)[], column: number, row: number): number {
  const cells = zone.cells as number;
  const u = Math.min(Math.max((column / zone.size[0]) * cells, 0), cells);
  const v = Math.min(Math.max((row / zone.size[1]) * cells, 0), cells);
  const left = Math.min(Math.floor(u), cells - 1);
  const top = Math.min(Math.floor(v), cells - 1);
  const at = (x: number, y: number) => values[y * (cells + 1) + x] ?? NaN;
  const upper = at(left, top) * (1 - (u - left)) + at(left + 1, top) * (u - left);
  const lower = at(left, top + 1) * (1 - (u - left)) + at(left + 1, top + 1) * (u - left);
  return upper * (1 - (v - top)) + lower * (v - top);
}

/** A pixel corner of a zone on the map: in the zone's own CRS, or where there are several, longitude and latitude. */
function position(zone: Zone, column: number, row: number): [number, number] {
  if (zone.lattice === undefined)
    return [zone.origin[0] + column * zone.pixel[0], zone.origin[1] - row * zone.pixel[1]];
  return [interpolated(zone, zone.lattice.lon, column, row), interpolated(zone, zone.lattice.lat, column, row)];
}

function outlinesOf(packed: ItemPlaces): Outlines {
  const { places, zones, crs } = packed;
  const columns = [places.zone, places.x, places.y, places.width, places.height].map(unpackNumbers);
  const corners = new Float64Array(8 * places.count);
  for (let i = 0; i < places.count; ++i) {
    const [zone, x, y, width, height] = columns.map((column) => column[i]);
    corners.set(
      [
        [x, y],
        [x + width, y],
        [x + width, y + height],
        [x, y + height],
      ].flatMap(([column, row]) => position(zones[zone], column, row)),
      8 * i,
    );
  }
  return { crs, corners, count: places.count };
}

export async function unpackItems(text: string): Promise<Items> {
  const packed = JSON.parse(await unpackText(text)) as ItemPlaces;
  const steps = packed.steps.map((step) => {
    const first = unpackNumbers(step.first);
    const second = unpackNumbers(step.second);
    const name = (item: number) =>
      packed.names_left_out > 0
        ? `item ${item} of the step`
        : packed.names[first[item]] + packed.names[second[item]];
    return { place: unpackNumbers(step.place), name };
  });
  return { outlines: outlinesOf(packed), steps, namesLeftOut: packed.names_left_out };
}
