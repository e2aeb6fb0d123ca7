import test from "ava";
import { diagnostic } from "./diagnostic.ts";
import { mismatches } from "./fixtures.ts";

const source = { fileName: "/p/a.ts", text: "one\ntwo\n" };
const said = diagnostic("this", { source, start: 4, end: 7 }, {});
const expected = { file: "/p/a.ts", line: 2, code: "TV2005", text: "no `this`" };

test("what is said and expected at the same line is no mismatch", (t) => {
  t.deepEqual(mismatches([said], [expected]), []);
});

test("what is said twice must be expected twice", (t) => {
  t.is(mismatches([said, said], [expected]).length, 1);
  t.is(mismatches([said], [expected, expected]).length, 1);
});

test("another line, file, code or text is a mismatch on both sides", (t) => {
  for (const other of [{ line: 1 }, { file: "/p/b.ts" }, { code: "TV2006" }, { text: "something else" }]) {
    const found = mismatches([said], [{ ...expected, ...other }]);
    t.is(found.length, 2);
    t.regex(found[0]!, /^unexpected, line 2/);
    t.regex(found[1]!, /^missing, line/);
  }
});
