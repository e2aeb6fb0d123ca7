import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { currentCommit } from "./commit.ts";
import { curvesOf, pageData } from "./data.ts";

const commit = { commit: "0123456789abcdef0123456789abcdef01234567", date: "2026-01-02T03:04:05+00:00" };
const unit = "instructions";
const kept = (name: string, value: number) => ({ ...commit, figures: { [name]: { value, unit } } });
const history = {
  entries: [
    kept("exit.cpuid.typevisor", 300),
    kept("exit.cpuid.kvm", 2800),
    kept("exit.cpuid.typevisor", 223),
  ],
  broken: [{ line: 2, reason: "it is cut" }],
};

test("a figure has a bar for each column, the ratio to the best peer, and Typevisor's past", (t) => {
  const outcomes = [
    { name: "exit.cpuid.typevisor", value: 223, unit },
    { name: "exit.cpuid.kvm", value: 2230, unit, note: "a remark" },
    { name: "exit.cpuid.xen", reason: "it does not boot" },
    { name: "exitpath.cpuid", value: 700, unit },
  ];
  const { cards, broken } = pageData(outcomes, commit, history);
  t.deepEqual(broken, history.broken);
  t.deepEqual(cards[0], {
    name: "exit.cpuid",
    unit,
    bars: [
      { column: "typevisor", value: 223, remark: undefined },
      { column: "kvm", value: 2230, remark: "a remark" },
      { column: "xen", value: undefined, remark: "it does not boot" },
    ],
    ratio: "0.10 kvm",
    history: [
      { ...commit, value: 300 },
      { ...commit, value: 223 },
    ],
  });
  t.like(cards[1], { name: "exitpath.cpuid", ratio: undefined, history: [] });
  t.deepEqual(cards[1].bars, [{ column: "typevisor", value: 700, remark: undefined }]);
});

test("figures along a number are lines of one curve for each unit, and no cards", (t) => {
  const outcomes = [
    { name: "scaling.devices.16.exit.first", value: 260, unit },
    { name: "scaling.devices.16.exit.last", value: 280, unit },
    { name: "scaling.devices.2.exit.first", value: 250, unit },
    { name: "scaling.devices.2.image.bytes", value: 90_000, unit: "B" },
    { name: "scaling.devices.4.exit.first", reason: "it is not here" },
    { name: "exitpath.cpuid", value: 700, unit },
  ];
  t.deepEqual(curvesOf(outcomes), [
    {
      along: "devices",
      unit,
      lines: [
        {
          name: "exit.first",
          points: [
            { x: 2, y: 250 },
            { x: 16, y: 260 },
          ],
        },
        { name: "exit.last", points: [{ x: 16, y: 280 }] },
      ],
    },
    { along: "devices", unit: "B", lines: [{ name: "image.bytes", points: [{ x: 2, y: 90_000 }] }] },
  ]);
  const { curves, cards } = pageData(outcomes, commit, history);
  t.is(curves.length, 2);
  t.deepEqual(
    cards.map(({ name }) => name),
    ["exitpath.cpuid"],
  );
});

test("the commit is told with its date, and whether the sources differ from it, the history apart", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const git = (...args: string[]): void => {
    execFileSync("git", ["-c", "user.name=n", "-c", "user.email=e@example.org", ...args], { cwd: folder });
  };
  writeFileSync(join(folder, "source"), "1");
  git("init", "-q");
  git("add", ".");
  git("commit", "-q", "--date=2026-01-02T03:04:05Z", "-m", "first");
  writeFileSync(join(folder, "history"), "kept");
  const { commit: hash, date, changed } = currentCommit(folder, "history");
  t.regex(hash, /^[0-9a-f]{40}$/);
  t.false(Number.isNaN(Date.parse(date)));
  t.is(changed, undefined);
  writeFileSync(join(folder, "source"), "2");
  t.true(currentCommit(folder, "history").changed);
});
