import test from "ava";
import { statusText } from "./status-line.ts";

const guests = [
  { guest: "alpha", state: "running", restarts: 0 },
  { guest: "beta", state: "crashed", restarts: 3 },
];

test("each guest and its state are shown, and the keys at the right where there is room", (t) => {
  const text = statusText(guests, 90);
  t.is(text.length, 90);
  t.true(text.startsWith(" alpha: running  beta: crashed (3 restarts)  "));
  t.true(text.endsWith(" Ctrl-] operator, Ctrl-A X leaves "));
});

test("a narrow terminal shows what fits", (t) => {
  t.is(statusText(guests, 50), " alpha: running  beta: crashed (3 restarts)       ");
  t.is(statusText(guests, 10), " alpha: ru");
});
