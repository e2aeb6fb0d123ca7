/**
 * Devices with one planted fault each, for the fuzzer's own test. They stand outside `devices/`, where the compiler
 * refuses nearly all of it.
 */
import { addressOf, intrinsic, load8, popCount, store8, trap } from "../../../dsl/core/intrinsics.ts";
import {
  array,
  bank,
  bits,
  device,
  inputs,
  line,
  now,
  rw,
  ro,
  source,
  timer,
  u32,
  u64,
  u8,
} from "../../../dsl/device/vocabulary.ts";

/** What the devices have in common: a lock that opens with two writes, in order, so that no single access finds the fault. */
const shape = (name: string) =>
  device(name, {
    banks: {
      ports: bank(u8, {
        key: rw(0),
        lock: rw(1, { low: bits(3, 0), high: bits(7, 4) }),
        act: rw(2),
        result: ro(3),
      }),
      memory: bank(u32, { first: rw(0), last: rw(0x10) }, { space: "mmio", size: 0x100 }),
    },
    state: { opened: u8, pins: inputs(4), irq: line(), tick: timer(), host: source(), table: array(u8, 8) },
  });

interface Locked {
  key: { value: number };
  lock: { value: number };
}
/** Whether the guest has written what opens the fault. */
const open = (u: Locked): boolean => u.key.value === 0x5a && u.lock.value >= 0xc0;

/** A trap that a guest can reach. */
const traps = shape("traps").implement({
  write: {
    act(u, value) {
      if (open(u) && (value & 3) === 3) trap("the guest has found it");
    },
  },
  receive: { host: () => {} },
  room: { host: () => 1 },
  expire: { tick: () => {} },
  input: { pins: () => {} },
});

/** An access behind the end of the state. */
const reads = shape("reads").implement({
  write: {
    act(u, value) {
      if (open(u)) u.opened = load8(u64(addressOf(u as object) + BigInt(value) * 4n));
    },
  },
  receive: { host: () => {} },
  room: { host: () => 1 },
  expire: { tick: () => {} },
  input: { pins: () => {} },
});

/** Bytes of the state that all of them have. */
const stateBytes = BigInt(traps.state.size);
/** A store right behind the end of the state. */
const writes = shape("writes").implement({
  write: {
    act(u, value) {
      if (open(u)) store8(u64(addressOf(u as object) + stateBytes + BigInt(value & 3)), 1);
    },
  },
  receive: { host: () => {} },
  room: { host: () => 1 },
  expire: { tick: () => {} },
  input: { pins: () => {} },
});

/** An index that nobody has checked. */
const indexes = shape("indexes").implement({
  write: {
    act(u, value) {
      if (open(u)) u.table[value] = 1;
    },
  },
  receive: { host: () => {} },
  room: { host: () => 1 },
  expire: { tick: () => {} },
  input: { pins: () => {} },
});

/** A loop whose turns the guest chooses. */
const loops = shape("loops").implement({
  write: {
    act(u, value) {
      let left: u32 = open(u) ? u32(value << 20) : 0;
      while (left > 0) {
        left = u32(left - 1);
        u.opened = u8(u.opened + left);
      }
    },
  },
  receive: { host: () => {} },
  room: { host: () => 1 },
  expire: { tick: () => {} },
  input: { pins: () => {} },
});

/** A timer that is armed again for the moment in which it expires. */
const storms = shape("storms").implement({
  write: { act: (u, value) => u.tick.arm(u64(now() + BigInt(value))) },
  expire: {
    tick(u) {
      if (open(u)) u.tick.arm(now());
    },
  },
  receive: { host: () => {} },
  room: { host: () => 1 },
  input: { pins: () => {} },
});

/** What the compiler takes for `popCount`, and does otherwise in Node. */
const wrongCount = intrinsic("popCount", (x: u64): u8 => (x === 0xfn ? 3 : popCount(x)));

/** An operation that does not mean the same in Node and natively. */
const differs = shape("differs").implement({
  write: {
    act(u, value) {
      if (open(u)) u.opened = wrongCount(u64(value & 0xf));
    },
  },
  peek: { result: (u) => u.opened },
  receive: { host: () => {} },
  room: { host: () => 1 },
  expire: { tick: () => {} },
  input: { pins: () => {} },
});

/** A fault that only one order of everything else finds: bytes from the host, a pin, time, an entry point. */
const hides = shape("hides").implement({
  receive: {
    host(u, byte) {
      u.opened = byte === 7 ? 1 : 0;
    },
  },
  room: { host: () => 1 },
  input: {
    pins(u, pin, level) {
      if (u.opened === 1 && pin === 2 && level) u.tick.arm(u64(now() + 1000n));
    },
  },
  expire: {
    tick(u) {
      u.opened = 2;
    },
  },
  calls: {
    finish(u: { opened: number }, code: u32): boolean {
      if (u.opened === 2 && code > 0xffff) trap("the entry point has found it");
      return u.opened === 2;
    },
  },
});

export const catalogue = Object.freeze({ traps, reads, writes, indexes, loops, storms, differs, hides });
