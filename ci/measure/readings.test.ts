import test from "ava";
import { measuredNames } from "../../platforms/x86_64/bare-guest/measure.ts";
import { GarbledConsole, readConsole } from "./readings.ts";

const names = ["exit.cpuid", "exit.mmio.ioapic.read"];
const good = [
  "bare guest",
  "figure exit.cpuid 221 223 224",
  "absent exit.mmio.ioapic.read there is no I/O APIC",
  "note exit.cpuid a remark",
  "measured",
  "figure of speech",
].join("\n");

test("figures, absences with their reasons, and remarks are read; what comes after the end is not", (t) => {
  const { readings, absent, notes } = readConsole(good, names);
  t.deepEqual(readings, [{ name: "exit.cpuid", least: 221, median: 223, mean: 224 }]);
  t.deepEqual([...absent], [["exit.mmio.ioapic.read", "there is no I/O APIC"]]);
  t.deepEqual([...notes], [["exit.cpuid", "a remark"]]);
});

test("the domain that Xen puts in front of a line is no part of it", (t) => {
  t.deepEqual(readConsole(good.replaceAll(/^/gm, "(d1) "), names), readConsole(good, names));
});

const refusals: readonly (readonly [what: string, console: string, message: RegExp])[] = [
  ["that ends too early", good.replace("measured", "mea"), /did not say that it has measured everything/],
  ["with a broken number", good.replace("223", "2?3"), /the guest says "figure exit\.cpuid 221 2\?3 224"/],
  ["with a number too few", good.replace(" 224", ""), /the guest says "figure exit\.cpuid 221 223"/],
  ["whose least is above its median", good.replace("221", "300"), /the guest says "figure exit\.cpuid 300/],
  ["that tells a figure twice", good.replace("note exit.cpuid a remark", "figure exit.cpuid 1 1 1"), /twice/],
  ["without a figure", good.replace("figure exit.cpuid", "f\0gure exit.cpuid"), /does not tell exit\.cpuid/],
  ["with an unknown figure", good.replace("absent", "figure no.such 1 1 1\nabsent"), /tells no\.such/],
  ["that tells of a wait in vain", good.replace("absent", "missed irq.x\nabsent"), /in vain for what irq\.x/],
  ["with a reason that is missing", good.replace(" there is no I/O APIC", ""), /says "absent exit/],
];
for (const [what, console, message] of refusals) {
  test(`a console ${what} is refused with its last lines`, (t) => {
    const error = t.throws(() => readConsole(console, names), { instanceOf: GarbledConsole, message });
    t.true(error.message.includes("the console's last lines:\nbare guest\n"));
  });
}

test("the guest's operations have the names that figures keep for good, each once", (t) => {
  for (const name of [
    ...["exit.cpuid", "exit.hypercall", "exit.rdmsr", "exit.wrmsr", "exit.in.kernel", "exit.in.unclaimed"],
    ...["exit.out.uart", "exit.mmio.ioapic.read", "exit.mmio.ioapic.write", "exit.mmio.unclaimed"],
    ...["exit.xapic.read", "exit.cr4", "irq.self-ipi", "irq.hlt-wake", "memory.first-touch"],
  ])
    t.true(measuredNames.includes(name), name);
  t.is(new Set(measuredNames).size, measuredNames.length);
});
