import test from "ava";
import { bringsAny, figuresJson, isBelow, type Measurement } from "./figure.ts";

test("figures are written as name, value, unit and what else is known; absent ones with their reason", (t) => {
  const figures = [
    { name: "image.hypervisor.bytes.typevisor", value: 61_234, unit: "B" },
    { name: "exit.cpuid.kvm", value: 2700, unit: "instructions", median: 2701, mean: 2702 },
    { name: "exit.hypercall.bare", reason: "there is no hypervisor" },
  ];
  t.deepEqual(JSON.parse(figuresJson(figures)), {
    "image.hypervisor.bytes.typevisor": { value: 61_234, unit: "B" },
    "exit.cpuid.kvm": { value: 2700, unit: "instructions", median: 2701, mean: 2702 },
    "exit.hypercall.bare": { absent: "there is no hypervisor" },
  });
});

test("a name is below itself and what it begins with up to a dot, and below nothing else", (t) => {
  t.true(isBelow("exit.cpuid.kvm", "exit"));
  t.true(isBelow("exit.cpuid", "exit.cpuid"));
  t.false(isBelow("exit.cpuid", "exit.cp"));
  t.false(isBelow("exit", "exit.cpuid"));
});

test("a measurement is chosen by what it brings, by a group of it, and by one column of it", (t) => {
  const measurement: Measurement = {
    name: "operations.kvm",
    what: "",
    brings: ["exit.cpuid", "irq.timer"],
    measure: () => Promise.resolve([]),
  };
  for (const asked of ["exit", "exit.cpuid", "exit.cpuid.kvm", "irq"])
    t.true(bringsAny(measurement, asked), asked);
  for (const asked of ["boot", "exit.cp", "operations"]) t.false(bringsAny(measurement, asked), asked);
});
