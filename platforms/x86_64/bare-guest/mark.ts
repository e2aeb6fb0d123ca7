/** Places in a guest that whoever counts instructions from outside can tell: NOPs with a number, which cost one. */

/** The numbers. */
export const marks = Object.freeze({
  /** Directly in front of the instruction that sends an interrupt to another virtual CPU. */
  sends: 1,
  /** The first instruction of that interrupt's handler. */
  arrives: 2,
  /** Once, where a guest begins to compute. */
  begins: 3,
  /** Each time when so many rounds of computing are done. */
  computes: 4,
});

/** The instruction: NOPL with a displacement that says what it is (`ci/measure/counter/counter.c`). */
export function markInstruction(number: number): string {
  return `nopl 0x${(0x5456_0000 + number).toString(16)}(%rax)`;
}
