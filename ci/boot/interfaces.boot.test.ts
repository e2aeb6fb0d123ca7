import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import { decodeTrace } from "../../compiler/trace/decode.ts";
import { readTrace } from "../../compiler/trace/read.ts";
import type { TraceModel } from "../../dsl/trace/model.ts";
import { prepareBareGuest } from "../bare-guest/build.ts";
import type { Machine } from "../qemu.ts";
import { bootAppliance, buildAppliance, type BuiltAppliance } from "./appliance.ts";

let appliance: BuiltAppliance;
let machine: Machine;
let folder: string;

test.before(async () => {
  prepareBareGuest();
  appliance = await buildAppliance("ci/boot/images/interfaces.ts");
  folder = mkdtempSync(join(tmpdir(), "typevisor-trace-"));
  machine = await bootAppliance(appliance, {
    memoryMiB: 512,
    extra: ["-debugcon", `file:${join(folder, "trace")}`],
  });
  await machine.expect("ready\n");
});
test.after.always(async () => {
  await machine.kill();
  appliance.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** What the guest says after a letter, until it says that it is through. */
async function told(letter: string, end: string): Promise<string> {
  machine.send(letter);
  const { before } = await machine.expect(end);
  await machine.expect("ready\n");
  return before;
}

const answers = (said: string): Record<string, string> =>
  Object.fromEntries(
    [...said.matchAll(/^(status|value) ([\w-]+) (\w+)$/gm)].map(([, kind, name, value]) => [
      `${kind} ${name}`,
      kind === "value" ? `0x${BigInt(value!).toString(16)}` : value!,
    ]),
  );

test.serial("hypercalls are answered by register and by memory, and nonsense gets its status", async (t) => {
  const said = await told("y", "hypercalls tried\n");
  t.deepEqual(answers(said), {
    "value version": "0x10000",
    "value features": "0x1f",
    "status version-by-memory": "0",
    "value version-by-memory": "0x10000",
    "status notify-by-memory": "0",
    "status unlisted": "2",
    "status reserved-bits": "3",
    "status repeated": "3",
    "status with-variable-header": "3",
    "status input-misaligned": "4",
    "status input-across-pages": "4",
    "status input-nowhere": "5",
    "status input-beyond": "5",
    "status output-misaligned": "4",
    "status output-nowhere": "5",
    "status bad-parameter": "5",
  });
  t.regex(said, /^a line through the console call$/m);
  t.regex(said, /^typevisor: guest asking reports 0x77: 0x12345678, 0x0$/m);
  t.regex(said, /^typevisor: guest asking reports 0x99: 0xabcd, 0x0$/m);
});

test.serial(
  "Viridian's pages and registers do what the specification says, and refuse what it forbids",
  async (t) => {
    const said = await told("z", "viridian tried\n");
    t.deepEqual(answers(said), {
      "status page-before-name": "0",
      "value page-before-name": "0x0",
      "value hypercall-page": "0xc3d9010f",
      "status through-page": "0",
      "value memory-below": "0x11223344",
      "status page-nowhere": "14",
      "status page-at-the-end": "14",
      "value vp-index": "0x0",
      "status write-vp-index": "14",
      "status read-eoi": "14",
      "status unlisted-msr": "14",
      "value apic-frequency": "0x3b9aca00",
      "status reference-time-agrees": "0",
      "status reference-time-rate": "0",
      "value memory-below-again": "0x11223344",
      "value cr8": "0x5",
      "value tpr": "0x30",
      "status tpr-too-high": "14",
      "value memory-below-assist": "0x11223344",
      "value assist-page-kept": "0x55",
      "value idle": "0x0",
    });
    t.regex(said, /^typevisor: guest asking reports 0x100: 0xc0, 0xc1$/m);
    t.regex(said, /^typevisor: guest asking reports 0x104: 0xc4, 0x0$/m);
  },
);

test.serial(
  "a guest that starts again has no page of its predecessor's, and can do it all once more",
  async (t) => {
    machine.send("t");
    await machine.expect(/^typevisor: guest asking restarts: triple fault/m);
    await machine.expect("ready\n");
    const said = await told("z", "viridian tried\n");
    t.is(answers(said)["value memory-below"], "0x11223344");
    t.is(answers(said)["value assist-page-kept"], "0x55");
  },
);

test.serial(
  "a driver takes a peer's rings and its own as MSI-X interrupts, also those that came while masked",
  async (t) => {
    const said = await told("j", "doorbells taken\n");
    t.deepEqual(answers(said), {
      "value vectors": "0x2",
      "value position": "0x0",
      "value masked-at-first": "0x1",
      "value first-rung": "0x1",
      "value second-while-masked": "0x0",
      "value pending": "0x2",
      "value second-unmasked": "0x1",
      "value pending-after": "0x0",
      "value first-while-all-masked": "0x1",
      "value first-unmasked": "0x2",
      "value second-by-itself": "0x2",
      "value status-with-msix": "0x0",
      "value first-without-msix": "0x2",
      "value status-without-msix": "0x1",
    });
  },
);

test.serial(
  "the trace of all that tells hypercalls with their status, MSRs with their element, and what they change",
  (t) => {
    const model = JSON.parse(readFileSync(join(dirname(appliance.img), "trace.json"), "utf8")) as TraceModel;
    const trace = readTrace(readFileSync(join(folder, "trace")), model);
    t.is(trace.damage, undefined);
    const events = decodeTrace(trace, model).filter((e) => e.kind !== "lost");
    const lines = events.map(
      ({ device, kind, subject, value }) => `${device} ${kind} ${subject} 0x${value.toString(16)}`,
    );
    const inOrder = (...wanted: readonly string[]): void => {
      let from = 0;
      for (const line of wanted) {
        const at = lines.indexOf(line, from);
        t.true(at >= from, `${line} is missing behind line ${from}:\n${lines.join("\n")}`);
        from = at + 1;
      }
    };
    inOrder("hypercalls hypercall version 0x0", "hypercalls status version 0x0");
    inOrder("hypercalls hypercall notify 0x77", "hypercalls status notify 0x0");
    t.true(lines.some((line) => /^hypercalls status \w+ 0x5$/.test(line)));
    inOrder("vindex0 read vpIndex 0x0");
    inOrder(
      "vcrash write crashParameter[4] 0xc4",
      "vcrash change crashParameter[4] 0xc4",
      "vcrash write crashControl 0x8000000000000000",
    );
    inOrder("lapic0 call writeSynthetic 0x8", "lapic0 call writeSynthetic[1] 0x50", "lapic0 change tpr 0x50");
    t.true(events.some((e) => e.device === "viridian" && e.kind === "change" && e.register === "guestOsId"));
  },
);
