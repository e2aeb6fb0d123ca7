/** How CPUs stop for good: one by itself, or all others when one has to have the machine for itself. */
import { AtomicU32 } from "../../dsl/core/intrinsics.ts";
import { u32 } from "../../dsl/core/int.ts";
import { struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { bootInfo } from "../../kernel/boot.ts";
import { sendNmi } from "./apic.ts";
import { hostCpus } from "./cpu.ts";
import { cli, hlt, pause } from "./instructions.ts";

const state = storage(
  "stopState",
  struct("StopState", {
    /** Index of the CPU that goes on, plus 1; 0 while none was chosen. */
    chosen: AtomicU32,
    /** CPUs that have stopped for it. */
    stopped: AtomicU32,
  }),
);

/** Looks at CPUs that do not stop: a machine check keeps one from it. */
const maxLooks = 10_000_000;

/** Stops this CPU for good. */
export function stop(): never {
  for (;;) {
    cli();
    hlt();
  }
}

/**
 * Lets the CPU with this index, which calls it with interrupts off, have the machine for itself: the others stop where
 * they are, a guest's code included, by a non-maskable interrupt. Where two ask at once, one of them stops too.
 */
export function stopOthers(index: u32): void {
  if (hostCpus.capacity > 1) {
    if (!state.chosen.compareExchange(0, u32(index + 1))) {
      if (state.chosen.load() !== index + 1) stop();
      return;
    }
    const count = Math.min(bootInfo.cpuCount, hostCpus.capacity);
    for (let i = 0; i < count; i++) if (i !== index) sendNmi(bootInfo.cpus[i].hardwareId);
    for (let i = 0; i < maxLooks; i++) {
      if (state.stopped.load() + 1 >= count) break;
      pause();
    }
  }
}

/** The other end, in the handler of the non-maskable interrupt. */
export function stopIfTold(index: u32): void {
  if (hostCpus.capacity > 1) {
    const chosen = state.chosen.load();
    if (chosen === 0 || chosen === index + 1) return;
    state.stopped.add(1);
    stop();
  }
}
