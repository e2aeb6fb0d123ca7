import test from "ava";
import { perFurther } from "./guests.ts";

test("what one more guest takes is the difference by guests, rounded up", (t) => {
  t.is(perFurther([4, 16], [10_000, 130_001]), 10_001);
});
