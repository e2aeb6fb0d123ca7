/** What an emulated instruction does to memory and registers: filled in before the accesses, completed after them. */
import { u64, u8 } from "../../../dsl/core/int.ts";
import { array, bool, struct, type FixedArray, type ValueOf } from "../../../dsl/core/layout.ts";

/** One access to guest memory or a device, at a linear address; it may cross a page. */
export const MemoryAccess = struct("MemoryAccess", {
  linear: u64,
  /** Bytes: 0 where there is no access, else 1, 2, 4, 8, 16, or 32. */
  width: u8,
});
export type MemoryAccess = ValueOf<typeof MemoryAccess>;

/** What `prepare` answers. */
export enum PlanResult {
  /** Make the loads, `complete`, make the store, `retire`. */
  ready = 0,
  /** Nothing to access (a repeated string operation with a count of 0): `retire`. */
  finished = 1,
  /**
   * A vector move: copy `width` bytes between the one access and vector register `Instruction.reg` (a load clears the
   * rest of the register; MMX where the instruction has neither a VEX nor an F3 or 66 prefix and a width of 8, or 4
   * without 66), then `retire`.
   */
  vector = 2,
  /** No instruction that can be emulated. */
  unsupported = 3,
}

/** A plan. Both loads come before the store, and each is made once. */
export const Plan = struct("Plan", {
  load: MemoryAccess,
  /** Of CMPS, the element at ES:rDI. */
  secondLoad: MemoryAccess,
  store: MemoryAccess,
  /** What to store: bytes 0 to 7. */
  storeValue: u64,
  /** Bytes 8 to 15. */
  storeValueHigh: u64,
  /** RIP and RFLAGS afterwards. RIP stays where a string operation has elements left. */
  rip: u64,
  rflags: u64,
  /** New contents of general registers, in `values` by the numbers in `registers`. */
  values: array(u64, 3),
  registers: array(u8, 3),
  registerCount: u8,
  /** A repeated string operation has elements left: `prepare` again, or resume the guest at the same instruction. */
  repeat: bool,
});
export type Plan = ValueOf<typeof Plan>;

/** Adds a general register's new content to a plan. */
export function setRegister(plan: Plan, register: u8, value: u64): void {
  const at = Math.min(plan.registerCount, 2);
  plan.registers[at] = register;
  plan.values[at] = value;
  plan.registerCount = u8(at + 1);
}

/** Gives the general registers their new contents. The caller does so with RIP and RFLAGS when every access succeeded. */
export function retire(plan: Plan, gpr: FixedArray<u64>): void {
  for (let i = 0; i < 3; i++) if (i < plan.registerCount) gpr[plan.registers[i] & 15] = plan.values[i];
}
