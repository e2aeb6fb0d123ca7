/**
 * The host's processor as the judge of what instructions do: writes an ELF program that runs each case with given
 * registers, flags and memory, lets the processor run it, and reads back what it left. Linux on x86_64 only.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What one instruction starts from. RSP (register 4) is given by the program: see `caseLayout`. */
export interface ProcessorCase {
  readonly code: readonly number[];
  /** 16 registers by number. */
  readonly gpr: readonly bigint[];
  readonly rflags: bigint;
  /** The content of the case's data area, `dataBytes` long. */
  readonly data: Uint8Array;
}

/** What the processor left. */
export interface ProcessorOutcome {
  readonly gpr: readonly bigint[];
  readonly rflags: bigint;
  readonly data: Uint8Array;
}

/** Bytes of a case's data area. */
export const dataBytes = 256;
const frameBytes = 128;
const stride = dataBytes + 2 * frameBytes;
const imageBase = 0x1000_0000;
const dataBase = 0x2000_0000;

/** Addresses of a case: its data area, and where RSP points when it runs (in the middle of 256 bytes of its own). */
export function caseLayout(index: number): { readonly data: bigint; readonly rsp: bigint } {
  const data = BigInt(dataBase + index * stride);
  return { data, rsp: data + BigInt(dataBytes - 64) };
}

const le = (value: bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

/** Registers in the order in which frames hold them, RSP apart. */
const order = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const pop = (r: number) => (r >= 8 ? [0x41, 0x58 + r - 8] : [0x58 + r]);
const push = (r: number) => (r >= 8 ? [0x41, 0x50 + r - 8] : [0x50 + r]);
const movRsp = (value: bigint) => [0x48, 0xbc, ...le(value, 8)];

function caseCode(c: ProcessorCase, index: number): number[] {
  const { data, rsp } = caseLayout(index);
  const input = data + BigInt(dataBytes);
  const output = input + BigInt(frameBytes);
  return [
    ...movRsp(input),
    0x9d,
    ...order.flatMap(pop),
    ...movRsp(rsp),
    ...c.code,
    // RSP goes to the last place of the output frame, the rest is pushed below it.
    0x48,
    0x89,
    0x24,
    0x25,
    ...le(output + BigInt(frameBytes - 8), 4),
    ...movRsp(output + BigInt(frameBytes - 8)),
    ...[...order].reverse().flatMap(push),
    0x9c,
  ];
}

function elf(code: readonly number[], data: Uint8Array): Buffer {
  const headerBytes = 64 + 2 * 56;
  const codeOffset = 0x1000;
  const dataOffset = codeOffset + Math.ceil(code.length / 0x1000) * 0x1000;
  const file = Buffer.alloc(dataOffset + data.length);
  // ELF-64, System V gABI chapter 4: header, then two PT_LOAD program headers (flags 5 = RX, 6 = RW).
  const segment = (flags: number, offset: number, address: number, size: number) => [
    ...le(1n, 4),
    ...le(BigInt(flags), 4),
    ...le(BigInt(offset), 8),
    ...le(BigInt(address), 8),
    ...le(BigInt(address), 8),
    ...le(BigInt(size), 8),
    ...le(BigInt(size), 8),
    ...le(0x1000n, 8),
  ];
  file.set([
    0x7f,
    0x45,
    0x4c,
    0x46,
    2,
    1,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    ...le(2n, 2),
    ...le(62n, 2),
    ...le(1n, 4),
    ...le(BigInt(imageBase + codeOffset), 8),
    ...le(64n, 8),
    ...le(0n, 8),
    ...le(0n, 4),
    ...le(64n, 2),
    ...le(56n, 2),
    ...le(2n, 2),
    ...le(0n, 2),
    ...le(0n, 2),
    ...le(0n, 2),
    ...segment(5, codeOffset, imageBase + codeOffset, code.length),
    ...segment(6, dataOffset, dataBase, data.length),
  ]);
  if (headerBytes > codeOffset) throw new RangeError("the headers reach into the code");
  file.set(code, codeOffset);
  file.set(data, dataOffset);
  return file;
}

/** Runs all cases on the processor, in one process. Throws where one faults. */
export function runOnProcessor(cases: readonly ProcessorCase[]): readonly ProcessorOutcome[] {
  const data = Buffer.alloc(cases.length * stride);
  cases.forEach((c, i) => {
    data.set(c.data, i * stride);
    data.set([...le(c.rflags, 8), ...order.flatMap((r) => le(c.gpr[r]!, 8))], i * stride + dataBytes);
  });
  const write = [
    0xfc,
    0xb8,
    ...le(1n, 4),
    0xbf,
    ...le(1n, 4),
    0xbe,
    ...le(BigInt(dataBase), 4),
    0xba,
    ...le(BigInt(data.length), 4),
    0x0f,
    0x05,
    0xb8,
    ...le(60n, 4),
    0x31,
    0xff,
    0x0f,
    0x05,
  ];
  const folder = mkdtempSync(join(tmpdir(), "typevisor-processor-"));
  try {
    const program = join(folder, "cases");
    writeFileSync(program, elf([...cases.flatMap(caseCode), ...write], data));
    chmodSync(program, 0o755);
    const output = openSync(join(folder, "out"), "w");
    const run = spawnSync(program, { stdio: ["ignore", output, "inherit"] });
    closeSync(output);
    if (run.status !== 0)
      throw new Error(`the processor stopped: ${run.signal ?? String(run.error ?? run.status)}`);
    const out = readFileSync(join(folder, "out"));
    if (out.length !== data.length)
      throw new Error(`the program wrote ${out.length} of ${data.length} bytes`);
    return cases.map((_, i) => {
      const frame = i * stride + dataBytes + frameBytes;
      const gpr = Array.from({ length: 16 }, () => 0n);
      order.forEach(
        (r, k) => (gpr[r] = out.readBigUInt64LE(frame + frameBytes - 8 - 8 * (order.length - k))),
      );
      gpr[4] = out.readBigUInt64LE(frame + frameBytes - 8);
      const rflags = out.readBigUInt64LE(frame + frameBytes - 8 - 8 * (order.length + 1));
      return { gpr, rflags, data: out.subarray(i * stride, i * stride + dataBytes) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
