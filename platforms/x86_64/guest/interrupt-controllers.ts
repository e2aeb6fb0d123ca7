/**
 * A guest's interrupt controllers as one thing: what the arbiter asks, what the processor does with its local APIC, and
 * the message bus between local APICs and I/O APIC. Made at build time from the devices that the manifest lists; what
 * is not there is not in the image.
 */
import type { i32, u32, u64, u8 } from "../../../dsl/core/int.ts";
import type { FixedArray } from "../../../dsl/core/layout.ts";
import { machine } from "../../../kernel/machine.ts";
import { raiseNmi } from "../../../kernel/arbiter.ts";
import type { BoardTargets, PlacedInstance } from "../../../kernel/board.ts";
import { yieldHere } from "../../../kernel/cpu.ts";
import { DomainState, StopReason, stopDomain, type Domain } from "../../../kernel/domain.ts";
import type {
  InterruptSource,
  IoApicCalls,
  LocalApicCalls,
  PicCalls,
} from "../../../kernel/interrupt-source.ts";
import type { Running } from "../../../kernel/running.ts";
import { Request } from "../../../kernel/vcpu.ts";
import { virtualization } from "../../../kernel/virtualization.ts";
import type { ApicValue, LocalApics } from "./local-apic.ts";

/** Device types by their part. */
export const deviceTypes = Object.freeze({
  pic: "i8259",
  localApic: "local-apic",
  ioApic: "ioapic",
} as const);

/** A guest and the dense index of its first vCPU. */
export interface GuestNumbers {
  readonly index: number;
  readonly firstVcpu: number;
  readonly vcpuCount: number;
}

/**
 * What a target on the board does, for the devices of all guests. `consolePut` takes what guests say on their consoles;
 * null: the host's console does, from the guest that has it.
 */
export function boardTargets(
  guests: readonly GuestNumbers[],
  domains: FixedArray<Domain>,
  placed: readonly PlacedInstance[],
  consoleGuest: number | null,
  consolePut: ((guest: u32, byte: u8) => boolean) | null,
  vcpus: Running,
): BoardTargets {
  const { notify } = vcpus;
  const guestOf = (index: number): GuestNumbers => guests.find((g) => g.index === index)!;
  /** Whichever of the guest's vCPUs asks for it, the kernel's loop does the rest. */
  const end =
    (guest: number, state: u32, reason: u32): (() => void) =>
    (): void => {
      stopDomain(domains[guest], state, reason, 0n, 0n);
      yieldHere();
    };
  return Object.freeze({
    line(name: string, guest: number, channel: number) {
      const vcpu: u32 = guestOf(guest).firstVcpu + channel;
      if (name === "intr" || name === "interrupt") {
        return (level: boolean): void => {
          if (level) notify(vcpu);
        };
      }
      if (name === "nmi") {
        return (level: boolean): void => {
          if (!level) return;
          raiseNmi(virtualization.vcpu(vcpu));
          notify(vcpu);
        };
      }
      return undefined;
    },
    signal(name: string, guest: number, channel: number) {
      const vcpu: u32 = guestOf(guest).firstVcpu + channel;
      if (name === "nmi") {
        return (_value: u32): void => {
          raiseNmi(virtualization.vcpu(vcpu));
          notify(vcpu);
        };
      }
      if (name === "eoi") {
        const ioApic = placed.find((p) => p.guest === guest && p.instance.device.name === deviceTypes.ioApic);
        if (ioApic === undefined) return (_value: u32): void => {};
        const calls = ioApic.instance.device.calls as IoApicCalls<object>;
        const state = ioApic.state;
        return (value: u32): void => calls.endOfInterrupt(state, value & 0xff);
      }
      if (name === "yield") {
        return (_value: u32): void => {
          const core = virtualization.vcpu(vcpu);
          core.spins = true;
          core.requests.or(Request.yield);
        };
      }
      if (name === "idle") return (_value: u32): void => virtualization.idle(vcpu);
      if (name === "init") return (_value: u32): void => vcpus.initialise(vcpu);
      if (name === "startup") return (value: u32): void => vcpus.startUp(vcpu, value & 0xff);
      if (name === "power-off") {
        const act = end(guest, DomainState.poweredOff, StopReason.powerOff);
        return (_value: u32): void => act();
      }
      if (name === "reset") {
        const act = end(guest, DomainState.restarting, StopReason.reboot);
        return (_value: u32): void => act();
      }
      return undefined;
    },
    message(name: string, guest: number, channel: number) {
      if (name !== "bus") return undefined;
      const apics = localApicsOf(guestOf(guest), placed);
      const sender: u32 = guestOf(guest).firstVcpu + channel;
      return (destination: u32, command: u32): void => {
        // ICR [19:18]: 0 by destination, 1 self, 2 all, 3 all but self (Intel SDM vol. 3 §11.6.1).
        const shorthand = (command >>> 18) & 3;
        const lowest = (command & 0x700) === 0x100;
        for (const a of apics) {
          const own = a.vcpu === sender;
          const meant =
            shorthand === 0
              ? a.calls.matches(a.state, destination, command)
              : shorthand === 1
                ? own
                : shorthand === 2 || !own;
          if (meant) {
            a.calls.accept(a.state, destination, command);
            // Lowest priority goes to one of those addressed.
            if (lowest && shorthand === 0) return;
          }
        }
      };
    },
    sink(name: string, guest: number, _channel: number) {
      if (name === "console" && (consolePut !== null || guest === consoleGuest)) {
        return (byte: u8): void => {
          if (!(consolePut === null ? machine.consoleQueue(byte) : consolePut(guest, byte))) yieldHere();
        };
      }
      if (name === "console" || name === "nowhere") return (_byte: u8): void => {};
      return undefined;
    },
  });
}

interface PlacedApic {
  readonly vcpu: number;
  readonly calls: LocalApicCalls<object>;
  readonly state: object;
}

/** The local APICs of a guest, in the order of its vCPUs. */
function localApicsOf(guest: GuestNumbers, placed: readonly PlacedInstance[]): readonly PlacedApic[] {
  return Object.freeze(
    placed
      .filter((p) => p.guest === guest.index && p.instance.device.name === deviceTypes.localApic)
      .map((p, number) =>
        Object.freeze({
          vcpu: guest.firstVcpu + number,
          calls: p.instance.device.calls as LocalApicCalls<object>,
          state: p.state,
        }),
      ),
  );
}

/** The controllers of all guests. */
export interface InterruptControllers {
  readonly source: InterruptSource;
  readonly apics: LocalApics;
}

/**
 * Builds the controllers over the placed devices. `ticks` reads a guest's counter, `nsOf` converts it to the board's time,
 * `deliver` delivers what the devices have queued.
 */
export function interruptControllers(
  guests: readonly GuestNumbers[],
  placed: readonly PlacedInstance[],
  nsOf: (vcpu: u32, ticks: u64) => u64,
  deliver: () => void,
): InterruptControllers {
  const vcpus = Object.freeze(
    guests.flatMap((g) => {
      const apics = localApicsOf(g, placed);
      const pic = placed.find((p) => p.guest === g.index && p.instance.device.name === deviceTypes.pic);
      return Array.from({ length: g.vcpuCount }, (_, number) =>
        Object.freeze({
          index: g.firstVcpu + number,
          number,
          apic: apics[number] ?? null,
          // INTR is wired to the first vCPU.
          pic:
            pic === undefined || number > 0
              ? null
              : Object.freeze({ calls: pic.instance.device.calls as PicCalls<object>, state: pic.state }),
        }),
      );
    }),
  );
  const withApic = Object.freeze(
    vcpus.flatMap((v) =>
      v.apic === null ? [] : [Object.freeze({ index: v.index, calls: v.apic.calls, state: v.apic.state })],
    ),
  );

  const source: InterruptSource = Object.freeze({
    pending(vcpu: u32): i32 {
      for (const v of vcpus) {
        if (vcpu === v.index) {
          if (v.apic !== null) {
            const vector = v.apic.calls.pending(v.apic.state);
            if (vector >= 0) return vector;
            if (v.pic !== null && v.apic.calls.passesExtInt(v.apic.state))
              return v.pic.calls.pending(v.pic.state);
            return -1;
          }
          if (v.pic !== null) return v.pic.calls.pending(v.pic.state);
        }
      }
      return -1;
    },
    acknowledge(vcpu: u32): u8 {
      for (const v of vcpus) {
        if (vcpu === v.index) {
          if (v.apic !== null && v.apic.calls.pending(v.apic.state) >= 0) {
            const vector = v.apic.calls.acknowledge(v.apic.state);
            deliver();
            return vector;
          }
          if (v.pic !== null) {
            const vector = v.pic.calls.acknowledge(v.pic.state);
            deliver();
            return vector;
          }
        }
      }
      return 0xff;
    },
  });

  const apics: LocalApics = Object.freeze({
    id(vcpu: u32): u32 {
      for (const a of withApic) if (vcpu === a.index) return a.calls.id(a.state);
      return 0;
    },
    readBase(vcpu: u32): u64 {
      for (const a of withApic) if (vcpu === a.index) return a.calls.readBase(a.state);
      return 0n;
    },
    writeBase(vcpu: u32, value: u64): boolean {
      for (const a of withApic) {
        if (vcpu === a.index) {
          const ok = a.calls.writeBase(a.state, value);
          deliver();
          return ok;
        }
      }
      return false;
    },
    readRegister(vcpu: u32, register: u32): ApicValue {
      for (const a of withApic) {
        if (vcpu === a.index && a.calls.hasRegister(a.state, register)) {
          return { ok: true, value: a.calls.readRegister(a.state, register) };
        }
      }
      return { ok: false, value: 0n };
    },
    writeRegister(vcpu: u32, register: u32, value: u64): boolean {
      for (const a of withApic) {
        if (vcpu === a.index) {
          const ok = a.calls.writeRegister(a.state, register, value);
          deliver();
          return ok;
        }
      }
      return false;
    },
    readSynthetic(vcpu: u32, register: u32): u64 {
      for (const a of withApic) if (vcpu === a.index) return a.calls.readSynthetic(a.state, register);
      return 0n;
    },
    writeSynthetic(vcpu: u32, register: u32, value: u64): boolean {
      for (const a of withApic) {
        if (vcpu === a.index) {
          const ok = a.calls.writeSynthetic(a.state, register, value);
          deliver();
          return ok;
        }
      }
      return false;
    },
    readDeadline(vcpu: u32): u64 {
      for (const a of withApic) if (vcpu === a.index) return a.calls.readDeadline(a.state);
      return 0n;
    },
    writeDeadline(vcpu: u32, ticks: u64, clock: u64): void {
      for (const a of withApic) {
        if (vcpu === a.index) {
          a.calls.writeDeadline(a.state, nsOf(vcpu, clock), ticks);
          deliver();
        }
      }
    },
    readTaskPriority(vcpu: u32): u8 {
      for (const a of withApic) if (vcpu === a.index) return a.calls.readTaskPriority(a.state);
      return 0;
    },
    writeTaskPriority(vcpu: u32, priority: u8): void {
      for (const a of withApic) {
        if (vcpu === a.index) {
          a.calls.writeTaskPriority(a.state, priority);
          deliver();
        }
      }
    },
  });
  return Object.freeze({ source, apics });
}
