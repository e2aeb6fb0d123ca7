/**
 * The kernel of one image: builds the guests that the manifest declares and runs them. Everything is laid out here,
 * from constants of the manifest; nothing is allocated later.
 */
import { array, type FixedArray } from "../dsl/core/layout.ts";
import { u32, u64 } from "../dsl/core/int.ts";
import { fillBytes, text } from "../dsl/core/intrinsics.ts";
import { storage } from "../dsl/core/storage.ts";
import type { GuestModel, ImageModel, MemorySlotModel } from "../dsl/manifest/model.ts";
import { BootProblem, type BootInfo, type KernelEntry } from "./boot.ts";
import { completionByte } from "../dsl/device/volume.ts";
import type { BlockStore } from "./block-store.ts";
import type { BoardParts } from "./board.ts";
import { crashDumps } from "./crash-dump.ts";
import { cpus } from "./cpu.ts";
import { Domain, DomainState, isIdle } from "./domain.ts";
import type { EventRings } from "./events.ts";
import { guestSaving } from "./guest-saving.ts";
import { availableBytes, giveMemory, takeRun } from "./host-memory.ts";
import { hasPolicies, lifecycle } from "./lifecycle.ts";
import { recordCpus } from "./host-cpus.ts";
import { machine } from "./machine.ts";
import { notice, noticeIdle, notices } from "./notices.ts";
import type { Consoles } from "./operator/consoles.ts";
import { makeOperator } from "./operator/operator.ts";
import { processors } from "./processors.ts";
import type { Running } from "./running.ts";
import { neededCpus } from "./scheduler/scheduler.ts";
import type { Saves } from "./saves.ts";
import { addSlot, SlotKind } from "./slots.ts";
import type { Trace } from "./trace.ts";
import { virtualization, type Loaded } from "./virtualization.ts";

/** What the kernel is built from, besides the manifest. */
export interface KernelParts {
  readonly model: ImageModel;
  readonly domains: FixedArray<Domain>;
  readonly board: BoardParts;
  readonly rings: EventRings;
  readonly vcpus: Running;
  /** Null: the image has no volumes. */
  readonly blocks: BlockStore | null;
  /** Null: the image declares none. */
  readonly trace: Trace | null;
  /** Saving of guests; null: the image declares no place for saves. */
  readonly saves: Saves | null;
  /** The consoles of the guests on the host's one, which the operator shares; null: there is none. */
  readonly consoles: Consoles | null;
}

/** The storage of the domains of an image. */
export function domainStorage(model: ImageModel): FixedArray<Domain> {
  return storage("domains", array(Domain, model.guests.length));
}

/** About a millisecond: a second shifted right by this. */
const millisecondShift = 10n;
/** What the slots of a manifest are at first. */
const slotKinds = Object.freeze({
  ram: SlotKind.ram,
  rom: SlotKind.rom,
  flash: SlotKind.romDevice,
} satisfies Record<MemorySlotModel["kind"], SlotKind>);

/** Builds the kernel. */
export function kernel(parts: KernelParts): KernelEntry {
  const { model, domains, board, rings, vcpus, blocks, trace, saves, consoles } = parts;
  let vcpuBase = 0;
  const guests = Object.freeze(
    model.guests.map((g: GuestModel) => {
      const first = vcpuBase;
      vcpuBase += g.vcpus.length;
      return Object.freeze({
        index: g.index,
        name: g.name,
        bytes: BigInt(g.memoryBytes),
        firstVcpu: first,
        vcpuCount: g.vcpus.length,
        slots: Object.freeze(
          g.slots.map((s) =>
            Object.freeze({
              kind: slotKinds[s.kind],
              gpa: BigInt(s.gpa),
              bytes: BigInt(s.sizeBytes),
              offset: BigInt(s.ramOffset),
            }),
          ),
        ),
      });
    }),
  );
  const vcpuCount = vcpuBase;
  const total = guests.reduce((sum, g) => sum + g.bytes, BigInt(board.sharedBytes));
  const consoleGuest = model.console.guest;
  const operated = consoles !== null;
  const cpusNeeded = neededCpus(model);
  const told = notices(rings, guests, board.instances, saves !== null, operated, hasPolicies(model));

  // ---- Memory -----------------------------------------------------------------------------------------------

  const check = (boot: BootInfo): Loaded => {
    const available = availableBytes(boot);
    if (available < total) return { problem: BootProblem.noMemory, detail: u64(total - available) };
    for (const g of guests) {
      const loaded = virtualization.check(g.index, boot);
      if (loaded.problem !== BootProblem.none) return loaded;
    }
    return { problem: BootProblem.none, detail: 0n };
  };

  // ---- Volumes -----------------------------------------------------------------------------------------------

  const volumeFeeds = board.feeds.filter((f) => f.name === "volume");
  /** Tells a volume's device that a request has ended, unless its guest has ended before; one that is paused finds it. */
  const tellVolume = (volume: u32, slot: u32, result: u32): void => {
    for (const f of volumeFeeds) {
      const { state } = domains[f.guest];
      if (f.volume === volume && (state === DomainState.running || state === DomainState.paused)) {
        board.enterGuest(f.guest);
        f.receive(completionByte(slot, result));
      }
    }
  };
  const serveVolumes = (): void => {
    if (blocks === null || !blocks.busy()) return;
    blocks.poll(tellVolume);
    if (blocks.busy()) board.timers.wakeBy(u64(machine.now() + blocks.pollTicks()));
  };
  /** Waits until nothing is under way, and tells the devices what became of it. */
  const finishVolumes = (): void => {
    if (blocks === null) return;
    while (blocks.busy()) blocks.poll(tellVolume);
    board.deliver();
  };
  /** Ends what is under way into a guest's memory. */
  const drainVolumes = (guest: u32): void => {
    if (blocks !== null) for (const f of volumeFeeds) if (f.guest === guest) blocks.drain(f.volume ?? 0);
  };

  // ---- Life -------------------------------------------------------------------------------------------------

  const dumps = operated ? crashDumps(guests.length, vcpuCount, rings) : null;
  const life = lifecycle({
    guests: model.guests,
    domains,
    board,
    rings,
    vcpus,
    operated,
    dumps,
    drainVolumes,
    ended(): void {
      if (trace !== null) trace.drain(true);
      told.show();
    },
  });
  const saver =
    saves === null ? null : guestSaving(saves, board, rings, told, vcpus, { life, finishVolumes });

  const build = (boot: BootInfo): void => {
    if (board.sharedBytes > 0) {
      const run = takeRun(boot, BigInt(board.sharedBytes));
      if (run === 0n) {
        notice(text("there is not enough memory in one piece for what guests share"));
        machine.powerOff();
      }
      fillBytes(run, 0, BigInt(board.sharedBytes));
      board.giveShared(run);
    }
    for (const g of guests) {
      const domain = domains[g.index];
      domain.index = g.index;
      domain.firstVcpu = g.firstVcpu;
      domain.vcpuCount = g.vcpuCount;
      if (!giveMemory(domain, boot, g.bytes)) {
        notice(text("there is not enough memory for a guest"));
        machine.powerOff();
      }
      domain.uncleared = g.bytes;
      for (const s of g.slots) addSlot(domain.slots, s.kind, 0, s.gpa, s.bytes, s.offset);
      board.addPages(domain);
      for (let i = 0; i < g.vcpuCount; i++) {
        const vcpu = virtualization.vcpu(u32(g.firstVcpu + i));
        vcpu.index = u32(g.firstVcpu + i);
        vcpu.number = i;
        vcpu.domain = domain;
      }
      if (!virtualization.buildTranslation(domain)) {
        notice(text("there are not enough pages for nested tables"));
        machine.powerOff();
      }
      board.powerUp(domain.index);
      if (saver === null || !saver.goOn(domain)) life.start(domain);
    }
  };

  // ---- The loop ---------------------------------------------------------------------------------------------

  // What a guest declares last has its input: a console of virtio in place of the chipset's UART.
  const feeds = Object.freeze(
    guests
      .filter((g) => operated || g.index === consoleGuest)
      .flatMap((g) => board.feeds.filter((f) => f.name === "console" && f.guest === g.index).slice(-1)),
  );

  /** Gives received bytes to the guests that they are for, as many as they take. */
  const feedConsole = (): void => {
    for (const f of feeds) {
      if (domains[f.guest].state === DomainState.running) {
        board.enterGuest(f.guest);
        // A device's FIFO holds at most this many.
        for (let i = 0; i < 256; i++) {
          if (f.room() === 0) break;
          const byte = consoles === null ? machine.consoleGet() : consoles.guestGet(f.guest);
          if (byte < 0) break;
          f.receive(byte & 0xff);
        }
      }
    }
  };

  /**
   * What the operator types while the guest that has the console is stopped: r starts it again, p turns the machine
   * off, anything else asks how things stand.
   */
  const serveOperator = (): void => {
    for (const g of guests) {
      const domain = domains[g.index];
      if (g.index === consoleGuest && isIdle(domain)) {
        const byte = machine.consoleGet();
        if (byte < 0) return;
        if (byte === 0x72) {
          life.start(domain);
          return;
        }
        if (byte === 0x70) machine.powerOff();
        noticeIdle(text(g.name));
      }
    }
  };

  /** Whether no guest takes what is typed. */
  const isAlone = (attached: u32): boolean => {
    for (const g of guests)
      if (attached === g.index && domains[g.index].state === DomainState.running) return false;
    return true;
  };
  const leave = (): void => {
    if (consoles !== null) consoles.release();
    if (trace !== null) trace.drain(true);
    told.show();
  };
  const operator =
    consoles === null || model.operator === null
      ? null
      : makeOperator({
          model,
          permits: model.operator.console,
          domains,
          life,
          consoles,
          prompts: board.prompts,
          saving: saver,
          leave,
          vcpus,
          told,
          rings,
          dumps,
          wakeBy: board.timers.wakeBy,
        });
  /** Says what happened; what the operator types is shown again behind it. */
  const tell = (): void => {
    if (operator === null) told.show();
    else if (told.waits()) {
      operator.hide();
      told.show();
      operator.show();
    }
  };

  /** Serves what waits for anybody; true where there is more to do, whatever comes. */
  const serve = (): boolean => {
    board.deliver();
    board.timers.run();
    // Behind the timers, which may send: what has come is told before the CPU waits.
    board.runNetworks();
    if (board.runChannels()) board.timers.wakeBy(machine.now());
    // A wire that is slower than the guest gets the rest a millisecond later.
    if ((operated || consoleGuest !== null) && !machine.consoleFlush())
      board.timers.wakeBy(u64(machine.now() + (machine.ticksPerSecond() >> millisecondShift)));
    if (operator !== null && consoles !== null) operator.serve(isAlone(consoles.attached()));
    if (operated || consoleGuest !== null) feedConsole();
    if (!operated && consoleGuest !== null) serveOperator();
    serveVolumes();
    const more = life.settle();
    tell();
    if (trace !== null) trace.drain(false);
    return more;
  };

  /** What every CPU does, under the kernel's lock. */
  const loop: () => never = (): never => {
    const cpu = cpus[processors.here()];
    for (;;) {
      cpu.again = false;
      const more = serve();
      if (cpu.again) continue;
      const chosen = vcpus.choose();
      // Also where nobody can run now: one that has had its cap, or its budget, may again then.
      board.timers.wakeBy(vcpus.deadline());
      if (chosen < 0) {
        if (trace !== null) trace.drain(true);
        if (more) board.timers.wakeBy(machine.now());
        processors.release();
        machine.waitForInterrupt();
        processors.acquire();
      } else {
        const vcpu = virtualization.vcpu(u32(Math.min(chosen, vcpuCount - 1)));
        vcpu.cpu = processors.here();
        cpu.current = vcpu;
        if (trace !== null) trace.enter(vcpu);
        board.enterGuest(vcpu.domain!.index);
        virtualization.run(vcpu);
        vcpus.putDown(vcpu);
      }
    }
  };

  return Object.freeze({
    check,
    start(boot: BootInfo): never {
      if (cpusNeeded > 1 && boot.cpuCount < cpusNeeded) {
        notice(
          text(`the guests' schedules name CPUs that this machine does not have: it takes ${cpusNeeded}`),
        );
        machine.powerOff();
      }
      virtualization.enableCpu();
      board.timers.clear();
      vcpus.start();
      if (trace !== null) trace.start();
      if (blocks !== null) blocks.start();
      if (model.cpuCapacity > 1) recordCpus(rings, boot);
      build(boot);
      vcpus.online();
      loop();
    },
    join(_index: u32): never {
      virtualization.enableCpu();
      processors.acquire();
      vcpus.online();
      loop();
    },
  });
}
