/** A device with one of everything whose changes are told, in a program: the board's record has each with its offset. */
import { u32, u64, type u16, type u8 } from "../../dsl/core/int.ts";
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { viewAt } from "../../dsl/core/layout.ts";
import { declaredStorage } from "../../dsl/core/storage.ts";
import { board } from "../../dsl/device/board.ts";
import { everything } from "../../dsl/device/testing/everything.ts";
import type { TraceHooks } from "../../dsl/device/trace.ts";
import { deviceProgram } from "../../dsl/testing/device-program.ts";

const home = {} as { state: object };
const access = (register: u16, part: u8, index: u8, bytes: u8, value: u64): void =>
  board.report(register, u32(part * 65536 + index * 256 + bytes), value, 0n);
const happening = (place: u16, value: u64): void => board.report(place, 0, value, 0n);
const hooks: TraceHooks = Object.freeze({
  read: access,
  write: access,
  change: (address: u64, value: u64): void =>
    board.report(0, u32(u64(address - addressOf(home.state))), value, 0n),
  hypercall: happening,
  status: happening,
  call: (place: u16, argument: u8, value: u64): void => board.report(place, argument, value, 0n),
  result: happening,
});

/** The device. */
export const traced = Object.freeze({ ...everything, ...everything.traced(hooks) });
/** Drives it. */
export const program = deviceProgram(traced);
const { descriptor, address } = declaredStorage()
  .filter(({ name }) => name === "state")
  .at(-1)!;
Object.freeze(Object.assign(home, { state: viewAt(descriptor, address) as object }));
