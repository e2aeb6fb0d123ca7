import test from "ava";
import {
  baseRip,
  DecodeResult,
  Form,
  Mode,
  noRegister,
  Operation,
  prefixRep,
  Segment,
  type Instruction,
} from "./operation.ts";
import { modes, randomEncodings } from "./testing/corpus.ts";
import { decodeBytes, hex } from "./testing/decoding.ts";
import { randomNumbers } from "./testing/random.ts";
import { rows } from "./tables.ts";

const bytesOf = (text: string) => text.split(" ").map((b) => parseInt(b, 16));

function decoded(text: string, mode = Mode.bits64): Instruction {
  const { result, instruction } = decodeBytes(bytesOf(text), mode);
  if (result !== DecodeResult.ok) throw new Error(`${text} is ${DecodeResult[result]}`);
  return instruction;
}
const resultOf = (text: string, mode = Mode.bits64) => decodeBytes(bytesOf(text), mode).result;

/** Every intercepted instruction, its operation and its length. */
const intercepted: readonly (readonly [string, keyof typeof Operation, number])[] = [
  ["0f a2", "cpuid", 2],
  ["0f 32", "rdmsr", 2],
  ["0f 30", "wrmsr", 2],
  ["f4", "hlt", 1],
  ["0f 01 d9", "vmmcall", 3],
  ["0f 01 c1", "vmcall", 3],
  ["0f 20 c0", "movFromCr", 3],
  ["44 0f 22 c7", "movToCr", 4],
  ["0f 21 f8", "movFromDr", 3],
  ["0f 23 f8", "movToDr", 3],
  ["0f 06", "clts", 2],
  ["0f 01 f0", "lmsw", 3],
  ["0f 01 20", "smsw", 3],
  ["0f 31", "rdtsc", 2],
  ["0f 01 f9", "rdtscp", 3],
  ["0f 33", "rdpmc", 2],
  ["0f 08", "invd", 2],
  ["0f 09", "wbinvd", 2],
  ["0f 01 3f", "invlpg", 3],
  ["0f 01 c8", "monitor", 3],
  ["0f 01 c9", "mwait", 3],
  ["0f 01 d1", "xsetbv", 3],
  ["f3 90", "pause", 2],
  ["48 cf", "iret", 2],
  ["9c", "pushf", 1],
  ["9d", "popf", 1],
  ["cd 80", "int", 2],
  ["cc", "int3", 1],
  ["f1", "icebp", 1],
  ["0f 01 00", "sgdt", 3],
  ["0f 01 0c 24", "sidt", 4],
  ["0f 01 15 00 00 00 00", "lgdt", 7],
  ["0f 01 1f", "lidt", 3],
  ["0f 00 c0", "sldt", 3],
  ["0f 00 c8", "str", 3],
  ["0f 00 d0", "lldt", 3],
  ["0f 00 d8", "ltr", 3],
  ["0f 01 d8", "vmrun", 3],
  ["0f 01 da", "vmload", 3],
  ["0f 01 db", "vmsave", 3],
  ["0f 01 dc", "stgi", 3],
  ["0f 01 dd", "clgi", 3],
  ["0f 01 de", "skinit", 3],
  ["0f 01 df", "invlpga", 3],
  ["0f aa", "rsm", 2],
  ["0f 0b", "ud", 2],
  ["e4 71", "in", 2],
  ["ed", "in", 1],
  ["66 e7 80", "out", 3],
  ["f3 6c", "ins", 2],
  ["6f", "outs", 1],
  ["66 0f 38 82 00", "invpcid", 5],
  ["0f 01 fd", "rdpru", 3],
  ["0f 01 fa", "monitorx", 3],
  ["0f 01 fb", "mwaitx", 3],
];

test("every intercepted instruction has its operation and its length", (t) => {
  for (const [text, name, length] of intercepted) {
    const i = decoded(text);
    t.is(Operation[i.operation], name, text);
    t.is(i.length, length, text);
  }
});

test("control and debug register moves name both registers whatever ModRM.mod says", (t) => {
  const cr8 = decoded("44 0f 20 c7");
  t.deepEqual([cr8.reg, cr8.rm, cr8.memory, cr8.length], [8, 7, false, 4]);
  const memoryLike = decoded("41 0f 22 04 25 00 00 00 00");
  t.deepEqual([memoryLike.reg, memoryLike.rm, memoryLike.memory, memoryLike.length], [0, 12, false, 4]);
});

test("LOCK before MOV CR0 means CR8, and no other control register", (t) => {
  t.is(decoded("f0 0f 20 c0", Mode.bits32).reg, 8);
  t.is(resultOf("f0 0f 20 d8", Mode.bits32), DecodeResult.undefined);
});

test("LOCK is legal only where an instruction that may bear it writes memory", (t) => {
  for (const text of [
    "f0 01 07",
    "f0 87 07",
    "f0 0f b1 07",
    "f0 0f ba 2f 01",
    "f0 48 0f c7 0f",
    "f0 ff 07",
    "f0 f7 17",
    "f0 83 0f 01",
  ])
    t.true(decoded(text).lock, text);
  for (const text of [
    "f0 01 c7",
    "f0 03 07",
    "f0 89 07",
    "f0 39 07",
    "f0 85 07",
    "f0 0f a3 07",
    "f0 0f ba 27 01",
    "f0 90",
    "f0 a5",
    "f0 0f a2",
    "f0 83 3f 01",
    "f0 f7 07 00 00 00 00",
  ]) {
    t.is(resultOf(text), DecodeResult.undefined, text);
  }
});

test("an instruction of 15 bytes is one, of 16 is not", (t) => {
  const at = (prefixes: number) => [...Array.from({ length: prefixes }, () => 0x66), 0x90];
  t.is(decodeBytes(at(14), Mode.bits64).instruction.length, 15);
  t.is(decodeBytes(at(15), Mode.bits64).result, DecodeResult.tooLong);
  t.is(
    decodeBytes([...Array.from({ length: 10 }, () => 0x66), 0x81, 0x07, 1, 2, 3, 4], Mode.bits64).result,
    DecodeResult.ok,
  );
  t.is(
    decodeBytes([...Array.from({ length: 10 }, () => 0x2e), 0x81, 0x07, 1, 2, 3, 4], Mode.bits64).result,
    DecodeResult.tooLong,
  );
});

test("REX counts only right before the opcode, and is INC or DEC outside 64-bit mode", (t) => {
  t.is(decoded("48 66 89 07").operandSize, 2);
  t.is(decoded("66 48 89 07").operandSize, 8);
  t.is(decoded("49 44 89 07").rm, 7);
  t.is(decoded("48 89 07", Mode.bits32).operation, Operation.dec);
});

test("the last of F2 and F3 wins, and the last segment override", (t) => {
  t.is(decoded("f2 f3 a4").prefixes & prefixRep, prefixRep);
  t.is(decoded("f3 f2 90").operation, Operation.nop);
  t.is(decoded("64 65 8b 07").segment, Segment.gs);
  t.is(decoded("64 2e 8b 07", Mode.bits32).segment, Segment.cs);
  t.is(decoded("64 2e 8b 07", Mode.bits64).segment, Segment.fs);
});

test("the default segment is SS where rBP or rSP is the base, but not for R12 and R13", (t) => {
  t.is(decoded("8b 45 00").segment, Segment.ss);
  t.is(decoded("8b 04 24").segment, Segment.ss);
  t.is(decoded("41 8b 45 00").segment, Segment.ds);
  t.is(decoded("41 8b 04 24").segment, Segment.ds);
  t.is(decoded("8b 04 2a").segment, Segment.ds);
  t.is(decoded("8b 02", Mode.bits16).segment, Segment.ss);
  t.is(decoded("8b 06 34 12", Mode.bits16).segment, Segment.ds);
});

test("addresses without a base are relative to RIP in 64-bit mode only", (t) => {
  t.is(decoded("8b 05 01 00 00 00").base, baseRip);
  t.is(decoded("8b 05 01 00 00 00", Mode.bits32).base, noRegister);
  t.is(decoded("8b 04 25 00 00 00 80").displacement, 0xffff_ffff_8000_0000n);
});

test("LDS, LES and BOUND have VEX's and EVEX's opcodes outside 64-bit mode, ARPL has MOVSXD's", (t) => {
  t.is(decoded("c5 07", Mode.bits32).length, 2);
  t.is(decoded("c4 46 04", Mode.bits32).length, 3);
  t.is(decoded("62 04 85 00 00 00 00", Mode.bits32).length, 7);
  t.is(decoded("c5 f8 77", Mode.bits32).length, 3);
  t.is(decoded("63 07", Mode.bits32).operation, Operation.other);
  t.is(decoded("48 63 07").operation, Operation.movsx);
});

test("vector moves say their width, direction and register", (t) => {
  const cases: readonly (readonly [string, number, number, number])[] = [
    ["0f 10 07", 16, 1, 0],
    ["44 0f 11 07", 16, 2, 8],
    ["f3 0f 10 0f", 4, 1, 1],
    ["f2 0f 11 0f", 8, 2, 1],
    ["66 0f 6f 17", 16, 1, 2],
    ["f3 0f 7f 17", 16, 2, 2],
    ["66 0f 6e 1f", 4, 1, 3],
    ["66 48 0f 7e 1f", 8, 2, 3],
    ["f3 0f 7e 1f", 8, 1, 3],
    ["66 0f d6 1f", 8, 2, 3],
    ["66 0f e7 27", 16, 2, 4],
    ["0f 2b 27", 16, 2, 4],
    ["66 0f 38 2a 27", 16, 1, 4],
    ["c5 fe 6f 27", 32, 1, 4],
    ["c5 fd e7 27", 32, 2, 4],
    ["c5 78 11 27", 16, 2, 12],
    ["c4 e1 f9 6e 27", 8, 1, 4],
    ["0f 6f 2f", 8, 1, 5],
  ];
  for (const [text, width, access, reg] of cases) {
    const i = decoded(text);
    t.deepEqual(
      [Operation[i.operation], i.vector, i.memory, i.width, i.access, i.reg],
      ["vectorMove", true, true, width, access, reg],
      text,
    );
  }
});

test("far pointers, ENTER and 64-bit immediates are whole", (t) => {
  const far = decoded("ea 78 56 34 12 cd ab", Mode.bits32);
  t.deepEqual([far.immediate, far.immediateHigh], [0x1234_5678n, 0xabcd]);
  const enter = decoded("c8 34 12 07");
  t.deepEqual([enter.immediate, enter.immediateHigh], [0x1234n, 7]);
  const wide = decoded("48 b8 88 77 66 55 44 33 22 81");
  t.deepEqual([wide.immediate, wide.form], [0x8122_3344_5566_7788n, Form.opcodeReg]);
  t.is(resultOf("ea 78 56 34 12 cd ab"), DecodeResult.undefined);
});

test("what is cut off asks for more bytes, whatever stands beyond", (t) => {
  for (const mode of modes) {
    for (const encoding of randomEncodings(mode, 1_500, 4242 + mode)) {
      const { result, instruction } = decodeBytes(encoding, mode);
      if (result !== DecodeResult.ok) continue;
      const length = instruction.length;
      for (let fetched = 0; fetched < length; fetched++) {
        for (const beyond of [0x00, 0xc0, 0xff]) {
          const cut = decodeBytes(encoding.slice(0, fetched), mode, beyond).result;
          if (cut !== DecodeResult.truncated)
            t.fail(`${hex(encoding)} cut to ${fetched} of ${length} bytes is ${DecodeResult[cut]}`);
        }
      }
      const whole = decodeBytes(encoding.slice(0, length), mode, 0xff);
      if (whole.result !== DecodeResult.ok || whole.instruction.length !== length)
        t.fail(`${hex(encoding)} depends on what follows it`);
    }
  }
  t.pass();
});

test("random bytes are decoded, refused or cut off, never longer than they are, and never fault", (t) => {
  const random = randomNumbers(99);
  const seen = new Set<DecodeResult>();
  for (let n = 0; n < 60_000; n++) {
    const bytes = Array.from({ length: random(16) }, () => random(256));
    if (random(8) === 0) for (let i = random(15); i > 0; i--) bytes[i] = 0x66;
    const held = Array.from(bytes, (b) => b ?? 0x66).slice(0, 15);
    const { result, instruction } = decodeBytes(held, modes[n % 3]!);
    seen.add(result);
    if (result === DecodeResult.ok && (instruction.length > held.length || instruction.length === 0))
      t.fail(hex(held));
    if (
      result === DecodeResult.ok &&
      (instruction.base > baseRip ||
        instruction.index > noRegister ||
        instruction.segment > 5 ||
        instruction.width > 32)
    )
      t.fail(hex(held));
  }
  t.is(seen.size, 4);
});

test("the tables stay within what the decoder's 16-bit links reach and a page of memory", (t) => {
  t.true(rows.length * 4 < 4096, `${rows.length} rows`);
});
