import test from "ava";
import { bit, constant, reserved } from "../../dsl/device/field.ts";
import { repeat, ro, rw, wo } from "../../dsl/device/register.ts";
import type { LocalApics } from "../../platforms/x86_64/guest/local-apic.ts";
import { cpuidRows } from "../../platforms/x86_64/svm/cpuid.ts";
import { msrRows } from "../../platforms/x86_64/svm/msr-rows.ts";
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

test("every register that the platform answers has a part with what it is, where its manual says so, and its bits", (t) => {
  const page = processorPage();
  for (const { name, register } of msrRows({ apics: {} as LocalApics, counter: () => 0n })) {
    const [, part] = page.split(`\n### ${name} {#${name}}\n`);
    t.truthy(part, name);
    const own = part!.split("\n##")[0]!;
    t.true(register.about !== "" && own.includes(register.about), name);
    t.true(register.section !== "" && own.includes(`manual: ${register.section}.`), name);
    t.true(own.includes('class="bit-picture"'), name);
    for (const field of Object.keys(register.fields))
      t.true(own.includes(`| \`${field}\` |`), `${name}.${field}`);
    // What a vCPU holds is not in a device's state.
    t.notRegex(own, /after a reset|reset value|stored as a whole/, name);
  }
});

test("an MSR's line says what reads and writes do, and its part what its bits do", (t) => {
  const run = repeat(16, 1, wo(0x2f0, {}, { about: "a run" }));
  const fields = { on: constant(bit(0, "always on"), true), none: reserved(63, 1, { wrongWrite: "refuse" }) };
  const page = processorPage(
    [
      { name: "one", register: ro(0x20, fields), read: () => 0n, write: null },
      { name: "run", register: run, read: null, write: () => true },
      { name: "even", register: repeat(4, 2, rw(0x30, {})), read: () => 0n, write: () => true },
      {
        ...{ name: "some", register: ro(0x12, {}), read: null, write: null },
        readChecked: () => ({ ok: true, value: 0n }),
      },
    ],
    [],
  );
  t.true(page.includes("| `0x20` | [`one`](#one) | yes | #GP |  |"));
  t.true(page.includes("| `0x2f0` to `0x2ff` | [`run`](#run) | #GP | yes | A run. |"));
  t.true(page.includes("| `0x30` to `0x36`, every 2 | [`even`](#even) | yes | yes |  |"));
  t.true(page.includes("| `0x12` | [`some`](#some) | where the register is there | #GP |  |"));
  t.true(page.includes("| `0xc0000082` | `LSTAR` | no exit | no exit |  |"));
  const numbers = [...page.matchAll(/^\| `(0x\w+)`/gm)].map(([, number]) => Number(number));
  t.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  t.true(page.includes("| 0 | `on` | = | Always on."));
  t.regex(page, /\| 63:1 \| `none` \| – \| [^|]*a write of anything else is refused with #GP\. \|/);
});

test("a leaf's line says which bits are the host's and which are set", (t) => {
  const row = {
    ...{ leaf: 7, subleaf: 0, eax: none, ebx: { keep: 0xffff_ffff, set: 0 } },
    ...{ about: "more features", section: "APM vol. 3 §E.3.6" },
  };
  const [edx, masked] = [
    { keep: 0, set: 13 },
    { keep: 0xff00, set: 0x1_0000 },
  ];
  const page = processorPage([], [{ ...row, ecx: masked, edx }]);
  t.true(
    page.includes(
      "| `0x7` | 0 | 0 | `host` | `host & 0xff00 \\| 0x10000` | `0xd` | More features. | APM vol. 3 §E.3.6 |",
    ),
  );
});

test("the features of a leaf have their names, in the order of their bits", (t) => {
  const flags = { later: 9, first: 0, always: 3 };
  const ecx = { keep: 0x201, set: 8, flags };
  const row = { leaf: 7, subleaf: 0, eax: none, ebx: none, ecx, edx: none, about: "", section: "" };
  t.true(processorPage([], [row]).includes("| `0x7` ECX | first (0), later (9) | always (3) |"));
});

test("a leaf tells what it is and where the manual has it, and its features are the bits that it has", (t) => {
  for (const row of cpuidRows(2)) {
    t.regex(row.section, /^APM vol\. 3 §E\.\d/);
    t.not(row.about, "");
    for (const { flags, keep, set } of [row.eax, row.ebx, row.ecx, row.edx]) {
      if (flags === undefined) continue;
      const bits = Object.values(flags);
      t.is(new Set(bits).size, bits.length);
      t.is(
        bits.reduce((mask, bit) => (mask | (1 << bit)) >>> 0, 0),
        (keep | set) >>> 0,
      );
    }
  }
});
