/** The i6300ESB watchdog, set to its shortest stages, started and stopped, and left to reset the guest. */
import { volatile } from "../../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../../dsl/core/int.ts";
import { StopReason } from "../../../../kernel/domain.ts";
import { in32, out32 } from "../../instructions.ts";
import { attack, ends, goesOn, type Attack } from "./attack.ts";

/** Vendor 0x8086, device 0x25ab. */
const identity = 0x25ab_8086;
const command = 0x04;
const base = 0x10;
const config = 0x60;
const lock = 0x68;
const decodesMemory = 2;
/** A count is a microsecond, and the second stage resets. */
const fast = 4;
const enable = 2;

/** Configuration mechanism 1 (PCI 3.0 §3.2.2.3.2). */
function configuration(at: u32): u32 {
  out32(0xcf8, u32(at | 0x8000_0000));
  return in32(0xcfc);
}
function configure(at: u32, value: u32): void {
  out32(0xcf8, u32(at | 0x8000_0000));
  out32(0xcfc, value);
}
/** The watchdog as the first double word of its configuration space; 0 where there is none. */
function find(): u32 {
  for (let slot = 1; slot < 32; slot++) if (configuration(slot << 11) === identity) return slot << 11;
  return 0;
}

/** Unlocks a write, and makes it. */
function unlocked(reload: u64, at: u64, value: u32): void {
  volatile.store32(reload, 0x80);
  volatile.store32(reload, 0x86);
  volatile.store32(at, value);
}
/** Both stages as short as there are, started. */
function startShortest(fn: u32): u64 {
  configure(u32(fn + command), decodesMemory);
  const timers = BigInt(u32(configuration(u32(fn + base)) & 0xffff_fff0));
  const reload = u64(timers + 0xcn);
  configure(u32(fn + config), fast);
  unlocked(reload, timers, 0);
  unlocked(reload, u64(timers + 4n), 0);
  return reload;
}

/** Faster than its stages end. */
function startAndStop(): u64 {
  const fn = find();
  if (fn === 0) return 1n;
  const reload = startShortest(fn);
  for (let i = 0; i < 500; i++) {
    unlocked(reload, u64(reload - 0xcn), 0xf_ffff);
    configure(u32(fn + lock), enable);
    unlocked(reload, reload, 0x100);
    configure(u32(fn + lock), 0);
  }
  return 0n;
}
function expire(): u64 {
  const fn = find();
  if (fn === 0) return 1n;
  startShortest(fn);
  for (;;) configure(u32(fn + lock), enable);
}

export const watchdogAttacks: readonly Attack[] = [
  attack("watchdog-storm", "starts and stops its watchdog 500 times", goesOn(), startAndStop),
  attack(
    "watchdog-expires",
    "leaves a watchdog of two microseconds alone",
    ends(StopReason.reboot, "the guest restarts; the machine does not"),
    expire,
  ),
];
