import test from "ava";
import { figuresJson, figuresTable } from "./figure.ts";

const figures = [
  { name: "image.hello.hypervisor", value: 61_234, unit: "B" },
  { name: "build.cold", value: 7.25, unit: "s" },
];

test("figures are written as name, value and unit", (t) => {
  t.deepEqual(JSON.parse(figuresJson(figures)), {
    "image.hello.hypervisor": { value: 61_234, unit: "B" },
    "build.cold": { value: 7.25, unit: "s" },
  });
});

test("the table aligns names and values", (t) => {
  t.is(figuresTable(figures), "image.hello.hypervisor  61,234 B\nbuild.cold                7.25 s\n");
});
