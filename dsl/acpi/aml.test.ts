import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  argument,
  buffer,
  device,
  eisaId,
  equal,
  fields,
  giveBack,
  hardwareId,
  integer,
  method,
  named,
  nameSegment,
  operationRegion,
  pack,
  reference,
  scope,
  store,
  text,
  when,
  type AmlObject,
} from "./aml.ts";
import { table } from "./table.ts";

/** What iasl reads in some terms, with white space and its own comments taken out. */
function disassembled(...terms: AmlObject[]): string {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-aml-"));
  try {
    const bytes = table(
      "SSDT",
      2,
      terms.flatMap((term) => term.bytes),
    );
    writeFileSync(join(folder, "t.aml"), Uint8Array.from(bytes));
    execFileSync("iasl", ["-d", "t.aml"], { cwd: folder, stdio: "pipe" });
    const source = readFileSync(join(folder, "t.dsl"), "utf8");
    return source
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")
      .replace(/\s+/g, " ")
      .replace(/^.*?\{ /, "")
      .replace(/ \} $/, "");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("integers take the shortest encoding of their value", (t) => {
  const encoded = (value: number | bigint): string =>
    integer(value)
      .bytes.map((b) => b.toString(16))
      .join(" ");
  t.is(encoded(0), "0");
  t.is(encoded(1), "1");
  t.is(encoded(2), "a 2");
  t.is(encoded(0xff), "a ff");
  t.is(encoded(0x100), "b 0 1");
  t.is(encoded(0x1_0000), "c 0 0 1 0");
  t.is(encoded(0x1_0000_0000n), "e 0 0 0 0 1 0 0 0");
  t.throws(() => integer(1n << 64n), { instanceOf: RangeError });
  t.throws(() => integer(-1), { instanceOf: RangeError });
});

test("names of the wrong form are refused", (t) => {
  for (const name of ["", "ABCDE", "abc", "1AB", "A-B"])
    t.throws(() => nameSegment(name), { instanceOf: RangeError });
  t.deepEqual(nameSegment("AB"), [0x41, 0x42, 0x5f, 0x5f]);
});

test("EISA identifiers of the wrong form are refused, other identifiers become text", (t) => {
  for (const id of ["PNP05", "pnp0501", "PNP050G"]) t.throws(() => eisaId(id), { instanceOf: RangeError });
  t.deepEqual(hardwareId("PNP0501"), eisaId("PNP0501"));
  t.deepEqual(hardwareId("ACPI0007"), text("ACPI0007"));
});

test("a disassembler reads every construct as it was meant", (t) => {
  const source = disassembled(
    named("DATA", pack([integer(3), text("abc"), buffer([1, 2]), reference("\\_SB.PCI0.ISA")])),
    scope("\\_SB", [
      device("DEV0", [
        named("_HID", eisaId("PNP0C02")),
        operationRegion("REGS", "io", 0x600, 0x80),
        fields("REGS", "byte", [{ name: "LOW", bits: 4 }, { bits: 100 }, { name: "HIGH", bits: 8 }]),
        method("SETX", { argumentCount: 1, serialized: true }, [
          when(equal(argument(0), integer(5)), [store(argument(0), "LOW"), giveBack(integer(1))]),
          giveBack(integer(0)),
        ]),
      ]),
    ]),
  );
  for (const expected of [
    'Name (DATA, Package (0x04) { 0x03, "abc", Buffer (0x02) { 0x01, 0x02 }, \\_SB.PCI0.ISA })',
    'Device (DEV0) { Name (_HID, EisaId ("PNP0C02") )',
    "OperationRegion (REGS, SystemIO, 0x0600, 0x80)",
    "Field (REGS, ByteAcc, NoLock, Preserve) { LOW, 4, Offset (0x0D), HIGH, 8 }",
    "Method (SETX, 1, Serialized) { If ((Arg0 == 0x05)) { LOW = Arg0 Return (One) } Return (Zero) }",
  ]) {
    t.true(source.includes(expected), `${expected} is not in ${source}`);
  }
});

test("packages are read whole at every length at which the encoding of lengths changes", (t) => {
  for (const length of [2, 56, 57, 58, 59, 4000, 4084, 4085, 4086, 4090, 70_000]) {
    const source = disassembled(
      named("BUFF", buffer(new Array<number>(length).fill(0x5a))),
      named("NEXT", integer(7)),
    );
    t.true(
      source.includes(
        `Buffer (0x${length
          .toString(16)
          .toUpperCase()
          .padStart(length < 256 ? 2 : length < 65_536 ? 4 : 8, "0")})`,
      ),
      `${length}`,
    );
    t.true(source.endsWith("Name (NEXT, 0x07)"), `${length}: ${source.slice(-80)}`);
  }
});
