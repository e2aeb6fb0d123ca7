/**
 * Emulation of instructions with an operand in memory, for accesses to devices:
 *
 * ```ts
 * switch (prepare(instruction, gpr, segmentation, rip, rflags, plan)) {
 *   case PlanResult.ready:
 *     // plan.load.width !== 0: read it once; likewise plan.secondLoad
 *     complete(instruction, gpr, plan, first, second);
 *     // plan.store.width !== 0: write plan.storeValue once; where that faults, nothing has changed yet
 *     retire(plan, gpr);                         // and take plan.rip, plan.rflags
 * ```
 *
 * A string operation does one element per round and says `repeat` while there are more, so every round is bounded and
 * interrupts can be taken between two. INS takes what the port gave as `first`; OUTS loads its element, and the
 * caller sends it to the port. Stores of CMPXCHG happen whatever it compares, as on the processor.
 */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";
import { arithmeticFlags, compute, condition, shift, flagCarry, flagZero } from "./alu.ts";
import { effectiveOffset, linearAddress, type Segmentation } from "./effective-address.ts";
import { accessRead, accessWrite, Form, Mode, Operation, Segment, type Instruction } from "./operation.ts";
import { PlanResult, setRegister, type MemoryAccess, type Plan } from "./plan.ts";
import { containingRegister, maskOf, mergeRegister, readRegister, signExtend64 } from "./register-file.ts";
import { completeString, prepareString } from "./string-operation.ts";

const rax = 0;
const rcx = 1;
const rdx = 2;
const rbx = 3;
const rsp = 4;

/** The address of the instruction after one at `rip`. */
export function nextRip(instruction: Instruction, rip: u64): u64 {
  const next = u64(rip + BigInt(instruction.length));
  return instruction.mode === Mode.bits64 ? next : u64(next & 0xffff_ffffn);
}

/** True where `complete` knows an operation that is not a string operation. */
function isKnown(instruction: Instruction): boolean {
  const operation = instruction.operation;
  if (operation >= Operation.add && operation <= Operation.ror) return true;
  if (operation >= Operation.shl && operation <= Operation.sar) return true;
  if (operation >= Operation.mov && operation <= Operation.neg) return true;
  if (operation >= Operation.bt && operation <= Operation.btc) return true;
  return (
    operation === Operation.setcc ||
    operation === Operation.cmovcc ||
    operation === Operation.push ||
    operation === Operation.pop
  );
}

function setAccess(access: MemoryAccess, linear: u64, width: u8): void {
  access.linear = linear;
  access.width = width;
}

/**
 * Plans the accesses of a decoded instruction. `rip` is its own address, `gpr` the guest's registers by number.
 * Nothing but `plan` is changed.
 */
export function prepare(
  instruction: Instruction,
  gpr: FixedArray<u64>,
  segmentation: Segmentation,
  rip: u64,
  rflags: u64,
  plan: Plan,
): PlanResult {
  const next = nextRip(instruction, rip);
  plan.rip = next;
  plan.rflags = rflags;
  plan.registerCount = 0;
  plan.repeat = false;
  plan.load.width = 0;
  plan.secondLoad.width = 0;
  plan.store.width = 0;
  if (!instruction.memory) return PlanResult.unsupported;
  if (instruction.form === Form.string) return prepareString(instruction, gpr, segmentation, plan);
  const vector = instruction.operation === Operation.vectorMove;
  if (!vector && !isKnown(instruction)) return PlanResult.unsupported;

  const mode = instruction.mode;
  const width = instruction.width;
  const operation = instruction.operation;
  let offset = effectiveOffset(instruction, gpr, next);
  if (operation === Operation.push || operation === Operation.pop) {
    const push = operation === Operation.push;
    const stackMask = maskOf(segmentation.stackSize);
    const top = gpr[rsp];
    const moved = u64((push ? u64(top - BigInt(width)) : u64(top + BigInt(width))) & stackMask);
    const stack = linearAddress(segmentation, mode, Segment.ss, push ? moved : u64(top & stackMask));
    setRegister(plan, rsp, u64((top & ~stackMask) | moved));
    if (push) setAccess(plan.store, stack, width);
    else setAccess(plan.load, stack, width);
    // POP computes an address with rSP after it has moved.
    if (!push && instruction.base === rsp)
      offset = u64((offset + BigInt(width)) & maskOf(instruction.addressSize));
  }
  const linear = linearAddress(segmentation, mode, instruction.segment, offset);
  if ((instruction.access & accessRead) !== 0) setAccess(plan.load, linear, width);
  if ((instruction.access & accessWrite) !== 0) setAccess(plan.store, linear, width);
  return vector ? PlanResult.vector : PlanResult.ready;
}

/** The operand that is not in memory: a register or an immediate. */
function otherOperand(instruction: Instruction, gpr: FixedArray<u64>): u64 {
  const width = instruction.width;
  switch (instruction.form) {
    case Form.rmImm:
      return u64(instruction.immediate & maskOf(width));
    case Form.rmOne:
      return 1n;
    case Form.rmCl:
      return u64(gpr[rcx] & 0xffn);
    case Form.accMoffs:
    case Form.moffsAcc:
      return u64(gpr[rax] & maskOf(width));
    default:
      return readRegister(gpr, instruction.reg, width, instruction.rex);
  }
}

function swapBytes(value: u64, width: u8): u64 {
  let rest = value;
  let swapped = 0n;
  for (let i = 0; i < 8; i++) {
    if (i < width) {
      swapped = u64((swapped << 8n) | (rest & 0xffn));
      rest = u64(rest >> 8n);
    }
  }
  return u64(swapped);
}

function completeCompareExchange8(
  instruction: Instruction,
  gpr: FixedArray<u64>,
  plan: Plan,
  low: u64,
  high: u64,
): void {
  const wide = instruction.width === 16;
  const half = wide ? 8 : 4;
  const mask = maskOf(half);
  const memoryLow = u64(low & mask);
  const memoryHigh = wide ? high : u64(low >> 32n);
  const equal = memoryLow === u64(gpr[rax] & mask) && memoryHigh === u64(gpr[rdx] & mask);
  const newLow = equal ? u64(gpr[rbx] & mask) : memoryLow;
  const newHigh = equal ? u64(gpr[rcx] & mask) : memoryHigh;
  plan.storeValue = wide ? newLow : u64((newHigh << 32n) | newLow);
  plan.storeValueHigh = wide ? newHigh : 0n;
  if (!equal) {
    setRegister(plan, rax, memoryLow);
    setRegister(plan, rdx, memoryHigh);
  }
  plan.rflags = u64((plan.rflags & ~BigInt(flagZero)) | (equal ? BigInt(flagZero) : 0n));
}

/** Plans CF of BT and its kin, of which no other flag is defined. Returns the element with its bit changed. */
function completeBit(operation: u8, plan: Plan, value: u64, number: u64, width: u8): u64 {
  const bit = u64(1n << (number & BigInt((8 * width - 1) & 63)));
  plan.rflags = u64((plan.rflags & ~BigInt(flagCarry)) | ((value & bit) !== 0n ? 1n : 0n));
  return operation === Operation.bts
    ? u64(value | bit)
    : operation === Operation.btr
      ? u64(value & ~bit)
      : u64(value ^ bit);
}

/**
 * Computes what the instruction does, from what the loads gave: `first` bytes 0 to 7 of `plan.load`, `second` the
 * second load's value or bytes 8 to 15 of a 16-byte one; 0 without a load. Nothing but `plan` is changed.
 */
export function complete(
  instruction: Instruction,
  gpr: FixedArray<u64>,
  plan: Plan,
  first: u64,
  second: u64,
): void {
  const form = instruction.form;
  const operation = instruction.operation;
  if (form === Form.string) {
    completeString(instruction, gpr, plan, first, second);
    return;
  }
  if (operation === Operation.cmpxchg8b) {
    completeCompareExchange8(instruction, gpr, plan, first, second);
    return;
  }
  const width = instruction.width;
  const loaded = u64(first & maskOf(width));
  const other = otherOperand(instruction, gpr);
  const toRegister = form === Form.regRm;
  // What goes to memory, and what to the register operand; the plan's store says whether the first does.
  let stored = loaded;
  let given = loaded;
  let givenWidth = width;
  let rex = instruction.rex;
  let register = form === Form.accMoffs ? rax : instruction.reg;
  let gives = toRegister || form === Form.accMoffs;
  switch (operation) {
    case Operation.mov:
      stored = other;
      break;
    case Operation.movzx:
    case Operation.movsx:
      if (operation === Operation.movsx) given = u64(signExtend64(loaded, width));
      givenWidth = instruction.operandSize;
      rex = 0x40;
      break;
    case Operation.movbe:
      given = swapBytes(toRegister ? loaded : other, width);
      stored = given;
      break;
    case Operation.cmovcc:
      if (!condition(instruction.opcode, plan.rflags)) given = other;
      break;
    case Operation.setcc:
      stored = condition(instruction.opcode, plan.rflags) ? 1n : 0n;
      break;
    case Operation.push:
    case Operation.pop:
      break;
    case Operation.xchg:
      stored = other;
      gives = true;
      break;
    case Operation.not:
      stored = u64(~loaded & maskOf(width));
      break;
    case Operation.rol:
    case Operation.ror:
    case Operation.shl:
    case Operation.shr:
    case Operation.sal:
    case Operation.sar: {
      const { value, flags } = shift(
        operation,
        loaded,
        u32(other),
        u32(plan.rflags & BigInt(arithmeticFlags)),
        width,
      );
      plan.rflags = u64((plan.rflags & ~BigInt(arithmeticFlags)) | BigInt(flags));
      stored = value;
      break;
    }
    case Operation.bt:
    case Operation.bts:
    case Operation.btr:
    case Operation.btc:
      stored = completeBit(operation, plan, loaded, other, width);
      break;
    default: {
      const exchanges = operation === Operation.cmpxchg;
      const adds = operation === Operation.xadd;
      const left = toRegister ? other : exchanges ? u64(gpr[rax] & maskOf(width)) : loaded;
      const right = toRegister || exchanges ? loaded : other;
      const { value, flags } = compute(
        adds ? u8(Operation.add) : operation,
        left,
        right,
        u8(plan.rflags & 1n),
        width,
      );
      plan.rflags = u64((plan.rflags & ~BigInt(arithmeticFlags)) | BigInt(flags));
      stored = value;
      if (exchanges) {
        stored = value === 0n ? other : loaded;
        gives = value !== 0n;
        register = rax;
        rex = 0x40;
      } else if (adds) gives = true;
      else {
        given = value;
        gives = gives && operation !== Operation.cmp;
      }
    }
  }
  plan.storeValue = stored;
  if (gives)
    setRegister(
      plan,
      containingRegister(u8(register), givenWidth, rex),
      mergeRegister(gpr, u8(register), givenWidth, rex, given),
    );
}
