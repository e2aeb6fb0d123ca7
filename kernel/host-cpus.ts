/** What the host side learned of the machine's CPUs, as events. */
import { maxCpus, type BootInfo } from "./boot.ts";
import { cpuAbsent, cpusRun, type EventRings } from "./events.ts";

/** Records how many CPUs run, and each that does not; a machine with one CPU is not worth a word. */
export function recordCpus(rings: EventRings, boot: BootInfo): void {
  const count = boot.cpuCount;
  const unused = boot.unusedCount;
  if (count > 1 || unused > 0) rings.record(cpusRun, BigInt(count), boot.clockDifference, BigInt(unused), 0n);
  const absent = Math.min(boot.absentCount, maxCpus);
  for (let i = 0; i < absent; i++) {
    const cpu = boot.absent[i];
    rings.record(cpuAbsent, BigInt(cpu.hardwareId), BigInt(cpu.reason), 0n, 0n);
  }
}
