/**
 * The networks of an image: what devices do at their ports, and how frames reach the guests that they are for. A frame
 * is given to its device by the kernel's loop, never within the sender's exit.
 */
import { u64, type u16, type u32 } from "../dsl/core/int.ts";
import type { FixedArray } from "../dsl/core/layout.ts";
import type { Board } from "../dsl/device/board.ts";
import { portFrames } from "../dsl/device/port.ts";
import type { NetworkModel } from "../dsl/manifest/model.ts";
import type { PlacedInstance } from "./board.ts";
import { DomainState, type Domain } from "./domain.ts";
import { machine } from "./machine.ts";
import { makeSwitch, Urgency, type SwitchPort } from "./switch.ts";
import { convert } from "./timebase.ts";

/** The part of the board that reaches networks. */
export type NetworkBoard = Pick<
  Board,
  "portAddress" | "portDelay" | "loadFrame" | "sendFrame" | "waitingFrame" | "storeFrame" | "dropFrame"
>;

/** A second shifted right by this, 122 µs: how long a frame waits at most while its sender goes on. */
const soonShift = 13n;

/** What the networks need of the board. */
export interface NetworkSurroundings {
  readonly domains: FixedArray<Domain>;
  /** The domain whose device runs. */
  readonly current: () => Domain;
  readonly enterGuest: (guest: u32) => void;
  readonly deliver: () => void;
  /** Makes the current vCPU give way to the kernel's loop. */
  readonly yieldCurrent: () => void;
  /** Makes the kernel's loop run at a host tick at the latest. */
  readonly wakeBy: (ticks: u64) => void;
  readonly memory: Pick<Board, "copyFromMemory" | "copyToMemory">;
}

/** The networks. */
export interface Networks {
  readonly board: NetworkBoard;
  /** Tells devices of the frames that have come to their ports. */
  run(): void;
}

/** An address as the switch has it: the first byte in [7:0]. */
export function addressOfMac(mac: string): bigint {
  return mac.split(":").reduceRight((address, byte) => (address << 8n) | BigInt(`0x${byte}`), 0n);
}

/** Builds the networks over the instances. Throws where a device with a port is on none. */
export function networksOf(
  networks: readonly NetworkModel[],
  instances: readonly PlacedInstance[],
  { domains, current, enterGuest, deliver, yieldCurrent, wakeBy, memory }: NetworkSurroundings,
): Networks {
  const declared = networks.flatMap(({ ports }, network) => ports.map((port) => ({ ...port, network })));
  const ends = instances.flatMap(({ instance, guest, state, firstWire }) =>
    instance.wires
      .filter((end) => end.kind === "port")
      .map((end) => {
        const place = declared.findIndex(
          (p) => p.guest === guest && p.device === instance.name && p.wire === end.name,
        );
        const pin = instance.device.inputs.find((g) => g.name === declared[place]?.arrival)?.first;
        if (pin === undefined)
          throw new RangeError(`port ${end.name} of ${instance.name} is on no network, or has no pin`);
        const input = instance.device.input as (self: object, pin: u16, level: boolean) => void;
        const wire = firstWire + end.ordinal;
        return Object.freeze({ port: place, wire, guest, state, pin, input });
      }),
  );
  const between = makeSwitch(
    declared.map(({ network, mac, rateBytes, burstBytes }): SwitchPort => ({
      ...{ network, rateBytes, burstBytes },
      address: addressOfMac(mac),
    })),
  );
  const addresses = Object.freeze([...declared.map(({ mac }) => addressOfMac(mac)), 0n]);
  const lastWire = Math.max(0, ...ends.map(({ wire }) => wire));
  /** By wire: the number of its port. */
  const ports = Object.freeze(
    Array.from({ length: lastWire + 1 }, (_, wire) => ends.find((e) => e.wire === wire)?.port ?? 0),
  );
  const portOf = (wire: u16): u32 => ports[Math.min(wire, lastWire)];
  const nowNs = (): u64 => convert(current().time.toNs, machine.now());

  return Object.freeze({
    board: Object.freeze({
      portAddress: (wire: u16): u64 => addresses[portOf(wire)],
      portDelay: (wire: u16): u64 => between.delayNs(portOf(wire), nowNs()),
      loadFrame: (_wire: u16, gpa: u64, at: u32, length: u32): boolean =>
        memory.copyFromMemory(gpa, between.outgoing(), at, length),
      sendFrame: (wire: u16, length: u16): boolean => {
        const sent = between.send(portOf(wire), length, nowNs());
        const urgency = between.urgency();
        if (urgency === Urgency.now) yieldCurrent();
        else if (urgency === Urgency.soon)
          wakeBy(u64(machine.now() + (machine.ticksPerSecond() >> soonShift)));
        return sent;
      },
      waitingFrame: (wire: u16): u16 => between.waiting(portOf(wire)),
      storeFrame: (wire: u16, gpa: u64, at: u32, length: u32): boolean => {
        const port = portOf(wire);
        const waiting = between.waiting(port);
        // Behind a frame lies what was there before it, of whichever network.
        if (at > waiting || length > waiting - at) return false;
        return memory.copyToMemory(gpa, between.first(port), at, length);
      },
      dropFrame: (wire: u16): void => between.drop(portOf(wire)),
    }),
    run(): void {
      for (const e of ends) {
        if (between.hasNews(e.port)) {
          if (domains[e.guest].state === DomainState.running) {
            enterGuest(e.guest);
            for (let i = 0; i < portFrames; i++) {
              const before = between.count(e.port);
              if (before === 0) break;
              e.input(e.state, e.pin, true);
              e.input(e.state, e.pin, false);
              if (between.count(e.port) === before) break;
            }
            deliver();
          } else for (let i = 0; i < portFrames; i++) between.drop(e.port);
        }
      }
    },
  });
}
