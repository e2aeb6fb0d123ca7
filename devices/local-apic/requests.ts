/** Requests and service: which vector is next, and when the processor may have it. */
import { i32, u32, u8 } from "../../dsl/device/vocabulary.ts";
import { type Apic, firstVector, receiveIllegalVector } from "./shape.ts";

export function highestBit(word: u32): u8 {
  return u8(31 - Math.clz32(word)) & 31;
}
/** The highest requested vector, or -1. */
export function highestRequest(u: Apic): i32 {
  if (u.irrWords === 0) return -1;
  const word = (31 - Math.clz32(u.irrWords)) & 7;
  return (word << 5) | highestBit(u.irr[word].value);
}
export function highestInService(u: Apic): i32 {
  if (u.isrWords === 0) return -1;
  const word = (31 - Math.clz32(u.isrWords)) & 7;
  return (word << 5) | highestBit(u.isr[word].value);
}

/** The processor priority (Intel SDM vol. 3 §11.8.3.1). */
export function processorPriority(u: Apic): u8 {
  const task = u.tpr.priority;
  const served = highestInService(u);
  const service = served < 0 ? 0 : served & 0xf0;
  return (task & 0xf0) >= service ? task : service;
}

export function pending(u: Apic): i32 {
  const vector = highestRequest(u);
  if (vector < 0 || !u.svr.enabled) return -1;
  return (vector & 0xf0) > (processorPriority(u) & 0xf0) ? vector : -1;
}

export function settle(u: Apic): void {
  u.interrupt.set(pending(u) >= 0);
}

export function request(u: Apic, vector: u8, level: boolean): void {
  const word = vector >>> 5;
  const one = u32(1 << (vector & 31));
  u.irr[word].value = u32(u.irr[word].value | one);
  u.irrWords = u8(u.irrWords | (1 << word));
  u.tmr[word].value = level ? u32(u.tmr[word].value | one) : u32(u.tmr[word].value & ~one);
}

/** Notes errors, and asks for the error interrupt (Intel SDM vol. 3 §11.5.3). */
export function raiseErrors(u: Apic, errors: u8): void {
  u.pendingErrors = u8(u.pendingErrors | errors);
  const vector = u.lvtError.vector;
  if (!u.lvtError.masked && vector >= firstVector) request(u, vector, false);
}

/** Takes a fixed interrupt. */
export function deliver(u: Apic, vector: u8, level: boolean): void {
  if (!u.svr.enabled) return;
  if (vector < firstVector) raiseErrors(u, receiveIllegalVector);
  else request(u, vector, level);
}

export function acknowledge(u: Apic): u8 {
  const vector = pending(u);
  if (vector < 0) return u.svr.vector;
  const word = (vector >>> 5) & 7;
  const one = u32(1 << (vector & 31));
  const left = u32(u.irr[word].value & ~one);
  u.irr[word].value = left;
  if (left === 0) u.irrWords = u8(u.irrWords & ~(1 << word));
  u.isr[word].value = u32(u.isr[word].value | one);
  u.isrWords = u8(u.isrWords | (1 << word));
  settle(u);
  return u8(vector);
}

export function endOfInterrupt(u: Apic): void {
  const vector = highestInService(u);
  if (vector < 0) return;
  const word = (vector >>> 5) & 7;
  const one = u32(1 << (vector & 31));
  const left = u32(u.isr[word].value & ~one);
  u.isr[word].value = left;
  if (left === 0) u.isrWords = u8(u.isrWords & ~(1 << word));
  if ((u.tmr[word].value & one) !== 0) u.eoiMessage.raise(vector & 0xff);
}
