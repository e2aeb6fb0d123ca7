/** What a recorded start says, as figures. */
import type { Figure } from "../figure.ts";
import type { BlockOperation, StartRecord } from "./record.ts";

const bytesPerMiB = 1 << 20;
/** The functions, by their symbols, that clear the guests' memory and that put payloads there. */
const clearing = "clearPiece";
const copying = "copyToGuest";

/** The figures of a start. @throws where nothing cleared or copied memory: then its functions have other names */
export function startFigures({ instructions, firmware, blocks }: StartRecord): Figure[] {
  const cleared = sumOf(blocks, clearing);
  const copied = sumOf(blocks, copying);
  const own = instructions - firmware - cleared.instructions;
  return [
    { name: "start.instructions.typevisor", value: own, unit: "instructions" },
    { name: "start.copy.typevisor", value: copied.instructions, unit: "instructions" },
    {
      name: "start.clear-memory.typevisor",
      value: Math.round(cleared.instructions / (cleared.bytes / bytesPerMiB)),
      unit: "instructions/MiB",
      note: "8 bytes an instruction: the emulator counts each element of a repeated string instruction",
    },
    { name: "start.firmware.typevisor", value: firmware, unit: "instructions" },
  ];
}

function sumOf(blocks: readonly BlockOperation[], by: string): { bytes: number; instructions: number } {
  const found = blocks.filter((block) => block.by.includes(by));
  if (found.length === 0) throw new Error(`the start has no block operation of ${by}`);
  return {
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    instructions: found.reduce((sum, block) => sum + block.instructions, 0),
  };
}
