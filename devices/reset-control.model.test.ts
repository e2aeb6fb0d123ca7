import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { resetControl, ResetKind } from "./reset-control.ts";

test("a reset happens when bit 2 rises, of the kind that bits 1 and 3 name", (t) => {
  for (const [kind, value] of [
    [ResetKind.processor, 0x04],
    [ResetKind.system, 0x06],
    [ResetKind.power, 0x0e],
    [ResetKind.processor, 0x0c],
  ] as const) {
    const guest = attach(resetControl);
    guest.write("rstCnt", value & ~0x04);
    t.deepEqual(guest.signals("reset"), []);
    guest.write("rstCnt", value);
    guest.write("rstCnt", value);
    t.deepEqual(guest.signals("reset"), [kind]);
  }
});

test("the bits that exist read back, and a reset clears them", (t) => {
  const guest = attach(resetControl);
  guest.write("rstCnt", 0xfb);
  t.is(guest.read("rstCnt"), 0x0a);
  guest.reset();
  t.is(guest.read("rstCnt"), 0);
});
