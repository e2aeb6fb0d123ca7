/** The exit of a hardware task switch: what EXITINFO1 and EXITINFO2 say of it, and the switch (APM vol. 2 §15.14.1). */
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import { array } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { EventKind, Request } from "../../../kernel/vcpu.ts";
import { nextRip } from "../decode/execute.ts";
import { Operation } from "../decode/operation.ts";
import { forgetCode } from "../guest/code-page.ts";
import { FetchOutcome, fetcher } from "../guest/fetch.ts";
import { TaskOutcome, TaskRegisters, type TaskSegment } from "../guest/task-registers.ts";
import { switchTask, TaskCause } from "../guest/task-switch.ts";
import { svmState } from "./state.ts";
import type { SvmVcpu } from "./vcpu.ts";
import { eventField, type Segment } from "./vmcb.ts";

/** In EXITINFO2: an IRET, a far jump, an error code in [31:0], RF of the task that is left. */
const byReturn = 1n << 36n;
const byJump = 1n << 38n;
const hasErrorCode = 1n << 44n;
const resumeFlagBit = 1n << 48n;
const resumeFlag = 0x1_0000n;
const vectorDb = 1;
const vectorPf = 14;
const breakpoint = 3;
const overflow = 4;

/** What becomes of a guest whose switch does not succeed. */
export interface TaskFailures {
  /** Its instruction could not be fetched. */
  readonly fetch: (v: SvmVcpu, outcome: u32, address: u64, error: u32) => void;
  readonly raise: (v: SvmVcpu, vector: u8, hasError: boolean, error: u32) => void;
  /** A table does not lie in memory. */
  readonly memory: (v: SvmVcpu, gpa: u64) => void;
}

function copy(to: Segment | TaskSegment, from: Segment | TaskSegment): void {
  to.selector = from.selector;
  to.attributes = from.attributes;
  to.limit = from.limit;
  to.base = from.base;
}

function take(r: TaskRegisters, v: SvmVcpu): void {
  const vmcb = v.vmcb;
  r.cr0 = vmcb.cr0;
  r.cr3 = vmcb.cr3;
  r.cr4 = v.cr4;
  r.efer = v.efer;
  r.dr6 = vmcb.dr6;
  r.dr7 = vmcb.dr7;
  r.rip = vmcb.rip;
  r.rflags = (vmcb.exitInfo2 & resumeFlagBit) !== 0n ? u64(vmcb.rflags | resumeFlag) : vmcb.rflags;
  for (let i = 0; i < 8; i++) r.gpr[i] = v.gpr[i];
  copy(r.segments[0], vmcb.es);
  copy(r.segments[1], vmcb.cs);
  copy(r.segments[2], vmcb.ss);
  copy(r.segments[3], vmcb.ds);
  copy(r.segments[4], vmcb.fs);
  copy(r.segments[5], vmcb.gs);
  copy(r.segments[6], vmcb.ldtr);
  copy(r.segments[7], vmcb.tr);
  r.gdtBase = vmcb.gdtr.base;
  r.gdtLimit = vmcb.gdtr.limit;
  r.idtBase = vmcb.idtr.base;
  r.cpl = vmcb.cpl;
}

function give(v: SvmVcpu, r: TaskRegisters): void {
  const vmcb = v.vmcb;
  vmcb.cr0 = r.cr0;
  vmcb.cr3 = r.cr3;
  vmcb.dr6 = r.dr6;
  vmcb.dr7 = r.dr7;
  vmcb.rip = r.rip;
  vmcb.rflags = r.rflags;
  for (let i = 0; i < 8; i++) v.gpr[i] = r.gpr[i];
  copy(vmcb.es, r.segments[0]);
  copy(vmcb.cs, r.segments[1]);
  copy(vmcb.ss, r.segments[2]);
  copy(vmcb.ds, r.segments[3]);
  copy(vmcb.fs, r.segments[4]);
  copy(vmcb.gs, r.segments[5]);
  copy(vmcb.ldtr, r.segments[6]);
  copy(vmcb.tr, r.segments[7]);
  vmcb.cpl = r.cpl;
  vmcb.interruptShadow = 0n;
  forgetCode(v.codePages);
  v.core.requests.or(Request.flush);
}

function isSwitching(operation: u32): boolean {
  return (
    operation === Operation.callFar ||
    operation === Operation.jmpFar ||
    operation === Operation.iret ||
    operation === Operation.int ||
    operation === Operation.int3 ||
    operation === Operation.into
  );
}

/** Builds the switch for that many vCPUs: any number of them may be at it at once. */
export function taskSwitcher(vcpus: number, failures: TaskFailures): (v: SvmVcpu) => void {
  const copies = storage("taskSwitches", array(TaskRegisters, vcpus));
  const last = vcpus - 1;
  const fetch = fetcher(svmState);
  return (v: SvmVcpu): void => {
    const vmcb = v.vmcb;
    const info = vmcb.exitInfo2;
    const event = vmcb.exitIntInfo;
    const type = u64(event & eventField.typeMask);
    const vector = u8(event);
    const isEvent = (info & (byReturn | byJump)) === 0n && (event & eventField.valid) !== 0n;
    const isSoftware =
      isEvent &&
      (type === eventField.softwareInterrupt ||
        (type === eventField.exception && (vector === breakpoint || vector === overflow)));
    const registers = copies[Math.min(v.core.index, last)];
    take(registers, v);
    if (!isEvent || isSoftware) {
      const got = fetch(v);
      if (got.outcome !== FetchOutcome.ok) {
        failures.fetch(v, got.outcome, got.address, got.error);
        return;
      }
      const { instruction } = svmState.decoded(v);
      // Another instruction stands there now: the guest goes on with that.
      if (!isSwitching(instruction.operation)) return;
      registers.rip = nextRip(instruction, registers.rip);
    }
    const cause =
      (info & byReturn) !== 0n
        ? TaskCause.return
        : (info & byJump) !== 0n
          ? TaskCause.jump
          : isEvent
            ? TaskCause.event
            : TaskCause.call;
    switchTask(registers, svmState.slots(v), {
      cause,
      selector: u32(vmcb.exitInfo1 & 0xffffn),
      software: isSoftware ? vector : -1,
      external: isEvent && !isSoftware,
      hasError: isEvent && (info & hasErrorCode) !== 0n,
      error: u32(info & 0xffff_ffffn),
    });
    if (registers.committed) {
      // What was being delivered has arrived.
      v.core.injection.kind = EventKind.none;
      give(v, registers);
    }
    if (registers.outcome === TaskOutcome.notMemory) failures.memory(v, registers.address);
    else if (registers.outcome === TaskOutcome.fault) {
      if (registers.vector === vectorPf) vmcb.cr2 = registers.address;
      failures.raise(v, registers.vector, registers.vector !== vectorDb, registers.error);
    }
  };
}
