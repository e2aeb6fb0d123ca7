/** The pair of 8259s: moved away from the exceptions' vectors, and masked for good (Intel 8259A datasheet). */
import { out8 } from "./instructions.ts";

const masterCommand = 0x20;
const masterData = 0x21;
const slaveCommand = 0xa0;
const slaveData = 0xa1;
/** ICW1: edge-triggered, cascaded, ICW4 follows. */
const initialise = 0x11;
/** ICW4: 8086 mode. */
const mode8086 = 0x01;

/** Where their spurious interrupts go, which masks do not stop. */
export const picVector = 0x20;

/** Initialises and masks both. */
export function maskPics(): void {
  out8(masterCommand, initialise);
  out8(slaveCommand, initialise);
  out8(masterData, picVector);
  out8(slaveData, picVector + 8);
  out8(masterData, 4);
  out8(slaveData, 2);
  out8(masterData, mode8086);
  out8(slaveData, mode8086);
  out8(masterData, 0xff);
  out8(slaveData, 0xff);
}
