import test from "ava";
import { make } from "../dsl/core/layout.ts";
import { text } from "../dsl/core/intrinsics.ts";
import { putDecimal, putHex, putText } from "./console.ts";
import { Domain, DomainState, StopReason, stopDomain } from "./domain.ts";
import { noticeStarted, noticeStopped } from "./notices.ts";
import { modelMachine, said } from "./testing/machine.ts";

test("numbers are written without leading zeros", (t) => {
  for (const value of [0n, 7n, 10n, 99n, 100n, 1_000_000n, 18_446_744_073_709_551_615n]) {
    const machine = modelMachine();
    putDecimal(value);
    putText(text(" "));
    putHex(value);
    t.is(said(machine), `${value} 0x${value.toString(16)}`);
  }
});

test("a stopped guest's notice says why and where", (t) => {
  const machine = modelMachine();
  const domain = make(Domain);
  domain.state = DomainState.running;
  stopDomain(domain, DomainState.crashed, StopReason.tripleFault, 0xffff_8000_1234n, 0n);
  noticeStopped(text("hello"), domain, text("stopped"));
  t.is(said(machine), "\r\ntypevisor: guest hello stopped: triple fault at rip 0xffff80001234\r\n");
});

test("every reason has a sentence", (t) => {
  for (const reason of Object.values(StopReason).filter(
    (r) => typeof r === "number" && r !== StopReason.none,
  )) {
    const machine = modelMachine();
    const domain = make(Domain);
    domain.state = DomainState.running;
    stopDomain(domain, DomainState.crashed, reason as number, 0n, 0n);
    noticeStopped(text("g"), domain, text("stopped"));
    t.regex(said(machine), /stopped: [a-z]/, `reason ${reason}`);
  }
});

test("only the first reason of a stop counts", (t) => {
  const domain = make(Domain);
  domain.state = DomainState.running;
  stopDomain(domain, DomainState.poweredOff, StopReason.powerOff, 0n, 0n);
  stopDomain(domain, DomainState.crashed, StopReason.tripleFault, 0n, 0n);
  t.is(domain.reason, StopReason.powerOff);
});

test("a start is told with the guest's memory", (t) => {
  const machine = modelMachine();
  noticeStarted(text("hello"), 512n);
  t.is(said(machine), "typevisor: guest hello started, 512 MiB\r\n");
});
