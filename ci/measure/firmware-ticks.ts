/**
 * What firmware takes before a directly booted kernel's first instruction: a kernel that only tells the time-stamp
 * counter, as 16 letters from a (0) to p (15), on the serial port.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootCounting } from "../icount.ts";
import type { Machine } from "../qemu.ts";
import type { ExitMark } from "./exit-counts.ts";

const code = Uint8Array.of(
  ...[0x0f, 0x31], //             rdtsc
  ...[0x66, 0x89, 0xc3], //       mov ebx, eax
  ...[0x66, 0x89, 0xd5], //       mov ebp, edx
  ...[0xba, 0xf8, 0x03], //       mov dx, 0x3f8
  ...[0xb1, 0x10], //             mov cl, 16
  ...[0x80, 0xf9, 0x08], // next: cmp cl, 8
  ...[0x75, 0x03], //             jne digit
  ...[0x66, 0x89, 0xdd], //       mov ebp, ebx
  ...[0x66, 0xc1, 0xc5, 0x04], // digit: rol ebp, 4
  ...[0x89, 0xe8], //             mov ax, bp
  ...[0x24, 0x0f], //             and al, 15
  ...[0x04, 0x61], //             add al, 'a'
  0xee, //                        out dx, al
  ...[0xfe, 0xc9], //             dec cl
  ...[0x75, 0xe9], //             jnz next
  0xf4, //                        hlt
);

const realModeEntry = 0x200;
const codeAt = 0x268;
/** The offset of OUT in the code, and IP there: CS is where the file's {@link realModeEntry} is loaded. */
const outOffset = code.indexOf(0xee);
const outIp = BigInt(codeAt - realModeEntry + outOffset);

/** The exit of the kernel's first OUT: all exits before it are the firmware's. */
export const tellsTicks: ExitMark = ({ code: exit, rip }) => exit === 0x7b && rip === outIp;

/** A bzImage whose real-mode entry (0x200, a jump over the header) is that code. */
export function tellingKernel(): Buffer {
  const setup = Buffer.alloc(1024 * 5);
  setup[0x1f1] = 4;
  setup.writeUInt32LE(1, 0x1f4);
  setup.writeUInt16LE(0xaa55, 0x1fe);
  setup[realModeEntry] = 0xeb;
  setup[realModeEntry + 1] = codeAt - realModeEntry - 2;
  setup.write("HdrS", 0x202, "latin1");
  setup.writeUInt16LE(0x020c, 0x206);
  setup[0x211] = 1;
  setup.writeUInt32LE(0x10_0000, 0x214);
  setup.set(code, codeAt);
  return setup;
}

/** Ticks from the machine's reset to the first instruction of a directly booted kernel. */
export async function firmwareTicks(memoryMiB: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
  try {
    const kernel = join(folder, "kernel");
    writeFileSync(kernel, tellingKernel());
    return await tellingTicks(await bootCounting({ kernel, memoryMiB }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits until the kernel that tells the counter has told it, and ends its machine. */
export async function tellingTicks(machine: Machine): Promise<number> {
  try {
    return ticksOf((await machine.expect(/[a-p]{16}/)).text);
  } finally {
    await machine.kill();
  }
}

/** The number that 16 letters tell. */
export function ticksOf(letters: string): number {
  const digits = [...letters].map((letter) => (letter.charCodeAt(0) - 0x61).toString(16)).join("");
  return Number(BigInt(`0x${digits}`));
}
