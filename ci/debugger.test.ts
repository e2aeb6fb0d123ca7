import test, { type ExecutionContext } from "ava";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Debugger, DebuggerFailure, firstPacket, framed } from "./debugger.ts";

/** A debug stub that answers by a table, and what it was told. */
async function stubbed(
  t: ExecutionContext,
  answer: (command: string) => string,
): Promise<{ debug: Debugger; told: string[]; stub: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-debugger-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "socket");
  const debug = new Debugger(path);
  t.teardown(() => debug.close());
  await debug.ready();
  const told: string[] = [];
  const stub = connect(path).setEncoding("latin1");
  let received = "";
  stub.on("error", () => undefined);
  stub.on("data", (chunk: string) => {
    received += chunk;
    for (let packet = firstPacket(received); packet !== undefined; packet = firstPacket(received)) {
      received = packet.rest;
      told.push(packet.text);
      // Half a packet at a time, as a socket may bring it.
      const whole = `+${framed(answer(packet.text))}`;
      stub.write(whole.slice(0, 3));
      setImmediate(() => stub.write(whole.slice(3)));
    }
  });
  return { debug, told, stub };
}

const registers = (values: Readonly<Record<number, bigint>>, count = 24): string =>
  Array.from({ length: count }, (_, i) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(values[i] ?? 0n);
    return bytes.toString("hex");
  }).join("");

test("a packet carries the sum of its bytes", (t) => {
  t.is(framed("OK"), "$OK#9a");
  t.deepEqual(firstPacket("+$OK#9a$T"), { text: "OK", rest: "$T" });
  t.is(firstPacket("$OK#9"), undefined);
});

test("running to addresses sets them, goes on, takes them away, and tells where the machine stands", async (t) => {
  const state = registers({ 2: 7n, 7: 0x9000n, 16: 0x1234n });
  const { debug, told } = await stubbed(t, (command) => {
    if (command === "c") return "T05thread:01;";
    return command === "g" ? state : "OK";
  });
  t.deepEqual(await debug.runTo([0x1234, 0x5678]), {
    at: 0x1234,
    stack: 0x9000,
    count: 7,
  });
  t.deepEqual(told, ["Z0,1234,1", "Z0,5678,1", "c", "g", "z0,1234,1", "z0,5678,1"]);
});

test("masking interrupts clears one flag and leaves every register as it was", async (t) => {
  const general = registers({ 0: 5n, 16: 0x1000n }, 17);
  const { debug, told } = await stubbed(t, (command) => (command === "g" ? `${general}46020000ffff` : "OK"));
  await debug.maskInterrupts();
  t.deepEqual(told, ["g", `G${general}46000000`]);
});

test("what the stub refuses, and a machine that ends, are errors", async (t) => {
  const { debug, stub } = await stubbed(t, () => "E22");
  await t.throwsAsync(debug.runTo([1]), { instanceOf: DebuggerFailure, message: /"Z0,1,1": "E22"/ });
  const waiting = debug.step();
  stub.destroy();
  await t.throwsAsync(waiting, { instanceOf: DebuggerFailure });
  await t.throwsAsync(debug.step(), { instanceOf: DebuggerFailure, message: "the machine ended" });
});
