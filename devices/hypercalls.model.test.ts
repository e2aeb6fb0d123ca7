import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { callCodes, featureBits, interfaceVersion, ownHypercalls } from "./hypercalls.ts";

test("the version and the calls that there are can be asked for", (t) => {
  const guest = attach(ownHypercalls);
  t.is(guest.hypercall("version").output["version"], interfaceVersion);
  t.is(guest.hypercall("features").output["calls"], BigInt(featureBits));
  t.is(featureBits, 0b11111);
});

test("console bytes reach the console in order, and a count that does not fit is refused whole", (t) => {
  const guest = attach(ownHypercalls);
  const bytes = [...Buffer.from("hello")];
  t.is(guest.hypercall("console", { count: 5, bytes }).status, 0);
  t.is(guest.text("output"), "hello");
  t.is(guest.hypercall("console", { count: 16, bytes }).status, 5);
  t.is(guest.hypercall("console", { count: 15, bytes }).status, 0);
  t.is(guest.text("output"), `hellohello${"\0".repeat(10)}`);
});

test("a yield gives the processor away, and a notice reaches the administrator", (t) => {
  const guest = attach(ownHypercalls);
  t.is(guest.hypercall("yield").status, 0);
  t.deepEqual(guest.signals("yield"), [0]);
  t.is(guest.hypercall("notify", { code: 7, value: 0x1234n }).status, 0);
  t.deepEqual(guest.reports("report"), [{ code: 7, a: 0x1234n, b: 0n }]);
});

test("the call codes lie side by side, as the feature bits say", (t) => {
  t.deepEqual(Object.values(callCodes), [0x5400, 0x5401, 0x5402, 0x5403, 0x5404]);
});
