import test from "ava";
import { figuresOf } from "./exit-cost.ts";

test("the guest's lines become figures, and nothing else does", (t) => {
  const console = "bare guest\nfigure cpuid 165\nfigure in-pm-timer 184\nnot a figure 3\n";
  t.deepEqual(figuresOf(console), [
    { name: "exit.cpuid", value: 165, unit: "instructions" },
    { name: "exit.in-pm-timer", value: 184, unit: "instructions" },
  ]);
});
