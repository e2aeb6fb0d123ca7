import test from "ava";
import { provide } from "../dsl/core/binding.ts";
import { u8, type u32 } from "../dsl/core/int.ts";
import { addressOf, load64, store64 } from "../dsl/core/intrinsics.ts";
import { array, make } from "../dsl/core/layout.ts";
import type { BoardParts } from "./board.ts";
import { Domain, DomainState, StopReason, stopDomain } from "./domain.ts";
import { eventRings } from "./events.ts";
import { lifecycle } from "./lifecycle.ts";
import { addExtent, retirePage, sharedOwner } from "./slots.ts";
import type { Running } from "./running.ts";
import { modelMachine } from "./testing/machine.ts";
import { Vcpu } from "./vcpu.ts";
import { virtualization, type Virtualization } from "./virtualization.ts";

const mib = 2 ** 20;
const pageBytes = 4096;
const perMib = mib / pageBytes;
const secret = 0x5ec2_e75e_c2e7_5ec3n;

/** A guest of 3 MiB in two extents, with a page that others have too, and a pattern that its last owner left. */
function scene(onCrash: "stop" | "restart") {
  modelMachine();
  const domain = make(Domain);
  const host = (addressOf(make(array(u8, 5 * mib))) + 0xfffn) & ~0xfffn;
  /** A word of every page. */
  const pages = Array.from(
    { length: 4 * perMib },
    (_, page) => host + BigInt(page * pageBytes + 8 * (page % 512)),
  );
  const fill = (): void => {
    for (const at of pages) store64(at, secret);
  };
  fill();
  addExtent(domain.slots, 0, host, BigInt(mib) / 2n);
  addExtent(domain.slots, 0, host + BigInt(mib), BigInt(2.5 * mib));
  addExtent(domain.slots, sharedOwner, host + BigInt(3.5 * mib), BigInt(mib) / 4n);
  domain.uncleared = BigInt(3 * mib);
  domain.vcpuCount = 1;
  const vcpu = make(Vcpu);
  vcpu.domain = domain;
  /** Pages at each of the guest's starts that hold something. */
  const found: number[] = [];
  const own = pages.filter((_, page) => page < perMib / 2 || (page >= perMib && page < 3.5 * perMib));
  const dirty = (): number => own.filter((at) => load64(at) !== 0n).length;
  provide(virtualization, {
    vcpu: () => vcpu,
    load: () => {
      found.push(dirty());
      return { problem: 0, detail: 0n };
    },
  } as unknown as Virtualization);
  const nothing = (): void => undefined;
  let drained = 0;
  const life = lifecycle({
    guests: [
      {
        index: 0,
        slots: [],
        memoryBytes: 3 * mib,
        vcpus: [{}],
        power: { onCrash, onReboot: "restart", onPowerOff: "stop", rebootPolicy: null, crashPolicy: null },
      },
    ] as never,
    domains: [domain] as never,
    board: {
      instances: [],
      silence: nothing,
      enterGuest: nothing,
      restart: nothing,
      timers: { wakeBy: nothing },
    } as unknown as BoardParts,
    rings: eventRings(1, 64),
    vcpus: { withdraw: nothing, admit: nothing, isAtRest: () => true } as unknown as Running,
    operated: false,
    dumps: null,
    drainVolumes: (_guest: u32) => {
      drained = dirty();
    },
    ended: nothing,
  });
  /** Turns of the kernel's loop until nothing more is to be done, and the most that one of them cleared. */
  const settle = (): { readonly turns: number; readonly most: number } => {
    let most = 0;
    for (let turns = 1; turns < 100; turns++) {
      const before = dirty();
      const more = life.settle();
      most = Math.max(most, before - dirty());
      if (!more) return { turns, most };
    }
    throw new Error("it never ends");
  };
  const crash = (): void => {
    fill();
    stopDomain(domain, DomainState.crashed, StopReason.tripleFault, 0n, 0n);
  };
  return { domain, host, pages, life, settle, crash, dirty, found, drained: () => drained };
}

test("a guest finds nothing of its memory's last owner", (t) => {
  const s = scene("stop");
  s.life.start(s.domain);
  s.settle();
  t.is(s.domain.state, DomainState.running);
  t.deepEqual(s.found, [0]);
});

test("what a stopped guest leaves is cleared, at most a mebibyte in one turn", (t) => {
  const s = scene("stop");
  s.life.start(s.domain);
  s.settle();
  s.crash();
  const { turns, most } = s.settle();
  t.is(s.domain.state, DomainState.crashed);
  t.is(s.dirty(), 0);
  t.is(most, perMib);
  t.true(turns >= 4, `${turns} turns`);
  t.is(s.drained(), 3 * perMib, "what disks have under way ends before");
});

test("a guest that is restarted finds nothing of its earlier life, and runs once all is cleared", (t) => {
  const s = scene("restart");
  s.life.start(s.domain);
  s.settle();
  s.crash();
  t.true(s.life.settle());
  t.is(s.domain.state, DomainState.loading);
  s.settle();
  t.is(s.domain.state, DomainState.running);
  t.deepEqual(s.found, [0, 0]);
});

test("a start right after a stop waits for the clearing, and one later clears nothing again", (t) => {
  const s = scene("stop");
  s.life.start(s.domain);
  s.settle();
  s.crash();
  s.life.settle();
  s.life.start(s.domain);
  s.settle();
  t.deepEqual(s.found, [0, 0]);
  s.crash();
  s.settle();
  s.life.start(s.domain);
  t.is(s.settle().turns, 1);
  t.deepEqual(s.found, [0, 0, 0]);
});

test("memory that others have too, and pages out of service, are left alone", (t) => {
  const s = scene("stop");
  const bad = 2 * perMib;
  t.true(retirePage(s.domain.slots, s.host + BigInt(bad * pageBytes)));
  s.life.start(s.domain);
  s.settle();
  t.is(load64(s.pages[3.5 * perMib]!), secret);
  t.is(load64(s.pages[bad]!), secret);
  t.is(s.dirty(), 1);
});
