import test from "ava";
import type { Outcome } from "./figure.ts";
import { figuresTable } from "./table.ts";

const instructions = (name: string, value: number): Outcome => ({ name, value, unit: "instructions" });
const lines = (outcomes: readonly Outcome[]): string[] => figuresTable(outcomes).trimEnd().split("\n");

test("columns stand side by side with the ratio to the best hypervisor, aligned", (t) => {
  const table = lines([
    instructions("exit.cpuid.typevisor", 221),
    instructions("exit.in.kernel.typevisor", 260),
    instructions("exit.cpuid.kvm", 2700),
    instructions("exit.in.kernel.kvm", 1438),
    instructions("exit.cpuid.xen", 5384),
    instructions("exit.in.kernel.xen", 1130),
    instructions("exit.cpuid.bare", 4),
    instructions("exit.in.kernel.bare", 3),
  ]);
  t.deepEqual(table, [
    "                typevisor    kvm    xen  bare  to the best",
    "exit.cpuid            221  2,700  5,384     4     0.08 kvm  instructions",
    "exit.in.kernel        260  1,438  1,130     3     0.23 xen  instructions",
  ]);
});

test("where no hypervisor has a figure, the ratio is to the bare machine; where nobody has it, there is none", (t) => {
  const table = lines([
    { name: "boot.shell.ticks.typevisor", value: 3_000_000, unit: "ticks" },
    { name: "boot.shell.ticks.bare", value: 2_400_000, unit: "ticks" },
    { name: "build.cold", value: 7.25, unit: "s" },
  ]);
  t.deepEqual(table.slice(1), [
    "boot.shell.ticks  3,000,000  2,400,000    1.25 bare  ticks",
    "build.cold             7.25          -            -  s",
  ]);
});

test("without a peer there is one column and no ratio, and figures that tell no one are Typevisor's", (t) => {
  t.deepEqual(lines([{ name: "exitpath.cpuid", value: 300, unit: "instructions" }]), [
    "                typevisor",
    "exitpath.cpuid        300  instructions",
  ]);
});

test("an empty cell has its reason below the table, once for all figures that share it", (t) => {
  const missing = ["a", "b", "c", "d", "e", "f"].map((name) => ({
    name: `exit.${name}.xen`,
    reason: "no such package",
  }));
  const table = lines([
    instructions("exit.a.typevisor", 200),
    { name: "exit.hypercall.typevisor", value: 272, unit: "instructions", note: "refused" },
    ...missing,
    { name: "exit.hypercall.bare", reason: "there is no hypervisor" },
  ]);
  t.regex(table.find((line) => line.startsWith("exit.a ")) ?? "", /^exit\.a +200 +- +- +- +instructions$/);
  t.deepEqual(table.slice(table.indexOf("") + 1), [
    "typevisor: refused (exit.hypercall)",
    "xen: no such package (exit.a, exit.b, exit.c, exit.d and 2 more)",
    "bare: there is no hypervisor (exit.hypercall)",
  ]);
});

test("nothing measured is no table", (t) => {
  t.is(figuresTable([]), "");
});

test("what Typevisor takes on the second machine is beside it, and not held against it", (t) => {
  const own = instructions("exit.cpuid.typevisor", 214);
  const second = instructions("exit.cpuid.bochs", 149);
  t.deepEqual(lines([own, second]), [
    "            typevisor  bochs",
    "exit.cpuid        214    149  instructions",
  ]);
  t.regex(lines([own, second, instructions("exit.cpuid.kvm", 107)])[1], / 2\.00 kvm /);
});
