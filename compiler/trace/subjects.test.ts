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
import { sceneModel, traceScene, type SceneDevice } from "./testing/scene.ts";
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
      told().filter((line) => !line.includes("line ")),
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
    "linux/calls  hypercall console = 0x696802",
    "linux/calls  byte-out output = 0x68",
    "linux/calls  byte-out output = 0x69",
    "linux/calls  status console = 0x0",
    "linux/calls  hypercall console = 0x696863",
    "linux/calls  status console = 0x5",
    "linux/calls  hypercall version = 0x0",
    "linux/calls  status version = 0x0",
  ]);
});

test.serial("an entry point of the device's own is told with its arguments, before what it changes", (t) => {
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
    "linux/lapic  call writeTaskPriority = 0x5",
    "linux/lapic  change tpr = 0x50  { priority 80 }",
    "linux/lapic  call readTaskPriority = 0x0",
    "linux/lapic  call accept = 0x0",
    "linux/lapic  call accept[1] = 0x4031",
  ]);
  const damaged = bytes().slice();
  damaged[damaged.length - 32 + 14] = 2;
  t.is(readTrace(damaged, model).damage?.message, "accept of device lapic has no argument 2");
});

test.serial(
  "a change names the element, of few by whatever changes it and of many by the access that reaches it",
  (t) => {
    const devices: readonly SceneDevice[] = [
      { name: "hpet", device: hpet, at: { general: 0xfed0_0000, timers: 0xfed0_0100 } },
      { name: "ioapic", device: ioapic, at: { mmio: 0xfec0_0000 } },
    ];
    const { dispatch, told } = traceScene(devices);
    told();
    dispatch.memoryWrite(0, 0, 0xfed0_0000n + 0x120n, 4, 0x4n);
    dispatch.memoryWrite(0, 0, 0xfec0_0000n, 4, 0x12n);
    dispatch.memoryWrite(0, 0, 0xfec0_0010n, 4, 0x31n);
    const lines = told();
    t.true(
      lines.some((line) => /^linux\/hpet {2}change config\[1\] = 0x/.test(line)),
      lines.join("\n"),
    );
    t.true(
      lines.some((line) => /^linux\/ioapic {2}change redirection\[1\] = 0x31 /.test(line)),
      lines.join("\n"),
    );
  },
);

test.serial("a FIFO tells how much is in it", (t) => {
  const { parts, told } = traceScene([{ name: "com1", device: uart16550, at: { ports: 0x3f8 } }]);
  const { instance, state } = parts.instances[0]!;
  const source = instance.device.wires.find((w) => w.kind === "source")!;
  instance.windows[0]!.write(state, 2, 1, 1);
  instance.device.receive(state, source.ordinal, 0x41);
  instance.device.receive(state, source.ordinal, 0x42);
  const fill = told().filter((line) => line.includes(".count"));
  t.deepEqual(fill, ["linux/com1  change rx.count = 0x1", "linux/com1  change rx.count = 0x2"]);
});

test.serial("a record of an element, a hypercall or a piece of state that is not there is damage", (t) => {
  const { bytes, parts, model } = traceScene([crash]);
  const { instance, state } = parts.instances[0]!;
  instance.windows[0]!.msr!.write(state, 0, 1n);
  const whole = bytes();
  const damaged = (at: number, value: number): string => {
    const copy = whole.slice();
    copy[whole.length - 32 + at] = value;
    return readTrace(copy, model).damage?.message ?? "none";
  };
  t.is(damaged(9, 9), "crashParameter of device crash has no element 9");
  t.regex(damaged(8, 13), /^device crash has nothing with number \d+ for this event$/);
  t.is(sceneModel([crash]).devices[0]!.type, "viridian-crash");
});
