/**
 * The injection arbiter: the one place that decides which event a vCPU takes at its next entry. It knows windows, NMI
 * blocking, the interrupt shadow and the order of precedence (APM vol. 2 §8.5): what the last exit interrupted goes
 * first, then an exception that an emulated instruction raised, then an NMI, then the external interrupt of the
 * interrupt controllers. What cannot be taken now opens the window that makes the CPU exit when it can.
 *
 * It is pure logic over an accessor, which is a static binding; it runs with interrupts off right before an entry.
 */
import { u8, type u32 } from "../dsl/core/int.ts";
import type { InterruptSource } from "./interrupt-source.ts";
import { EventKind, Request, type Injection, type Vcpu } from "./vcpu.ts";

/** What the arbiter needs of a vendor's guest state. `V` is the vendor's vCPU. */
export interface InjectionAccess<V> {
  core(v: V): Vcpu;
  /** Whether the guest's interrupt flag lets external interrupts in. */
  interruptsEnabled(v: V): boolean;
  /** Whether the next instruction is in the shadow of STI or MOV SS. */
  inShadow(v: V): boolean;
  /** Gives the CPU an event to deliver at the entry. `kind` is an `EventKind`. */
  inject(v: V, kind: u32, vector: u8, hasError: boolean, error: u32): void;
  /** Makes the CPU exit as soon as the guest can take an external interrupt, or no longer. */
  interruptWindow(v: V, open: boolean): void;
  /** Makes the CPU exit at the next IRET, or no longer. */
  nmiWindow(v: V, open: boolean): void;
  /** Whether the guest has executed the IRET that the NMI window caught, and forgets it. */
  nmiReturned(v: V): boolean;
}

/** The arbiter of one vendor and one set of interrupt controllers. */
export interface Arbiter<V> {
  /** Decides and injects; called when a request bit asks for it. Returns with the windows set as they must be. */
  arbitrate(v: V): void;
  /** Whether an event waits that would wake a halted vCPU. */
  wakes(v: V): boolean;
}

/** The contributory exceptions of APM vol. 2 §8.2.9: #DE, #TS, #NP, #SS, #GP. */
function isContributory(vector: u32): boolean {
  return vector === 0 || (vector >= 10 && vector <= 13);
}

/** What becomes of a second exception during the delivery of a first one (APM vol. 2, table 8-7). */
export enum Combination {
  /** The second is delivered; the first is dropped, since its instruction or its delivery is restarted. */
  second = 0,
  doubleFault = 1,
  shutdown = 2,
}

/** Combines two exceptions, given by vector. */
export function combine(first: u32, second: u32): u32 {
  if (first === 8) return Combination.shutdown;
  if (isContributory(first) && isContributory(second)) return Combination.doubleFault;
  if (first === 14 && (second === 14 || isContributory(second))) return Combination.doubleFault;
  return Combination.second;
}

/**
 * Keeps the event whose delivery an exit interrupted, so that it goes first at the next entry. An NMI that was being
 * delivered already blocks further ones.
 */
export function requeue(vcpu: Vcpu, kind: u32, vector: u8, hasError: boolean, error: u32): void {
  const injection = vcpu.injection;
  injection.kind = u8(kind);
  injection.vector = vector;
  injection.hasError = hasError;
  injection.error = error;
  if (kind === EventKind.nmi) injection.nmiBlocked = true;
  vcpu.requests.or(Request.event);
}

/**
 * Raises an exception for the instruction that is being emulated. Returns false where it ends in shutdown: an exception
 * while a double fault was being delivered.
 */
export function raise(vcpu: Vcpu, vector: u8, hasError: boolean, error: u32): boolean {
  const injection = vcpu.injection;
  let actual: u8 = vector;
  let actualHasError = hasError;
  let actualError: u32 = error;
  if (injection.kind === EventKind.exception) {
    const outcome = combine(injection.vector, vector);
    if (outcome === Combination.shutdown) return false;
    if (outcome === Combination.doubleFault) {
      actual = 8;
      actualHasError = true;
      actualError = 0;
    }
  } else if (injection.kind === EventKind.externalInterrupt) {
    // It was acknowledged already, so its controller has it no more.
    injection.deferred = true;
    injection.deferredVector = injection.vector;
  } else if (injection.kind === EventKind.nmi) {
    injection.nmiPending = true;
    injection.nmiBlocked = false;
  }
  injection.kind = EventKind.exception;
  injection.vector = actual;
  injection.hasError = actualHasError;
  injection.error = actualError;
  vcpu.requests.or(Request.event);
  return true;
}

/** Makes an NMI pending; a second one while the first waits is the same one. */
export function raiseNmi(vcpu: Vcpu): void {
  vcpu.injection.nmiPending = true;
  vcpu.requests.or(Request.event);
}

/** Forgets every event and every block: the state after RESET and INIT. */
export function resetInjection(injection: Injection): void {
  injection.kind = EventKind.none;
  injection.vector = 0;
  injection.hasError = false;
  injection.error = 0;
  injection.nmiPending = false;
  injection.nmiBlocked = false;
  injection.injected = false;
  injection.interruptWindow = false;
  injection.nmiWindow = false;
  injection.deferred = false;
}

/** Builds the arbiter. */
export function arbiter<V>(access: InjectionAccess<V>, source: InterruptSource): Arbiter<V> {
  const setInterruptWindow = (v: V, injection: Injection, open: boolean): void => {
    if (injection.interruptWindow === open) return;
    injection.interruptWindow = open;
    access.interruptWindow(v, open);
  };
  const setNmiWindow = (v: V, injection: Injection, open: boolean): void => {
    if (injection.nmiWindow === open) return;
    injection.nmiWindow = open;
    access.nmiWindow(v, open);
  };
  return {
    arbitrate(v: V): void {
      const vcpu = access.core(v);
      const injection = vcpu.injection;
      let taken = false;
      if (injection.kind !== EventKind.none) {
        access.inject(v, injection.kind, injection.vector, injection.hasError, injection.error);
        injection.kind = EventKind.none;
        injection.injected = true;
        taken = true;
      }
      if (injection.nmiBlocked && access.nmiReturned(v)) injection.nmiBlocked = false;
      if (injection.nmiPending) {
        // A shadow lasts one instruction; the interrupt window or the next exit finds it gone.
        if (!taken && !injection.nmiBlocked && !access.inShadow(v)) {
          injection.nmiPending = false;
          injection.nmiBlocked = true;
          injection.injected = true;
          access.inject(v, EventKind.nmi, 2, false, 0);
          taken = true;
        } else {
          vcpu.requests.or(Request.event);
        }
      }
      setNmiWindow(v, injection, injection.nmiBlocked);
      if (injection.deferred) {
        if (taken || !access.interruptsEnabled(v) || access.inShadow(v)) {
          setInterruptWindow(v, injection, true);
          return;
        }
        injection.deferred = false;
        injection.injected = true;
        access.inject(v, EventKind.externalInterrupt, injection.deferredVector, false, 0);
        setInterruptWindow(v, injection, source.pending(vcpu.index) >= 0);
        return;
      }
      const vector = source.pending(vcpu.index);
      if (vector < 0) {
        setInterruptWindow(v, injection, false);
        return;
      }
      if (!taken && access.interruptsEnabled(v) && !access.inShadow(v)) {
        const accepted = source.acknowledge(vcpu.index);
        injection.injected = true;
        access.inject(v, EventKind.externalInterrupt, accepted, false, 0);
        setInterruptWindow(v, injection, source.pending(vcpu.index) >= 0);
        return;
      }
      setInterruptWindow(v, injection, true);
    },
    wakes(v: V): boolean {
      const vcpu = access.core(v);
      const injection = vcpu.injection;
      if (injection.kind !== EventKind.none) return true;
      if (injection.nmiPending && !injection.nmiBlocked) return true;
      return access.interruptsEnabled(v) && (injection.deferred || source.pending(vcpu.index) >= 0);
    },
  };
}
