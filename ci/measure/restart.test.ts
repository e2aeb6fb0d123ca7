import test from "ava";
import type { Count } from "./counter/counter.ts";
import { restartsOf } from "./restart.ts";

const mebibyte = (1 << 20) / 8;

/** Restarts that take so many instructions, with a short exit before each. */
function counted(costs: readonly number[]): Count[] {
  let executed = 0;
  const count = (event: "enter" | "leave", after: number): Count => {
    executed += after;
    return { event, cpu: 0, executed, inGuest: 0, waits: 0 };
  };
  // The first start clears memory too, and is no restart.
  const start = count("enter", 3 * mebibyte);
  return [
    start,
    ...costs.flatMap((cost) => [
      count("leave", 10),
      count("enter", 300),
      count("leave", 10),
      count("enter", cost),
    ]),
  ];
}

test("a restart is what lies between an exit and the next entry, where memory was cleared", (t) => {
  const costs = [1, 2, 3, 4, 5].map((more) => mebibyte + more);
  t.deepEqual(restartsOf(counted(costs), 1), costs);
});

test("fewer restarts than were to come are refused", (t) => {
  t.throws(() => restartsOf(counted([mebibyte, mebibyte - 1, mebibyte]), 1), {
    message: "2 restarts were counted",
  });
});
