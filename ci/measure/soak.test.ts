import test from "ava";
import { soakFigures } from "./soak.ts";

const at = (...free: readonly number[]) => free.map((pages, i) => ({ at: 600_000 * (i + 1), free: pages }));

test("pages that are used up in the second half are lost, and more that are free at times are not", (t) => {
  t.deepEqual(
    soakFigures(at(76, 78, 80, 76, 76, 84)).map(({ value }) => value),
    [60, 6, 0],
  );
  t.is(soakFigures(at(76, 78, 75, 74)).at(-1)?.value, 2);
});

test("too few restarts are refused", (t) => {
  t.throws(() => soakFigures(at(76, 76, 76)), { message: "guests restarted 3 times, which is too few" });
});
