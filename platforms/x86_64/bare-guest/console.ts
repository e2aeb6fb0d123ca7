/** Where a bare guest speaks: on the PC's first serial port, or, where there is none, on the debug port that hypervisors log. */
import { in8, out8 } from "../instructions.ts";
import { serialMove, serialSetup } from "../serial.ts";

/** The 16550's scratch register, which keeps what is written (National PC16550D §8.9). */
const scratch = 0x3ff;
/** Xen's and Bochs's debug port. */
const debugPort = 0xe9;

/** Whether there is a 16550 at COM1. */
export function hasUart(): boolean {
  out8(scratch, 0x5a);
  if (in8(scratch) !== 0x5a) return false;
  out8(scratch, 0xa5);
  return in8(scratch) === 0xa5;
}

/** Opens the console; false where nothing can be typed on it. */
export function openConsole(): boolean {
  if (hasUart()) {
    serialSetup();
    return true;
  }
  serialMove(debugPort);
  return false;
}
