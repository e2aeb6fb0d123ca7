import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { reportPage } from "./report-page.ts";
import { reportJson, writeReport, type BuildReport } from "./report.ts";

const report: BuildReport = {
  name: "gateway <1>",
  cpuCapacity: 2,
  hypervisorBytes: 61_234,
  payloadBytes: 14_186_432,
  ledger: {
    byFile: { "kernel/exit.ts": 4096, "devices/uart16550.ts": 1200 },
    byFeature: { "serial & console": 5296 },
  },
  memory: [
    { name: "guest linux", base: 0x1_0000_0000, sizeBytes: 536_870_912, note: "2 MiB pages" },
    { name: "pool", sizeBytes: 65_536, note: '"nested" tables' },
  ],
  sha256: { "gateway.efi": "ab".repeat(32) },
  longestExitPath: { instructions: 1234, path: ["dispatch", "uart16550.thr"] },
  exitPath: {
    "port-out": {
      least: 130,
      instructions: 1234,
      path: ["dispatch", "uart16550.thr"],
      functions: [{ symbol: "uart16550.thr", calls: 16, instructions: 1200 }],
      loops: [
        { symbol: "dispatch", header: "b.body", turns: 16, instructions: 1210, calls: ["uart16550.thr"] },
      ],
    },
    string: { least: 223, instructions: "unbounded", path: ["dispatch", '"rep outsb" repeats'] },
  },
};

test("the JSON holds every figure, and equal reports are equal bytes whatever the order of their keys", (t) => {
  t.deepEqual(JSON.parse(reportJson(report)), report);
  const byFile = { "devices/uart16550.ts": 1200, "kernel/exit.ts": 4096 };
  t.is(reportJson({ ...report, ledger: { ...report.ledger, byFile } }), reportJson(report));
});

test("the page says what the report says, escaped", (t) => {
  const page = reportPage(report);
  t.true(page.includes("<h1>gateway &#60;1&#62;</h1>"));
  t.true(page.includes("serial &#38; console"));
  t.true(page.includes("&#34;nested&#34; tables"));
  t.true(page.includes("59.8 KiB (61,234 B)"));
  t.true(page.includes("0x100000000"));
  t.true(page.includes("chosen at boot"));
  t.true(page.includes("1,234 instructions"));
  t.true(page.includes("dispatch</code> → <code>uart16550.thr"));
  t.false(page.includes("<1>"));
});

test("the page says what every kind of exit costs at most, and which loops and functions make it so", (t) => {
  const page = reportPage(report);
  t.true(
    page.includes('<td><code>port-out</code></td><td class="number">130</td><td class="number">1,234</td>'),
  );
  t.true(
    page.includes(
      "1,210 in a loop of <code>dispatch</code> that turns at most 16 times and calls <code>uart16550.thr</code>",
    ),
  );
  t.true(page.includes("1,200 in 16 calls of <code>uart16550.thr</code>"));
  t.true(page.includes("unbounded</td><td><code>dispatch</code> → <code>&#34;rep outsb&#34; repeats</code>"));
});

test("what a CPU may wait for on the longest path stands beside it", (t) => {
  const waits = ["for the lock", "for a <guest>"];
  const waiting = { ...report, longestExitPath: { ...report.longestExitPath, waits } };
  t.true(
    reportPage(waiting).includes(
      "<p>Without the waits for the lock, and for a &#60;guest&#62;, here and below.</p>",
    ),
  );
  t.false(reportPage(report).includes("Without the waits"));
});

test("an unbounded exit path says so", (t) => {
  t.regex(reportPage({ ...report, longestExitPath: { instructions: "unbounded", path: [] } }), />unbounded</);
});

test("the page loads nothing: no script, no address, no source attribute", (t) => {
  t.notRegex(reportPage(report), /<script|https?:|src=|@import|url\(/);
});

test("the page fits a phone: a viewport is set and wide tables scroll by themselves", (t) => {
  const page = reportPage(report);
  t.true(page.includes('name="viewport" content="width=device-width'));
  t.is(page.split("<table").length, page.split('<div class="scroll"><table').length);
});

test("both files are written", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-report-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const files = await writeReport(report, folder);
  t.is(readFileSync(files.json, "utf8"), reportJson(report));
  t.is(readFileSync(files.html, "utf8"), reportPage(report));
});
