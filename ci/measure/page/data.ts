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

/** Everything on the page. */
export interface PageData {
  readonly commit: Commit;
  readonly cards: readonly Card[];
  /** Lines of the history that could not be used. */
  readonly broken: History["broken"];
}

/** The page for one run and the runs before it. */
export function pageData(outcomes: readonly Outcome[], commit: Commit, history: History): PageData {
  const cards = [...rowsOf(outcomes)].map(([name, row]): Card => {
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
  return { commit, cards, broken: history.broken };
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
