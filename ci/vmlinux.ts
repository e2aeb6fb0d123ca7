/**
 * The vmlinux inside a bzImage: the kernel as an ELF file, which has a PVH entry point of its own (Linux
 * Documentation/arch/x86/boot.rst, "payload_offset" and "payload_length").
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { payloadFile, payloadFolder, preparePayloads } from "./payloads.ts";
import { join } from "node:path";

/** The payload's name, as images declare it. */
export const vmlinuxPayload = "vmlinux-cloud";

/** Programs that decompress standard input, by how what they take begins. */
const programs = [
  { magic: [0x02, 0x21, 0x4c, 0x18], command: ["lz4", "-dc"] },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], command: ["xz", "-dc", "--single-stream"] },
] as const;

const setupSectorsAt = 0x1f1;
const payloadOffsetAt = 0x248;
const payloadLengthAt = 0x24c;
/** The kernel's build appends the size of what was compressed. */
const trailerBytes = 4;
const mostBytes = 2 ** 28;

/** Unpacks the vmlinux of a bzImage. */
export function vmlinuxOf(bzImage: Buffer): Buffer {
  const start = 512 * (bzImage.readUInt8(setupSectorsAt) + 1) + bzImage.readUInt32LE(payloadOffsetAt);
  const end = start + bzImage.readUInt32LE(payloadLengthAt);
  const compressed = bzImage.subarray(start, end - trailerBytes);
  const found = programs.find(({ magic }) => magic.every((byte, i) => compressed[i] === byte));
  if (found === undefined) {
    const first = compressed.subarray(0, 4).toString("hex");
    throw new Error(`the kernel is compressed in a way that is not known here: it begins with ${first}`);
  }
  const [program, ...options] = found.command;
  const unpacked = execFileSync(program, options, { input: compressed, maxBuffer: mostBytes });
  const size = bzImage.readUInt32LE(end - trailerBytes);
  if (unpacked.length !== size) throw new Error(`the kernel unpacks to ${unpacked.length} bytes of ${size}`);
  return unpacked;
}

/** Unpacks the cloud kernel into the folder of payloads, and gives its file. */
export async function prepareVmlinux(): Promise<string> {
  await preparePayloads();
  const packed = payloadFile("vmlinuz-cloud");
  const file = join(payloadFolder, vmlinuxPayload);
  if (!existsSync(file) || statSync(file).mtimeMs < statSync(packed).mtimeMs)
    writeFileSync(file, vmlinuxOf(readFileSync(packed)));
  return file;
}
