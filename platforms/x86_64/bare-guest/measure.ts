/**
 * What operations cost, seen from the guest: the time-stamp counter around each, many times. Where the counter counts
 * instructions (a deterministic run), these are instructions of the hypervisor, those of the operation itself, and 3 for
 * the pair of RDTSC and what is between them.
 */
import { u8 } from "../../../dsl/core/int.ts";
import { say } from "../console-text.ts";
import { exits, tellHypercall } from "./exits.ts";
import { byPage, byRegister, enterX2apic, openLocalApic } from "./interrupts.ts";
import type { Operation } from "./operation.ts";
import { roundTrips } from "./round-trips.ts";
import { tellAbsent, tellFigure } from "./sample.ts";

const beforeX2apic: readonly Operation[] = Object.freeze([...exits, ...roundTrips, ...byPage]);

/** The names of everything that is measured, in the order in which it is told. */
export const measuredNames: readonly string[] = [...beforeX2apic, ...byRegister].map(({ name }) => name);

const placed = (operations: readonly Operation[], first: number) =>
  Object.freeze(operations.map((o, i) => Object.freeze({ ...o, place: first + i })));
const placedBefore = placed(beforeX2apic, 0);
const placedByRegister = placed(byRegister, beforeX2apic.length);

/** Measures everything and tells each figure on a line of its own. */
export function measure(): void {
  openLocalApic();
  for (const o of beforeX2apic) tellOperation(o);
  tellHypercall();
  enterX2apic();
  for (const o of byRegister) tellOperation(o);
  say("measured\n");
}

/** Measures one operation, by its place in {@link measuredNames}. */
export function measureOne(place: u8): void {
  openLocalApic();
  for (const o of placedBefore) if (o.place === place) tellOperation(o);
  for (const o of placedByRegister) {
    if (o.place === place) {
      enterX2apic();
      tellOperation(o);
    }
  }
  say("measured\n");
}

function tellOperation(o: Operation): void {
  if (o.possible()) tellFigure(o.name, o.take);
  else tellAbsent(o.name, o.reason);
}
