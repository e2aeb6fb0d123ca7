/** What is told of MSRs, hypercalls, and of what there are several of. */
import test from "ava";
import { hpet } from "../../devices/hpet.ts";
import { ownHypercalls } from "../../devices/hypercalls.ts";
import { i8259 } from "../../devices/i8259.ts";
import { ioapic } from "../../devices/ioapic.ts";
import { localApic } from "../../devices/local-apic.ts";
import { uart16550 } from "../../devices/uart16550.ts";
import { crashRegisters } from "../../devices/viridian/crash.ts";
import { putRecord, recordOf } from "../../dsl/testing/snapshot.ts";
import { location } from "../../dsl/core/layout.ts";
import { memory } from "../../dsl/core/memory.ts";
import type { LocalApicCalls, PicCalls } from "../../kernel/interrupt-source.ts";
import { traceScene, type SceneDevice } from "./testing/scene.ts";
import { TraceKind } from "../../dsl/trace/format.ts";
import { readTrace } from "./read.ts";

const crash: SceneDevice = { name: "crash", device: crashRegisters, at: { crash: 0x4000_0100 } };

test.serial(
  "reads and writes of MSRs are told by name and element, and a refused one changes nothing",
  (t) => {
    const { parts, told } = traceScene([crash]);
    const { instance, state } = parts.instances[0]!;
    const { msr } = instance.windows[0]!;
    t.true(msr!.write(state, 3, 0x1234_5678_9abcn));
    t.deepEqual(msr!.read(state, 3), { ok: true, value: 0x1234_5678_9abcn });
    t.false(msr!.write(state, 0x33, 1n));
    t.deepEqual(
      told().filter((line) => line.includes("crashParameter")),
      [
        "linux/crash  write crashParameter[3] = 0x123456789abc",
        "linux/crash  change crashParameter[3] = 0x123456789abc",
        "linux/crash  read crashParameter[3] = 0x123456789abc",
      ],
    );
  },
);

test.serial("a hypercall is told before what it does, with its status behind it", (t) => {
  const { parts, told } = traceScene([{ name: "calls", device: ownHypercalls, at: {} }]);
  const { instance, state } = parts.instances[0]!;
  const { device } = instance;
  const call = (name: string, input: object): number => {
    const bytes = new Uint8Array(memory.buffer, location(state)!.address, device.state.size);
    const before = recordOf(device.state, bytes);
    putRecord(device.state, bytes, {
      ...before,
      [`${name}Input`]: { ...(before[`${name}Input`] as object), ...input },
    });
    return device.hypercalls.find((h) => h.name === name)!.run(state);
  };
  t.is(call("console", { count: 2, bytes: [0x68, 0x69, ...Array<number>(13).fill(0)] }), 0);
  t.is(call("console", { count: 99 }), 5);
  t.is(call("version", {}), 0);
  t.deepEqual(told(), [
    "linux/calls  restart",
    "linux/calls  hypercall console = 0x696802",
    "linux/calls  byte-out output = 0x68",
    "linux/calls  byte-out output = 0x69",
    "linux/calls  status console = 0x0",
    "linux/calls  hypercall console = 0x696863",
    "linux/calls  status console = 0x5",
    "linux/calls  hypercall version = 0x0",
    "linux/calls  change versionOutput.version = 0x10000",
    "linux/calls  status version = 0x0",
  ]);
});

test.serial(
  "an entry point of the device's own is told with its arguments before what it changes, and with its result behind",
  (t) => {
    const { parts, told, bytes, model } = traceScene([
      { name: "pic", device: i8259, at: { first: 0x20, second: 0xa0, elcr: 0x4d0 } },
      { name: "lapic", device: localApic(0), at: { mmio: 0xfee0_0000 } },
    ]);
    const [pic, lapic] = parts.instances.map(({ instance, state }) => ({
      calls: instance.device.calls,
      state,
    }));
    const { pending, acknowledge } = pic!.calls as PicCalls<object>;
    const { readTaskPriority, writeTaskPriority, accept } = lapic!.calls as LocalApicCalls<object>;
    told();
    const before = told().length;
    pending(pic!.state);
    t.is(acknowledge(pic!.state), 7);
    writeTaskPriority(lapic!.state, 5);
    t.is(readTaskPriority(lapic!.state), 5);
    accept(lapic!.state, 0, 0x4031);
    t.deepEqual(told().slice(before), [
      "linux/pic  call acknowledge = 0x0",
      "linux/pic  result acknowledge = 0x7",
      "linux/lapic  call writeTaskPriority = 0x5",
      "linux/lapic  change tpr = 0x50  { priority 80 }",
      "linux/lapic  call readTaskPriority = 0x0",
      "linux/lapic  result readTaskPriority = 0x5",
      "linux/lapic  call accept = 0x0",
      "linux/lapic  call accept[1] = 0x4031",
      "linux/lapic  result accept = 0x1",
    ]);
    const damaged = bytes().slice();
    damaged[damaged.length - 64 + 13] = 2;
    t.is(readTrace(damaged, model).damage?.message, "accept of device lapic has no argument 2");
  },
);

/** What was told behind everything that was told before. */
function after(told: () => string[], act: () => void): string[] {
  const before = told().length;
  act();
  return told().slice(before);
}

test.serial(
  "a change names the element of a register, whether an access reaches it or something follows",
  (t) => {
    const devices: readonly SceneDevice[] = [
      { name: "hpet", device: hpet, at: { general: 0xfed0_0000, timers: 0xfed0_0100 } },
      { name: "ioapic", device: ioapic, at: { mmio: 0xfec0_0000 } },
    ];
    const { dispatch, parts, told } = traceScene(devices);
    const { instance, state } = parts.instances[1]!;
    const ioApic = (register: number, value: bigint): void => {
      dispatch.memoryWrite(0, 0, 0xfec0_0000n, 4, BigInt(register));
      dispatch.memoryWrite(0, 0, 0xfec0_0010n, 4, value);
    };
    t.true(
      after(told, () => dispatch.memoryWrite(0, 0, 0xfed0_0120n, 4, 0x4n)).some((line) =>
        /^linux\/hpet {2}change config\[1\] = 0x/.test(line),
      ),
    );
    // Pin 10: level-triggered, vector 0x31.
    const written = after(told, () => ioApic(0x10 + 2 * 10, 0x8031n));
    t.true(written.some((line) => line.startsWith("linux/ioapic  change redirection[10] = 0x8031 ")));
    const raised = after(told, () => instance.device.input(state, 10, true));
    t.is(raised[0], "linux/ioapic  change irqs.levels = 0x400");
    t.true(
      raised.some((line) => /change redirection\[10\] = 0xc031 .*remoteIrr 1/.test(line)),
      raised.join("\n"),
    );
  },
);

test.serial("what goes into a FIFO and out of it is told, with how much is in it", (t) => {
  const { parts, told } = traceScene([{ name: "com1", device: uart16550, at: { ports: 0x3f8 } }]);
  const { instance, state } = parts.instances[0]!;
  const [window] = instance.windows;
  const source = instance.device.wires.find((w) => w.kind === "source")!;
  window!.write(state, 2, 1, 1);
  const fifo = (act: () => void): string[] =>
    after(told, act).filter((line) => /\b(rx|thr|rbr)\b/.test(line));
  t.deepEqual(
    fifo(() => instance.device.receive(state, source.ordinal, 0x41)),
    ["linux/com1  change rx.data[0] = 0x41", "linux/com1  change rx.count = 0x1"],
  );
  // MCR: loopback, so that what is written is received.
  window!.write(state, 4, 1, 0x10);
  t.deepEqual(
    fifo(() => window!.write(state, 0, 1, 0x42)),
    [
      "linux/com1  write thr = 0x42",
      "linux/com1  change rx.data[1] = 0x42",
      "linux/com1  change rx.count = 0x2",
    ],
  );
  t.deepEqual(
    fifo(() => void window!.read(state, 0, 1)),
    ["linux/com1  change rx.head = 0x1", "linux/com1  change rx.count = 0x1", "linux/com1  read rbr = 0x41"],
  );
});

test.serial("structs in a device's state are told by their parts", (t) => {
  const { parts, told } = traceScene([
    { name: "pic", device: i8259, at: { first: 0x20, second: 0xa0, elcr: 0x4d0 } },
  ]);
  const { instance, state } = parts.instances[0]!;
  const mask = after(told, () => instance.windows[1]!.write(state, 1, 1, 0xfb));
  t.deepEqual(mask, ["linux/pic  write data1 = 0xfb", "linux/pic  change chips[1].mask = 0xfb"]);
});

test.serial(
  "a guest's start is told with what becomes of the state, and going on from a save with all that was saved",
  (t) => {
    const { parts, told } = traceScene([{ name: "com1", device: uart16550, at: { ports: 0x3f8 } }]);
    const { instance, state } = parts.instances[0]!;
    const [window] = instance.windows;
    t.is(told()[0], "linux/com1  restart");
    for (const [offset, value] of [
      [3, 0x1b],
      [1, 0x02],
    ] as const)
      window!.write(state, offset, 1, value);
    const restarted = after(told, () => parts.restart(0));
    t.is(restarted[0], "linux/com1  restart");
    t.false(restarted.some((line) => line.includes("lcr")));

    window!.write(state, 3, 1, 0x1b);
    window!.write(state, 1, 1, 0x02);
    const resumed = after(told, () => parts.resume(0));
    t.is(resumed[0], "linux/com1  resume");
    const restored = resumed.filter((line) => line.includes("restored"));
    t.true(restored.some((line) => /restored lcr = 0x1b {2}\{ wordLength 3, .*dlab 0 \}$/.test(line)));
    t.true(restored.includes("linux/com1  restored irq.level = 0x1"), restored.join("\n"));
    t.deepEqual(restored, [...new Set(restored)]);
    t.false(restored.some((line) => line.includes("= 0x0")));
  },
);

test.serial("a record of an element, a hypercall or a piece of state that is not there is damage", (t) => {
  const { bytes, parts, model } = traceScene([crash]);
  const { instance, state } = parts.instances[0]!;
  instance.windows[0]!.msr!.read(state, 0);
  const whole = bytes();
  const damaged = (...bytes: readonly (readonly [at: number, value: number])[]): string => {
    const copy = whole.slice();
    for (const [at, value] of bytes) copy[whole.length - 32 + at] = value;
    return readTrace(copy, model).damage?.message ?? "none";
  };
  t.is(damaged([12, 9]), "crashParameter of device crash has no element 9");
  t.regex(damaged([8, 13]), /^device crash has nothing with number \d+ for this event$/);
  for (const kind of [TraceKind.change, TraceKind.restored])
    t.regex(damaged([8, kind], [13, 9]), /^the state of device crash has nothing at byte \d+$/);
});
