import test from "ava";
import { startFigures } from "./figures.ts";
import { instructionCount, type BlockOperation } from "./record.ts";

const mib = 1 << 20;
const cleared = (bytes: number, instructions: number): BlockOperation => ({
  by: ["clearPiece", "lifecycle.clear"],
  bytes,
  instructions,
});
const copied: BlockOperation = { by: ["copyToGuest"], bytes: 800, instructions: 101 };
const other: BlockOperation = { by: ["takePage"], bytes: 4096, instructions: 513 };

test("a start is what is neither the firmware's nor the clearing of memory, which is told for each MiB", (t) => {
  const figures = startFigures({
    instructions: 10_000,
    firmware: 3000,
    blocks: [cleared(mib, 1500), copied, cleared(3 * mib, 2500), other],
  });
  t.deepEqual(Object.fromEntries(figures.map(({ name, value }) => [name, value])), {
    "start.instructions.typevisor": 3000,
    "start.copy.typevisor": 101,
    "start.clear-memory.typevisor": 1000,
    "start.firmware.typevisor": 3000,
  });
});

test("a start in which nothing is seen to clear memory, or to copy a payload, is refused", (t) => {
  const of = (blocks: readonly BlockOperation[]) => () =>
    startFigures({ instructions: 10, firmware: 0, blocks });
  t.throws(of([copied, other]), { message: /no block operation of clearPiece/ });
  t.throws(of([cleared(mib, 1)]), { message: /no block operation of copyToGuest/ });
});

test("the emulator tells how many instructions a recorded run has executed, or that none is recorded", (t) => {
  t.is(instructionCount("Recording execution 'recorded': instruction count = 2616330904\r\n"), 2_616_330_904);
  t.throws(() => instructionCount("Record/replay is not active\r\n"), { message: /is not active/ });
});
