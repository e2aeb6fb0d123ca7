/**
 * The board that every device is on: time, timers, lines, bytes and messages of all guests, wired at build time.
 *
 * A change of a line, a message and a signal are queued and delivered when the device that caused them has finished,
 * so no device runs inside another, and devices see changes in the order in which they happened. Whoever calls into a
 * device delivers afterwards: the kernel's loop everything, an exit a few, and what is more brings the kernel's loop.
 */
import { bool, array, struct, type FixedArray } from "../dsl/core/layout.ts";
import { u16, u32, u64, u8 } from "../dsl/core/int.ts";
import { addressOf, fillBytes, unlikely } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";
import type { Board, GuestValue } from "../dsl/device/board.ts";
import type { Span } from "../dsl/device/device.ts";
import type { Instance, InstanceWire, Target } from "../dsl/device/instance.ts";
import type { ChannelModel, NetworkModel, SharedMemoryModel } from "../dsl/manifest/model.ts";
import { channelsOf } from "./channels.ts";
import { serveGuest, yieldHere } from "./cpu.ts";
import { windowsOf } from "./dispatch.ts";
import { DomainState, type Domain } from "./domain.ts";
import { deviceUnimplemented, guestReported, wireQueueFull, type EventRings } from "./events.ts";
import type { BlockStore } from "./block-store.ts";
import { guestFlash } from "./flash.ts";
import { guestMemoryOf } from "./guest-memory.ts";
import { guestVolumes } from "./guest-volumes.ts";
import { machine } from "./machine.ts";
import { networksOf } from "./network.ts";
import type { PromptEnds } from "./operator/port.ts";
import { overlayPages } from "./overlay-pages.ts";
import { sharedMemories } from "./shared-memory.ts";
import { levelOf } from "./shared-lines.ts";
import { resolve } from "./slots.ts";
import { guestNs, guestTicks, hostDeadline, wallClockNs } from "./timebase.ts";
import { timers, type Timers } from "./timers.ts";
import { virtualization } from "./virtualization.ts";

/** A guest's devices, as the board needs them. */
export interface BoardGuest {
  readonly index: number;
  readonly instances: readonly BoardInstance[];
}

/** A device of a guest. */
export interface BoardInstance {
  readonly instance: Instance;
  /** The number in the guest of the one vCPU that sees it; null: all do. */
  readonly vcpu: number | null;
  /** Index of the volume that it has; null: none. */
  readonly volume: number | null;
}

/** An instance with its state and its numbers. */
export interface PlacedInstance {
  readonly instance: Instance;
  readonly guest: number;
  readonly vcpu: number | null;
  readonly volume: number | null;
  /** The struct of `instance.device.state`. */
  readonly state: object;
  readonly firstWire: number;
  /** What of the state a guest's start forgets. */
  readonly forgets: readonly Span[];
  readonly powerUp: (self: object) => void;
  readonly restart: (self: object, firstWire: u16) => void;
  readonly resume: (self: object, firstWire: u16) => void;
}

/** What a target on the board itself does; the platform gives one for each name that its devices use. */
export interface BoardTargets {
  /** A line that ends at the board: `name` of the target, with its channel. Undefined: no such end, a build error. */
  line(name: string, guest: number, channel: number): ((level: boolean) => void) | undefined;
  /** An event that ends at the board. */
  signal(name: string, guest: number, channel: number): ((value: u32) => void) | undefined;
  /** A message output that ends at the board. */
  message(
    name: string,
    guest: number,
    channel: number,
  ): ((destination: u32, command: u32) => void) | undefined;
  /** Bytes out that end at the board. */
  sink(name: string, guest: number, channel: number): ((byte: u8) => void) | undefined;
}

/** A source of bytes that the board feeds. */
export interface Feed {
  readonly guest: number;
  /** Of the device that it belongs to. */
  readonly volume: number | null;
  readonly name: string;
  /** How many bytes the device takes now. */
  readonly room: () => u16;
  readonly receive: (byte: u8) => void;
}

/** The board, and what the kernel does with it. */
export interface BoardParts {
  readonly board: Board;
  readonly instances: readonly PlacedInstance[];
  readonly timers: Timers;
  readonly feeds: readonly Feed[];
  /** The guest whose devices run from now on: time and numbers are its. */
  enterGuest(guest: u32): void;
  /** Delivers what devices have queued, and what comes of it. */
  deliver(): void;
  /** Delivers a bounded part of it, for an exit. Where that is not all, the current vCPU gives way to the kernel's loop. */
  deliverFew(): void;
  /** Whether something is queued. */
  hasQueued(): boolean;
  /** Tells devices of what has come to them from other guests. */
  runNetworks(): void;
  /** The prompts' ends of channels; null: there is none. */
  readonly prompts: PromptEnds | null;
  /** Tells devices the news of their channels; true where something is left to tell. */
  runChannels(): boolean;
  /** Withdraws the timers of a guest that has ended. */
  silence(guest: u32): void;
  /** Puts the timers of a guest off that was paused for so many ticks. */
  postpone(guest: u32, ticks: u64): void;
  /** Bytes of host memory for what guests share, a multiple of 2 MiB, which `giveShared` is given in one piece, zero. */
  readonly sharedBytes: number;
  giveShared(hpa: u64): void;
  /** Gives a domain that is being built the overlay pages and shared memories of its devices. */
  addPages(domain: Domain): void;
  /** Powers a guest's devices up, once, before its first start. */
  powerUp(guest: u32): void;
  /** Makes a guest's devices ready for its start: all state as at first, but for what devices retain. */
  restart(guest: u32): void;
  /** Lets a guest's devices go on with the state that was saved and lies in place again; the guest's clock must run. */
  resume(guest: u32): void;
}

/** An input of another device. */
type InstancePin = Extract<Target, { readonly instance: string }>;

/** What a queued entry is. */
enum Kind {
  line = 0,
  message = 1,
  signal = 2,
  bell = 3,
}

const queueLength = 256;
const queueMask = queueLength - 1;

/** Builds the board over all guests' devices, which may be paused or not. Throws where a wire ends nowhere that exists. */
export function makeBoard(
  guests: readonly BoardGuest[],
  domains: FixedArray<Domain>,
  targetsOf: (placed: readonly PlacedInstance[]) => BoardTargets,
  rings: EventRings,
  slackNs: number,
  networkModels: readonly NetworkModel[] = [],
  blocks: BlockStore | null = null,
  sharedModels: readonly SharedMemoryModel[] = [],
  channelModels: readonly ChannelModel[] = [],
  pauses = false,
): BoardParts {
  const placed: PlacedInstance[] = [];
  let nextWire = 0;
  for (const guest of guests) {
    for (const { instance, vcpu, volume } of guest.instances) {
      const state: unknown = storage(`${guest.index}.${instance.name}`, instance.device.state);
      const { forgets } = instance.device;
      const powerUp = instance.device.powerUp as (self: object) => void;
      const restart = instance.device.restart as (self: object, firstWire: u16) => void;
      const resume = instance.device.resume as (self: object, firstWire: u16) => void;
      placed.push(
        Object.freeze({
          instance,
          guest: guest.index,
          vcpu,
          volume,
          state: state as object,
          firstWire: nextWire,
          forgets,
          powerUp,
          restart,
          resume,
        }),
      );
      nextWire += instance.wires.length;
    }
  }
  if (nextWire > 0xffff) throw new RangeError(`${nextWire} wires; there is room for 65,535`);
  const instances = Object.freeze(placed);
  const targets = targetsOf(instances);
  const find = (guest: number, name: string): PlacedInstance | undefined =>
    instances.find((p) => p.guest === guest && p.instance.name === name);

  interface Wired {
    readonly wire: number;
    readonly owner: PlacedInstance;
    readonly end: InstanceWire;
  }
  const wired: readonly Wired[] = instances.flatMap((owner) =>
    owner.instance.wires.map((end) => Object.freeze({ wire: owner.firstWire + end.ordinal, owner, end })),
  );
  const ofKind = (kind: InstanceWire["kind"]): readonly Wired[] => wired.filter((w) => w.end.kind === kind);
  const unknownTarget = (w: Wired, name: string): never => {
    throw new RangeError(`wire ${w.end.name} of ${w.owner.instance.name} ends at ${name}, which is nowhere`);
  };

  // ---- Time -------------------------------------------------------------------------------------------------

  const single = guests.length === 1;
  const lastGuest = guests.length - 1;
  const context = storage("boardContext", struct("BoardContext", { guest: u32 }));
  /** The domain whose device runs. */
  const current = (): Domain => (single ? domains[0] : domains[Math.min(context.guest, lastGuest)]);
  const enterGuest = (guest: u32): void => {
    if (!single) context.guest = guest;
  };

  const timerWires = ofKind("timer");
  /** By wire: the number of its timer. */
  const timerOf = Object.freeze(
    Array.from({ length: Math.max(nextWire, 1) }, (_, wire) =>
      Math.max(
        0,
        timerWires.findIndex((w) => w.wire === wire),
      ),
    ),
  );
  const timerEnds = timerWires.map((w, number) =>
    Object.freeze({
      number,
      guest: w.owner.guest,
      state: w.owner.state,
      ordinal: w.end.ordinal,
      expire: w.owner.instance.device.expire as (self: object, ordinal: u16) => void,
    }),
  );

  // ---- The queue --------------------------------------------------------------------------------------------

  const Entry = struct("WireEntry", { wire: u16, kind: u8, level: bool, a: u32, b: u32 });
  const Queue = struct("WireQueue", {
    head: u32,
    tail: u32,
    delivering: bool,
    entries: array(Entry, queueLength),
  });
  const queue = storage("wireQueue", Queue);

  const push = (kind: u8, wire: u16, level: boolean, a: u32, b: u32): void => {
    const tail = queue.tail;
    if (unlikely(u32(tail - queue.head) >= queueLength)) {
      rings.record(wireQueueFull, u64(wire), 0n, 0n, 0n);
      return;
    }
    const entry = queue.entries[tail & queueMask];
    entry.wire = wire;
    entry.kind = kind;
    entry.level = level;
    entry.a = a;
    entry.b = b;
    queue.tail = u32(tail + 1);
  };

  const shared = sharedMemories(sharedModels, instances, domains, (bell: u32): void =>
    push(Kind.bell, 0, false, bell, 0),
  );

  const channelOf = (t: Target): number => ("board" in t ? (t.channel ?? 0) : 0);
  /** Lines of a guest that end at one pin. */
  const sharing = (guest: number, pin: InstancePin): readonly Wired[] =>
    ofKind("line").filter(
      (w) =>
        w.owner.guest === guest &&
        w.end.targets.some((t) => "instance" in t && t.instance === pin.instance && t.pin === pin.pin),
    );
  /** Actions of a wire's targets: other devices' pins, and ends on the board. */
  const lineEnds = ofKind("line")
    .filter((w) => w.end.targets.length > 0)
    .map((w) =>
      Object.freeze({
        wire: w.wire,
        acts: Object.freeze(
          w.end.targets.flatMap((t): readonly ((level: boolean) => void)[] => {
            if ("board" in t)
              return [targets.line(t.board, w.owner.guest, channelOf(t)) ?? unknownTarget(w, t.board)];
            // A machine without one of its interrupt controllers: the wire's other end is enough.
            const target = find(w.owner.guest, t.instance);
            if (target === undefined) return [];
            const state = target.state;
            const input = target.instance.device.input as (self: object, pin: u16, level: boolean) => void;
            const pin: u16 = t.pin;
            const others = sharing(w.owner.guest, t).filter((o) => o !== w);
            if (others.length === 0) return [(level: boolean): void => input(state, pin, level)];
            // A wired OR: the pin follows this line's change unless another line still asks.
            const isHeld = levelOf(others.map(({ owner, end }) => ({ owner, ...end })));
            return [(level: boolean): void => input(state, pin, level || isHeld())];
          }),
        ),
      }),
    );
  const messageEnds = ofKind("messages")
    .filter((w) => w.end.targets.length > 0)
    .map((w) =>
      Object.freeze({
        wire: w.wire,
        acts: Object.freeze(
          w.end.targets.map((t): ((destination: u32, command: u32) => void) => {
            const name = "board" in t ? t.board : t.instance;
            return targets.message(name, w.owner.guest, channelOf(t)) ?? unknownTarget(w, name);
          }),
        ),
      }),
    );
  const signalEnds = ofKind("signal")
    .filter((w) => w.end.targets.length > 0)
    .map((w) =>
      Object.freeze({
        wire: w.wire,
        acts: Object.freeze(
          w.end.targets.map((t): ((value: u32) => void) => {
            const name = "board" in t ? t.board : t.instance;
            return targets.signal(name, w.owner.guest, channelOf(t)) ?? unknownTarget(w, name);
          }),
        ),
      }),
    );
  const sinkEnds = ofKind("sink")
    .filter((w) => w.end.targets.length > 0)
    .map((w) =>
      Object.freeze({
        wire: w.wire,
        acts: Object.freeze(
          w.end.targets.map((t): ((byte: u8) => void) => {
            const name = "board" in t ? t.board : t.instance;
            return targets.sink(name, w.owner.guest, channelOf(t)) ?? unknownTarget(w, name);
          }),
        ),
      }),
    );

  const deliverLine = (wire: u16, level: boolean): void => {
    for (const end of lineEnds) {
      if (wire === end.wire) {
        for (const act of end.acts) act(level);
        return;
      }
    }
  };
  const deliverMessage = (wire: u16, destination: u32, command: u32): void => {
    for (const end of messageEnds) {
      if (wire === end.wire) {
        for (const act of end.acts) act(destination, command);
        return;
      }
    }
  };
  const deliverSignal = (wire: u16, value: u32): void => {
    for (const end of signalEnds) {
      if (wire === end.wire) {
        for (const act of end.acts) act(value);
        return;
      }
    }
  };

  /** What one exit delivers at most: its access's changes, and what interrupt controllers make of them. */
  const few = 8;
  /** Rounds of a whole delivery: more than the queue's length means devices that excite each other for ever. */
  const rounds = (4 * queueLength) / few;
  const hasQueued = (): boolean => queue.head !== queue.tail;
  const drain = (): void => {
    for (let i = 0; i < few; i++) {
      const head = queue.head;
      if (head === queue.tail) return;
      const entry = queue.entries[head & queueMask];
      const kind = entry.kind;
      const wire = entry.wire;
      const level = entry.level;
      const a = entry.a;
      const b = entry.b;
      queue.head = u32(head + 1);
      if (kind === Kind.line) deliverLine(wire, level);
      else if (kind === Kind.message) deliverMessage(wire, a, b);
      else if (kind === Kind.bell) shared.pulse(a);
      else deliverSignal(wire, a);
    }
  };
  const deliver = (): void => {
    for (let i = 0; i < rounds; i++) {
      if (!hasQueued()) return;
      drain();
    }
  };
  const drainOrYield = (): void => {
    drain();
    if (hasQueued()) yieldHere();
  };
  /** Small, so that an exit that has queued nothing calls nothing. */
  const deliverFew = (): void => {
    if (unlikely(hasQueued())) drainOrYield();
  };

  const expire = (index: u32): void => {
    for (const t of timerEnds) {
      if (index === t.number) {
        enterGuest(t.guest);
        if (!single) serveGuest(t.guest);
        t.expire(t.state, t.ordinal);
        deliver();
        return;
      }
    }
  };
  const guestOfTimer = Object.freeze(timerEnds.length === 0 ? [0] : timerEnds.map((t) => t.guest));
  const lastTimer = guestOfTimer.length - 1;
  const timerPart = pauses
    ? timers(
        timerEnds.length,
        slackNs,
        expire,
        (index: u32): boolean =>
          domains[guestOfTimer[Math.min(index, lastTimer)]].state === DomainState.paused,
      )
    : timers(timerEnds.length, slackNs, expire);

  const feeds = ofKind("source")
    .filter((w) => w.end.targets.length > 0)
    .map((w): Feed => {
      const { instance, state, guest, volume } = w.owner;
      const room = instance.device.room as (self: object, ordinal: u16) => u16;
      const receive = instance.device.receive as (self: object, ordinal: u16, byte: u8) => void;
      const ordinal: u16 = w.end.ordinal;
      const target = w.end.targets[0];
      return Object.freeze({
        guest,
        volume,
        name: "board" in target ? target.board : target.instance,
        room: (): u16 => room(state, ordinal),
        receive: (byte: u8): void => {
          receive(state, ordinal, byte);
          deliver();
        },
      });
    });

  const functions = windowsOf(instances, "configuration").map((e) => ({ ...e, base: Number(e.base) }));

  // ---- Overlay pages ----------------------------------------------------------------------------------------

  const overlays = overlayPages(
    ofKind("page").map((w) => Object.freeze({ wire: w.wire, guest: w.owner.guest })),
    domains,
  );
  const reporters = ofKind("report").map((w) => Object.freeze({ wire: w.wire, guest: w.owner.guest }));

  const memory = guestMemoryOf(current);
  const networks = networksOf(networkModels, instances, {
    domains,
    current,
    enterGuest,
    deliver,
    yieldCurrent: yieldHere,
    wakeBy: timerPart.wakeBy,
    memory,
  });
  const volumeEnds = ofKind("volume").map((w) => Object.freeze({ wire: w.wire, volume: w.owner.volume }));
  const channels = channelsOf(channelModels, instances, {
    domains,
    enterGuest,
    deliver,
    yieldCurrent: yieldHere,
  });

  const boardItself: Board = Object.freeze({
    now: (): u64 => guestNs(current().time),
    epoch: (): u64 => {
      const time = current().time;
      return u64(wallClockNs(time) - guestNs(time));
    },
    armTimer: (wire: u16, deadlineNs: u64): void => {
      timerPart.arm(timerOf[wire], hostDeadline(current().time, deadlineNs));
    },
    cancelTimer: (wire: u16): void => timerPart.cancel(timerOf[wire]),
    setLine: (wire: u16, level: boolean): void => push(Kind.line, wire, level, 0, 0),
    putByte: (wire: u16, byte: u8): void => {
      for (const end of sinkEnds) {
        if (wire === end.wire) {
          for (const act of end.acts) act(byte);
          return;
        }
      }
    },
    // The kernel's loop asks every source for room before it feeds it.
    sourceReady: (_wire: u16): void => yieldHere(),
    sendMessage: (wire: u16, destination: u32, command: u32): void =>
      push(Kind.message, wire, false, destination, command),
    raiseSignal: (wire: u16, value: u32): void => push(Kind.signal, wire, false, value, 0),
    readConfiguration: (address: u32, width: u8): u32 => {
      for (const f of functions) {
        const offset = u32(address - f.base);
        if ((single || context.guest === f.guest) && offset < f.size) return f.read(f.state, offset, width);
      }
      return 0xffff_ffff;
    },
    writeConfiguration: (address: u32, width: u8, value: u32): void => {
      for (const f of functions) {
        const offset = u32(address - f.base);
        if ((single || context.guest === f.guest) && offset < f.size) {
          f.write(f.state, offset, width, value);
          return;
        }
      }
    },
    ticks: (): u64 => guestTicks(current().time),
    ticksPerSecond: (): u64 => machine.ticksPerSecond(),
    coversMemory: (gpa: u64): boolean =>
      (gpa & 0xfffn) === 0n && resolve(current().slots, gpa).bytes >= 4096n,
    placePage: overlays.place,
    removePage: overlays.remove,
    writePage: overlays.write,
    hypercallInstruction: (): u32 => virtualization.hypercallInstruction(),
    report: (wire: u16, code: u32, a: u64, b: u64): void => {
      for (const r of reporters) {
        if (wire === r.wire) {
          rings.record(guestReported, BigInt(r.guest), u64(code), a, b);
          // The kernel's loop tells the administrator.
          yieldHere();
        }
      }
    },
    ...memory,
    ...networks.board,
    ...guestVolumes(volumeEnds, blocks, current, yieldHere),
    ...shared.board,
    ...guestFlash(instances, domains),
    ...channels.board,
    random: (): GuestValue => machine.random(),
    unimplemented: (wire: u16, ordinal: u8): void =>
      rings.record(deviceUnimplemented, u64(wire), u64(ordinal), 0n, 0n),
  });

  const silence = (guest: u32): void => {
    for (const t of timerEnds) if (guest === t.guest) timerPart.cancel(t.number);
    channels.forget(guest);
  };

  return Object.freeze({
    board: boardItself,
    instances,
    timers: timerPart,
    feeds: Object.freeze(feeds),
    enterGuest,
    deliver,
    deliverFew,
    hasQueued,
    runNetworks: networks.run,
    prompts: channels.prompts,
    runChannels: channels.run,
    silence,
    postpone: (guest: u32, ticks: u64): void => {
      for (const t of timerEnds) if (guest === t.guest) timerPart.postpone(t.number, ticks);
    },
    sharedBytes: shared.bytes,
    giveShared: shared.give,
    addPages: (domain: Domain): void => {
      overlays.addTo(domain);
      shared.addTo(domain);
    },
    powerUp: (guest: u32): void => {
      for (const p of instances) if (guest === p.guest) p.powerUp(p.state);
    },
    restart: (guest: u32): void => {
      silence(guest);
      for (const p of instances) {
        if (guest === p.guest) {
          for (const { offset, bytes } of p.forgets)
            fillBytes(u64(addressOf(p.state) + BigInt(offset)), 0, bytes);
          p.restart(p.state, p.firstWire);
        }
      }
      deliver();
    },
    resume: (guest: u32): void => {
      silence(guest);
      for (const p of instances) if (guest === p.guest) p.resume(p.state, p.firstWire);
    },
  });
}
