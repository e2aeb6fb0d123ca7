/**
 * From the firmware to the kernel. While the boot services live, everything that can fail is done: a machine or an
 * appliance that is not in order gets a sentence and the firmware back. Then the machine is taken over in one go, and
 * the kernel is started on a stack of its own.
 */
import { u32, u64 } from "../../dsl/core/int.ts";
import { provide } from "../../dsl/core/binding.ts";
import type { Program } from "../../dsl/core/program.ts";
import { storage } from "../../dsl/core/storage.ts";
import { struct } from "../../dsl/core/layout.ts";
import { BootProblem, bootInfo, RegionKind, type KernelEntry } from "../../kernel/boot.ts";
import { machine } from "../../kernel/machine.ts";
import { addressOfFunction, asm, imageBase } from "../asm.ts";
import { hostAcpi } from "./acpi/host-acpi.ts";
import { readAcpi } from "./acpi/read.ts";
import { buildHostSpace, giveHostSpace } from "./address-space.ts";
import { apicId, openApic, startApic } from "./apic.ts";
import { applicationProcessors } from "./application-processors.ts";
import { measureRates } from "./calibration.ts";
import { say } from "./console-text.ts";
import { describeCpu, hostCpus, layOutCpus, mainStackTop } from "./cpu.ts";
import type { DiskDriver } from "./disk/driver.ts";
import { findRsdp } from "./efi/configuration.ts";
import { exitToFirmware, givePages, openFirmware, takePagesBelow } from "./efi/firmware.ts";
import { exitBootServices, firmwareMap, giveFirmwareMap, readFirmwareMap } from "./efi/memory.ts";
import { status } from "./efi/tables.ts";
import { onTrap } from "./exceptions.ts";
import { hostSpace } from "./host-space.ts";
import { imageBytesAt } from "./image-sections.ts";
import { cli } from "./instructions.ts";
import { describeInterrupts, loadInterrupts } from "./interrupts.ts";
import { maskIoApics } from "./ioapic.ts";
import { startMachineChecks } from "./machine-check.ts";
import { startMachine, x86Machine } from "./machine.ts";
import { bytesOfKind, readMemoryMap } from "./memory-map.ts";
import { payloadLoader, placePayloads, type HostPayload } from "./payloads.ts";
import { pageBytes } from "./page-pool.ts";
import { access, mapRange, type AddressSpace } from "./paging.ts";
import { maskPics } from "./pic.ts";
import { CpuProblem, cpuProblem, setUpProcessor } from "./processor.ts";
import { beginRefusal, endRefusal, refuse, refuseAcpi, sayMebibytes } from "./refusal.ts";
import { describeSegments, loadSegments } from "./segments.ts";
import { serialSetup, useSerialPort } from "./serial.ts";
import { stop } from "./stop.ts";
import { placeTrampoline, startPages } from "./trampoline.ts";

/** What an image wants of its host side. */
export interface HostOptions {
  /** The appliance's name. */
  readonly name: string;
  readonly kernel: KernelEntry;
  /** Most CPUs that it uses. */
  readonly cpuCapacity: number;
  readonly payloads: readonly HostPayload[];
  /** Drivers of the disks that it uses. */
  readonly disks: readonly DiskDriver[];
  /** Run a machine without ACPI as one with a single CPU and the PC's usual addresses, instead of refusing it. */
  readonly permitNoAcpi: boolean;
  /** The host's UART. */
  readonly console: { readonly port: number; readonly baud: number };
}

/** Where a PC has its interrupt controllers when nothing tells (MultiProcessor specification 1.4 §3.6). */
const usualLocalApic = 0xfee0_0000n;
const usualIoApic = 0xfec0_0000n;
const belowOneMebibyte = 0xf_ffffn;

/** What the start itself takes from the firmware. */
const taken = storage(
  "hostTaken",
  struct("HostTaken", {
    /** Where other CPUs begin, below 1 MiB, in real mode; 0 where the firmware has no room to give. */
    startupPage: u64,
  }),
);

/** Goes on at `target` with the stack pointer at `stack`, for good. */
const continueOn = asm({
  template: "movq %rcx, %rsp; xorl %ebp, %ebp; pushq %rbp; jmpq *%rdx",
  constraints: "{rcx},{rdx},~{memory}",
  params: [u64, u64],
});

/** The program of an image: entered from the firmware, left by a power-off. */
export function host(options: HostOptions): Program {
  useSerialPort(options.console.port, options.console.baud);
  provide(machine, x86Machine);
  const payloads = payloadLoader(placePayloads(options.payloads));
  const kernel: KernelEntry = options.kernel;
  const { permitNoAcpi, disks } = options;
  provide(hostCpus, layOutCpus(options.cpuCapacity));
  const others = options.cpuCapacity > 1 ? applicationProcessors(kernel.join) : null;
  /** What lies there besides what wakes a CPU up: one page for that. */
  const startupPages = others === null ? 1n : startPages;
  const mapMore = (space: AddressSpace): boolean => {
    for (const disk of disks) if (!disk.map(space)) return false;
    if (others === null || taken.startupPage === 0n) return true;
    return mapRange(space, taken.startupPage, pageBytes, access.readExecute);
  };

  // Never returning makes it cold: compiled for size, with all that only it calls.
  function efiMain(imageHandle: u64, systemTable: u64): never {
    serialSetup();
    openFirmware(imageHandle, systemTable);
    const result = prepare();
    if (result !== status.success) {
      giveAll();
      exitToFirmware(result);
    }
    if (!exitBootServices()) {
      refuse("the firmware does not end its boot services");
      giveAll();
      exitToFirmware(status.loadError);
    }
    cli();
    takeOver();
  }

  /** Everything that may be refused. The result is what the firmware is told. */
  function prepare(): u64 {
    const problem = cpuProblem();
    if (problem !== CpuProblem.none) return refuseCpu(problem);
    if (!readMap()) return refuseMap();
    const acpi = findAcpi();
    if (acpi !== status.success) return acpi;
    taken.startupPage = takePagesBelow(belowOneMebibyte, startupPages);
    if (others !== null && taken.startupPage !== 0n) placeTrampoline(taken.startupPage);
    if (!payloads.load(bootInfo)) return status.notFound;
    if (!readMap()) return refuseMap();
    if (!buildHostSpace(bootInfo, hostAcpi, mapMore)) {
      refuse("the firmware has no memory for page tables");
      return status.outOfResources;
    }
    if (!readMap()) return refuseMap();
    return checkKernel();
  }

  function checkKernel(): u64 {
    const { problem, detail } = kernel.check(bootInfo);
    switch (problem) {
      case BootProblem.none:
        return status.success;
      case BootProblem.noMemory:
        beginRefusal();
        say("the guests' memory does not fit: ");
        sayMebibytes(detail);
        say(" more are needed, and this machine has ");
        sayMebibytes(bytesOfKind(bootInfo, RegionKind.usable));
        say(" to give");
        endRefusal();
        return status.outOfResources;
      default:
        beginRefusal();
        say("payload ");
        payloads.sayName(detail);
        if (problem === BootProblem.payloadMissing) say(" is missing or empty");
        else say(" is no kernel that can be booted");
        endRefusal();
        return status.loadError;
    }
  }

  function findAcpi(): u64 {
    const rsdp = findRsdp();
    bootInfo.rsdp = rsdp;
    if (rsdp !== 0n) {
      if (readAcpi(hostAcpi, bootInfo, rsdp)) return status.success;
      refuseAcpi();
      return status.loadError;
    }
    if (!permitNoAcpi) {
      refuse("the firmware has no ACPI tables, and the manifest does not permit to go without");
      return status.unsupported;
    }
    assumeUsualMachine();
    return status.success;
  }

  function giveAll(): void {
    payloads.give(bootInfo);
    giveHostSpace();
    giveFirmwareMap();
    if (taken.startupPage !== 0n) givePages(taken.startupPage, startupPages);
  }

  /** On the host's own stack, in its own address space. */
  function hostMain(): never {
    startMachineChecks();
    maskPics();
    openApic(hostAcpi.localApic);
    startApic();
    maskIoApics(hostAcpi);
    const cpu = hostCpus.at(0);
    cpu.apicId = apicId();
    bootInfo.cpus[0].hardwareId = cpu.apicId;
    bootInfo.cpuCount = 1;
    if (!measureRates(hostAcpi)) {
      say("typevisor stopped: the machine's reference clock stands still\n");
      stop();
    }
    startMachine(hostAcpi);
    if (others !== null) others.start(hostAcpi, taken.startupPage);
    kernel.start(bootInfo);
  }

  function takeOver(): never {
    readMemoryMap(bootInfo, firmwareMap.buffer, firmwareMap.bytes, firmwareMap.stride);
    const cpu = hostCpus.at(0);
    describeCpu(cpu, 0, 0, hostCpus.stacksOf(0));
    describeSegments(cpu);
    setUpProcessor(hostSpace.root);
    loadSegments(cpu);
    describeInterrupts();
    loadInterrupts();
    continueOn(mainStackTop(cpu.stacks), addressOfFunction(hostMain));
    stop();
  }

  return {
    name: options.name,
    entries: [{ symbol: "efi_main", fn: efiMain, params: [u64, u64], result: u64 }],
    trap: onTrap,
  };
}

function readMap(): boolean {
  if (!readFirmwareMap()) return false;
  readMemoryMap(bootInfo, firmwareMap.buffer, firmwareMap.bytes, firmwareMap.stride);
  bootInfo.imageBase = imageBase();
  bootInfo.imageBytes = imageBytesAt(imageBase());
  return true;
}

function refuseMap(): u64 {
  refuse("the firmware does not give its memory map");
  return status.loadError;
}

function refuseCpu(problem: u32): u64 {
  switch (problem) {
    case CpuProblem.noSvm:
      refuse("this CPU has no hardware virtualisation of the AMD kind (SVM)");
      break;
    case CpuProblem.svmDisabled:
      refuse("hardware virtualisation (SVM) is switched off in the firmware's set-up");
      break;
    default:
      refuse("this CPU has no nested paging");
      break;
  }
  return status.unsupported;
}

/** A machine that nothing describes: one CPU, interrupt controllers at their usual places. */
function assumeUsualMachine(): void {
  hostAcpi.present = false;
  hostAcpi.localApic = usualLocalApic;
  hostAcpi.ioApicCount = 1;
  hostAcpi.ioApics[0].address = usualIoApic;
  hostAcpi.ioApics[0].gsiBase = 0;
  for (let i = 0; i < 16; i++) {
    hostAcpi.isa[i].gsi = i;
    hostAcpi.isa[i].flags = 0;
  }
}
