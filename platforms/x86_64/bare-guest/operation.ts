/** What an operation to be measured is, and the counter around instructions. */
import { u32, u64 } from "../../../dsl/core/int.ts";
import { asm } from "../../asm.ts";

/** One operation of the benchmark. */
export interface Operation {
  /** As in the figures: "exit.cpuid". */
  readonly name: string;
  /** Whether the machine has what the operation is about. */
  readonly possible: () => boolean;
  /** Why it is left out where it is not possible. */
  readonly reason: string;
  /** Measures it once, in ticks of the time-stamp counter. */
  readonly take: () => u32;
}

/**
 * The counter around instructions, which find their operand in RSI. Where the counter counts instructions (a
 * deterministic run), 3 of them are those of the measurement.
 */
export const timed = (instructions: string) =>
  asm({
    template: `movq %rbx, %r10; rdtsc; movl %eax, %r8d; ${instructions}; rdtsc; subl %r8d, %eax; movq %r10, %rbx`,
    constraints: "={eax},{rsi},~{rcx},~{rdx},~{r8},~{r10},~{memory}",
    params: [u64],
    result: u32,
  });

/** For what every machine has. */
export const always = (): boolean => true;
