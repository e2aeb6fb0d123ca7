/** What the page shows, as data that the page's script gets. */
import { columns, isAbsent, type Column, type Outcome } from "../figure.ts";
import { ratio, rowsOf, split } from "../table.ts";
import type { Commit } from "./commit.ts";
import type { History } from "./history.ts";

/** One column's bar. */
export interface Bar {
  readonly column: Column;
  /** Undefined where it could not be measured. */
  readonly value: number | undefined;
  /** Why it is not there, or what must be known to read it. */
  readonly remark: string | undefined;
}

/** A figure of Typevisor in one run of the past. */
export interface Point {
  readonly commit: string;
  readonly date: string;
  readonly value: number;
}

/** One figure. */
export interface Card {
  readonly name: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
  /** Typevisor's ratio to the best peer, and which that is: "0.08 kvm"; undefined where there is none. */
  readonly ratio: string | undefined;
  readonly history: readonly Point[];
}

/** How figures of one unit grow with a number that an image declares. */
export interface Curve {
  /** What is counted: "devices". */
  readonly along: string;
  readonly unit: string;
  /** In the order of their first figure; points by rising `x`. */
  readonly lines: readonly { readonly name: string; readonly points: readonly CurvePoint[] }[];
}

/** One figure of a curve. */
export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

/** Everything on the page. */
export interface PageData {
  readonly commit: Commit;
  readonly curves: readonly Curve[];
  readonly cards: readonly Card[];
  /** Lines of the history that could not be used. */
  readonly broken: History["broken"];
}

/** The page for one run and the runs before it. */
export function pageData(outcomes: readonly Outcome[], commit: Commit, history: History): PageData {
  const rows = [...rowsOf(outcomes)].filter(([name]) => !scaling.test(name));
  const cards = rows.map(([name, row]): Card => {
    const measured = [...row.values()].find((outcome) => !isAbsent(outcome));
    const bars = columns.flatMap((column): Bar[] => {
      const outcome = row.get(column);
      if (outcome === undefined) return [];
      if (isAbsent(outcome)) return [{ column, value: undefined, remark: outcome.reason }];
      return [{ column, value: outcome.value, remark: outcome.note }];
    });
    const held = ratio(row);
    return {
      name,
      unit: measured === undefined || isAbsent(measured) ? "" : measured.unit,
      bars,
      ratio: held === "-" ? undefined : held,
      history: pointsOf(name, history),
    };
  });
  return { commit, curves: curvesOf(outcomes), cards, broken: history.broken };
}

/** A figure of a curve: what is counted, how many there are, and what is measured. */
const scaling = /^(?:scaling|scheduler)\.([^.]+)\.(\d+)\.(.+)$/;

/** The curves of the figures whose names are theirs. */
export function curvesOf(outcomes: readonly Outcome[]): Curve[] {
  const curves = new Map<string, { along: string; unit: string; lines: Map<string, CurvePoint[]> }>();
  for (const outcome of outcomes) {
    const [, along, count, name] = scaling.exec(outcome.name) ?? [];
    if (along === undefined || isAbsent(outcome)) continue;
    const { unit, value } = outcome;
    const key = `${along} ${unit}`;
    const curve = curves.get(key) ?? { along, unit, lines: new Map<string, CurvePoint[]>() };
    curves.set(key, curve);
    curve.lines.set(name, [...(curve.lines.get(name) ?? []), { x: Number(count), y: value }]);
  }
  return [...curves.values()].map(({ along, unit, lines }) => ({
    along,
    unit,
    lines: [...lines].map(([name, points]) => ({ name, points: points.sort((a, b) => a.x - b.x) })),
  }));
}

function pointsOf(name: string, { entries }: History): Point[] {
  return entries.flatMap(({ commit, date, figures }) => {
    const found = Object.entries(figures).find(([kept]) => {
      const { what, column } = split(kept);
      return what === name && column === "typevisor";
    });
    return found === undefined ? [] : [{ commit, date, value: found[1].value }];
  });
}
