import test from "ava";
import { placeOf } from "../dsl/manifest/error.ts";
import { pciPlaces } from "../dsl/manifest/pci.ts";
import { attach } from "../dsl/testing/attach.ts";
import { catalogue } from "./catalogue.ts";
import { crashRegisters } from "./viridian/crash.ts";
import { frequencies } from "./viridian/frequencies.ts";
import { idleRegister } from "./viridian/idle.ts";
import { interruptRegisters } from "./viridian/interrupts.ts";
import { vpIndex } from "./viridian/vp-index.ts";
import { referenceTime } from "./viridian/reference-time.ts";
import { resetRegister } from "./viridian/reset.ts";
import { viridian, viridianFeatures, viridianRules } from "./viridian.ts";
import { checkRules } from "../dsl/device/vocabulary.ts";

const gpa = 0x5000n;

test("a guest that has not said who it is gets no hypercall page", (t) => {
  const guest = attach(catalogue["viridian"]!);
  guest.write("hypercall", gpa | 1n);
  t.is(guest.readBig("hypercall"), gpa);
  t.is(guest.page("hypercallPage").gpa, undefined);
});

test("the hypercall page holds the call and a return, and lies where the guest says", (t) => {
  const guest = attach(catalogue["viridian"]!);
  guest.write("guestOsId", 0x8100_0000_0000_0000n);
  guest.write("hypercall", gpa | 1n);
  t.is(guest.page("hypercallPage").gpa, gpa);
  t.is(guest.page("hypercallPage").bytes.getUint32(0, true), 0xc3d9_010f);
  guest.write("hypercall", 0x7000n | 1n);
  t.is(guest.page("hypercallPage").gpa, 0x7000n);
});

test("the hypercall page goes when the guest is nobody again, and on a reset", (t) => {
  const guest = attach(catalogue["viridian"]!);
  guest.write("guestOsId", 1n);
  guest.write("hypercall", gpa | 1n);
  guest.write("guestOsId", 0n);
  t.is(guest.page("hypercallPage").gpa, undefined);
  t.is(guest.readBig("hypercall"), gpa);
  guest.write("guestOsId", 1n);
  guest.write("hypercall", gpa | 1n);
  guest.reset();
  t.is(guest.page("hypercallPage").gpa, undefined);
  t.is(guest.readBig("guestOsId"), 0n);
});

test("a locked hypercall page stays where it is until a reset", (t) => {
  const guest = attach(catalogue["viridian"]!);
  guest.write("guestOsId", 1n);
  guest.write("hypercall", gpa | 3n);
  guest.write("hypercall", 0x7000n);
  t.is(guest.page("hypercallPage").gpa, gpa);
  guest.reset();
  guest.write("guestOsId", 1n);
  guest.write("hypercall", 0x7001n);
  t.is(guest.page("hypercallPage").gpa, 0x7000n);
});

test("a page outside the guest's memory is refused, and nothing changes", (t) => {
  const guest = attach(catalogue["viridian"]!);
  guest.board.memoryBytes = 0x10_0000n;
  guest.write("guestOsId", 1n);
  guest.write("hypercall", gpa | 1n);
  t.false(guest.wrmsr("identity", 1, 0x10_0000n | 1n));
  t.is(guest.page("hypercallPage").gpa, gpa);
  t.is(guest.readBig("hypercall"), gpa | 1n);
  t.true(guest.wrmsr("identity", 1, 0x10_0000n), "a page that is not enabled lies nowhere");
});

test("a long spin wait gives the processor away", (t) => {
  const guest = attach(catalogue["viridian"]!);
  t.is(guest.hypercall("notifyLongSpinWait", { spins: 4095 }).status, 0);
  t.deepEqual(guest.signals("yield"), [0]);
});

test("the reference time counts 100 ns, by the register and by the page alike", (t) => {
  const guest = attach(referenceTime);
  guest.board.ticksPerSecond = 2_596_116_000n;
  guest.reset();
  guest.write("referenceTsc", gpa | 1n);
  const page = guest.page("scalePage");
  t.is(page.gpa, gpa);
  t.is(page.bytes.getUint32(0, true), 1);
  const scale = page.bytes.getBigUint64(8, true);
  t.is(scale, (10_000_000n << 64n) / 2_596_116_000n);
  guest.advance(3_600_000_000_000);
  const ticks = (guest.board.nowNs * 2_596_116_000n) / 1_000_000_000n;
  const count = guest.readBig("timeRefCount");
  t.is(count, (ticks * scale) >> 64n);
  // An hour, and less than a unit of rounding in 2^62.
  t.true(36_000_000_000n - count <= 1n);
  guest.write("referenceTsc", 0n);
  t.is(page.gpa, undefined);
});

test("the reference time cannot be set", (t) => {
  t.false(attach(referenceTime).wrmsr("time", 0, 5n));
});

test("frequencies are told in Hz and cannot be written", (t) => {
  const guest = attach(frequencies);
  guest.board.ticksPerSecond = 2_596_116_000n;
  t.is(guest.readBig("tscFrequency"), 2_596_116_000n);
  t.is(guest.readBig("apicFrequency"), 1_000_000_000n);
  t.false(guest.wrmsr("frequencies", 0, 1n));
});

test("a 1 in the reset register resets, and reads as 0", (t) => {
  const guest = attach(resetRegister);
  guest.write("systemReset", 0n);
  t.deepEqual(guest.signals("reset"), []);
  guest.write("systemReset", 1n);
  t.deepEqual(guest.signals("reset"), [0]);
  t.is(guest.readBig("systemReset"), 0n);
});

test("a crash is told with all five parameters, when the guest says so", (t) => {
  const guest = attach(crashRegisters);
  for (let i = 0; i < 5; i++) guest.write("crashParameter", BigInt(i) + 0x10n, i);
  guest.write("crashControl", 0n);
  t.deepEqual(guest.reports("report"), []);
  guest.write("crashControl", 1n << 63n);
  t.deepEqual(guest.reports("report"), [
    { code: 0x100, a: 0x10n, b: 0x11n },
    { code: 0x102, a: 0x12n, b: 0x13n },
    { code: 0x104, a: 0x14n, b: 0n },
  ]);
  t.is(guest.readBig("crashControl"), 1n << 63n);
});

test("a virtual processor knows its index", (t) => {
  const guest = attach(vpIndex(7));
  t.is(guest.readBig("vpIndex"), 7n);
  t.false(guest.wrmsr("index", 0, 1n));
});

test("the assist page lies where the guest says", (t) => {
  const guest = attach(interruptRegisters);
  guest.write("vpAssistPage", gpa | 1n);
  t.is(guest.page("assistPage").gpa, gpa);
  guest.write("vpAssistPage", 0n);
  t.is(guest.page("assistPage").gpa, undefined);
});

test("ways to the local APIC are not the device's own", (t) => {
  const guest = attach(interruptRegisters);
  for (const msr of [0, 1, 2]) {
    t.is(guest.rdmsr("interrupts", msr), undefined);
    t.false(guest.wrmsr("interrupts", msr, 0n));
  }
});

test("reading the idle register rests", (t) => {
  const guest = attach(idleRegister);
  t.is(guest.readBig("guestIdle"), 0n);
  t.deepEqual(guest.signals("idle"), [0]);
});

const pci = pciPlaces("guest", placeOf("guest"));
const guestOf = (vcpus: number) => ({ name: "guest", vcpus, pci, firmware: null });
const made = (features: Parameters<typeof viridian>[0]) => viridian(features)(guestOf(2));

test("a profile has the rows that its leaves promise, for any choice of features", (t) => {
  for (let mask = 0; mask < 1 << viridianFeatures.length; mask++) {
    const features = viridianFeatures.filter((_, i) => (mask & (1 << i)) !== 0);
    t.notThrows(() => made({ features }), features.join(" "));
  }
  t.deepEqual(
    made({ features: [] }).map((d) => d.name),
    ["viridian", "vindex0", "vindex1"],
  );
});

test("a leaf that promises what is not there, and a row that no leaf promises, are refused by name", (t) => {
  const all = [catalogue["viridian"]!, vpIndex(0), referenceTime, frequencies, idleRegister, resetRegister];
  t.throws(() => checkRules("viridian", viridianRules, [...all, interruptRegisters]), {
    message: /features\.edx\.crashRegisters promises crashParameter, which is not declared/,
  });
  const poor = viridian({ features: [] })(guestOf(1))[0]!.instance!.device;
  t.throws(() => checkRules("viridian", viridianRules, [poor, vpIndex(0), frequencies]), {
    message: /tscFrequency needs features\.eax\.frequencies, which is 0/,
  });
});
