import test from "ava";
import { make } from "../dsl/core/layout.ts";
import { text } from "../dsl/core/intrinsics.ts";
import { instantiate } from "../dsl/device/instance.ts";
import { bank, device, line, misuse, ro, rw, u8 } from "../dsl/device/vocabulary.ts";
import type { PlacedInstance } from "./board.ts";
import { BootInfo, CpuAbsence } from "./boot.ts";
import { putDecimal, putHex, putText } from "./console.ts";
import { Domain, DomainState, StopReason, stopDomain } from "./domain.ts";
import {
  cpuAbsent,
  deviceUnimplemented,
  eventKind,
  eventRings,
  guestEnded,
  guestRestarted,
  guestStarted,
  guestStopped,
  guestUnloadable,
  wireQueueFull,
} from "./events.ts";
import { recordCpus } from "./host-cpus.ts";
import { notices } from "./notices.ts";
import { modelMachine, said } from "./testing/machine.ts";

const guests = [{ name: "hello" }, { name: "other" }];

/** The rings of one CPU, and what the view of them says of one record. */
function view(instances: readonly PlacedInstance[] = [], records = 64, cpus = 1) {
  const machine = modelMachine();
  const rings = eventRings(cpus, records);
  const operator = notices(rings, guests, instances, true, true, true);
  return {
    rings,
    told: (): string => {
      operator.show();
      const text = said(machine);
      machine.output.length = 0;
      return text;
    },
  };
}

test("numbers are written without leading zeros", (t) => {
  for (const value of [0n, 7n, 10n, 99n, 100n, 1_000_000n, 18_446_744_073_709_551_615n]) {
    const machine = modelMachine();
    putDecimal(value);
    putText(text(" "));
    putHex(value);
    t.is(said(machine), `${value} 0x${value.toString(16)}`);
  }
});

test("a stopped guest's notice says why and where", (t) => {
  const { rings, told } = view();
  rings.record(guestStopped, 0n, BigInt(StopReason.tripleFault), 0n, 0xffff_8000_1234n);
  t.is(told(), "\r\ntypevisor: guest hello stopped: triple fault at rip 0xffff80001234\r\n");
  rings.record(guestRestarted, 1n, BigInt(StopReason.unexpectedExit), 0x7fn, 0x10n);
  t.is(told(), "\r\ntypevisor: guest other restarts: an unexpected exit (0x7f) at rip 0x10\r\n");
  rings.record(guestEnded, 0n, BigInt(StopReason.powerOff), 0n, 0x10n);
  t.is(told(), "\r\ntypevisor: guest hello ended: it powered itself off\r\n");
});

test("every reason has a sentence", (t) => {
  for (const reason of Object.values(StopReason).filter(
    (r) => typeof r === "number" && r !== StopReason.none,
  )) {
    const { rings, told } = view();
    rings.record(guestStopped, 0n, BigInt(reason), 0n, 0n);
    t.regex(told(), /stopped: [a-z]/, `reason ${reason}`);
  }
});

test("only the first reason of a stop counts", (t) => {
  const domain = make(Domain);
  domain.state = DomainState.running;
  stopDomain(domain, DomainState.poweredOff, StopReason.powerOff, 0n, 0n);
  stopDomain(domain, DomainState.crashed, StopReason.tripleFault, 0n, 0n);
  t.is(domain.reason, StopReason.powerOff);
});

test("events are told once, in order, and others are passed over", (t) => {
  const { rings, told } = view();
  t.is(told(), "");
  rings.record(guestStarted, 0n, 512n, 0n, 0n);
  rings.record(eventKind("of-no-interest"), 0n, 0n, 0n, 0n);
  rings.record(wireQueueFull, 3n, 0n, 0n, 0n);
  rings.record(guestUnloadable, 1n, 2n, 0n, 0n);
  t.is(
    told(),
    "typevisor: guest hello started, 512 MiB\r\n" +
      "typevisor: a change of a device's line was lost\r\n" +
      "typevisor: guest other cannot be loaded\r\n",
  );
  t.is(told(), "");
});

test("that the ring forgot events before they were told is told", (t) => {
  const { rings, told } = view([], 4);
  for (let i = 0n; i < 7n; i++) rings.record(guestStarted, 0n, i, 0n, 0n);
  t.is(
    told(),
    ["events were lost", ...[3, 4, 5, 6].map((i) => `guest hello started, ${i} MiB`)]
      .map((line) => `typevisor: ${line}\r\n`)
      .join(""),
  );
});

test("how many CPUs run is told, how far their counters may differ, and why one does not run", (t) => {
  const boot = make(BootInfo);
  boot.cpuCount = 4;
  boot.clockDifference = 120n;
  const four = view([], 64, 4);
  recordCpus(four.rings, boot);
  t.is(four.told(), "typevisor: 4 CPUs, counters agree within 120 ticks\r\n");
  boot.cpuCount = 2;
  boot.unusedCount = 6;
  boot.absentCount = 2;
  [boot.absent[0].hardwareId, boot.absent[0].reason] = [5, CpuAbsence.silent];
  [boot.absent[1].hardwareId, boot.absent[1].reason] = [300, CpuAbsence.unreachable];
  recordCpus(four.rings, boot);
  t.is(
    four.told(),
    [
      "2 CPUs, counters agree within 120 ticks; not used: 6",
      "a CPU is left out: it does not answer (id 5)",
      "a CPU is left out: its id is too large for the interrupt controllers (id 300)",
    ]
      .map((line) => `typevisor: ${line}\r\n`)
      .join(""),
  );
  recordCpus(four.rings, make(BootInfo));
  t.is(four.told(), "");
});

test("every reason for which a CPU does not run has a sentence", (t) => {
  const { rings, told } = view([], 64, 2);
  for (const reason of Object.values(CpuAbsence).filter((r) => typeof r === "number")) {
    rings.record(cpuAbsent, 1n, BigInt(reason), 0n, 0n);
    t.regex(told(), /left out: [a-z]+ .*\(id 1\)/, `reason ${reason}`);
  }
});

test("what a device does not have is named when a guest uses it", (t) => {
  const clock = device("clock", {
    banks: {
      ports: bank(u8, {
        plain: ro(0),
        alarm: rw(1, {}, { unimplemented: true }),
        century: rw(2, {}, { unimplemented: true }),
      }),
    },
    state: { out: line(), validQueue: misuse() },
  }).implement({});
  const instance = instantiate(clock, "rtc", { at: { ports: 0x70 } });
  const placed = { instance, guest: 1, firstWire: 5 } as unknown as PlacedInstance;
  const { rings, told } = view([placed]);
  rings.record(deviceUnimplemented, 7n, 1n, 0n, 0n);
  t.is(told(), "typevisor: a guest uses what is not there: century of rtc (other)\r\n");
  rings.record(deviceUnimplemented, 6n, 0n, 0n, 0n);
  t.is(told(), "typevisor: a guest uses what is not there: validQueue of rtc (other)\r\n");
  rings.record(deviceUnimplemented, BigInt(5 + instance.wires.length), 1n, 0n, 0n);
  t.is(told(), "typevisor: a guest uses what is not there: \r\n");
});
