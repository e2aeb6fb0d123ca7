import test from "ava";
import { u32, u64, u8 } from "../core/int.ts";
import { array, struct } from "../core/layout.ts";
import { leavesAt, stateLayout } from "./state-layout.ts";

const Row = struct("Row", { mask: u8, level: u32 });
const layout = stateLayout(struct("Rows", { first: u8, rows: array(Row, 3), wide: u64 }));
const names = (offset: number, bytes: number): readonly string[] =>
  leavesAt(layout, offset, bytes).map(({ name }) => name);

test("the scalars within some bytes are those of fields, elements and their parts, in their order", (t) => {
  t.deepEqual(leavesAt(layout, 4, 16), [
    { name: "rows[0].mask", offset: 4, bytes: 1 },
    { name: "rows[0].level", offset: 8, bytes: 4 },
    { name: "rows[1].mask", offset: 12, bytes: 1 },
    { name: "rows[1].level", offset: 16, bytes: 4 },
  ]);
  t.deepEqual(names(0, 5), ["first", "rows[0].mask"]);
  t.deepEqual(names(24, 16), ["rows[2].level", "wide"]);
});

test("a scalar of which some bytes lie outside is not within", (t) => {
  t.deepEqual(names(32, 8), ["wide"]);
  t.deepEqual(names(32, 4), []);
  t.deepEqual(names(33, 16), []);
  t.deepEqual(names(9, 5), ["rows[1].mask"]);
});
