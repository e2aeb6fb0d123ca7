import test from "ava";
import { ExitCounter, exitOf, exitsBeyond, kindOf, noExits, type LoggedExit } from "./exit-counts.ts";

const line = (code: number, info1: bigint, rip: bigint): string => {
  const hex = (value: number | bigint, digits: number): string => value.toString(16).padStart(digits, "0");
  return `vmexit(${hex(code, 8)}, ${hex(info1, 16)}, ${hex(rip + 1n, 16)}, ${hex(rip, 16)})!`;
};
const exit = (code: number, info1 = 0n): LoggedExit => ({ code, info1, rip: 0n });

test("a line of the emulator's log tells the exit's code, its first information and RIP", (t) => {
  t.deepEqual(exitOf("vmexit(0000007b, 0000000003f80010, ffffffff816c2277, ffffffff816c2276)!"), {
    code: 0x7b,
    info1: 0x3f8_0010n,
    rip: 0xffff_ffff_816c_2276n,
  });
  for (const text of ["vmrun! 000000003c180000", "", "IN: ", "Injecting(0x400): "])
    t.is(exitOf(text), undefined);
});

test("the direction of an access to a port or an MSR, and whether it is a string's, tell its kind", (t) => {
  t.is(kindOf(exit(0x7b, 0x3f8_0011n)), "port-in");
  t.is(kindOf(exit(0x7b, 0x3f8_0010n)), "port-out");
  t.is(kindOf(exit(0x7b, 0x3f8_0015n)), "port-string");
  t.is(kindOf(exit(0x7b, 0x3f8_0014n)), "port-string");
  t.is(kindOf(exit(0x7c, 0n)), "rdmsr");
  t.is(kindOf(exit(0x7c, 1n)), "wrmsr");
});

test("kinds are those of the VMCB's exit codes, and one that has no kind is counted apart", (t) => {
  t.is(kindOf(exit(0x72)), "cpuid");
  t.is(kindOf(exit(0x14)), "control-register");
  t.is(kindOf(exit(0x4e)), "exception");
  t.is(kindOf(exit(0x60)), "interrupt");
  t.is(kindOf(exit(0x64)), "interrupt-window");
  t.is(kindOf(exit(0x78)), "hlt");
  t.is(kindOf(exit(0x81)), "hypercall");
  t.is(kindOf(exit(0x400)), "nested-page-fault");
  t.is(kindOf(exit(0x89)), "other");
});

test("exits are counted until the mark, which is not counted, and none after it", (t) => {
  const counter = new ExitCounter(({ code, rip }) => code === 0x72 && rip === 0x40n);
  t.false(counter.line(line(0x72, 0n, 0x30n)));
  t.false(counter.line(line(0x7b, 1n, 0x40n)));
  t.false(counter.line("vmrun! 1000"));
  t.true(counter.line(line(0x72, 0n, 0x40n)));
  t.true(counter.line(line(0x72, 0n, 0x30n)));
  t.deepEqual(counter.counts, { ...noExits, cpuid: 1, "port-in": 1 });
});

test("what firmware took is taken away kind by kind", (t) => {
  t.deepEqual(exitsBeyond({ ...noExits, hlt: 2, cpuid: 9 }, { ...noExits, cpuid: 4 }), {
    ...noExits,
    hlt: 2,
    cpuid: 5,
  });
});
