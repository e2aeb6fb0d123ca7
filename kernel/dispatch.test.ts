import test from "ava";
import { balancedCut } from "./dispatch.ts";

const cut = (...weights: number[]): number => balancedCut(weights.map((weight) => ({ weight })));

test("a list of equal weights is cut in the middle", (t) => {
  t.is(cut(1, 1), 1);
  t.is(cut(1, 1, 1, 1), 2);
  t.is(cut(5, 5, 5, 5, 5, 5), 3);
});

test("what is wanted most stands alone, wherever it is", (t) => {
  t.is(cut(100, 1, 1, 1, 1), 1);
  t.is(cut(1, 1, 1, 1, 100), 4);
  t.is(cut(1, 1, 100, 1, 1), 2);
});

test("neither part is empty", (t) => {
  for (let length = 2; length < 20; length++) {
    for (let heavy = 0; heavy < length; heavy++) {
      const at = cut(...Array.from({ length }, (_, i) => (i === heavy ? 1000 : 1)));
      t.true(at >= 1 && at < length, `${length} ${heavy}`);
    }
  }
});
