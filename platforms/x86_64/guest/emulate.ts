/**
 * Performs the instruction whose access to device memory caused an exit: fetch, decode, the loads, the stores, then the
 * registers. Every operand is translated by the guest's own tables, except the one that the exit already gave.
 */
import { u64, u8, type u32 } from "../../../dsl/core/int.ts";
import { isWritable, readGuest, resolve, writeGuest, SlotKind } from "../../../kernel/slots.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";
import { effectiveOffset } from "../decode/effective-address.ts";
import { complete, nextRip, prepare } from "../decode/execute.ts";
import { Form, Mode, Operation, Segment, type Instruction } from "../decode/operation.ts";
import { maskOf } from "../decode/register-file.ts";
import { PlanResult, retire } from "../decode/plan.ts";
import type { Bus } from "./bus.ts";
import { FetchOutcome, fetcher } from "./fetch.ts";
import type { GuestState } from "./state.ts";
import { Access, WalkOutcome, walk } from "./walk.ts";

/** What an emulation came to. */
export enum Emulation {
  done = 0,
  /** #PF with `error` at linear address `address`. */
  pageFault = 1,
  /** #GP(0). */
  generalProtection = 2,
  /** #UD. */
  undefined = 3,
  /** A known instruction that is not performed on device memory. */
  unsupported = 4,
  /** Code or page tables outside memory; `address` is guest-physical. */
  notMemory = 5,
}

export interface Emulated {
  readonly outcome: u32;
  readonly address: u64;
  readonly error: u32;
}

/** Rounds of a repeated string operation in one exit; then the guest resumes at the same instruction. */
const roundsPerExit = 16;

/** In place of the exit's address: translate by the guest's tables. */
export const noHint = 0xffff_ffff_ffff_ffffn;

/** What an access came to, as `Emulated`; `value` is what was read, or the guest-physical address. */
export interface Operand {
  readonly outcome: u32;
  readonly value: u64;
  readonly address: u64;
  readonly error: u32;
}

/** A guest's memory and devices by linear address. Widths are 1, 2, 4 or 8 bytes. */
export interface LinearMemory<V> {
  /** Reads; `faultGpa` is the exit's address or `noHint`. */
  load(v: V, linear: u64, width: u8, faultGpa: u64): Operand;
  /** Writes all of it or, where an address faults, nothing. */
  store(v: V, linear: u64, width: u8, value: u64, faultGpa: u64): Operand;
  /** Whether a store would succeed. */
  check(v: V, linear: u64, width: u8): Operand;
}

/** Builds access by linear address for a vendor's vCPU and a bus. */
export function linearMemory<V>(state: GuestState<V>, bus: Bus): LinearMemory<V> {
  /** Translates one byte's address; `faultGpa` answers for the address that has its offset in the page, unless it is `noHint`. */
  const translate = (v: V, linear: u64, access: u32, faultGpa: u64): Operand => {
    if (faultGpa !== noHint && (linear & 0xfffn) === (faultGpa & 0xfffn)) {
      return { outcome: Emulation.done, value: faultGpa, address: 0n, error: 0 };
    }
    const walked = walk(state.slots(v), state.paging(v), linear, access);
    if (walked.outcome === WalkOutcome.ok)
      return { outcome: Emulation.done, value: walked.gpa, address: 0n, error: 0 };
    if (walked.outcome === WalkOutcome.pageFault) {
      return { outcome: Emulation.pageFault, value: 0n, address: linear, error: walked.error };
    }
    if (walked.outcome === WalkOutcome.notCanonical) {
      return { outcome: Emulation.generalProtection, value: 0n, address: linear, error: 0 };
    }
    return { outcome: Emulation.notMemory, value: 0n, address: walked.gpa, error: 0 };
  };

  const readPiece = (v: V, gpa: u64, width: u8): u64 => {
    const inMemory = readGuest(state.slots(v), gpa, width);
    return inMemory.ok ? inMemory.value : bus.memoryRead(state.index(v), gpa, width);
  };

  const writePiece = (v: V, gpa: u64, width: u8, value: u64): void => {
    const slots = state.slots(v);
    const place = resolve(slots, gpa);
    if (place.bytes > 0n) {
      if (isWritable(place.kind)) writeGuest(slots, gpa, width, value);
      else if (place.kind === SlotKind.romDevice) bus.memoryWrite(state.index(v), gpa, width, value);
      return;
    }
    bus.memoryWrite(state.index(v), gpa, width, value);
  };

  /** Whether an access lies in the page, and at the place in it, of an exit that found nothing mapped there: a device's. */
  const isDevice = (linear: u64, width: u8, faultGpa: u64): boolean =>
    faultGpa !== noHint &&
    (linear & 0xfffn) === (faultGpa & 0xfffn) &&
    (linear & 0xfffn) + BigInt(width) <= 4096n;

  /** Reads 1, 2, 4 or 8 bytes at a linear address, byte by byte where they cross a page. */
  const load = (v: V, linear: u64, width: u8, faultGpa: u64): Operand => {
    if (isDevice(linear, width, faultGpa)) {
      const value = bus.memoryRead(state.index(v), faultGpa, width);
      return { outcome: Emulation.done, value, address: 0n, error: 0 };
    }
    const first = translate(v, linear, 0, faultGpa);
    if (first.outcome !== Emulation.done) return first;
    if ((linear & 0xfffn) + BigInt(width) <= 4096n) {
      return { outcome: Emulation.done, value: readPiece(v, first.value, width), address: 0n, error: 0 };
    }
    const last = translate(v, u64((linear | 0xfffn) + 1n), 0, noHint);
    if (last.outcome !== Emulation.done) return last;
    let value: u64 = 0n;
    for (let i = 0; i < 8; i++) {
      if (i < width) {
        const inFirst = u64((linear & 0xfffn) + BigInt(i));
        const at = inFirst < 4096n ? u64(first.value + BigInt(i)) : u64(last.value + inFirst - 4096n);
        value = u64(value | (readPiece(v, at, 1) << BigInt(8 * i)));
      }
    }
    return { outcome: Emulation.done, value, address: 0n, error: 0 };
  };

  /** Writes 1, 2, 4 or 8 bytes. */
  const store = (v: V, linear: u64, width: u8, value: u64, faultGpa: u64): Operand => {
    if (isDevice(linear, width, faultGpa)) {
      bus.memoryWrite(state.index(v), faultGpa, width, value);
      return { outcome: Emulation.done, value: faultGpa, address: 0n, error: 0 };
    }
    const first = translate(v, linear, Access.write, faultGpa);
    if (first.outcome !== Emulation.done) return first;
    if ((linear & 0xfffn) + BigInt(width) <= 4096n) {
      writePiece(v, first.value, width, value);
      return first;
    }
    const last = translate(v, u64((linear | 0xfffn) + 1n), Access.write, noHint);
    if (last.outcome !== Emulation.done) return last;
    for (let i = 0; i < 8; i++) {
      if (i < width) {
        const inFirst = u64((linear & 0xfffn) + BigInt(i));
        const at = inFirst < 4096n ? u64(first.value + BigInt(i)) : u64(last.value + inFirst - 4096n);
        writePiece(v, at, 1, u64((value >> BigInt(8 * i)) & 0xffn));
      }
    }
    return first;
  };

  const check = (v: V, linear: u64, width: u8): Operand => {
    const first = translate(v, linear, Access.write, noHint);
    if (first.outcome !== Emulation.done || (linear & 0xfffn) + BigInt(width) <= 4096n) return first;
    return translate(v, u64((linear | 0xfffn) + 1n), Access.write, noHint);
  };

  return { load, store, check };
}

/** Builds the emulation of memory accesses for a vendor's vCPU and a bus. */
export function emulator<V>(state: GuestState<V>, bus: Bus): (v: V, faultGpa: u64) => Emulated {
  const fetch = fetcher(state);
  const { load, store } = linearMemory(state, bus);

  /**
   * Performs a MOV of 4 or 8 bytes between a device and a register, or of an immediate, in 64-bit mode: nearly all that
   * drivers do. False: it is something else, and nothing has happened.
   */
  const move = (v: V, instruction: Instruction, gpr: FixedArray<u64>, gpa: u64): boolean => {
    const width = instruction.width;
    if (instruction.operation !== Operation.mov || instruction.mode !== Mode.bits64) return false;
    if ((width !== 4 && width !== 8) || !instruction.memory || instruction.segment >= Segment.fs)
      return false;
    const next = nextRip(instruction, state.rip(v));
    const form = instruction.form;
    // The exit told where the operand lies, if this is still the instruction that caused it.
    const inPage = u64(effectiveOffset(instruction, gpr, next) & 0xfffn);
    if (inPage !== u64(gpa & 0xfffn) || inPage + BigInt(width) > 4096n) return false;
    if (form === Form.regRm)
      gpr[instruction.reg & 15] = u64(bus.memoryRead(state.index(v), gpa, width) & maskOf(width));
    else if (form === Form.rmReg || form === Form.rmImm) {
      const value = form === Form.rmReg ? gpr[instruction.reg & 15] : instruction.immediate;
      bus.memoryWrite(state.index(v), gpa, width, u64(value & maskOf(width)));
    } else return false;
    state.finish(v, next, state.rflags(v));
    return true;
  };

  return (v: V, faultGpa: u64): Emulated => {
    const got = fetch(v);
    if (got.outcome === FetchOutcome.pageFault)
      return { outcome: Emulation.pageFault, address: got.address, error: got.error };
    if (got.outcome === FetchOutcome.generalProtection)
      return { outcome: Emulation.generalProtection, address: 0n, error: 0 };
    if (got.outcome === FetchOutcome.undefined)
      return { outcome: Emulation.undefined, address: 0n, error: 0 };
    if (got.outcome === FetchOutcome.notMemory)
      return { outcome: Emulation.notMemory, address: got.address, error: 0 };
    const { instruction } = state.decoded(v);
    const gpr = state.gpr(v);
    if (faultGpa !== noHint && move(v, instruction, gpr, faultGpa))
      return { outcome: Emulation.done, address: 0n, error: 0 };
    const plan = state.plan(v);
    const segmentation = state.segmentation(v);
    for (let round = 0; round < roundsPerExit; round++) {
      const prepared = prepare(instruction, gpr, segmentation, state.rip(v), state.rflags(v), plan);
      if (prepared === PlanResult.unsupported || prepared === PlanResult.vector) {
        return { outcome: Emulation.unsupported, address: 0n, error: 0 };
      }
      if (prepared === PlanResult.ready) {
        let first: u64 = 0n;
        let second: u64 = 0n;
        // The exit's address is good for the first element only: later ones may lie in other pages.
        const single =
          plan.secondLoad.width === 0 &&
          (plan.load.width === 0 || plan.store.width === 0 || plan.load.linear === plan.store.linear);
        const hint = round === 0 && single ? faultGpa : noHint;
        if (plan.load.width !== 0) {
          const width = plan.load.width;
          const loaded = load(v, plan.load.linear, u8(Math.min(width, 8)), hint);
          if (loaded.outcome !== Emulation.done)
            return { outcome: loaded.outcome, address: loaded.address, error: loaded.error };
          first = loaded.value;
          if (width > 8) {
            const upper = load(v, u64(plan.load.linear + 8n), 8, noHint);
            if (upper.outcome !== Emulation.done)
              return { outcome: upper.outcome, address: upper.address, error: upper.error };
            second = upper.value;
          }
        }
        if (plan.secondLoad.width !== 0) {
          const loaded = load(v, plan.secondLoad.linear, u8(Math.min(plan.secondLoad.width, 8)), hint);
          if (loaded.outcome !== Emulation.done)
            return { outcome: loaded.outcome, address: loaded.address, error: loaded.error };
          second = loaded.value;
        }
        complete(instruction, gpr, plan, first, second);
        if (plan.store.width !== 0) {
          const width = plan.store.width;
          const stored = store(v, plan.store.linear, u8(Math.min(width, 8)), plan.storeValue, hint);
          if (stored.outcome !== Emulation.done)
            return { outcome: stored.outcome, address: stored.address, error: stored.error };
          if (width > 8) {
            const upper = store(v, u64(plan.store.linear + 8n), 8, plan.storeValueHigh, noHint);
            if (upper.outcome !== Emulation.done)
              return { outcome: upper.outcome, address: upper.address, error: upper.error };
          }
        }
      }
      retire(plan, gpr);
      const more = plan.repeat;
      state.finish(v, plan.rip, plan.rflags);
      // What an element changed is delivered before the next, which the guest resumes with.
      if (!more || bus.hasQueued()) return { outcome: Emulation.done, address: 0n, error: 0 };
    }
    return { outcome: Emulation.done, address: 0n, error: 0 };
  };
}
