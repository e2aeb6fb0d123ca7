import test from "ava";
import { array, make } from "../../../dsl/core/layout.ts";
import { u64 } from "../../../dsl/core/int.ts";
import { Segmentation } from "./effective-address.ts";
import { complete, prepare } from "./execute.ts";
import { DecodeResult, Form, Mode, Operation } from "./operation.ts";
import { Plan, PlanResult, retire, type MemoryAccess } from "./plan.ts";
import { decodeBytes, hex } from "./testing/decoding.ts";
import {
  caseLayout,
  dataBytes,
  runOnProcessor,
  type ProcessorCase,
  type ProcessorOutcome,
} from "./testing/processor.ts";
import { randomNumbers } from "./testing/random.ts";

const statusFlags = 0x8d5n;
const directionFlag = 0x400n;
const random = randomNumbers(0x5eed_0001);

/** A random number of 64 bits, with a liking for edges. */
function value(): bigint {
  const edges = [
    0n,
    1n,
    0x7fn,
    0x80n,
    0xffn,
    0x7fffn,
    0x8000n,
    0x7fff_ffffn,
    0x8000_0000n,
    0xffff_ffffn,
    1n << 63n,
    (1n << 63n) - 1n,
    (1n << 64n) - 1n,
  ];
  if (random(3) === 0) return edges[random(edges.length)]!;
  return (BigInt(random(2 ** 24)) << 40n) ^ (BigInt(random(2 ** 31)) << 20n) ^ BigInt(random(2 ** 31));
}

/** A piece of code whose memory operand is at RDI + 64 (or R13 + 64, or RSI for strings), and what has to hold for it. */
interface Shape {
  readonly code: readonly number[];
  /** RCX where the instruction counts with it. */
  readonly count?: bigint;
  /** RAX and RDX equal to the memory half of the times. */
  readonly compares?: boolean;
}

/** ModRM for register `reg` and [RDI + 64], after an opcode. */
const atRdi = (reg: number) => [0x47 | (reg << 3), 64];

function shapes(): readonly Shape[] {
  const list: Shape[] = [];
  const add = (code: readonly number[], more: Omit<Shape, "code"> = {}) => list.push({ code, ...more });
  const widths = [[0x66], [], [0x48], [0x44], [0x66, 0x45]] as const;
  /** REX.B selects R15 as the base, which the cases hold at the same address. */
  for (const reg of [0, 1, 3, 6]) {
    for (let op = 0; op < 8; op++) {
      for (const prefix of [[], [0x40], [0x44]]) {
        add([...prefix, op * 8, ...atRdi(reg)]);
        add([...prefix, op * 8 + 2, ...atRdi(reg)]);
      }
      for (const prefix of widths) {
        add([...prefix, op * 8 + 1, ...atRdi(reg)]);
        add([...prefix, op * 8 + 3, ...atRdi(reg)]);
      }
    }
    for (const prefix of widths) {
      for (const opcode of [0x85, 0x87, 0x89, 0x8b]) add([...prefix, opcode, ...atRdi(reg)]);
      for (const opcode of [0xb6, 0xb7, 0xbe, 0xbf]) add([...prefix, 0x0f, opcode, ...atRdi(reg)]);
      for (const opcode of [0xa3, 0xab, 0xb3, 0xbb])
        add([...prefix, 0x0f, opcode, ...atRdi(1)], { count: BigInt(random(400)) - 200n });
      for (const opcode of [0xb1, 0xc1]) add([...prefix, 0x0f, opcode, ...atRdi(reg)], { compares: true });
      for (let cc = 0; cc < 16; cc++) add([...prefix, 0x0f, 0x40 + cc, ...atRdi(reg)]);
    }
    for (const prefix of [[], [0x48]]) add([...prefix, 0x63, ...atRdi(reg)]);
    for (const prefix of [[], [0x41], [0x44]]) {
      for (const opcode of [0x84, 0x86, 0x88, 0x8a]) add([...prefix, opcode, ...atRdi(reg)]);
      for (const opcode of [0xb0, 0xc0]) add([...prefix, 0x0f, opcode, ...atRdi(reg)], { compares: true });
    }
    for (const prefix of [[], [0x66], [0x48]])
      for (const opcode of [0xf0, 0xf1]) add([...prefix, 0x0f, 0x38, opcode, ...atRdi(reg)]);
    for (const prefix of [[], [0x48]]) add([...prefix, 0x0f, 0xc3, ...atRdi(reg)]);
  }
  for (let op = 0; op < 8; op++) {
    const bytes = () => [random(256), random(256), random(256), random(256)];
    add([0x80, ...atRdi(op), random(256)]);
    for (const prefix of [[0x66], [], [0x48]]) {
      add([...prefix, 0x81, ...atRdi(op), ...bytes().slice(0, prefix[0] === 0x66 ? 2 : 4)]);
      add([...prefix, 0x83, ...atRdi(op), random(256)]);
      if (op >= 4) add([...prefix, 0x0f, 0xba, ...atRdi(op), random(256)]);
      if (op < 2 || op === 6) add([...prefix, 0xff, ...atRdi(op)].slice(0, 99));
      if (op === 2 || op === 3) add([...prefix, 0xf7, ...atRdi(op)]);
      if (op === 0) add([...prefix, 0xf7, ...atRdi(op), ...bytes().slice(0, prefix[0] === 0x66 ? 2 : 4)]);
      if (op === 0) add([...prefix, 0xc7, ...atRdi(op), ...bytes().slice(0, prefix[0] === 0x66 ? 2 : 4)]);
      if (op === 0) add([...prefix, 0x8f, ...atRdi(op)]);
      if (op === 1) add([...prefix, 0x0f, 0xc7, ...atRdi(op)], { compares: true });
    }
    if (op < 2) add([0xfe, ...atRdi(op)]);
    if (op === 2 || op === 3) add([0xf6, ...atRdi(op)]);
    if (op === 0) add([0xf6, ...atRdi(op), random(256)], {});
    if (op === 0) add([0xc6, ...atRdi(op), random(256)]);
  }
  for (const op of [0, 1, 4, 5, 6, 7]) {
    for (const by of [0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 65]) {
      add([0xc0, ...atRdi(op), by]);
      for (const prefix of [[0x66], [], [0x48]]) add([...prefix, 0xc1, ...atRdi(op), by]);
    }
    for (const prefix of [[0x66], [], [0x48]]) {
      add([...prefix, 0xd1, ...atRdi(op)]);
      add([...prefix, 0xd3, ...atRdi(op)]);
    }
    add([0xd0, ...atRdi(op)]);
    add([0xd2, ...atRdi(op)]);
  }
  for (let cc = 0; cc < 16; cc++) add([0x0f, 0x90 + cc, ...atRdi(0)]);
  // POP to where RSP points after it.
  add([0x8f, 0x44, 0x24, 0xf0]);
  add([0x66, 0x8f, 0x44, 0x24, 0xf0]);
  add([0xff, 0x74, 0x24, 0x08]);
  for (const lock of [0x01, 0x09, 0x21, 0x29, 0x31]) add([0xf0, lock, ...atRdi(2)]);
  // A scaled index (RBX is small), 32-bit addresses, and an address relative to RIP are judged by address tests.
  for (const base of [0xa4, 0xa6, 0xaa, 0xac, 0xae]) {
    for (const opcode of [base, base + 1]) {
      for (const size of opcode === base ? [[]] : [[0x66], [], [0x48]]) {
        for (const address of [[], [0x67]]) {
          for (const rep of [[], [0xf3], [0xf2]])
            add([...address, ...rep, ...size, opcode], { count: BigInt(random(5)) });
        }
      }
    }
  }
  return list;
}

function makeCase(shape: Shape, index: number): ProcessorCase {
  const { data: at, rsp } = caseLayout(index);
  const data = Uint8Array.from({ length: dataBytes }, () => (random(4) === 0 ? 0 : random(256)));
  const isString =
    [0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf].includes(shape.code.at(-1)!) &&
    shape.code.length < 5;
  const gpr = Array.from({ length: 16 }, () => value());
  gpr[4] = rsp;
  gpr[7] = at + (isString ? 96n : 0n);
  gpr[15] = gpr[7];
  if (isString) gpr[6] = at + 128n;
  if (shape.count !== undefined) gpr[1] = isString ? shape.count : BigInt.asUintN(64, shape.count);
  const view = new DataView(data.buffer);
  // The bit number of BT, in RCX or with REX.R in R9.
  gpr[9] = gpr[1]!;
  if (isString && random(2) === 0) data.copyWithin(96, 128, 160);
  if (isString && random(2) === 0) gpr[0] = view.getBigUint64(96, true);
  if (shape.compares === true && random(2) === 0) {
    gpr[0] = view.getBigUint64(64, true);
    gpr[2] = shape.code[0] === 0x48 ? view.getBigUint64(72, true) : BigInt(view.getUint32(68, true));
  }
  const rflags =
    0x202n | (BigInt(random(4096)) & statusFlags) | (isString && random(2) === 0 ? directionFlag : 0n);
  return { code: shape.code, gpr, rflags, data };
}

const gpr = make(array(u64, 16));
const plan = make(Plan);
const segmentation = make(Segmentation);
segmentation.stackSize = 8;

function emulate(c: ProcessorCase, index: number): ProcessorOutcome | string {
  const { data: at } = caseLayout(index);
  const data = Uint8Array.from(c.data);
  const reach = (access: MemoryAccess): number => {
    const offset = Number(access.linear - at);
    if (offset < 0 || offset + access.width > dataBytes)
      throw new RangeError(`${hex(c.code)} reaches offset ${offset}`);
    return offset;
  };
  const read = (access: MemoryAccess, skip: number): bigint => {
    let result = 0n;
    for (let i = Math.min(access.width - skip, 8) - 1; i >= 0; i--)
      result = (result << 8n) | BigInt(data[reach(access) + skip + i]!);
    return result;
  };
  for (let i = 0; i < 16; i++) gpr[i] = c.gpr[i]!;
  let rip = 0x40_0000n;
  let rflags = c.rflags;
  for (let round = 0; round < 10; round++) {
    const { result, instruction } = decodeBytes(c.code, Mode.bits64);
    if (result !== DecodeResult.ok || instruction.length !== c.code.length)
      return `decoded as ${DecodeResult[result]} of ${instruction.length} bytes`;
    const planned = prepare(instruction, gpr, segmentation, rip, rflags, plan);
    if (planned === PlanResult.ready) {
      const second =
        plan.secondLoad.width !== 0
          ? read(plan.secondLoad, 0)
          : plan.load.width === 16
            ? read(plan.load, 8)
            : 0n;
      complete(instruction, gpr, plan, plan.load.width === 0 ? 0n : read(plan.load, 0), second);
      for (let i = 0; i < plan.store.width; i++)
        data[reach(plan.store) + i] = Number(
          (i < 8 ? plan.storeValue >> BigInt(8 * i) : plan.storeValueHigh >> BigInt(8 * i - 64)) & 0xffn,
        );
    } else if (planned !== PlanResult.finished) return PlanResult[planned];
    retire(plan, gpr);
    rip = plan.rip;
    rflags = plan.rflags;
    if (!plan.repeat) {
      if (rip !== 0x40_0000n + BigInt(c.code.length)) return `RIP is ${rip.toString(16)}`;
      return { gpr: [...gpr], rflags, data };
    }
    if (rip !== 0x40_0000n) return `RIP is ${rip.toString(16)} with elements left`;
  }
  return "does not end";
}

/** Flags that an instruction leaves undefined (APM vol. 3), and so the processor's do not count. */
function undefinedFlags(c: ProcessorCase): bigint {
  const { instruction } = decodeBytes(c.code, Mode.bits64);
  const { operation } = instruction;
  if (operation >= Operation.bt && operation <= Operation.btc) return 0x8d4n;
  if ([Operation.and, Operation.or, Operation.xor, Operation.test].includes(operation)) return 0x10n;
  if (operation < Operation.rol || operation > Operation.sar) return 0n;
  const long = instruction.width === 8 ? 63n : 31n;
  const count =
    (instruction.form === Form.rmOne
      ? 1n
      : instruction.form === Form.rmCl
        ? c.gpr[1]!
        : instruction.immediate) & long;
  if (count === 0n) return 0n;
  const rotates = operation <= Operation.ror;
  const beyond = !rotates && count > BigInt(8 * instruction.width);
  return (count === 1n ? 0n : 0x800n) | (rotates ? 0n : 0x10n) | (beyond ? 1n : 0n);
}

function describe(o: ProcessorOutcome, c: ProcessorCase): string {
  const changed = o.gpr.flatMap((v, i) => (v === c.gpr[i] ? [] : [`r${i}=${v.toString(16)}`]));
  const bytes = [...o.data].flatMap((v, i) => (v === c.data[i] ? [] : [`[${i}]=${v.toString(16)}`]));
  return [...changed, `flags=${(o.rflags & 0xcd5n & ~undefinedFlags(c)).toString(16)}`, ...bytes].join(" ");
}

test("registers, flags and memory after emulation are those that the processor leaves", (t) => {
  const cases = [...Array(4).keys()].flatMap(() => shapes()).map(makeCase);
  const outcomes = runOnProcessor(cases);
  const lines: string[] = [];
  cases.forEach((c, i) => {
    const ours = emulate(c, i);
    const theirs = describe(outcomes[i]!, c);
    const text = typeof ours === "string" ? ours : describe(ours, c);
    if (text !== theirs) lines.push(`${hex(c.code)}: the processor ${theirs}; emulated ${text}`);
  });
  t.deepEqual(lines, []);
  t.true(cases.length > 3_000, `${cases.length} cases`);
});
