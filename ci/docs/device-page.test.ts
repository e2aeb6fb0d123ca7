import test from "ava";
import {
  bank,
  bit,
  bits,
  bool,
  device,
  fifo,
  line,
  passage,
  readOnly,
  repeat,
  reserved,
  ro,
  rw,
  session,
  u32,
  u64,
  u8,
  unimplemented,
  wo,
} from "../../dsl/device/vocabulary.ts";
import { catalogue } from "../../devices/catalogue.ts";
import { deviceIndex } from "./device-index.ts";
import { devicePage } from "./device-page.ts";
import { fittings } from "./fitting.ts";

const sample = device("sample", {
  title: "A sample",
  about: "It does nothing.",
  manuals: ["Sample data sheet, 1999"],
  banks: {
    mmio: bank(
      u32,
      {
        mode: rw(
          0,
          {
            select: bit(0, "Which group is seen."),
            busy: readOnly(bit(1)),
            queue: bits(9, 8),
            rest: reserved(7, 4, { reads: 5, wrongWrite: "report" }),
          },
          { section: "§8.7", weight: 4 },
        ),
        entry: repeat(
          4,
          0x10,
          rw(0x20, { vector: bits(7, 0) }, { width: u64, reset: 0x1_0000, about: "An entry." }),
        ),
        later: rw(8, {}, { unimplemented: true }),
        kick: wo(0xc),
      },
      { space: "mmio", size: 0x100, narrow: "ignore", hole: 7 },
    )
      .when("mode.select", 1, { hidden: ro(4, { all: unimplemented(bit(31)) }) })
      .select("mode.queue", 3, { ring: rw(0x80) }),
    config: passage((_u: unknown, offset: u32): u32 => offset, { space: "port", size: 4 }),
  },
  state: { irq: line(), queue: fifo(u8, 16), note: session(bool) },
}).implement({
  peek: { hidden: () => 0 },
  write: { kick: () => undefined },
  written: { mode: () => undefined },
});
const page = devicePage(sample.model, []);
/** The part of the page below a heading. */
const section = (heading: string): string => page.split(`### ${heading} {#`)[1]!.split("\n### ")[0]!;

test("a page begins with what the device says of itself", (t) => {
  t.true(page.startsWith("# A sample\n\nDevice `sample`"));
  t.true(page.includes("\n\nIt does nothing.\n\n"));
  t.true(page.includes("- Sample data sheet, 1999"));
});

test("a bank tells its window, its unit, what accesses of other widths do, and what a hole reads as", (t) => {
  t.true(
    section("Bank mmio").includes(
      "Memory, 0x100 bytes in units of 32 bits. A narrower access reads as a hole, writes nothing. A wider access is split into units, the lowest first. Where there is no register it reads as 0x7.",
    ),
  );
});

test("a window that passes accesses on has no registers", (t) => {
  t.true(
    section("Bank config").includes(
      "I/O ports, 4 bytes in units of 32 bits. It has no registers: its accesses go on to PCI configuration space.",
    ),
  );
});

test("the table of a bank has every register with offset, width, access, reset value, condition and description", (t) => {
  const rows = section("Bank mmio").split("\n");
  t.true(
    rows.includes("| 0x20 to 0x50, every 0x10 | [`entry[0…3]`](#entry) | 64 | rw | 0x10000 |  | An entry. |"),
  );
  t.true(
    rows.includes(
      "| 0x80 | [`ring[0…2]`](#ring) | 32 | rw | 0x0 | the one that [mode](#mode).queue picks |  |",
    ),
  );
  t.true(rows.includes("| 4 | [`hidden`](#hidden) | 32 | ro | 0x0 | while [mode](#mode).select is 1 |  |"));
});

test("a register tells where it is, what accesses do beyond storing, and each field in words", (t) => {
  const mode = section("mode");
  t.true(mode.includes("32 bits, read and write, at 0; 0x50 after a reset; weight 4; manual: §8.7."));
  t.true(
    mode.includes("A write is stored, and then acts. Bits without a field read as the reset value says"),
  );
  t.true(mode.includes("| 0 | `select` | RW | 0x0 | Which group is seen. |"));
  t.true(
    mode.includes("| 1 | `busy` | RO | 0x0 | Read-only: the device puts it there, a write leaves it. |"),
  );
  t.regex(
    mode,
    /\| 7:4 \| `rest` \| – \| 0x5 \| Reserved: .* \(0x5\); a write of anything else is counted, and the first one reported\. \|/,
  );
  t.true(section("kick").includes("A write acts instead of being stored."));
  t.false(section("kick").includes("stored as a whole"));
  t.true(section("hidden").includes("What it reads as is computed when it is read."));
  t.true(section("later").includes("Not implemented: every access is counted, and the first one reported."));
});

test("the state tells wires from queues and values, and what is saved", (t) => {
  t.regex(page, /\| `irq` \| an interrupt line or another level, out \| yes \| cleared \|/);
  t.regex(page, /\| `queue` \| `\w+`, a queue \| yes \| cleared \|/);
  t.regex(page, /\| `note` \| `bool` \| no \| cleared \|/);
});

test("the events name every register of which a use is reported, in their order", (t) => {
  const events = page.split("## Events")[1]!;
  t.deepEqual(
    [...events.matchAll(/\[`(\w+)`\]\(#/g)].map(([, name]) => name),
    sample.model.reported,
  );
  t.deepEqual(sample.model.reported, ["mode", "later", "hidden"]);
});

test("every device of the tree has a page with every register, every field, and a picture each", (t) => {
  for (const { model } of Object.values(catalogue)) {
    const text = devicePage(model, []);
    for (const { name, fields } of model.registers) {
      t.true(text.includes(`\n### ${name} {#${name}}\n`), `${model.name}.${name}`);
      for (const field of fields) t.true(text.includes(`| \`${field.name}\` |`), `${name}.${field.name}`);
    }
    t.is(text.split('<div class="bit-picture"').length - 1, model.registers.length);
  }
});

test("a device that is part of a q35 tells its ports, lines and name in ACPI there", (t) => {
  const text = devicePage(
    catalogue["uart16550"]!.model,
    fittings().filter((f) => f.device === "uart16550"),
  );
  t.true(text.includes("\n## In a guest with `q35()` {#fitted-q35}\n"));
  t.true(text.includes("| `com1` | ports | port | 0x3f8 | 0x3ff |"));
  t.true(text.includes("| `com1` | irq | 4 | 4 | edge, active high |"));
  t.true(text.includes("`com1` is `PNP0501 (COM1)` in ACPI's namespace."));
  t.false(page.includes("In a guest with"));
  const scarce = fittings().find((f) => f.device === "acpi-pm")!;
  t.true(scarce.lines.some((l) => l.signalled === "level, active high, shareable"));
});

test("the list of devices has every one with its title, and the legend of pictures every kind", (t) => {
  const list = deviceIndex([sample.model]);
  t.true(list.includes("| [`sample`](sample.md) | A sample | 6 |"));
  for (const kind of ["stored", "writeOneToSet", "unimplemented"])
    t.true(list.includes(`>${kind}</text>`), kind);
});

test("leaves tell what each register reads as, hypercalls what goes in and comes out, MSRs that others are refused", (t) => {
  const text = devicePage(catalogue["viridian"]!.model, []);
  t.true(text.includes("\n### features {#leaf-features}\n\nLeaf 0x40000003; TLFS §2.4.4."));
  t.true(text.includes("| EAX | 5 | `hypercall` | 0x1 |"));
  t.true(text.includes("\n### notifyLongSpinWait {#hypercall-notifyLongSpinWait}\n\nCall code 0x8;"));
  t.true(text.includes("| `spins` | 0 | `u32` |\n\nNo output."));
  t.true(
    text.includes("MSRs, 2 numbers in units of 64 bits. An MSR that is not listed is refused with #GP."),
  );
});

test("a device that another template fits tells where that puts it", (t) => {
  const text = devicePage(
    catalogue["viridian"]!.model,
    fittings().filter((f) => f.device === "viridian"),
  );
  t.true(text.includes("## In a guest with `viridian()` {#fitted-viridian}"));
  t.regex(text, /\| `\w+` \| identity \| msr \| 0x40000000 \| 0x40000001 \|/);
});
