import test from "ava";
import { loadAddress } from "./load-address.ts";
import { operationNamed } from "./operation.ts";
import { guestReadsCounter } from "./payload-code.ts";
import { profileOf, type CodeKnowledge } from "./profile.ts";
import { profileText } from "./text.ts";

const base = 0x10_0000;
const enter = { symbol: "enter", file: "enter.ts", line: 7 };
const code: CodeKnowledge = {
  base,
  text: new Map([
    [0x10, "vmsave %rax"],
    [0x13, "movl $1, %eax"],
    [0x20, "vmrun %rax"],
  ]),
  frames: new Map([
    [0x10, [enter]],
    [0x13, [{ symbol: "answer", file: "cpuid.ts", line: 30 }, enter]],
    [0x20, [enter]],
  ]),
};
const exit = [0x10, 0x13, 0x13, 0x20].map((address) => base + address);
const profile = profileOf("exit.cpuid", 7, { exits: [exit], guest: 4, ticks: 7 }, code);

test("a function has what its own source executes, wherever it was inlined, the largest first", (t) => {
  t.deepEqual(profile.functions, [
    { symbol: "answer", file: "cpuid.ts", instructions: 2 },
    { symbol: "enter", file: "enter.ts", instructions: 2 },
  ]);
  t.is(profile.hypervisor, 4);
});

test("every instruction is told in its order, with its text and all its frames", (t) => {
  t.deepEqual(
    profile.exits[0].map(({ address }) => address),
    [0x10, 0x13, 0x13, 0x20],
  );
  t.deepEqual(profile.exits[0][1], {
    address: 0x13,
    text: "movl $1, %eax",
    frames: [{ symbol: "answer", file: "cpuid.ts", line: 30 }, enter],
  });
});

test("what is executed outside the image is counted as such", (t) => {
  const stray = profileOf("exit.cpuid", 7, { exits: [[5]], guest: 4, ticks: 4 }, code);
  t.deepEqual(stray.functions, [{ symbol: "outside the image", file: "", instructions: 1 }]);
});

test("the text tells the sum, the functions and every instruction with its line", (t) => {
  t.is(
    profileText(profile),
    [
      "exit.cpuid: 7 instructions as the guest sees it, the least of its repetitions",
      "profiled: 7 = 4 of the hypervisor in 1 exit + 3 of the guest's own",
      "",
      "     2  50.0%  answer  cpuid.ts",
      "     2  50.0%  enter   enter.ts",
      "",
      "exit 1: 4 instructions",
      "      10  vmsave %rax    enter.ts:7   enter",
      "      13  movl $1, %eax  cpuid.ts:30  answer",
      "      13  movl $1, %eax  cpuid.ts:30",
      "      20  vmrun %rax     enter.ts:7   enter",
      "",
    ].join("\n"),
  );
});

test("a figure that the profile does not account for is told", (t) => {
  const halted = profileOf("irq.hlt-wake", 4000, { exits: [exit], guest: 4, ticks: 7 }, code);
  t.regex(profileText(halted), /the figure differs: .*halted.*\n/);
  t.notRegex(profileText(profile), /differs/);
});

test("an operation without an exit has an empty profile", (t) => {
  const none = profileOf("memory.first-touch", 3, { exits: [], guest: 3, ticks: 3 }, code);
  t.is(none.hypervisor, 0);
  t.true(profileText(none).includes("profiled: 3 = 0 of the hypervisor in 0 exits + 3 of the guest's own\n"));
});

test("the load address is the page that puts VMRUN where the guest was entered", (t) => {
  const text = new Map([...code.text, [0x320, "vmrun"]]);
  t.is(loadAddress(new Set([base + 0x20]), code.text), base);
  t.is(loadAddress(new Set([base + 0x20, base + 0x320]), text), base);
  t.throws(() => loadAddress(new Set([base + 0x21]), text), { message: /1 places, which fit 0 load/ });
  t.throws(() => loadAddress(new Set(), text), { message: /0 places/ });
  const twice = new Map([...code.text, [0x1020, "vmrun"]]);
  t.throws(() => loadAddress(new Set([base + 0x20]), twice), { message: /fit 2 load addresses/ });
});

test("an operation may be named by the end of its name, where that is one operation's", (t) => {
  const names = [
    "exit.cpuid",
    "exit.mmio.ioapic.read",
    "exit.xapic.read",
    "irq.self-ipi",
    "irq.self-ipi.xapic",
  ];
  t.is(operationNamed("cpuid", names), "exit.cpuid");
  t.is(operationNamed("xapic.read", names), "exit.xapic.read");
  t.is(operationNamed("irq.self-ipi", names), "irq.self-ipi");
  t.is(operationNamed("self-ipi", names), "irq.self-ipi");
  t.throws(() => operationNamed("read", names), { message: /several operations .*ioapic.*xapic/ });
  t.throws(() => operationNamed("d", names), { message: /no operation is named "d": exit\.cpuid, / });
});

test("the guest's readings of the counter are found in its file", (t) => {
  const elf = Buffer.alloc(0x1010);
  elf.writeUInt32LE(52, 28);
  [1, 0x1000, 0x100_0000, 0x100_0000, 0x10].forEach((word, i) => elf.writeUInt32LE(word, 52 + 4 * i));
  elf.set([0x0f, 0x31], 0x1004);
  const reads = guestReadsCounter(elf);
  const addresses = [0x100_0003, 0x100_0004, 0x100_0005, 0x100_0010, 0xff_fff4, 4];
  t.deepEqual(addresses.map(reads), [false, true, false, false, false, false]);
});
