// SPDX-License-Identifier: Apache-2.0
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import { MapView } from "../map_view";
import type { Items } from "../places";
import { count } from "../quantities";
import { unpackStates } from "../packed";
import type { StateLetter, StepReport } from "../report_data";
import { STATES, STATE_NAMES, stateColour } from "../states";

const MOST_LISTED = 200;

interface Shown {
  /** The state that a place has on the map; undefined where nothing of the step is. */
  byPlace: (StateLetter | undefined)[];
  states: StateLetter[];
  itemsOfPlace: Map<number, number[]>;
}

function shownOf(items: Items, step: number, states: StateLetter[]): Shown {
  const byPlace = new Array<StateLetter | undefined>(items.outlines.count).fill(undefined);
  const itemsOfPlace = new Map<number, number[]>();
  items.steps[step].place.forEach((place, item) => {
    const known = byPlace[place];
    if (known === undefined || STATES.indexOf(states[item]) < STATES.indexOf(known)) byPlace[place] = states[item];
    const list = itemsOfPlace.get(place);
    if (list === undefined) itemsOfPlace.set(place, [item]);
    else list.push(item);
  });
  return { byPlace, states, itemsOfPlace };
}

/** Items on a map by their state: a step at a time, drawn as they lie, without anything from a network. */
export function ItemMap({ items, steps }: { items: Items; steps: StepReport[] }) {
  const worst = steps.findIndex((step) => step.counts.f > 0);
  const [step, setStep] = useState(worst < 0 ? 0 : worst);
  const [hidden, setHidden] = useState<StateLetter[]>([]);
  const [place, setPlace] = useState<number | undefined>(undefined);
  const shown = useMemo(() => shownOf(items, step, unpackStates(steps[step].states)), [items, step]);
  const toggle = (state: StateLetter) =>
    setHidden(hidden.includes(state) ? hidden.filter((other) => other !== state) : [...hidden, state]);
  return (
    <div class="item-map">
      <div class="controls">
        <label>
          Step{" "}
          <select
            value={step}
            onChange={(event) => {
              setStep(Number(event.currentTarget.value));
              setPlace(undefined);
            }}
          >
            {steps.map((entry, index) => (
              <option value={index}>{entry.name}</option>
            ))}
          </select>
        </label>
        {STATES.filter((state) => steps[step].counts[state] > 0).map((state) => (
          <label class="legend" data-state={state}>
            <input type="checkbox" checked={!hidden.includes(state)} onChange={() => toggle(state)} />
            <span class={`swatch state-${state}`} /> {STATE_NAMES[state]} {count(steps[step].counts[state])}
          </label>
        ))}
      </div>
      <MapCanvas items={items} shown={shown} hidden={hidden} place={place} onPlace={setPlace} />
      <p class="selected" aria-live="polite">
        {place === undefined ? "Click an item, or choose one in the list." : describe(items, step, shown, place)}
      </p>
      <ItemList items={items} step={step} shown={shown} hidden={hidden} onPlace={setPlace} />
    </div>
  );
}

function describe(items: Items, step: number, shown: Shown, place: number): string {
  const here = shown.itemsOfPlace.get(place) ?? [];
  const names = here
    .slice(0, MOST_LISTED)
    .map((item) => `${items.steps[step].name(item)}: ${STATE_NAMES[shown.states[item]]}`);
  if (here.length > MOST_LISTED) names.push(`and ${count(here.length - MOST_LISTED)} more`);
  return names.length === 0 ? "The step has no item here." : names.join("; ");
}

interface CanvasProperties {
  items: Items;
  shown: Shown;
  hidden: StateLetter[];
  place: number | undefined;
  onPlace: (place: number | undefined) => void;
}

function fillsOf(shown: Shown, hidden: StateLetter[]): Map<string, number[]> {
  const fills = new Map<string, number[]>();
  // What needs attention is drawn last, above others where windows overlap.
  for (const state of [...STATES].reverse()) fills.set(stateColour(state), []);
  shown.byPlace.forEach((state, place) => {
    if (state !== undefined && !hidden.includes(state)) fills.get(stateColourOf(state))!.push(place);
  });
  return fills;
}

const colours = new Map<StateLetter, string>();
function stateColourOf(state: StateLetter): string {
  let colour = colours.get(state);
  if (colour === undefined) colours.set(state, (colour = stateColour(state)));
  return colour;
}

function MapCanvas({ items, shown, hidden, place, onPlace }: CanvasProperties) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const map = useMemo(() => new MapView(items.outlines), [items]);
  const fitted = useRef(false);
  const drag = useRef<{ x: number; y: number; moved: boolean } | null>(null);

  const size = (): [number, number] => [canvas.current!.clientWidth, canvas.current!.clientHeight];
  const redraw = () => {
    const element = canvas.current!;
    const [width, height] = size();
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    if (!fitted.current) map.fit(width, height);
    fitted.current = true;
    const context = element.getContext("2d")!;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const style = getComputedStyle(element);
    colours.clear();
    map.draw(context, width, height, fillsOf(shown, hidden), style.getPropertyValue("--map-line"));
    if (place !== undefined) map.outline(context, place, width, height, style.color);
  };
  useLayoutEffect(redraw);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const again = () => redraw();
    addEventListener("resize", again);
    dark.addEventListener("change", again);
    return () => {
      removeEventListener("resize", again);
      dark.removeEventListener("change", again);
    };
  });
  const zoom = (factor: number, column?: number, row?: number) => {
    const [width, height] = size();
    map.zoom(factor, column ?? width / 2, row ?? height / 2, width, height);
    redraw();
  };
  const onKey = (event: KeyboardEvent) => {
    const step = 40;
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [step, 0],
      ArrowRight: [-step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    };
    if (event.key in moves) map.pan(...moves[event.key]);
    else if (event.key === "+" || event.key === "=") zoom(1.5);
    else if (event.key === "-") zoom(1 / 1.5);
    else if (event.key === "0") fitted.current = false;
    else return;
    event.preventDefault();
    redraw();
  };
  return (
    <div class="map">
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label={`Map of the items in ${items.outlines.crs}; arrow keys move it, + and - zoom, 0 shows all`}
        data-crs={items.outlines.crs}
        onKeyDown={onKey}
        onWheel={(event) => {
          event.preventDefault();
          zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.offsetX, event.offsetY);
        }}
        onPointerDown={(event) => (drag.current = { x: event.offsetX, y: event.offsetY, moved: false })}
        onPointerMove={(event) => {
          const start = drag.current;
          if (start === null) return;
          if (Math.hypot(event.offsetX - start.x, event.offsetY - start.y) < 4 && !start.moved) return;
          map.pan(event.offsetX - start.x, event.offsetY - start.y);
          drag.current = { x: event.offsetX, y: event.offsetY, moved: true };
          redraw();
        }}
        onPointerLeave={() => (drag.current = null)}
        onPointerUp={(event) => {
          if (drag.current?.moved === false)
            onPlace(map.placeAt((at) => shown.itemsOfPlace.has(at), event.offsetX, event.offsetY, ...size()));
          drag.current = null;
        }}
      />
      <div class="zoom">
        <button type="button" aria-label="Zoom in" onClick={() => zoom(1.5)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => zoom(1 / 1.5)}>
          −
        </button>
        <button
          type="button"
          aria-label="Show all"
          onClick={() => {
            fitted.current = false;
            redraw();
          }}
        >
          ⤢
        </button>
      </div>
      <small>{items.outlines.crs}</small>
    </div>
  );
}

interface ListProperties {
  items: Items;
  step: number;
  shown: Shown;
  hidden: StateLetter[];
  onPlace: (place: number) => void;
}

/** The items that the map shows, by name: for the keyboard, and for finding one. */
function ItemList({ items, step, shown, hidden, onPlace }: ListProperties) {
  const [wanted, setWanted] = useState("");
  const [open, setOpen] = useState(false);
  const { names, total } = useMemo(() => {
    const names: { item: number; name: string; state: StateLetter }[] = [];
    let total = 0;
    if (!open) return { names, total };
    shown.states.forEach((state, item) => {
      if (hidden.includes(state)) return;
      const name = items.steps[step].name(item);
      if (!name.includes(wanted)) return;
      if (++total <= MOST_LISTED) names.push({ item, name, state });
    });
    return { names, total };
  }, [items, step, shown, hidden, wanted, open]);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>List of items</summary>
      <label>
        Name holds{" "}
        <input type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
      </label>{" "}
      <small>
        shown {count(names.length)} of {count(total)}
        {items.namesLeftOut > 0 && "; names are left out, they are too many for a page"}
      </small>
      <ul class="names">
        {names.map(({ item, name, state }) => (
          <li>
            <button type="button" onClick={() => onPlace(items.steps[step].place[item])}>
              <span class={`swatch state-${state}`} /> {name}
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
