// SPDX-License-Identifier: Apache-2.0
// Outlines on a canvas: what is drawn, where, and what lies under a point. Without a map library: there is no
// basemap in a file that works without network, and polygons of a few colours need none.
import type { Outlines } from "./places";

const SMALL_PIXELS = 6;

export interface View {
  /** Of the map coordinates in the middle of the canvas. */
  x: number;
  y: number;
  /** Canvas pixels per unit of y. */
  scale: number;
}

export class MapView {
  /** Degrees of longitude are shorter than those of latitude; 1 for projected coordinates. */
  private readonly aspect: number;
  private readonly bounds: [number, number, number, number];
  view: View = { x: 0, y: 0, scale: 1 };

  constructor(private readonly outlines: Outlines) {
    this.bounds = boundsOf(outlines);
    const degrees = outlines.crs === "lon/lat" || outlines.crs === "EPSG:4326";
    const middle = (this.bounds[1] + this.bounds[3]) / 2;
    this.aspect = degrees ? Math.max(Math.cos((middle * Math.PI) / 180), 0.1) : 1;
  }

  fit(width: number, height: number): void {
    const [west, south, east, north] = this.bounds;
    const margin = 0.94;
    this.view = {
      x: (west + east) / 2,
      y: (south + north) / 2,
      scale: margin * Math.min(width / ((east - west) * this.aspect || 1), height / (north - south || 1)),
    };
  }

  /** Keeps the point under the canvas position where it is. */
  zoom(factor: number, column: number, row: number, width: number, height: number): void {
    const [x, y] = this.toMap(column, row, width, height);
    this.view.scale *= factor;
    const [newX, newY] = this.toMap(column, row, width, height);
    this.view.x += x - newX;
    this.view.y += y - newY;
  }

  pan(columns: number, rows: number): void {
    this.view.x -= columns / (this.view.scale * this.aspect);
    this.view.y += rows / this.view.scale;
  }

  toMap(column: number, row: number, width: number, height: number): [number, number] {
    return [
      this.view.x + (column - width / 2) / (this.view.scale * this.aspect),
      this.view.y - (row - height / 2) / this.view.scale,
    ];
  }

  toCanvas(x: number, y: number, width: number, height: number): [number, number] {
    return [
      width / 2 + (x - this.view.x) * this.view.scale * this.aspect,
      height / 2 - (y - this.view.y) * this.view.scale,
    ];
  }

  draw(context: CanvasRenderingContext2D, width: number, height: number, fills: Map<string, number[]>, line: string) {
    context.clearRect(0, 0, width, height);
    context.lineWidth = 1;
    context.strokeStyle = line;
    // Outlines of places of a few pixels cannot be told from rectangles, which are drawn at once; lines between them
    // would hide their colours.
    const small = this.pixelsOfPlace() <= SMALL_PIXELS;
    for (const [colour, places] of fills) {
      context.fillStyle = colour;
      for (const place of places) {
        const [left, top, right, bottom] = this.canvasBox(place, width, height);
        if (right < 0 || bottom < 0 || left > width || top > height) continue;
        if (small) {
          context.fillRect(left, top, Math.max(right - left, 1), Math.max(bottom - top, 1));
          continue;
        }
        context.beginPath();
        this.trace(context, place, width, height);
        context.fill();
        context.stroke();
      }
    }
  }

  outline(context: CanvasRenderingContext2D, place: number, width: number, height: number, colour: string) {
    context.beginPath();
    this.trace(context, place, width, height);
    context.lineWidth = 3;
    context.strokeStyle = colour;
    context.stroke();
  }

  /** The one drawn last of those that count. */
  placeAt(
    counts: (place: number) => boolean,
    column: number,
    row: number,
    width: number,
    height: number,
  ): number | undefined {
    const [x, y] = this.toMap(column, row, width, height);
    for (let place = this.outlines.count - 1; place >= 0; --place)
      if (counts(place) && this.contains(place, x, y)) return place;
    return undefined;
  }

  private pixelsOfPlace(): number {
    const c = this.outlines.corners;
    return c.length === 0 ? 0 : Math.abs(c[2] - c[0]) * this.view.scale * this.aspect;
  }

  private canvasBox(place: number, width: number, height: number): [number, number, number, number] {
    const c = this.outlines.corners;
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let corner = 8 * place; corner < 8 * place + 8; corner += 2) {
      const column = width / 2 + (c[corner] - this.view.x) * this.view.scale * this.aspect;
      const row = height / 2 - (c[corner + 1] - this.view.y) * this.view.scale;
      left = Math.min(left, column);
      right = Math.max(right, column);
      top = Math.min(top, row);
      bottom = Math.max(bottom, row);
    }
    return [left, top, right, bottom];
  }

  private trace(context: CanvasRenderingContext2D, place: number, width: number, height: number) {
    const c = this.outlines.corners;
    for (let corner = 0; corner < 4; ++corner) {
      const [column, row] = this.toCanvas(c[8 * place + 2 * corner], c[8 * place + 2 * corner + 1], width, height);
      if (corner === 0) context.moveTo(column, row);
      else context.lineTo(column, row);
    }
    context.closePath();
  }

  /** Even-odd rule. */
  private contains(place: number, x: number, y: number): boolean {
    const c = this.outlines.corners;
    let inside = false;
    for (let i = 0, j = 3; i < 4; j = i++) {
      const xi = c[8 * place + 2 * i];
      const yi = c[8 * place + 2 * i + 1];
      const xj = c[8 * place + 2 * j];
      const yj = c[8 * place + 2 * j + 1];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
    }
    return inside;
  }
}

function boundsOf(outlines: Outlines): [number, number, number, number] {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < outlines.corners.length; i += 2) {
    const x = outlines.corners[i];
    const y = outlines.corners[i + 1];
    if (Number.isNaN(x) || Number.isNaN(y)) continue;
    west = Math.min(west, x);
    east = Math.max(east, x);
    south = Math.min(south, y);
    north = Math.max(north, y);
  }
  return west <= east ? [west, south, east, north] : [0, 0, 1, 1];
}
