/** The interrupt-descriptor table: exceptions, the vectors of the allocator, and one stub for all that nobody expects. */
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { u16, u32, u64, u8 } from "../../dsl/core/int.ts";
import { array, at, struct, type ValueOf } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { addressOfFunction } from "../asm.ts";
import { acknowledge, isInService } from "./apic.ts";
import { localCpu } from "./cpu.ts";
import { exceptionCount, exceptionEntries, stackOf } from "./exceptions.ts";
import { loadIdt } from "./instructions.ts";
import { codeSelector, TablePointer } from "./segments.ts";
import { hostVectors, strayStub } from "./vectors.ts";

/** An interrupt gate (APM vol. 2 §4.8.4). */
export const Gate = struct(
  "Gate",
  {
    offsetLow: at(0, u16),
    selector: at(2, u16),
    ist: at(4, u8),
    type: at(5, u8),
    offsetMiddle: at(6, u16),
    offsetHigh: at(8, u32),
  },
  { size: 16 },
);
export type Gate = ValueOf<typeof Gate>;
const idt = storage("idt", array(Gate, 256), { align: 16 });
const pointer = storage("idtPointer", TablePointer);

/** Present, ring 0, 64-bit interrupt gate: entered with interrupts off. */
const interruptGate = 0x8e;
const gateBytes = 16;

/** Points a gate to a function, on the stack of its interrupt-stack-table entry; 0: on the current one. */
export function setGate(gate: Gate, target: u64, ist: u8): void {
  gate.offsetLow = u16(target);
  gate.selector = codeSelector;
  gate.ist = ist;
  gate.type = interruptGate;
  gate.offsetMiddle = u16(target >> 16n);
  gate.offsetHigh = u32(target >> 32n);
}

/** An interrupt that no part took: counted, and acknowledged where the APIC waits for it. */
function onStray(): void {
  const cpu = localCpu();
  cpu.strays = u32(cpu.strays + 1);
  if (isInService()) acknowledge();
}
const stray = strayStub(onStray);

/** Fills the table. */
export function describeInterrupts(): void {
  // The stubs of the exceptions lie 16 bytes apart.
  const entries = u64((addressOfFunction(exceptionEntries) + 15n) & ~15n);
  for (let vector = 0; vector < exceptionCount; vector++) {
    setGate(idt[vector], u64(entries + BigInt(vector * 16)), stackOf(vector));
  }
  for (let vector = exceptionCount; vector < 256; vector++) setGate(idt[vector], addressOfFunction(stray), 0);
  for (const { vector, stub } of hostVectors()) setGate(idt[vector], addressOfFunction(stub), 0);
}

/** Loads the table on this CPU. */
export function loadInterrupts(): void {
  pointer.limit = 256 * gateBytes - 1;
  pointer.base = addressOf(idt);
  loadIdt(addressOf(pointer));
}
