import test from "ava";
import { countOf } from "./counter.ts";

test("a line of the plugin is an event with the counts of its CPU", (t) => {
  t.deepEqual(countOf("leave 1 500 120 7"), {
    event: "leave",
    cpu: 1,
    executed: 500,
    inGuest: 120,
    waits: 7,
  });
  t.is(countOf("halt 0 1 0 0").event, "halt");
  t.is(countOf("3 0 1 0 0").event, 3);
});

test("a line that is none of the plugin's is refused", (t) => {
  t.throws(() => countOf("leave 1 500"), { message: "the emulator's plugin says: leave 1 500" });
});
