/**
 * The exit dispatch: the exits that guests take most come first. A handler gets the vCPU and does what its exit needs;
 * what the guest did gets its architectural answer, and what cannot have one stops the guest with a reason.
 */
import { u16, u32, u64, u8 } from "../../../dsl/core/int.ts";
import { addressOf, load32, load64, unlikely, weighed } from "../../../dsl/core/intrinsics.ts";
import { exitKind } from "../../landmark.ts";
import { raise, requeue, type Arbiter } from "../../../kernel/arbiter.ts";
import { DomainState, StopReason, stopDomain } from "../../../kernel/domain.ts";
import { EventKind, Request, VcpuState } from "../../../kernel/vcpu.ts";
import { lookAgain } from "../apic.ts";
import { interceptedLength, shortForms, shortLength, type ShortForm } from "../decode/fast-length.ts";
import { nextRip } from "../decode/execute.ts";
import { Operation } from "../decode/operation.ts";
import type { Bus } from "../guest/bus.ts";
import { codePageOf, rememberCode, rememberedCode } from "../guest/code-page.ts";
import { effectiveOffset, linearAddress } from "../decode/effective-address.ts";
import { Emulation, emulator, linearMemory, noHint } from "../guest/emulate.ts";
import { FetchOutcome, fetcher } from "../guest/fetch.ts";
import type { DeclaredHypercall } from "../guest/interfaces.ts";
import type { LocalApics } from "../guest/local-apic.ts";
import { controlRegisters } from "./control-registers.ts";
import type { GuestCpuid } from "./cpuid.ts";
import { hypercalls, mayCall } from "./hypercall.ts";
import type { GuestMsrs } from "./msr.ts";
import { features } from "./setup.ts";
import { advanceTo, svmState } from "./state.ts";
import { stringIo } from "./string-io.ts";
import { taskSwitcher } from "./task-switch.ts";
import type { SvmVcpu } from "./vcpu.ts";
import { eventField, exitCode, intercept3 } from "./vmcb.ts";

/** What the exits of all guests are built from. */
export interface ExitParts {
  readonly bus: Bus;
  readonly apics: LocalApics;
  readonly msrs: GuestMsrs;
  readonly cpuid: GuestCpuid;
  readonly arbiter: Arbiter<SvmVcpu>;
  /** Null: VMMCALL is not there. */
  readonly hypercalls: readonly DeclaredHypercall[] | null;
  /** vCPUs, where their guests may switch tasks by hardware; 0: one that does is stopped. */
  readonly taskSwitches: number;
}

/** Stops the guest of a vCPU. */
export function stopGuest(v: SvmVcpu, reason: u32, detail: u64): void {
  const domain = v.core.domain!;
  if (domain.state === DomainState.running) domain.endedBy = v.core.number;
  stopDomain(domain, DomainState.crashed, reason, v.vmcb.rip, detail);
  v.core.requests.or(Request.domain);
}

/** Raises an exception; a third fault stops the guest. */
export function raiseInGuest(v: SvmVcpu, vector: u8, hasError: boolean, error: u32): void {
  if (!raise(v.core, vector, hasError, error)) stopGuest(v, StopReason.tripleFault, 0n);
}

/** What the build reports a longest path for. */
const kind = Object.freeze({
  portIn: exitKind("port-in"),
  portOut: exitKind("port-out"),
  portString: exitKind("port-string"),
  nestedFault: exitKind("nested-page-fault"),
  cpuid: exitKind("cpuid"),
  rdmsr: exitKind("rdmsr"),
  wrmsr: exitKind("wrmsr"),
  interrupt: exitKind("interrupt"),
  window: exitKind("interrupt-window"),
  hlt: exitKind("hlt"),
  control: exitKind("control-register"),
  exception: exitKind("exception"),
  hypercall: exitKind("hypercall"),
  rare: exitKind("rare"),
});

const vectorDb = 1;
const vectorUd = 6;
const vectorGp = 13;
const vectorPf = 14;
const vectorAc = 17;

const lowMask = 0xffff_ffffn;
const rflagsIf = 0x200n;

/** Builds the dispatch: handles the exit that the VMCB describes. */
export function exits(parts: ExitParts): (v: SvmVcpu) => void {
  const { bus, msrs, cpuid, arbiter, apics } = parts;
  const declared = parts.hypercalls;
  const call = declared === null ? null : hypercalls(declared);
  const fetch = fetcher(svmState);
  const emulate = emulator(svmState, bus);
  const memory = linearMemory(svmState, bus);
  const control = controlRegisters(apics);
  const strings = stringIo(bus);

  /** Host address of the byte at RIP; 0 where the instruction might cross its page, or the guest has to be walked. */
  const codeAt = (v: SvmVcpu): u64 => {
    const linear = u64(svmState.codeBase(v) + v.vmcb.rip);
    if ((linear & 0xfffn) > 0xff8n) return 0n;
    const page = codePageOf(v.codePages, linear);
    const known = rememberedCode(page, v.vmcb.cr3, linear);
    return known !== 0n ? known : rememberCode(page, svmState.slots(v), svmState.paging(v), linear);
  };

  /** What a failed fetch does to the guest. */
  const failFetch = (v: SvmVcpu, outcome: u32, address: u64, error: u32): void => {
    if (outcome === FetchOutcome.pageFault) {
      v.vmcb.cr2 = address;
      raiseInGuest(v, vectorPf, true, error);
    } else if (outcome === FetchOutcome.generalProtection) raiseInGuest(v, vectorGp, true, 0);
    else if (outcome === FetchOutcome.undefined) raiseInGuest(v, vectorUd, false, 0);
    else stopGuest(v, StopReason.memoryAccess, address);
  };

  const switchTasks =
    parts.taskSwitches > 0
      ? taskSwitcher(parts.taskSwitches, {
          fetch: failFetch,
          raise: raiseInGuest,
          memory: (v: SvmVcpu, gpa: u64): void => stopGuest(v, StopReason.memoryAccess, gpa),
        })
      : null;

  /** The length of the intercepted instruction where the CPU does not tell; 0 where the guest has something else to do first. */
  const lengthOf = (v: SvmVcpu, form: ShortForm): u32 => {
    const at = codeAt(v);
    if (at !== 0n) {
      const short = shortLength(u64(load32(at)), form);
      if (short !== 0) return short;
    }
    const got = fetch(v);
    if (got.outcome !== FetchOutcome.ok) {
      failFetch(v, got.outcome, got.address, got.error);
      return 0;
    }
    // Another instruction stands there now: the guest changed its code, and goes on with that.
    const { code, instruction } = svmState.decoded(v);
    if (instruction.operation !== form.operation) return 0;
    return interceptedLength(code, svmState.mode(v), form, instruction);
  };

  /** Completes the intercepted instruction `form`; false where it could not be found at RIP. */
  const skip = (v: SvmVcpu, form: ShortForm): boolean => {
    if (features.nextRip) {
      advanceTo(v, v.vmcb.nextRip);
      return true;
    }
    const length = lengthOf(v, form);
    if (length === 0) return false;
    advanceTo(v, u64(v.vmcb.rip + BigInt(length)));
    return true;
  };

  /**
   * Completes INVD or WBINVD: nothing that is not coherent is assigned to a guest. QEMU 7.2 gives the exit of one for
   * both.
   */
  const skipFlush = (v: SvmVcpu): void => {
    if (features.nextRip) {
      advanceTo(v, v.vmcb.nextRip);
      return;
    }
    const got = fetch(v);
    if (got.outcome !== FetchOutcome.ok) {
      failFetch(v, got.outcome, got.address, got.error);
      return;
    }
    const { instruction } = svmState.decoded(v);
    const operation = instruction.operation;
    if (operation === Operation.invd || operation === Operation.wbinvd)
      advanceTo(v, nextRip(instruction, v.vmcb.rip));
  };

  const handlePort = (v: SvmVcpu): void => {
    const vmcb = v.vmcb;
    const info = u32(vmcb.exitInfo1);
    if (unlikely((info & 4) !== 0)) {
      kind.portString();
      const outcome = strings(v, info);
      if (outcome.outcome !== Emulation.done)
        failEmulation(v, outcome.outcome, outcome.address, outcome.error);
      bus.deliver();
      return;
    }
    const port = u16(info >>> 16);
    const width = u8((info >>> 4) & 7);
    const rax = v.gpr[0];
    if ((info & 1) !== 0) {
      kind.portIn();
      const value = bus.portIn(v.core.index, port, width);
      if (width === 4) v.gpr[0] = u64(value);
      else if (width === 1) v.gpr[0] = u64((rax & ~0xffn) | BigInt(value & 0xff));
      else v.gpr[0] = u64((rax & ~0xffffn) | BigInt(value & 0xffff));
    } else {
      kind.portOut();
      const value = u32(rax);
      bus.portOut(
        v.core.index,
        port,
        width,
        width === 4 ? value : width === 1 ? value & 0xff : value & 0xffff,
      );
    }
    bus.deliver();
    advanceTo(v, vmcb.exitInfo2);
  };

  const handleCpuid = (v: SvmVcpu): void => {
    kind.cpuid();
    if (!skip(v, shortForms.cpuid)) return;
    const gpr = v.gpr;
    const out = v.cpuid;
    cpuid.answer(v.core.index, u32(gpr[0]), u32(gpr[1]), v.cr4, apics.id(v.core.index), out);
    gpr[0] = u64(out.eax);
    gpr[3] = u64(out.ebx);
    gpr[1] = u64(out.ecx);
    gpr[2] = u64(out.edx);
  };

  const handleMsr = (v: SvmVcpu): void => {
    const gpr = v.gpr;
    const msr = u32(gpr[1]);
    if (v.vmcb.exitInfo1 === 0n) {
      kind.rdmsr();
      const { ok, value } = msrs.read(v, msr);
      if (!ok) {
        raiseInGuest(v, vectorGp, true, 0);
        return;
      }
      if (!skip(v, shortForms.rdmsr)) return;
      gpr[0] = u64(value & lowMask);
      gpr[2] = u64(value >> 32n);
      return;
    }
    kind.wrmsr();
    const value = u64((gpr[0] & lowMask) | (gpr[2] << 32n));
    // The write may be found refused only after the instruction is seen to be one, and takes effect once.
    const rip = v.vmcb.rip;
    if (!skip(v, shortForms.wrmsr)) return;
    if (!msrs.write(v, msr, value)) {
      v.vmcb.rip = rip;
      raiseInGuest(v, vectorGp, true, 0);
    }
  };

  const handleHypercall = (v: SvmVcpu): void => {
    kind.hypercall();
    if (!mayCall(v)) raiseInGuest(v, vectorUd, false, 0);
    else if (skip(v, shortForms.vmmcall)) {
      call!(v);
      bus.deliver();
    }
  };

  const handleHalt = (v: SvmVcpu): void => {
    kind.hlt();
    if (!skip(v, shortForms.hlt)) return;
    v.core.requests.or(Request.interrupt);
    if (arbiter.wakes(v)) return;
    if ((v.vmcb.rflags & rflagsIf) === 0n && v.core.domain!.vcpuCount === 1 && !v.core.injection.nmiPending) {
      stopGuest(v, StopReason.haltedForever, 0n);
      return;
    }
    // Another CPU's INIT may have come in between.
    if (v.core.state === VcpuState.running) v.core.state = VcpuState.halted;
    v.core.requests.or(Request.yield);
  };

  const failEmulation = (v: SvmVcpu, outcome: u32, address: u64, error: u32): void => {
    if (outcome === Emulation.pageFault) {
      v.vmcb.cr2 = address;
      raiseInGuest(v, vectorPf, true, error);
    } else if (outcome === Emulation.generalProtection) raiseInGuest(v, vectorGp, true, 0);
    else if (outcome === Emulation.undefined) raiseInGuest(v, vectorUd, false, 0);
    else if (outcome === Emulation.unsupported)
      stopGuest(v, StopReason.emulation, load64(addressOf(svmState.decoded(v).code.bytes)));
    else stopGuest(v, StopReason.memoryAccess, address);
  };

  const handleNestedFault = (v: SvmVcpu): void => {
    kind.nestedFault();
    const vmcb = v.vmcb;
    const gpa = vmcb.exitInfo2;
    // An event's delivery touched it, or a fetch or a table walk: nothing that an instruction's emulation could mend.
    if ((vmcb.exitIntInfo & eventField.valid) !== 0n || (vmcb.exitInfo1 & 0x2_0000_0010n) !== 0n) {
      stopGuest(v, StopReason.memoryAccess, gpa);
      return;
    }
    // A page that is there and may not be written is ROM, which the slots know; what is not there is a device's.
    const done = emulate(v, (vmcb.exitInfo1 & 1n) === 0n ? gpa : noHint);
    bus.deliver();
    if (done.outcome !== Emulation.done) failEmulation(v, done.outcome, done.address, done.error);
  };

  /** #DB, #AC: intercepted so that their endless delivery cannot hold the CPU; #MC is the host's. */
  const handleException = (v: SvmVcpu, vector: u32): void => {
    kind.exception();
    if (vector === vectorDb) raiseInGuest(v, vectorDb, false, 0);
    else if (vector === vectorAc) raiseInGuest(v, vectorAc, true, 0);
    else stopGuest(v, StopReason.unexpectedExit, BigInt(vector));
  };

  const handleRare = (v: SvmVcpu, code: u32): void => {
    kind.rare();
    switch (code) {
      case exitCode.shutdown:
        stopGuest(v, StopReason.tripleFault, 0n);
        return;
      case exitCode.iret:
        v.iretCaught = true;
        v.iretRip = v.vmcb.rip;
        v.vmcb.intercept3 = u32(v.vmcb.intercept3 & ~intercept3.iret);
        v.core.requests.or(Request.event);
        return;
      case exitCode.pause:
        if (!skip(v, shortForms.pause)) return;
        v.core.spins = true;
        v.core.requests.or(Request.yield);
        return;
      case exitCode.wbinvd:
      case exitCode.invd:
        skipFlush(v);
        return;
      case exitCode.nmi:
      case exitCode.smi:
      case exitCode.init:
        // The host's, which takes it as soon as its global interrupt flag is set.
        return;
      case exitCode.rdpmc:
        raiseInGuest(v, vectorGp, true, 0);
        return;
      case exitCode.taskSwitch:
        if (switchTasks === null) stopGuest(v, StopReason.taskSwitch, v.vmcb.exitInfo1);
        else switchTasks(v);
        return;
      case exitCode.rsm:
      case exitCode.invlpga:
      case exitCode.vmrun:
      case exitCode.vmmcall:
      case 0x082:
      case 0x083:
      case 0x084:
      case 0x085:
      case exitCode.skinit:
      case exitCode.monitor:
      case exitCode.mwait:
      case exitCode.rdpru:
        raiseInGuest(v, vectorUd, false, 0);
        return;
      case 0xffff_ffff:
        stopGuest(v, StopReason.invalidState, v.vmcb.exitInfo1);
        return;
      default:
        if (code >= exitCode.exception0 && code <= exitCode.exception31)
          handleException(v, u32(code - exitCode.exception0));
        else stopGuest(v, StopReason.unexpectedExit, u64(code));
    }
  };

  const handleControl = (v: SvmVcpu): void => {
    kind.control();
    const got = fetch(v);
    if (got.outcome !== FetchOutcome.ok) {
      failFetch(v, got.outcome, got.address, got.error);
      return;
    }
    const { instruction } = svmState.decoded(v);
    const operation = instruction.operation;
    const rip = nextRip(instruction, v.vmcb.rip);
    let ok = true;
    if (operation === Operation.movToCr) ok = control.write(v, instruction.reg, v.gpr[instruction.rm & 15]);
    else if (operation === Operation.movFromCr) v.gpr[instruction.rm & 15] = control.read(v, instruction.reg);
    else if (operation === Operation.clts) ok = control.write(v, 0, u64(v.vmcb.cr0 & ~8n));
    else if (operation === Operation.lmsw && !instruction.memory)
      ok = control.loadMachineStatus(v, v.gpr[instruction.rm & 15]);
    else if (operation === Operation.lmsw) {
      const offset = effectiveOffset(instruction, v.gpr, rip);
      const segmentation = svmState.segmentation(v);
      const at = linearAddress(segmentation, instruction.mode, instruction.segment, offset);
      const status = memory.load(v, at, 2, noHint);
      bus.deliver();
      if (status.outcome !== Emulation.done) {
        failEmulation(v, status.outcome, status.address, status.error);
        return;
      }
      ok = control.loadMachineStatus(v, status.value);
    }
    // Another instruction stands there now: the guest goes on with that.
    else return;
    if (ok) advanceTo(v, rip);
    else raiseInGuest(v, vectorGp, true, 0);
  };

  /** Keeps an event whose delivery the exit interrupted; software interrupts are executed again, since RIP is theirs. */
  const keepInterrupted = (v: SvmVcpu, info: u64): void => {
    const type = u64(info & eventField.typeMask);
    const vector = u8(info);
    if (type === eventField.softwareInterrupt) return;
    if (type === eventField.nmi) requeue(v.core, EventKind.nmi, 2, false, 0);
    else if (type === eventField.externalInterrupt)
      requeue(v.core, EventKind.externalInterrupt, vector, false, 0);
    else if (vector !== 3 && vector !== 4) {
      requeue(v.core, EventKind.exception, vector, (info & eventField.errorValid) !== 0n, u32(info >> 32n));
    }
  };

  return (v: SvmVcpu): void => {
    const vmcb = v.vmcb;
    const code = u32(vmcb.exitCode);
    const interrupted = vmcb.exitIntInfo;
    const injection = v.core.injection;
    if (unlikely(injection.injected)) {
      injection.injected = false;
      vmcb.eventInjection = 0n;
    }
    if (unlikely((interrupted & eventField.valid) !== 0n)) keepInterrupted(v, interrupted);
    // Weighed by how often a Linux that boots and runs causes them.
    if (weighed(code === exitCode.ioio, 16, 31)) handlePort(v);
    else if (weighed(code === exitCode.nestedPageFault, 16, 15)) handleNestedFault(v);
    else if (weighed(code === exitCode.msr, 4, 11)) handleMsr(v);
    else if (weighed(code === exitCode.hlt, 4, 7)) handleHalt(v);
    else if (weighed(code === exitCode.intr, 4, 3)) kind.interrupt();
    else if (weighed(code === exitCode.cpuid, 2, 1)) handleCpuid(v);
    else if (call !== null && code === exitCode.vmmcall) handleHypercall(v);
    else if (code === exitCode.vintr) {
      kind.window();
      lookAgain();
      v.core.requests.or(Request.interrupt);
    } else if (code < 0x20 || code === exitCode.cr0Selective) handleControl(v);
    else handleRare(v, code);
  };
}
