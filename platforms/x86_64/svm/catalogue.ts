/**
 * What the platform itself answers a guest, for the fuzzer, beside `devices/catalogue.ts`: the processor's own MSRs and
 * CPUID leaves. `fuzz.native.test.ts` runs it in Node and natively, from the corpus in `corpus/processor/` and at random.
 */
import { u32, u64, u8, type u16 } from "../../../dsl/core/int.ts";
import { array, ref, struct, type ValueOf } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { board } from "../../../dsl/device/board.ts";
import type { Device } from "../../../dsl/device/device.ts";
import { leaf, letters } from "../../../dsl/device/leaf.ts";
import type { MsrValue } from "../../../dsl/device/msr.ts";
import type { LocalApics } from "../guest/local-apic.ts";
import type { CpuidResult } from "../instructions.ts";
import { guestCpuid } from "./cpuid.ts";
import { msrRows } from "./msr-rows.ts";
import { guestMsrs } from "./msr.ts";
import { processorShape } from "./processor.ts";
import { SvmVcpu } from "./vcpu.ts";

/** A local APIC that keeps what it is given: `devices/local-apic.ts` has a harness of its own. */
const Apic = struct("Apic", { base: u64, deadline: u64, clock: u64, registers: array(u64, 256) });
/** A vCPU, and what its table reaches beside it. */
const Processor = struct("Processor", { vcpu: SvmVcpu, apic: Apic });
type Processor = ValueOf<typeof Processor>;

/** The processor of which a local APIC is asked. */
const here = storage("processor.here", struct("Here", { processor: ref(() => Processor) }));

/** Every eighth register is absent, and every fourth refuses what is odd. */
const apics: LocalApics = Object.freeze({
  id: (vcpu: u32): u32 => vcpu,
  readBase: (_vcpu: u32): u64 => here.processor!.apic.base,
  writeBase(_vcpu: u32, value: u64): boolean {
    if ((value & 0x400n) !== 0n) return false;
    here.processor!.apic.base = value;
    return true;
  },
  readRegister(_vcpu: u32, register: u32): MsrValue {
    if ((register & 7) === 7) return { ok: false, value: 0n };
    return { ok: true, value: here.processor!.apic.registers[register] };
  },
  writeRegister(_vcpu: u32, register: u32, value: u64): boolean {
    if ((register & 7) === 7 || ((register & 3) === 2 && (value & 1n) !== 0n)) return false;
    here.processor!.apic.registers[register] = value;
    return true;
  },
  readSynthetic: (_vcpu: u32, _register: u32): u64 => 0n,
  writeSynthetic: (_vcpu: u32, _register: u32, _value: u64): boolean => false,
  readDeadline: (_vcpu: u32): u64 => here.processor!.apic.deadline,
  writeDeadline(_vcpu: u32, ticks: u64, clock: u64): void {
    here.processor!.apic.deadline = ticks;
    here.processor!.apic.clock = clock;
  },
  readTaskPriority: (_vcpu: u32): u8 => 0,
  writeTaskPriority: (_vcpu: u32, _priority: u8): void => {},
});

/** A host whose every answer says which leaf and subleaf it is of. */
function host(number: u32, subleaf: u32, out: CpuidResult): void {
  const mixed = u32(Math.imul(number ^ 0x5bd1_e995, 0x9e37_79b1) ^ Math.imul(subleaf, 0x85eb_ca6b));
  out.eax = mixed;
  out.ebx = u32(~mixed);
  out.ecx = u32(Math.imul(mixed, 5) | 8);
  out.edx = u32(mixed ^ 0xffff);
}

const rows = msrRows({ apics, counter: (): u64 => board.ticks() });
const msrs = guestMsrs(rows, null);
/** The first vCPU's devices say who the hypervisor is, and the other's do not. */
const declared = [
  leaf(0x4000_0000, { eax: 0x4000_0003, ebx: letters("Some"), ecx: letters("body") }),
  leaf(0x4000_0003, { edx: 0x8000_0001 }),
].map((l) => ({ leaf: l, first: 0, last: 0 }));
const cpuid = guestCpuid("processor", [2, 2], declared, host);

const shape = processorShape(rows);
const { msrs: window } = shape.windows;

function initialise(self: Processor, _firstWire: u16): void {
  here.processor = self;
  cpuid.prepare();
}

const processor: Device<Processor> = Object.freeze({
  ...(shape as unknown as Device<Processor>),
  state: Processor,
  windows: Object.freeze({
    msrs: Object.freeze({
      ...(window as unknown as Device<Processor>["windows"][string]),
      msr: Object.freeze({
        read: (self: Processor, msr: u32): MsrValue => msrs.read(self.vcpu, msr),
        write: (self: Processor, msr: u32, value: u64): boolean => msrs.write(self.vcpu, msr, value),
      }),
    }),
  }),
  initialise,
  reset: (self: Processor): void => {
    self.vcpu.efer = 0n;
    self.vcpu.vmcb.cr0 = 0n;
  },
  resume: initialise,
  calls: Object.freeze({
    /** CPUID on one of two vCPUs, which bit 0 of `cr4` picks; the rest of the answer is in the state. */
    cpuid(self: Processor, number: u32, subleaf: u32, cr4: u32): u64 {
      const out = self.vcpu.cpuid;
      cpuid.answer(cr4 & 1, number, subleaf, u64(BigInt(cr4)), cr4 & 1, out);
      return u64(BigInt(out.eax) | (BigInt(out.ebx) << 32n));
    },
    /** The guest turns paging on or off, which decides what EFER takes. */
    setPaging(self: Processor, on: boolean): void {
      self.vcpu.vmcb.cr0 = on ? 0x8000_0001n : 1n;
    },
    /** The guest became active in long mode, or left it: EFER.LMA is the CPU's own. */
    setActive(self: Processor, active: boolean): void {
      const efer = u64(self.vcpu.efer & ~0x400n);
      self.vcpu.efer = active ? u64(efer | 0x400n) : efer;
    },
  }),
});

/** What the fuzzer drives here, by name. */
export const catalogue: Readonly<Record<string, Device<Processor>>> = Object.freeze({ processor });
