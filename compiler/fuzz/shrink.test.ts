import test from "ava";
import type { Numbers } from "../../dsl/testing/reach.ts";
import { shrink } from "./shrink.ts";

const action = (target: number, value: bigint): Numbers => ({ kind: 1, bytes: 8, target, offset: 0, value });

test("only the actions that matter are left, in their order", (t) => {
  const actions = Array.from({ length: 100 }, (_, i) => action(i, 0n));
  const small = shrink(actions, (some) => {
    const targets = some.map((a) => a.target);
    return targets.includes(13) && targets.includes(77) && targets.indexOf(13) < targets.indexOf(77);
  });
  t.deepEqual(
    small.map((a) => a.target),
    [13, 77],
  );
});

test("values lose every bit that does not matter", (t) => {
  const [small] = shrink([action(0, 0xdead_beefn)], (some) =>
    some.some((a) => (a.value & 0x8001n) === 0x8001n),
  );
  t.is(small?.value, 0x8001n);
});

test("what cannot be made smaller stays as it is", (t) => {
  const actions = [action(0, 1n), action(1, 0n)];
  t.deepEqual(
    shrink(actions, (some) => some.length === 2 && some[0]!.value === 1n),
    actions,
  );
});
