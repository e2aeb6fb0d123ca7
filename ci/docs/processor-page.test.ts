import test from "ava";
import { cpuidRows } from "../../platforms/x86_64/svm/cpuid.ts";
import { passedThrough } from "../../platforms/x86_64/svm/msr.ts";
import { processorPage } from "./processor-page.ts";

const none = { keep: 0, set: 0 };

test("every MSR and every leaf that the platform answers has a line", (t) => {
  const lines = processorPage().split("\n");
  for (const number of [0x10, 0x1b, 0xfe, 0xc000_0080, ...Object.values(passedThrough)])
    t.is(lines.filter((line) => line.startsWith(`| \`0x${number.toString(16)}\` |`)).length, 1);
  for (const { leaf } of cpuidRows(1))
    t.is(lines.filter((line) => line.startsWith(`| \`0x${leaf.toString(16)}\` |`)).length, 1);
});

test("an MSR's line says what reads and writes do", (t) => {
  const page = processorPage(
    [
      { name: "one", first: 0x20, last: 0x20, read: () => 0n, write: null },
      { name: "run", first: 0x2f0, last: 0x2ff, read: null, write: () => true },
      {
        ...{ name: "some", first: 0x12, last: 0x12, read: null, write: null },
        readChecked: () => ({ ok: true, value: 0n }),
      },
    ],
    [],
  );
  t.true(page.includes("| `0x20` | `one` | yes | #GP |"));
  t.true(page.includes("| `0x2f0` to `0x2ff` | `run` | #GP | yes |"));
  t.true(page.includes("| `0x12` | `some` | where the register is there | #GP |"));
  t.true(page.includes("| `0xc0000082` | `LSTAR` | no exit | no exit |"));
  t.true(page.indexOf("`some`") < page.indexOf("`one`"), "in the order of their numbers");
});

test("a leaf's line says which bits are the host's and which are set", (t) => {
  const row = { leaf: 7, subleaf: 0, eax: none, ebx: { keep: 0xffff_ffff, set: 0 } };
  const [edx, masked] = [
    { keep: 0, set: 13 },
    { keep: 0xff00, set: 0x1_0000 },
  ];
  const page = processorPage([], [{ ...row, ecx: masked, edx }]);
  t.true(page.includes("| `0x7` | 0 | 0 | `host` | `host & 0xff00 \\| 0x10000` | `0xd` |"));
});
