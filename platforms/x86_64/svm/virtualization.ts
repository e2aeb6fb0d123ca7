/** SVM as the kernel sees it: the vCPUs of an image, their translations, and the loop that runs one. */
import { array, struct, type FixedArray } from "../../../dsl/core/layout.ts";
import { u32, u64, type u8 } from "../../../dsl/core/int.ts";
import { addressOf, viewOf } from "../../../dsl/core/intrinsics.ts";
import { kernelLandmark } from "../../../dsl/core/landmark.ts";
import { storage } from "../../../dsl/core/storage.ts";
import type { GuestModel, ImageModel } from "../../../dsl/manifest/model.ts";
import { arbiter, resetInjection } from "../../../kernel/arbiter.ts";
import { BootProblem, type BootInfo } from "../../../kernel/boot.ts";
import { DomainState, StopReason, stopDomain, type Domain } from "../../../kernel/domain.ts";
import type { InterruptSource } from "../../../kernel/interrupt-source.ts";
import type { SavedPart } from "../../../kernel/saved-part.ts";
import { Request, VcpuState, type Vcpu } from "../../../kernel/vcpu.ts";
import type { Loaded, Virtualization } from "../../../kernel/virtualization.ts";
import { landmark } from "../../landmark.ts";
import { cli, clgi, stgi, sti } from "../instructions.ts";
import type { Bus } from "../guest/bus.ts";
import { forgetCode } from "../guest/code-page.ts";
import { guestLoader } from "../guest/loaders.ts";
import type { Interfaces } from "../guest/interfaces.ts";
import type { LocalApics } from "../guest/local-apic.ts";
import { svmInjection } from "./access.ts";
import { cpuidRows, guestCpuid } from "./cpuid.ts";
import { enterGuest } from "./enter.ts";
import { exits } from "./exits.ts";
import { guestMsrs } from "./msr.ts";
import { msrRows } from "./msr-rows.ts";
import { nestedTables, PoolState, TablePage } from "./npt.ts";
import {
  ExtendedState,
  initialiseExtendedState,
  loadExtendedState,
  resetExtendedState,
  resetRegisters,
  saveExtendedState,
  startAt,
} from "./registers.ts";
import { savedVcpu } from "./saved-vcpu.ts";
import { detectSvm, enableSvm, features, guestCr4, prepareControl } from "./setup.ts";
import { startFlat } from "./start.ts";
import { SvmVcpu } from "./vcpu.ts";

/** What the devices of an image give to the processor. */
export interface SvmParts {
  readonly model: ImageModel;
  readonly bus: Bus;
  readonly apics: LocalApics;
  readonly source: InterruptSource;
  readonly interfaces: Interfaces;
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
  const { model, bus, apics, source, interfaces } = parts;
  const guests = Object.freeze(
    model.guests.map((g) => Object.freeze({ index: g.index, loader: guestLoader(g), count: g.vcpus.length })),
  );
  const count = model.guests.reduce((sum, g) => sum + g.vcpus.length, 0);
  const most = Math.max(...model.guests.map((g) => g.vcpus.length));
  const vcpus: FixedArray<SvmVcpu> = storage("vcpus", array(SvmVcpu, count), { align: 4096 });
  const pages = model.guests.reduce((sum, g) => sum + tablePagesFor(g, interfaces.overlaysOf(g.index)), 0);
  const pool = storage("nestedTables", array(TablePage, pages), { align: 4096 });
  const poolState = storage("nestedTableState", PoolState);
  const tables = nestedTables({ pages: pool, state: poolState });
  const cpu = storage("svmCpu", struct("SvmCpu", { host: u64, physicalBits: u64, loaded: u32 }));

  /** One vCPU keeps its registers in the CPU for good; several take turns, and a save needs them in memory. */
  const many = count > 1 || model.saves !== null;
  const kept = storage("extendedStates", array(ExtendedState, many ? count : 1), { align: 64 });
  /** In `loaded`: nobody's registers are in the CPU. */
  const nobody = 0xffff_ffff;

  const cpuid = guestCpuid("guest", cpuidRows(most), interfaces.leaves);
  const msrs = guestMsrs(msrRows(apics), interfaces.msrs);
  const interrupts = arbiter(svmInjection, source);
  const handle = exits({
    bus,
    apics,
    msrs,
    cpuid,
    arbiter: interrupts,
    hypercalls: interfaces.hypercalls,
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
    if ((asked & Request.flush) !== 0) {
      forgetCode(v.codePages);
      vmcb.tlbControl = features.flushByAsid ? 3 : 1;
      // The entry after this one sets it back.
      core.requests.or(Request.interrupt);
    } else vmcb.tlbControl = 0;
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
        startMtrrs(v, cpu.physicalBits);
        // The guest's counter starts at 0.
        v.vmcb.tscOffset = domain.time.offset;
        if (many) initialiseExtendedState(kept[i]);
      }
    }
    resetExtendedState();
    if (many) cpu.loaded = nobody;
  };

  return Object.freeze({
    reset,
    savedParts: (guest: number): readonly SavedPart[] => {
      const first = model.guests.slice(0, guest).reduce((sum, g) => sum + g.vcpus.length, 0);
      return Object.freeze(
        model.guests[guest]!.vcpus.flatMap((_, number) =>
          savedVcpu(`vcpu${number}`, vcpus[first + number]!, kept[first + number]!),
        ),
      );
    },
    keep(): void {
      if (cpu.loaded < count) saveExtendedState(kept[cpu.loaded]);
      cpu.loaded = nobody;
    },
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
    identity: (): u64 => u64(cpuid.identity() + u64(features.xcr0 ^ guestCr4.bits)),
    enableCpu(): void {
      detectSvm();
      cpu.host = enableSvm();
      cpuid.prepare();
      cpu.physicalBits = cpuid.physicalBits();
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
      const address = addressOf(v);
      const host = cpu.host;
      if (many && cpu.loaded !== core.index) {
        if (cpu.loaded < count) saveExtendedState(kept[cpu.loaded]);
        loadExtendedState(kept[core.index]);
        cpu.loaded = core.index;
      }
      clgi();
      sti();
      for (;;) {
        if (core.requests.load() !== 0 && !prepare(v)) break;
        enterGuest(address, host);
        core.exits = u64(core.exits + 1n);
        handle(v);
        clgi();
      }
      leaveLoop();
      cli();
      stgi();
    },
    initialise(index: u32): void {
      const core = vcpus[index].core;
      core.state = VcpuState.waiting;
      core.requests.or(Request.yield);
    },
    startUp(index: u32, vector: u8): void {
      const v = vcpus[index];
      const core = v.core;
      if (core.state !== VcpuState.waiting) return;
      resetInjection(core.injection);
      resetRegisters(v);
      startMtrrs(v, cpu.physicalBits);
      startAt(v, vector);
      core.state = VcpuState.running;
      core.requests.store(Request.interrupt | Request.flush);
    },
    remapPage(domain: Domain, gpa: u64): boolean {
      const ok = tables.refreshPage(domain.translationRoot, domain.slots, gpa);
      const end = endOf(domain);
      for (let i = 0; i < end; i++) if (i >= domain.firstVcpu) vcpus[i].core.requests.or(Request.flush);
      return ok;
    },
    idle(index: u32): void {
      const v = vcpus[index];
      const core = v.core;
      core.requests.or(Request.interrupt | Request.yield);
      if ((v.vmcb.rflags & rflagsIf) !== 0n && !interrupts.wakes(v)) core.state = VcpuState.halted;
    },
    hypercallInstruction: (): u32 => vmmcallRet,
    wakes(core: Vcpu): boolean {
      return interrupts.wakes(vcpuOf(core));
    },
    handleExit: handle,
  });
}
