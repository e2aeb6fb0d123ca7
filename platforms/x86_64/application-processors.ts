/**
 * The CPUs besides the first: woken one after the other by INIT and start-up messages (Intel SDM vol. 3 §9.4.4, APM vol. 2
 * §15.27.8), set up as the first one, their counters compared with its, and handed to the kernel. One that does not
 * answer or does not fit is put back to waiting by an INIT, and left out.
 */
import { addressOf, AtomicU32, viewOf } from "../../dsl/core/intrinsics.ts";
import { i64, u32, u64 } from "../../dsl/core/int.ts";
import { struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import { bootInfo, CpuAbsence, maxCpus, type KernelEntry } from "../../kernel/boot.ts";
import { addressOfFunction } from "../asm.ts";
import type { HostAcpi } from "./acpi/host-acpi.ts";
import { canReach, sendInit, sendStartUp, startApic } from "./apic.ts";
import { hostRates } from "./calibration.ts";
import {
  Agreement,
  agreement,
  ClockBounds,
  ClockCorrection,
  largestDifference,
  narrow,
  nextCorrection,
  openBounds,
} from "./clock-agreement.ts";
import { describeCpu, hostCpus, LocalCpu, mainStackTop } from "./cpu.ts";
import { hostSpace } from "./host-space.ts";
import { pause, readTsc, readTscOrdered, writeMsr } from "./instructions.ts";
import { loadInterrupts } from "./interrupts.ts";
import { startMachineChecks } from "./machine-check.ts";
import { startLocalTimer } from "./machine.ts";
import { cpuProblem, CpuProblem, cpuSignature, setUpProcessor } from "./processor.ts";
import { msr } from "./registers.ts";
import { describeSegments, loadSegments } from "./segments.ts";
import { prepareStart } from "./trampoline.ts";

/** What the first CPU tells another one to do; it answers when it has. */
enum Order {
  none = 0,
  /** Be the second at meetings until they are over. */
  meet = 1,
  /** Take `correction` from its counter. */
  correct = 2,
  /** Go to the kernel. */
  join = 3,
}

const talk = storage(
  "startTalk",
  struct(
    "StartTalk",
    {
      order: AtomicU32,
      done: AtomicU32,
      /** 1 where it cannot be used as it is. */
      isDifferent: u32,
      signature: u64,
      correction: i64,
    },
    { align: 64 },
  ),
  { align: 64 },
);
/** The first CPU makes the turn odd, the second even. */
const meeting = storage(
  "clockMeeting",
  struct("ClockMeeting", { turn: AtomicU32, met: u64 }, { align: 64 }),
  {
    align: 64,
  },
);
const bounds = storage("clockBounds", ClockBounds);
const correction = storage("clockCorrection", ClockCorrection);

/** Meetings of two counters, and the part of a second that they take. */
const leastMeetings = 16;
const mostMeetings = 10_000;
const meetingPart = 200n;
const meetingsOver = 0xffff_fffe;
const mostCorrections = 3;

/** Waits, in parts of a second: after INIT, between start-up messages, and until a CPU counts as silent. */
const afterInit = 100n;
const betweenMessages = 5000n;
const silentSeconds = 2n;

/** Starts the others, with what they do in the kernel. Build time. */
export function applicationProcessors(join: KernelEntry["join"]): {
  /** Starts all that fit; called once on the first CPU, when everything of it works. `page` is the trampoline's, or 0. */
  readonly start: (acpi: HostAcpi, page: u64) => void;
} {
  /** Where the trampoline leads. */
  function begin(address: u64): never {
    const cpu = viewOf(LocalCpu, address);
    setUpProcessor(hostSpace.root);
    loadSegments(cpu);
    loadInterrupts();
    startMachineChecks();
    startApic();
    talk.isDifferent = cpuProblem() !== CpuProblem.none || cpuSignature() !== talk.signature ? 1 : 0;
    talk.done.store(1);
    for (;;) {
      const order = talk.order.exchange(Order.none);
      if (order === Order.meet) meetSecond();
      else if (order === Order.correct) writeMsr(msr.tsc, u64(readTsc() - u64(talk.correction)));
      else if (order === Order.join) {
        startLocalTimer();
        talk.done.store(1);
        join(cpu.index);
      } else {
        pause();
        continue;
      }
      talk.done.store(1);
    }
  }

  /** Wakes the CPU with an APIC id up on the stacks of an index; false where it stays silent. */
  function wake(id: u32, index: u32, page: u64): boolean {
    const cpu = hostCpus.at(index);
    describeCpu(cpu, index, id, hostCpus.stacksOf(index));
    describeSegments(cpu);
    const data = prepareStart(page, {
      root: hostSpace.root,
      levels: hostSpace.levels,
      stack: mainStackTop(cpu.stacks),
      entry: addressOfFunction(begin),
      parameter: addressOf(cpu),
    });
    talk.order.store(Order.none);
    talk.done.store(0);
    data.permit.store(1);
    sendInit(id);
    wait(hostRates.tscHz / afterInit);
    sendStartUp(id, page);
    const began = readTsc();
    const patience = u64(hostRates.tscHz / betweenMessages);
    while (data.permit.load() !== 0 && u64(readTsc() - began) < patience) pause();
    if (data.permit.load() !== 0) sendStartUp(id, page);
    const longest = u64(hostRates.tscHz * silentSeconds);
    while (data.permit.load() !== 0 && u64(readTsc() - began) < longest) pause();
    // It took the permit, or finds none when it comes after all.
    if (data.permit.exchange(0) !== 0) return false;
    awaitAnswer();
    return true;
  }

  return Object.freeze({
    start(acpi: HostAcpi, page: u64): void {
      if (!acpi.present) return;
      talk.signature = cpuSignature();
      for (let i = 0; i < maxCpus; i++) {
        if (i >= acpi.cpuCount) break;
        const { apicId: id, enabled } = acpi.cpus[i];
        if (!enabled || isKnown(id)) continue;
        const index = bootInfo.cpuCount;
        if (index >= hostCpus.capacity) {
          bootInfo.unusedCount = u32(bootInfo.unusedCount + 1);
        } else if (page === 0n) {
          leaveOut(id, CpuAbsence.noStartPage);
        } else if (!canReach(id)) {
          leaveOut(id, CpuAbsence.unreachable);
        } else if (!wake(id, index, page)) {
          leaveOut(id, CpuAbsence.silent);
        } else if (talk.isDifferent !== 0) {
          sendInit(id);
          leaveOut(id, CpuAbsence.different);
        } else if (!bringInStep()) {
          sendInit(id);
          leaveOut(id, CpuAbsence.clock);
        } else {
          const difference = largestDifference(bounds);
          if (difference > bootInfo.clockDifference) bootInfo.clockDifference = difference;
          bootInfo.cpus[index].hardwareId = id;
          bootInfo.cpuCount = index + 1;
          give(Order.join);
        }
      }
    },
  });
}

/** Whether a CPU runs already: firmware may list one twice. */
function isKnown(id: u32): boolean {
  for (let i = 0; i < maxCpus; i++) {
    if (i >= bootInfo.cpuCount) return false;
    if (bootInfo.cpus[i].hardwareId === id) return true;
  }
  return false;
}

function leaveOut(id: u32, reason: u32): void {
  const count = bootInfo.absentCount;
  if (count >= maxCpus) return;
  bootInfo.absent[count].hardwareId = id;
  bootInfo.absent[count].reason = reason;
  bootInfo.absentCount = count + 1;
}

/** Gives an order to the CPU that is being started, and waits until it is done. */
function give(order: Order): void {
  talk.order.store(order);
  awaitAnswer();
}

/** Waits for an answer: what is asked is bounded, and a CPU that fails at it stops the machine. */
function awaitAnswer(): void {
  while (talk.done.exchange(0) === 0) pause();
}

function wait(ticks: u64): void {
  const began = readTsc();
  while (u64(readTsc() - began) < ticks) pause();
}

/** Compares the counter of the CPU that is being started, and corrects it where it is apart; false where that fails. */
function bringInStep(): boolean {
  correction.corrected = false;
  correction.lag = 0n;
  for (let i = 0; i <= mostCorrections; i++) {
    meeting.turn.store(0);
    talk.order.store(Order.meet);
    meetFirst();
    awaitAnswer();
    const found = agreement(bounds);
    if (found === Agreement.inStep) return true;
    if (found === Agreement.unsteady || i === mostCorrections) return false;
    talk.correction = nextCorrection(correction, bounds);
    give(Order.correct);
  }
  return false;
}

/** Meets for a while, and often enough where every meeting takes long. */
function meetFirst(): void {
  openBounds(bounds);
  const began = readTsc();
  const longest = u64(hostRates.tscHz / meetingPart);
  for (let i = 0; i < mostMeetings; i++) {
    if (i >= leastMeetings && u64(readTsc() - began) > longest) break;
    const before = readTscOrdered();
    meeting.turn.store(2 * i + 1);
    while (meeting.turn.load() !== 2 * i + 2) pause();
    const after = readTscOrdered();
    narrow(bounds, before, meeting.met, after);
  }
  meeting.turn.store(meetingsOver);
}

function meetSecond(): void {
  for (;;) {
    const turn = meeting.turn.load();
    if (turn === meetingsOver) return;
    if ((turn & 1) === 0) {
      pause();
      continue;
    }
    meeting.met = readTscOrdered();
    meeting.turn.store(u32(turn + 1));
  }
}
