import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { gib, guest, image, linux, mib, payload } from "../image.ts";
import { gsiLine, mmioWindow, portWindow, type DeviceDeclaration } from "../manifest/device.ts";
import type { AcpiModel, AcpiTableModel } from "../manifest/model.ts";
import type { VcpuCount } from "../manifest/guest.ts";
import type { Bytes } from "../manifest/units.ts";
import { sampleDevice, sampleLapic, samplePc } from "../manifest/testing/sample.ts";

function tablesOf(
  devices: readonly DeviceDeclaration[],
  vcpus: VcpuCount = 1,
  memory: Bytes = mib(512),
): AcpiModel {
  const kernel = linux({ kernel: payload("vmlinuz") });
  const one = guest({ name: "one", memory, vcpus, kernel, devices });
  return image({ name: "sample", guests: [one] }).model.guests[0]!.acpi;
}

function tableOf(model: AcpiModel, signature: string): AcpiTableModel {
  return model.tables.find((t) => t.signature === signature)!;
}

const sum = (bytes: readonly number[]): number => bytes.reduce((total, byte) => (total + byte) & 0xff, 0);

function word(bytes: readonly number[], offset: number, size: 4 | 8 = 4): number {
  return Number(
    new DataView(Uint8Array.from(bytes).buffer)[size === 4 ? "getUint32" : "getBigUint64"](offset, true),
  );
}

/** Disassembles a table with iasl, compiles the result again, and gives the text; both must be without complaint. */
function judge(t: ExecutionContext, { signature, bytes }: AcpiTableModel): string {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-iasl-"));
  const run = (...args: string[]): string =>
    execFileSync("iasl", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
  try {
    writeFileSync(join(folder, "table.aml"), Uint8Array.from(bytes));
    const said = run("-d", "table.aml");
    t.notRegex(said, /warning|error|remark|invalid|incorrect|unknown/i, `${signature}: ${said}`);
    const text = readFileSync(join(folder, "table.dsl"), "utf8");
    t.notRegex(text, /incorrect|invalid|should be|unknown|\*{3}/i, signature);
    const compiled = run("-p", "again", "table.dsl");
    if (signature !== "FACS")
      t.regex(compiled, /0 Errors, 0 Warnings, 0 Remarks/, `${signature}: ${compiled}`);
    const again = [...readFileSync(join(folder, "again.aml"))];
    // The compiler puts its own name into the header.
    const comparable = (table: readonly number[]): readonly number[] =>
      signature === "FACS" ? table : [...table.slice(0, 9), ...table.slice(10, 28), ...table.slice(36)];
    t.deepEqual(comparable(again), comparable(bytes), signature);
    return text;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const pciDevice = sampleDevice({
  name: "nic",
  type: "x",
  lines: [gsiLine("inta", 17, { trigger: "level", polarity: "low", shareable: true })],
  parts: [{ part: "pci-pin", slot: 3, pin: 0, gsi: 17 }],
});

for (const [what, model] of [
  ["a PC", tablesOf(samplePc())],
  ["a PC with 16 CPUs, 4 GiB and a PCI device", tablesOf([...samplePc(), pciDevice], 16, gib(4))],
  ["a guest of nothing but a local APIC", tablesOf([sampleLapic()])],
  [
    "a device with much of everything",
    tablesOf([
      ...samplePc(),
      sampleDevice({
        name: "much",
        type: "x",
        windows: [
          portWindow("wide", 0x2000, 0x1000),
          mmioWindow("below", 0xc000_0000, 0x10_0000),
          mmioWindow("above", 2 ** 40, 2 ** 30),
          { name: "registers", space: "msr", base: 0x800, size: 0x40 },
        ],
        lines: [
          gsiLine("level", 20, { trigger: "level", polarity: "low", shareable: true }),
          gsiLine("edge", 21, { trigger: "edge", polarity: "high" }),
        ],
        acpi: { name: "MUCH", hardwareId: "ABCD0001", uniqueId: 70_000 },
      }),
    ]),
  ],
] as const) {
  test(`iasl takes the tables of ${what} apart and together again without a complaint`, (t) => {
    for (const table of model.tables) if (table.signature !== "RSD PTR ") judge(t, table);
  });

  test(`every table of ${what} is reached from the root pointer, and sums up to zero`, (t) => {
    const at = (gpa: number): AcpiTableModel => {
      const found = model.tables.find((table) => table.gpa === gpa);
      if (found === undefined) throw new Error(`nothing at ${gpa}`);
      return found;
    };
    const root = at(model.rsdpGpa);
    t.is(root.signature, "RSD PTR ");
    t.is(root.gpa % 16, 0);
    t.is(sum(root.bytes.slice(0, 20)), 0);
    t.is(sum(root.bytes), 0);
    const xsdt = at(word(root.bytes, 24, 8));
    const reached = [root, xsdt];
    for (let i = 36; i < xsdt.bytes.length; i += 8) reached.push(at(word(xsdt.bytes, i, 8)));
    const fadt = tableOf(model, "FACP");
    t.true(reached.includes(fadt));
    const facs = at(word(fadt.bytes, 36));
    t.is(facs.gpa % 64, 0);
    reached.push(facs, at(word(fadt.bytes, 40)));
    t.is(word(fadt.bytes, 140, 8), word(fadt.bytes, 40));
    const gpas = (list: readonly AcpiTableModel[]): number[] =>
      list.map((table) => table.gpa).sort((a, b) => a - b);
    t.deepEqual(gpas(reached), gpas(model.tables));
    for (const { signature, bytes } of model.tables) {
      if (signature === "FACS" || signature === "RSD PTR ") continue;
      t.is(sum(bytes), 0, signature);
      t.is(word(bytes, 4), bytes.length, signature);
    }
  });
}

test("no two tables overlap", (t) => {
  const sorted = [...tablesOf(samplePc()).tables].sort((a, b) => a.gpa - b.gpa);
  sorted.slice(1).forEach((table, i) => {
    t.true(sorted[i]!.gpa + sorted[i]!.bytes.length <= table.gpa, table.signature);
  });
});

test("the namespace tells what the devices claim", (t) => {
  const text = judge(t, tableOf(tablesOf([...samplePc(), pciDevice]), "DSDT")).replace(/\s+/g, " ");
  for (const expected of [
    'EisaId ("PNP0A08")',
    "Device (COM1)",
    'EisaId ("PNP0501")',
    "IO (Decode16, 0x03F8, // Range Minimum 0x03F8, // Range Maximum 0x01, // Alignment 0x08,",
    "IRQNoFlags () {4}",
    "Memory32Fixed (ReadWrite, 0xB0000000, // Address Base 0x10000000,",
    "Package (0x04) { 0x0003FFFF, Zero, Zero, 0x11 }",
    "Name (_S5, Package (0x04)",
    "0xC0000000, // Range Minimum 0xFEBFFFFF,",
  ]) {
    t.true(text.includes(expected), expected);
  }
});

test("the fixed table tells the power block, the reset port and the century", (t) => {
  const text = judge(t, tableOf(tablesOf(samplePc()), "FACP"));
  for (const expected of [
    /PM1A Event Block Address : 00000600/,
    /PM1A Control Block Address : 00000604/,
    /PM Timer Block Address : 00000608/,
    /GPE0 Block Address : 00000620/,
    /SCI Interrupt : 0009/,
    /RTC Century Index : 32/,
    /Reset Register Supported \(V2\) : 1/,
    /Value to cause reset : 06/,
    /8042 Present on ports 60\/64 \(V2\) : 0/,
    /Hardware Reduced \(V5\) : 0/,
  ]) {
    t.regex(text, expected);
  }
});

test("the interrupt table tells each CPU, the I/O APIC and both overrides", (t) => {
  const { bytes } = tableOf(tablesOf(samplePc(), 2), "APIC");
  t.deepEqual(bytes.slice(44), [
    ...[0, 8, 0, 0, 1, 0, 0, 0],
    ...[0, 8, 1, 1, 1, 0, 0, 0],
    ...[1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0],
    ...[2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
    ...[2, 10, 0, 9, 9, 0, 0, 0, 0x0d, 0],
    ...[4, 6, 0xff, 0, 0, 1],
  ]);
});

test("the same manifest gives the same bytes", (t) => {
  t.deepEqual(tablesOf(samplePc()), tablesOf(samplePc()));
});
