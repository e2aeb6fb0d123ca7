/** The names of states and reasons, as the operator reads them. */
import { text } from "../../dsl/core/intrinsics.ts";
import { DomainState, isIdle, StopReason, type Domain } from "../domain.ts";
import { VcpuState } from "../vcpu.ts";
import type { Answer, Field } from "./answer.ts";

/** A number's name. */
export interface NumberName {
  readonly number: number;
  readonly name: string;
}

/** The names of an enum's members, with dashes between their words. */
function namesOf(members: Readonly<Record<string, string | number>>): readonly NumberName[] {
  return Object.freeze(
    Object.entries(members).flatMap(([name, number]) =>
      typeof number === "number"
        ? [Object.freeze({ number, name: name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`) })]
        : [],
    ),
  );
}

/** Of `DomainState`. */
const stateNames = namesOf(DomainState);
/** Of `StopReason`. */
export const reasonNames = namesOf(StopReason);
/** Of `VcpuState`. */
export const vcpuStateNames = namesOf(VcpuState);

/** Whether a guest has ended, and no CPU runs it any more: it may be started. */
export function isEnded(domain: Domain): boolean {
  return isIdle(domain) && domain.state !== DomainState.paused;
}

/** Tells a guest's state: one that has ended, and that a CPU may still run, is stopping. */
export function tellState(answer: Answer, to: Field, domain: Domain): void {
  const { state } = domain;
  const ends =
    state === DomainState.stopped || state === DomainState.crashed || state === DomainState.poweredOff;
  if (ends && domain.changed) answer.text(to, text("stopping"));
  else for (const s of stateNames) if (state === s.number) answer.text(to, text(s.name));
}
