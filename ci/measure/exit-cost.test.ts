import test from "ava";
import { measuredNames } from "../../platforms/x86_64/bare-guest/measure.ts";
import { figuresOf } from "./exit-cost.ts";

test("the guest's lines become figures of the least, and nothing else does", (t) => {
  const [first, ...others] = measuredNames;
  const absent = others.map((name) => `absent ${name} of no matter\n`).join("");
  t.deepEqual(figuresOf(`bare guest\nfigure ${first} 3 4 5\n${absent}not a figure 3 3 3`), [
    { name: first, value: 3, unit: "instructions" },
  ]);
});
