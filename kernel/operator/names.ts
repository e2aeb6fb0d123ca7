/** The names of states and reasons, as the operator reads them. */
import { DomainState, StopReason } from "../domain.ts";
import { VcpuState } from "../vcpu.ts";

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
export const stateNames = namesOf(DomainState);
/** Of `StopReason`. */
export const reasonNames = namesOf(StopReason);
/** Of `VcpuState`. */
export const vcpuStateNames = namesOf(VcpuState);
