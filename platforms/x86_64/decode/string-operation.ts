/** String operations, one element at a time (APM vol. 3, MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS and §1.2.6). */
import { u64, type u8 } from "../../../dsl/core/int.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";
import { arithmeticFlags, compute, flagDirection } from "./alu.ts";
import { linearAddress, type Segmentation } from "./effective-address.ts";
import { Mode, Operation, prefixRep, prefixRepne, Segment, type Instruction } from "./operation.ts";
import { PlanResult, setRegister, type Plan } from "./plan.ts";
import { maskOf, mergeRegister } from "./register-file.ts";

const rax = 0;
const rcx = 1;
const rsi = 6;
const rdi = 7;
const anyRepeat = prefixRep | prefixRepne;

/** True where the operation reads the element at rSI. */
function movesSource(operation: u8): boolean {
  return (
    operation === Operation.movs ||
    operation === Operation.cmps ||
    operation === Operation.lods ||
    operation === Operation.outs
  );
}

/** True where the operation works on the element at ES:rDI. */
function movesDestination(operation: u8): boolean {
  return operation !== Operation.lods && operation !== Operation.outs;
}

/** Plans the next element's accesses, or says that the count is 0. */
export function prepareString(
  instruction: Instruction,
  gpr: FixedArray<u64>,
  segmentation: Segmentation,
  plan: Plan,
): PlanResult {
  const mode = instruction.mode;
  const width = instruction.width;
  const mask = maskOf(instruction.addressSize);
  const operation = instruction.operation;
  const repeated = (instruction.prefixes & anyRepeat) !== 0;
  if (repeated && u64(gpr[rcx] & mask) === 0n) return PlanResult.finished;
  if (movesSource(operation)) {
    plan.load.linear = linearAddress(segmentation, mode, instruction.segment, u64(gpr[rsi] & mask));
    plan.load.width = width;
  }
  const destination = linearAddress(segmentation, mode, Segment.es, u64(gpr[rdi] & mask));
  if (operation === Operation.cmps) {
    plan.secondLoad.linear = destination;
    plan.secondLoad.width = width;
  } else if (operation === Operation.scas) {
    plan.load.linear = destination;
    plan.load.width = width;
  } else if (operation === Operation.movs || operation === Operation.stos || operation === Operation.ins) {
    plan.store.linear = destination;
    plan.store.width = width;
  }
  return PlanResult.ready;
}

/** Completes one element: what to store, the registers, and whether there is more to do. */
export function completeString(
  instruction: Instruction,
  gpr: FixedArray<u64>,
  plan: Plan,
  first: u64,
  second: u64,
): void {
  const width = instruction.width;
  const operation = instruction.operation;
  const size = instruction.addressSize;
  const element = u64(first & maskOf(width));
  const accumulator = u64(gpr[rax] & maskOf(width));
  let more = true;
  if (operation === Operation.cmps || operation === Operation.scas) {
    const scan = operation === Operation.scas;
    const { value, flags } = compute(
      Operation.cmp,
      scan ? accumulator : element,
      scan ? element : u64(second & maskOf(width)),
      0,
      width,
    );
    plan.rflags = u64((plan.rflags & ~BigInt(arithmeticFlags)) | BigInt(flags));
    // REPE goes on while equal, REPNE while not.
    more = (value === 0n) === ((instruction.prefixes & prefixRep) !== 0);
  } else if (operation === Operation.lods) {
    setRegister(plan, rax, mergeRegister(gpr, rax, width, 0, element));
  } else {
    plan.storeValue = operation === Operation.stos ? accumulator : element;
  }

  const down = (plan.rflags & BigInt(flagDirection)) !== 0n;
  const step = BigInt(width);
  if (movesSource(operation)) {
    setRegister(
      plan,
      rsi,
      mergeRegister(gpr, rsi, size, 0x40, down ? u64(gpr[rsi] - step) : u64(gpr[rsi] + step)),
    );
  }
  if (movesDestination(operation)) {
    setRegister(
      plan,
      rdi,
      mergeRegister(gpr, rdi, size, 0x40, down ? u64(gpr[rdi] - step) : u64(gpr[rdi] + step)),
    );
  }
  if ((instruction.prefixes & anyRepeat) !== 0) {
    const count = u64(u64(gpr[rcx] - 1n) & maskOf(size));
    setRegister(plan, rcx, mergeRegister(gpr, rcx, size, 0x40, count));
    if (more && count !== 0n) {
      plan.repeat = true;
      const back = u64(plan.rip - BigInt(instruction.length));
      plan.rip = instruction.mode === Mode.bits64 ? back : u64(back & 0xffff_ffffn);
    }
  }
}
