/** SVM as the kernel sees it: the vCPUs of an image, their translations, and the loop that runs one. */
import { array, struct, type FixedArray } from "../../../dsl/core/layout.ts";
import { u32, u64, u8 } from "../../../dsl/core/int.ts";
import { addressOf, viewOf } from "../../../dsl/core/intrinsics.ts";
import { kernelLandmark } from "../../../dsl/core/landmark.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { GuestModel, ImageModel } from "../../../dsl/manifest/model.ts";
import { arbiter, resetInjection } from "../../../kernel/arbiter.ts";
import { BootProblem, type BootInfo } from "../../../kernel/boot.ts";
import { DomainState, StopReason, stopDomain, type Domain } from "../../../kernel/domain.ts";
import type { InterruptSource } from "../../../kernel/interrupt-source.ts";
import { processors } from "../../../kernel/processors.ts";
import type { SavedPart } from "../../../kernel/saved-part.ts";
import { Request, VcpuState, type Vcpu } from "../../../kernel/vcpu.ts";
import type { Loaded, Virtualization } from "../../../kernel/virtualization.ts";
import { landmark } from "../../landmark.ts";
import { cli, clgi, cpuid, readTsc, stgi, sti } from "../instructions.ts";
import type { Bus } from "../guest/bus.ts";
import { forgetCode } from "../guest/code-page.ts";
import { guestLoader } from "../guest/loaders.ts";
import type { Interfaces } from "../guest/interfaces.ts";
import type { LocalApics } from "../guest/local-apic.ts";
import { svmInjection } from "./access.ts";
import { asidGenerations, oneAsid } from "./asids.ts";
import { guestCpuid } from "./cpuid.ts";
import { dumpFrames, dumpRegisters, registerNames } from "./crash-dump.ts";
import { exitKinds, kindOfExit } from "./exit-kinds.ts";
import { enterGuest } from "./enter.ts";
import { exits } from "./exits.ts";
import { guestMsrs } from "./msr.ts";
import { msrRows } from "./msr-rows.ts";
import { nestedTables, PoolState, TablePage } from "./npt.ts";
import { ExtendedState, extendedRegisters, resetRegisters, startAt } from "./registers.ts";
import { residency } from "./residency.ts";
import { savedVcpu } from "./saved-vcpu.ts";
import { detectSvm, features, fillPermissions, guestCr4, hostPages, prepareControl } from "./setup.ts";
import { ownPredictors, speculation } from "./speculation.ts";
import { startFlat } from "./start.ts";
import { SvmVcpu } from "./vcpu.ts";
import { exitInvalid, tlbControl } from "./vmcb.ts";

/** What the devices of an image give to the processor. */
export interface SvmParts {
  readonly model: ImageModel;
  readonly bus: Bus;
  readonly apics: LocalApics;
  readonly source: InterruptSource;
  readonly interfaces: Interfaces;
  /** Makes the devices of a guest those that run: whoever takes the kernel's lock calls it. */
  readonly enterBoard: (guest: u32) => void;
  /** Returns when no CPU uses a domain's nested translations as they were. */
  readonly shootDown: (domain: Domain) => void;
}

const leaveLoop = landmark(kernelLandmark);

/** Offset of the kernel's part in a vCPU. */
const coreAt = 4096n;

/** Pages that nested tables of a guest's memory need at most, in 4 KiB pages: what its slots cover, and what splits them. */
export function tablePagesFor(guest: GuestModel, overlays: number): number {
  // Root and one table per 512 GiB; per slot its 1 GiB tables; 4 KiB tables at ragged edges; spares. An overlay page
  // splits a page of 2 MiB, and gives its table back when it leaves.
  const tables = guest.slots.reduce((sum, s) => sum + Math.ceil(s.sizeBytes / 2 ** 30) + 3, 0);
  return 2 + tables + 8 + overlays;
}

/** The vCPU of the platform that holds a vCPU of the kernel. */
function vcpuOf(core: Vcpu): SvmVcpu {
  return viewOf(SvmVcpu, u64(addressOf(core) - coreAt));
}

const rflagsIf = 0x200n;
/** VMMCALL (0f 01 d9) and RET (c3). */
const vmmcallRet = 0xc3d9_010f;

const writeBack8 = 0x0606_0606_0606_0606n;
const mtrrEnabled = 0xc06n;
const mtrrValid = 0x800n;

/** MTRRs as firmware leaves them: write-back, the display hole and the device hole below 4 GiB uncached. */
function startMtrrs(v: SvmVcpu, physicalBits: u64): void {
  const top = u64((1n << (physicalBits & 63n)) - 1n);
  v.mtrr[0] = 0xc000_0000n;
  v.mtrr[1] = u64((top & ~0x3fff_ffffn) | mtrrValid);
  v.mtrr[2] = 0xb000_0000n;
  v.mtrr[3] = u64((top & ~0x0fff_ffffn) | mtrrValid);
  for (let i = 16; i < 27; i++) v.mtrr[i] = writeBack8;
  v.mtrr[18] = 0n;
  v.mtrr[27] = mtrrEnabled;
}

/** Builds SVM for an image. */
export function svm(parts: SvmParts): Virtualization & { readonly handleExit: (v: SvmVcpu) => void } {
  const { model, bus, apics, source, interfaces, enterBoard, shootDown } = parts;
  const guests = Object.freeze(
    model.guests.map((g) => Object.freeze({ index: g.index, loader: guestLoader(g), count: g.vcpus.length })),
  );
  const count = model.guests.reduce((sum, g) => sum + g.vcpus.length, 0);
  const vcpus: FixedArray<SvmVcpu> = storage("vcpus", array(SvmVcpu, count), { align: 4096 });
  const pages = model.guests.reduce((sum, g) => sum + tablePagesFor(g, interfaces.overlaysOf(g.index)), 0);
  const pool = storage("nestedTables", array(TablePage, pages), { align: 4096 });
  const poolState = storage("nestedTableState", PoolState);
  const tables = nestedTables({ pages: pool, state: poolState });
  const { cpuCapacity } = model;
  const host = hostPages(cpuCapacity);
  const registers = residency(
    extendedRegisters,
    storage("extendedStates", array(ExtendedState, count), { align: 64 }),
    cpuCapacity,
    model.saves !== null,
  );
  const sharesTlb = count > 1 || cpuCapacity > 1;
  const asids = sharesTlb ? asidGenerations(cpuCapacity, count) : oneAsid;
  const found = storage("svmFound", struct("SvmFound", { physicalBits: u64 }));

  /** By vCPU; counted for the operator alone. */
  const counted = model.operator !== null;
  const Counts = struct("ExitCounts", { kinds: array(u64, exitKinds.length) });
  const counts = storage("exitCounts", array(Counts, counted ? count : 1));

  const guard = speculation(model.guests, cpuCapacity, ownPredictors);
  const sizes = model.guests.flatMap((g) => g.vcpus.map(() => g.vcpus.length));
  const answers = guestCpuid("guest", sizes, interfaces.leaves, cpuid);
  const msrs = guestMsrs(msrRows({ apics, counter: readTsc }), interfaces.msrs);
  const interrupts = arbiter(svmInjection, source);
  const handle = exits({
    bus,
    apics,
    msrs,
    cpuid: answers,
    arbiter: interrupts,
    hypercalls: interfaces.hypercalls,
    // A Linux that is booted by its own protocol needs none, so its image has no code for them.
    taskSwitches: model.guests.some((g) => g.loader.kind !== "linux") ? count : 0,
  });

  /** Handles what was asked of a vCPU; false where the kernel's loop must run. */
  const prepare = (v: SvmVcpu): boolean => {
    const core = v.core;
    const asked = core.requests.exchange(0);
    if ((asked & (Request.yield | Request.domain)) !== 0) {
      core.requests.or(u32(asked & ~(Request.yield | Request.domain)));
      return false;
    }
    const vmcb = v.vmcb;
    const flush = (asked & Request.flush) !== 0;
    if (flush) forgetCode(v.codePages);
    const control = asids.enter(processors.here(), core.index, flush, features);
    vmcb.tlbControl = control;
    if (sharesTlb) vmcb.asid = asids.numberOf(core.index);
    // The entry after this one sets it back.
    if (control !== tlbControl.nothing) core.requests.or(Request.event);
    interrupts.arbitrate(v);
    return true;
  };

  /** The last of a domain's vCPUs, and one more. */
  const endOf = (domain: Domain): u32 => u32(Math.min(domain.firstVcpu + domain.vcpuCount, count));
  const reset = (domain: Domain): void => {
    const end = endOf(domain);
    for (let i = 0; i < end; i++) {
      if (i >= domain.firstVcpu) {
        const v = vcpus[i];
        resetInjection(v.core.injection);
        prepareControl(v);
        resetRegisters(v);
        startMtrrs(v, found.physicalBits);
        // The guest's counter starts at 0.
        v.vmcb.tscOffset = domain.time.offset;
        registers.reset(i);
      }
    }
  };

  /** Begins where the start-up message says. */
  const begin = (v: SvmVcpu): void => {
    const core = v.core;
    resetInjection(core.injection);
    resetRegisters(v);
    startMtrrs(v, found.physicalBits);
    startAt(v, u8(core.startVector));
    core.state = VcpuState.running;
    core.requests.or(Request.interrupt | Request.flush);
  };

  return Object.freeze({
    reset,
    savedParts: (guest: number): readonly SavedPart[] => {
      const first = model.guests.slice(0, guest).reduce((sum, g) => sum + g.vcpus.length, 0);
      return Object.freeze(
        model.guests[guest]!.vcpus.flatMap((_, number) =>
          savedVcpu(`vcpu${number}`, vcpus[first + number]!, registers.kept[first + number]!),
        ),
      );
    },
    keep: registers.keep,
    resume(domain: Domain): void {
      tables.clear(domain.translationRoot);
      if (!tables.build(domain.translationRoot, domain.slots, features.gigabytePages))
        stopDomain(domain, DomainState.crashed, StopReason.memoryAccess, 0n, 0n);
      const end = endOf(domain);
      for (let i = 0; i < end; i++) {
        if (i >= domain.firstVcpu) {
          const v = vcpus[i];
          v.vmcb.tscOffset = u64(domain.time.offset + v.tscAdjust);
          // The control block is new: the arbiter opens the windows that it needs.
          v.core.injection.interruptWindow = false;
          v.core.injection.nmiWindow = false;
          v.core.requests.store(Request.interrupt | Request.event | Request.flush);
        }
      }
    },
    followClock(domain: Domain): void {
      const end = endOf(domain);
      for (let i = 0; i < end; i++)
        if (i >= domain.firstVcpu) vcpus[i].vmcb.tscOffset = u64(domain.time.offset + vcpus[i].tscAdjust);
    },
    registerNames,
    dumpRegisters: (index: u32, values: FixedArray<u64>): void => dumpRegisters(vcpus[index], values),
    dumpFrames: (index: u32, frames: FixedArray<u64>): u32 => dumpFrames(vcpus[index], frames),
    exitKinds,
    exitsOf: (vcpu: u32, kind: u32): u64 =>
      counts[Math.min(vcpu, count - 1)].kinds[Math.min(kind, exitKinds.length - 1)],
    identity: (): u64 => u64(answers.identity() + u64(features.xcr0 ^ guestCr4.bits)),
    enableCpu(): void {
      const index = processors.here();
      // What is found out is the same on all CPUs.
      if (index === 0) {
        detectSvm();
        fillPermissions();
        answers.prepare();
        found.physicalBits = answers.physicalBits();
        if (guard !== null) guard.detect();
      }
      host.enable(index);
    },
    vcpu(index: u32): Vcpu {
      return vcpus[index].core;
    },
    buildTranslation(domain: Domain): boolean {
      const root = tables.create();
      if (root === 0n) return false;
      domain.translationRoot = root;
      return tables.build(root, domain.slots, features.gigabytePages);
    },
    check(domain: u32, boot: BootInfo): Loaded {
      for (const g of guests) if (domain === g.index) return g.loader.check(boot);
      return { problem: BootProblem.none, detail: 0n };
    },
    load(domain: Domain, boot: BootInfo): Loaded {
      for (const g of guests) {
        if (domain.index === g.index) {
          const loaded = g.loader.load(domain.slots, boot);
          if (loaded.problem !== BootProblem.none) return loaded;
          reset(domain);
          const { start } = g.loader;
          if (start !== null) startFlat(vcpus[domain.firstVcpu], g.loader.entry(), start);
        }
      }
      return { problem: BootProblem.none, detail: 0n };
    },
    run(core: Vcpu): void {
      const v = vcpuOf(core);
      if (core.state === VcpuState.starting) begin(v);
      const address = addressOf(v);
      const cpu = processors.here();
      const hostState = host.of(cpu);
      registers.hold(cpu, core.index);
      if (!asids.holds(cpu, core.index)) core.requests.or(Request.interrupt);
      if (guard !== null) guard.enter(cpu, core.domain!.index);
      clgi();
      sti();
      for (;;) {
        if (core.requests.load() !== 0 && !prepare(v)) break;
        processors.leave();
        enterGuest(address, hostState);
        processors.comeBack();
        if (cpuCapacity > 1) enterBoard(core.domain!.index);
        core.exits = u64(core.exits + 1n);
        if (counted) {
          const own = counts[Math.min(core.index, count - 1)];
          const kind = kindOfExit(v.vmcb.exitCode);
          own.kinds[kind] = u64(own.kinds[kind] + 1n);
        }
        handle(v);
        clgi();
      }
      leaveLoop();
      cli();
      stgi();
      if (v.vmcb.exitCode === exitInvalid) asids.distrust(cpu, features);
      registers.putDown(cpu, core.index);
    },
    remapPage(domain: Domain, gpa: u64): boolean {
      const ok = tables.refreshPage(domain.translationRoot, domain.slots, gpa);
      shootDown(domain);
      return ok;
    },
    freeTables: (): u32 => tables.freePages(),
    idle(index: u32): void {
      const v = vcpus[index];
      const core = v.core;
      core.requests.or(Request.interrupt | Request.yield);
      // Another CPU's INIT may have come in between.
      const runs = core.state === VcpuState.running;
      if (runs && (v.vmcb.rflags & rflagsIf) !== 0n && !interrupts.wakes(v)) core.state = VcpuState.halted;
    },
    hypercallInstruction: (): u32 => vmmcallRet,
    wakes(core: Vcpu): boolean {
      return interrupts.wakes(vcpuOf(core));
    },
    handleExit: handle,
  });
}
