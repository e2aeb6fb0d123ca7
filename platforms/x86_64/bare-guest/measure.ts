/**
 * What operations cost, seen from the guest: the time-stamp counter around each, many times. Where the counter counts
 * instructions (a deterministic run), these are instructions of the hypervisor, those of the operation itself, and 3 for
 * the pair of RDTSC and what is between them.
 */
import { say } from "../console-text.ts";
import { exits, tellHypercall } from "./exits.ts";
import { byPage, byRegister, enterX2apic, openLocalApic } from "./interrupts.ts";
import type { Operation } from "./operation.ts";
import { roundTrips } from "./round-trips.ts";
import { tellAbsent, tellFigure } from "./sample.ts";

const beforeX2apic: readonly Operation[] = Object.freeze([...exits, ...roundTrips, ...byPage]);

/** The names of everything that is measured, in the order in which it is told. */
export const measuredNames: readonly string[] = [...beforeX2apic, ...byRegister].map(({ name }) => name);

/** Measures everything and tells each figure on a line of its own. */
export function measure(): void {
  openLocalApic();
  for (const o of beforeX2apic) {
    if (o.possible()) tellFigure(o.name, o.take);
    else tellAbsent(o.name, o.reason);
  }
  tellHypercall();
  enterX2apic();
  for (const o of byRegister) {
    if (o.possible()) tellFigure(o.name, o.take);
    else tellAbsent(o.name, o.reason);
  }
  say("measured\n");
}
