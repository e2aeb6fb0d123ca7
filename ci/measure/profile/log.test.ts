import test from "ava";
import { ExecutionLog } from "./log.ts";

const host = "00d0c2b0";
const guest = "00f0c0b0";
const line = (address: string, flags: string, block = "ff020201"): string =>
  `Trace 0: 0x7f0948e1a240 [0000000000000000/${address.padStart(16, "0")}/${flags}/${block}] `;

function executedIn(...lines: string[]): string[] {
  const log = new ExecutionLog();
  for (const text of lines) log.line(text);
  return log.executed.map(({ guest: inGuest, address }) => `${inGuest ? "guest" : "host"} ${address}`);
}

test("instructions are those of the guest or the hypervisor, by the CPU's flags", (t) => {
  t.deepEqual(executedIn(line("10", guest), "vmrun! 000000001de7a000", line("20", host), ""), [
    "guest 16",
    "host 32",
  ]);
});

test("a block that was looked up and not run is not executed", (t) => {
  const stop = "Stopped execution of TB chain before 0x7f0948e1a4c0 [0000000000000020] ";
  t.deepEqual(executedIn(line("10", host), line("20", host), stop, line("30", host), line("20", host)), [
    "host 16",
    "host 48",
    "host 32",
  ]);
  t.deepEqual(executedIn(stop, line("10", host)), ["host 16"]);
});

test("an instruction that reaches a device is run again, and executed once", (t) => {
  t.deepEqual(executedIn(line("10", host), line("20", host), line("20", host, "ff038201")), [
    "host 16",
    "host 32",
  ]);
});

test("an instruction that repeats itself is executed as often as it does", (t) => {
  t.is(executedIn(line("10", host), line("10", host), line("10", host)).length, 3);
});
