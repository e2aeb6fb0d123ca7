import test from "ava";
import type { RestartModel } from "../dsl/manifest/model.ts";
import { restartPolicy } from "./restart-policy.ts";

const second = 1_000_000_000;

/** When a guest starts that ends so long after each start, up to `until`: in seconds since the first start. */
function starts(policy: RestartModel, runSeconds: (run: number) => number, until: number): readonly number[] {
  const decide = restartPolicy(policy);
  const at = [0];
  let inRow = 0;
  for (let run = 0; at.at(-1)! < until; run++) {
    const next = decide(inRow, BigInt(Math.round(runSeconds(run) * second)));
    if (!next.again) break;
    inRow = next.inRow;
    at.push(at.at(-1)! + runSeconds(run) + Number(next.delayNs) / second);
  }
  return at;
}
const policy: RestartModel = {
  backOffNs: second,
  longestBackOffNs: 8 * second,
  calmNs: 60 * second,
  most: null,
};

test("the back-off doubles up to the longest", (t) => {
  t.deepEqual(
    starts(policy, () => 0, 30),
    [0, 1, 3, 7, 15, 23, 31],
  );
});

test("a guest that has run in calm begins with the shortest back-off again", (t) => {
  t.deepEqual(
    starts(policy, (run) => (run === 3 ? 60 : 0), 80),
    [0, 1, 3, 7, 68, 70, 74, 82],
  );
});

test("a guest that ends too often in a row is given up, and one that runs in calm between is not", (t) => {
  const few = { ...policy, most: 3 };
  t.is(starts(few, () => 1, 1000).length, 4);
  t.true(starts(few, (run) => (run % 3 === 2 ? 60 : 1), 10_000).at(-1)! >= 10_000);
});

test("a guest that crashes for ever takes no more than its share of starts, however long that goes", (t) => {
  const day = 86_400;
  const count = starts(policy, () => 0.1, day).length;
  t.true(count <= day / 8 + 5, `${count} starts in a day`);
  t.true(count >= day / 9, `${count} starts in a day`);
});
