/**
 * The allocator of host interrupt vectors, at build time: whoever handles an interrupt takes a vector and gives the
 * function, and gets a stub that calls exactly that function. Handlers run with interrupts off on the stack of what
 * they interrupt, and acknowledge the interrupt themselves.
 */
import type { u8 } from "../../dsl/core/int.ts";
import { naked } from "../asm.ts";

/** A vector and where the interrupt-descriptor table leads for it. */
export interface HostVector {
  readonly name: string;
  readonly vector: u8;
  readonly stub: () => never;
}

const first = 0x20;
// 0xff is the local APIC's spurious vector.
const last = 0xfe;
const allocated: HostVector[] = [];

/** What a function of the platform's C convention may change. */
const scratch = ["rax", "rcx", "rdx", "r8", "r9", "r10", "r11"];

/** A stub that saves what the handler may change, calls it, and returns to what was interrupted. */
function interruptStub(name: string, handler: () => void): () => never {
  return naked({
    symbol: `interrupt.${name}`,
    // Five words and seven registers lie on an aligned stack; the handler's four home words keep it aligned.
    lines: [
      ...scratch.map((register) => `pushq %${register}`),
      "subq $32, %rsp",
      "cld",
      "callq %{handler}",
      "addq $32, %rsp",
      ...[...scratch].reverse().map((register) => `popq %${register}`),
      "iretq",
    ],
    uses: { handler },
  });
}

/** Takes the next vector from the top: what is taken first has the highest priority. Build time only. */
export function hostVector(name: string, handler: () => void): HostVector {
  const vector = last - allocated.length;
  if (vector < first) throw new RangeError(`no interrupt vector is left for ${name}`);
  if (allocated.some((other) => other.name === name))
    throw new RangeError(`interrupt vector ${name} is taken twice`);
  const made = Object.freeze({ name, vector, stub: interruptStub(name, handler) });
  allocated.push(made);
  return made;
}

/** All vectors taken so far. */
export function hostVectors(): readonly HostVector[] {
  return allocated;
}

/** A stub outside the allocator: for vectors that nobody took. */
export const strayStub = (handler: () => void): (() => never) => interruptStub("stray", handler);
