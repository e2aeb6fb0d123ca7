import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import type { TraceModel } from "../../dsl/trace/model.ts";
import { decodeTrace } from "../../compiler/trace/decode.ts";
import { readTrace } from "../../compiler/trace/read.ts";
import { shellPrompt } from "../initramfs.ts";
import { preparePayloads } from "../payloads.ts";
import { bootAppliance, buildAppliance } from "./appliance.ts";

test("a trace shows how Linux's 8250 driver probes its port, and every byte that leaves it", async (t) => {
  await preparePayloads();
  const appliance = await buildAppliance("ci/boot/images/traced-linux.ts");
  t.teardown(() => appliance.remove());
  const folder = mkdtempSync(join(tmpdir(), "typevisor-trace-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "trace");
  const machine = await bootAppliance(appliance, { extra: ["-debugcon", `file:${file}`] });
  t.teardown(() => machine.kill());
  await machine.expect(shellPrompt);
  machine.send("poweroff\n");
  t.deepEqual(await machine.exit(), { status: 0, signal: undefined });

  const model = JSON.parse(readFileSync(join(dirname(appliance.img), "trace.json"), "utf8")) as TraceModel;
  const trace = readTrace(readFileSync(file), model);
  t.is(trace.damage, undefined);
  const events = decodeTrace(trace, model);
  t.deepEqual([...new Set(events.map((e) => e.device))].sort(), ["com1", "ioapic", "pit"]);

  const com1 = events.filter((e) => e.device === "com1");
  // 8250_port.c, autoconfig(): the divisor latch is opened by LCR 0x80 and looked behind by 0xbf (UART_LCR_CONF_MODE_B).
  const lcr = com1.filter((e) => e.kind === "write" && e.subject === "lcr");
  t.true(lcr.some((e) => e.value === 0xbfn && e.fields["dlab"] === 1 && e.fields["wordLength"] === 3));
  t.true(lcr.some((e) => e.fields["dlab"] === 0 && e.fields["wordLength"] === 3));
  t.true(com1.some((e) => e.kind === "write" && e.subject === "dll"));
  t.true(com1.some((e) => e.kind === "line" && e.subject === "irq" && e.value === 1n));

  const said = String.fromCharCode(...com1.filter((e) => e.kind === "byte-out").map((e) => Number(e.value)));
  t.regex(said, /Linux version 6\.1\.[^]*ttyS0 at I\/O 0x3f8[^]*Power down/);
  const written = com1.filter((e) => e.kind === "write" && e.subject === "thr").length;
  t.true(written >= said.length, "every byte that leaves was written before");
});
