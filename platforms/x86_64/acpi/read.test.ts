import test from "ava";
import { make } from "../../../dsl/core/layout.ts";
import { allocate, memory } from "../../../dsl/core/memory.ts";
import { BootInfo, RegionKind } from "../../../kernel/boot.ts";
import { AcpiDamage, acpiFault } from "./fault.ts";
import { HostAcpi } from "./host-acpi.ts";
import { readAcpi } from "./read.ts";

const le = (value: number | bigint, bytes: number): number[] =>
  Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));
const ascii = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));

/** A table with its header and checksum. */
function table(name: string, body: readonly number[]): number[] {
  const bytes = [
    ...ascii(name),
    ...le(36 + body.length, 4),
    1,
    0,
    ...ascii("TESTERTESTTABL"),
    ...Array<number>(12).fill(0),
    ...body,
  ];
  return summed(bytes, 9);
}

function summed(bytes: number[], at: number): number[] {
  bytes[at] = 0;
  bytes[at] = (256 - (bytes.reduce((a, b) => a + b, 0) & 255)) & 255;
  return bytes;
}

const s5 = (...constants: number[]) => [0x08, ...ascii("_S5_"), 0x12, 0x06, 0x04, ...constants];
const cpu = (id: number, flags = 1) => [0, 8, id, id, ...le(flags, 4)];
const ioApic = [1, 12, 0, 0, ...le(0xfec00000, 4), ...le(0, 4)];
const override = (irq: number, gsi: number, flags: number) => [2, 10, 0, irq, ...le(gsi, 4), ...le(flags, 2)];

interface Machine {
  readonly dsdt: readonly number[];
  readonly madt: readonly number[];
  readonly extra: readonly number[][];
  readonly without: readonly string[];
  readonly version1: boolean;
  /** Changes the bytes of a table after its checksum was made. */
  readonly damage: (name: string, bytes: number[]) => number[];
}
const plain: Machine = {
  dsdt: [...Array<number>(20).fill(0x5b), ...s5(0x0a, 0x05, 0x00), ...Array<number>(20).fill(0)],
  madt: [...cpu(0), ...ioApic, ...override(0, 2, 0)],
  extra: [],
  without: [],
  version1: false,
  damage: (_, bytes) => bytes,
};

function read(options: Partial<Machine> = {}): { sound: boolean; acpi: HostAcpi; fault: string } {
  const machine = { ...plain, ...options };
  const boot = make(BootInfo);
  const start = allocate(0x4000, 4096);
  boot.regionCount = 1;
  boot.regions[0].base = BigInt(start);
  boot.regions[0].bytes = 0x4000n;
  boot.regions[0].kind = RegionKind.acpi;
  let next = start + 64;
  const place = (name: string, bytes: number[]): number => {
    const made = machine.damage(name, bytes);
    const at = next;
    new Uint8Array(memory.buffer).set(made, at);
    next = (at + made.length + 15) & ~15;
    return at;
  };
  const dsdt = place("DSDT", table("DSDT", machine.dsdt));
  const facp = [...Array<number>(208).fill(0)];
  const put = (at: number, bytes: number[]) => bytes.forEach((byte, i) => (facp[at - 36 + i] = byte));
  put(40, le(dsdt, 4));
  put(48, le(0xb2, 4));
  put(52, [2]);
  put(64, le(0x604, 4));
  put(76, le(0x608, 4));
  put(112, le((1 << 10) | (1 << 8), 4));
  put(116, [1, 8, 0, 1, ...le(0xcf9, 8), 0x0f]);
  const lists: number[] = [];
  const add = (name: string, bytes: number[]) => {
    if (!machine.without.includes(name)) lists.push(place(name, bytes));
  };
  add("FACP", table("FACP", facp));
  add("APIC", table("APIC", [...le(0xfee00000, 4), ...le(1, 4), ...machine.madt]));
  for (const bytes of machine.extra) add(String.fromCharCode(...bytes.slice(0, 4)), bytes);
  const root = machine.version1
    ? place(
        "RSDT",
        table(
          "RSDT",
          lists.flatMap((at) => le(at, 4)),
        ),
      )
    : place(
        "XSDT",
        table(
          "XSDT",
          lists.flatMap((at) => le(at, 8)),
        ),
      );
  const first = summed(
    [...ascii("RSD PTR "), 0, ...ascii("TESTER"), machine.version1 ? 0 : 2, ...le(root, 4)],
    8,
  );
  const rsdp = machine.version1 ? first : summed([...first, ...le(36, 4), ...le(root, 8), 0, 0, 0, 0], 32);
  new Uint8Array(memory.buffer).set(machine.damage("RSDP", rsdp), start);
  const acpi = make(HostAcpi);
  const sound = readAcpi(acpi, boot, BigInt(start));
  const name = String.fromCharCode(...le(acpiFault.table, 4));
  return {
    sound,
    acpi,
    fault: acpiFault.damage === 0 ? "" : `${name} ${AcpiDamage[acpiFault.damage]} at ${acpiFault.offset}`,
  };
}

const damage =
  (table: string, change: (bytes: number[]) => number[]): Machine["damage"] =>
  (name, bytes) =>
    name === table ? change(bytes) : bytes;
const withByte = (bytes: number[], at: number, value: number): number[] =>
  bytes.map((byte, i) => (i === at ? value : byte));
const resummed = (change: (bytes: number[]) => void) => (bytes: number[]) => {
  change(bytes);
  return summed(bytes, 9);
};

test("sound tables give timer, power, interrupt and processor facts", (t) => {
  const { sound, acpi, fault } = read({
    madt: [...cpu(0), ...cpu(7, 2), ...cpu(9, 0), ...ioApic, ...override(0, 2, 0), ...override(9, 9, 13)],
  });
  t.is(fault, "");
  t.true(sound && acpi.present);
  t.is(acpi.pmTimerPort, 0x608);
  t.true(acpi.pmTimerWide);
  t.is(acpi.pm1aControl, 0x604);
  t.is(acpi.smiCommand, 0xb2);
  t.deepEqual([acpi.resetSpace, acpi.resetAddress, acpi.resetValue], [1, 0xcf9n, 0x0f]);
  t.deepEqual([acpi.s5Known, acpi.s5a, acpi.s5b], [true, 5, 0]);
  t.is(acpi.localApic, 0xfee00000n);
  t.deepEqual([acpi.ioApicCount, acpi.ioApics[0].address], [1, 0xfec00000n]);
  t.deepEqual([acpi.isa[0].gsi, acpi.isa[4].gsi, acpi.isa[9].flags], [2, 4, 13]);
  t.deepEqual(
    [0, 1].map((i) => [acpi.cpus[i].apicId, acpi.cpus[i].enabled]),
    [
      [0, true],
      [7, false],
    ],
  );
  t.is(acpi.cpuCount, 2);
});

test("ACPI 1.0 tables are read through the RSDT", (t) => {
  const { sound, acpi } = read({ version1: true });
  t.true(sound);
  t.is(acpi.pmTimerPort, 0x608);
});

test("HPET and MCFG are found where they are, and not missed where they are not", (t) => {
  const hpet = table("HPET", [...Array<number>(4).fill(0), 0, 64, 0, 0, ...le(0xfed00000, 8), 0, 0, 0, 0]);
  const mcfg = table("MCFG", [...Array<number>(8).fill(0), ...le(0xb0000000, 8), 0, 0, 0, 255, 0, 0, 0, 0]);
  const { acpi } = read({ extra: [hpet, mcfg] });
  t.is(acpi.hpetAddress, 0xfed00000n);
  t.deepEqual([acpi.ecamAddress, acpi.ecamFirstBus, acpi.ecamLastBus], [0xb0000000n, 0, 255]);
  t.deepEqual([read().acpi.hpetAddress, read().acpi.ecamAddress], [0n, 0n]);
});

test("S5 is read from every form that firmware writes it in", (t) => {
  const types = (bytes: number[]) => {
    const { acpi } = read({ dsdt: [...Array<number>(8).fill(1), ...bytes, ...Array<number>(16).fill(0)] });
    return acpi.s5Known ? [acpi.s5a, acpi.s5b] : undefined;
  };
  t.deepEqual(types(s5(0x0a, 0x07, 0x0a, 0x06)), [7, 6]);
  t.deepEqual(types(s5(0x00, 0x01)), [0, 1]);
  t.deepEqual(types([0x08, 0x5c, ...ascii("_S5_"), 0x12, 0x06, 0x04, 0x0a, 3, 0x0a, 3]), [3, 3]);
  t.deepEqual(types([0x08, ...ascii("_S5_"), 0x12, 0x47, 0x00, 0x04, 0x0a, 2, 0x01]), [2, 1]);
  t.is(
    types([0x70, ...ascii("_S5_"), 0x12, 0x06, 0x04, 0x00, 0x00]),
    undefined,
    "a use of the name is no declaration",
  );
  t.is(types(s5(0x0b, 0x07, 0x00)), undefined, "a word constant is not read");
  t.is(read({ dsdt: ascii("_S5_") }).fault, "");
});

const faults: Record<string, [Partial<Machine>, string]> = {
  "an RSDP with a wrong checksum": [
    { damage: damage("RSDP", (b) => withByte(b, 9, b[9]! ^ 1)) },
    "RSDP checksum at 8",
  ],
  "an RSDP whose second checksum is wrong": [
    { damage: damage("RSDP", (b) => withByte(b, 33, 1)) },
    "RSDP checksum at 32",
  ],
  "an RSDP with another signature": [
    { damage: damage("RSDP", (b) => withByte(b, 0, 0)) },
    "RSDP signature at 0",
  ],
  "a list that is no XSDT": [{ damage: damage("XSDT", (b) => withByte(b, 0, 0)) }, "XSDT signature at 0"],
  "a list longer than memory": [
    {
      damage: damage(
        "XSDT",
        resummed((b) => b.splice(4, 4, ...le(0x8000, 4))),
      ),
    },
    "XSDT outsideMemory at 4",
  ],
  "a list of 4 GiB": [
    {
      damage: damage(
        "XSDT",
        resummed((b) => b.splice(4, 4, ...le(0xffffffff, 4))),
      ),
    },
    "XSDT outsideMemory at 4",
  ],
  "a list shorter than its header": [
    {
      damage: damage(
        "XSDT",
        resummed((b) => b.splice(4, 4, ...le(8, 4))),
      ),
    },
    "XSDT tooShort at 4",
  ],
  "no FADT": [{ without: ["FACP"] }, "FACP missing at 0"],
  "no MADT": [{ without: ["APIC"] }, "APIC missing at 0"],
  "a FADT with a wrong checksum": [
    { damage: damage("FACP", (b) => withByte(b, 50, 99)) },
    "FACP checksum at 9",
  ],
  "a FADT that ends before its fields": [
    {
      damage: damage(
        "FACP",
        resummed((b) => b.splice(4, 4, ...le(100, 4))),
      ),
    },
    "FACP tooShort at 4",
  ],
  "a PM timer at no port": [
    {
      damage: damage(
        "FACP",
        resummed((b) => b.splice(76, 4, ...le(0x12345678, 4))),
      ),
    },
    "FACP badField at 76",
  ],
  "a DSDT outside memory": [
    {
      damage: damage(
        "FACP",
        resummed((b) => b.splice(40, 4, ...le(0x7fff0000, 4))),
      ),
    },
    "DSDT outsideMemory at 0",
  ],
  "a DSDT with a wrong checksum": [
    { damage: damage("DSDT", (b) => withByte(b, 40, 1)) },
    "DSDT checksum at 9",
  ],
  "a MADT entry without a length": [{ madt: [...cpu(0), 1, 0, 0, 0] }, "APIC badEntry at 52"],
  "a MADT entry that ends beyond the table": [{ madt: [...cpu(0), 1, 12, 0, 0] }, "APIC badEntry at 52"],
  "a MADT entry shorter than its kind": [{ madt: [...cpu(0), 1, 6, 0, 0, 0, 0] }, "APIC badEntry at 52"],
  "a MADT with half an entry": [{ madt: [...cpu(0), 9] }, "APIC badEntry at 52"],
  "a MADT without processors": [{ madt: [...ioApic] }, "APIC missing at 44"],
  "a HPET table without its address": [{ extra: [table("HPET", [0, 0])] }, "HPET tooShort at 4"],
  "an MCFG whose buses end before they begin": [
    { extra: [table("MCFG", [...Array<number>(8).fill(0), ...le(0xb0000000, 8), 0, 0, 5, 4, 0, 0, 0, 0])] },
    "MCFG badField at 54",
  ],
};

for (const [what, [options, fault]] of Object.entries(faults)) {
  test(`${what} is refused and named`, (t) => {
    const result = read(options);
    t.false(result.sound);
    t.false(result.acpi.present);
    t.is(result.fault, fault);
  });
}

test("random damage is accepted or refused, and leads nowhere outside the address space", (t) => {
  let state = 12345;
  const random = (below: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % below;
  for (let round = 0; round < 400; round++) {
    t.notThrows(() =>
      read({
        damage: (_, bytes) => {
          if (random(2) === 0) return bytes;
          for (let i = 0; i < 3; i++) bytes[random(bytes.length)] = random(256);
          return random(2) === 0 ? summed(bytes, bytes.length > 40 ? 9 : 8) : bytes;
        },
      }),
    );
  }
});
