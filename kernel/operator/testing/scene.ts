/** A prompt with commands for tests, over a model of the host's console and of guests' ports. */
import type { u32 } from "../../../dsl/core/int.ts";
import { pipeBytes, pipeFlag } from "../../../dsl/device/channel.ts";
import { allPermits, type Permit } from "../../../dsl/manifest/operator.ts";
import { modelMachine, said } from "../../testing/machine.ts";
import { field } from "../answer.ts";
import { operatorTerminal, Step, type OperatorCommand } from "../command.ts";
import { guestConsoles } from "../consoles.ts";
import { promptPorts, type PromptEnds } from "../port.ts";
import { operatorSessions } from "../sessions.ts";

/** Guests' ports, as the kernel has their other ends. */
function modelPorts(permits: readonly (readonly Permit[])[]) {
  const ports = permits.map(() => ({
    there: true,
    room: Infinity,
    sent: [] as number[][],
    told: [] as number[][],
  }));
  const ends: PromptEnds = {
    permits,
    isThere: (end) => ports[end]!.there,
    take(end, bytes) {
      const message = ports[end]!.sent.shift() ?? [];
      message.forEach((byte, i) => (bytes[i] = byte));
      return message.length;
    },
    send(end, bytes, length) {
      const port = ports[end]!;
      if (!port.there || port.told.length >= port.room) return false;
      port.told.push(Array.from({ length }, (_, i) => bytes[i]!));
      return true;
    },
  };
  return { ports, ends };
}

/** A prompt with some commands over a console that the first guest has, and on ports that permit what is said. */
export function scene(
  guests: readonly string[] = ["linux", "bsd"],
  permits: readonly Permit[] = allPermits,
  first: number | null = 0,
  portPermits: readonly (readonly Permit[])[] = [],
) {
  const machine = modelMachine();
  const console = guestConsoles(guests.length, first);
  const { ports, ends } = modelPorts(portPermits);
  const terminal = operatorTerminal(portPermits.length === 0 ? null : promptPorts(ends));
  const { answer } = terminal;
  const ran: string[] = [];
  /** Guests that were saved, and whether one that is to be saved has to be waited for. */
  const saved: number[] = [];
  const rest = { awaited: false };
  const wakes: bigint[] = [];
  const fields = { a: field("aMiB", "a ", " MiB"), b: field("b") };
  const commands: readonly OperatorCommand[] = [
    {
      ...{ name: "list", about: "shows the guests", permit: "observe", argument: null },
      step: () => {
        answer.open();
        answer.decimal(fields.a, 7n);
        answer.hex(fields.b, 0x10n);
        answer.close();
        return Step.done;
      },
    },
    {
      ...{ name: "save", about: "saves it", permit: "control", argument: "guest" },
      step: (guest: u32, _number: u32, at: u32) => {
        if (at === 0) {
          ran.push(`save ${guest}`);
          return Step.more;
        }
        if (rest.awaited) return Step.later;
        saved.push(guest);
        return Step.done;
      },
    },
    {
      ...{ name: "attach", about: "gives it", permit: "control", argument: "guest", local: true },
      step: (guest: u32) => {
        console.attach(guest);
        console.give();
        return Step.done;
      },
    },
    {
      ...{ name: "watch", about: "goes on", permit: "observe", argument: "number", endless: true },
      step: (_guest: u32, number: u32, at: u32) => {
        if (at === 0) {
          ran.push(`watch ${number}`);
          return number === 0 ? Step.done : Step.more;
        }
        answer.open();
        answer.decimal(fields.a, 1n);
        answer.close();
        return Step.later;
      },
    },
    {
      ...{ name: "count", about: "counts to it", permit: "observe", argument: "number" },
      step: (_guest: u32, number: u32, at: u32) => {
        answer.open();
        answer.decimal(fields.a, BigInt(at));
        answer.close();
        return at < number ? Step.more : Step.done;
      },
    },
  ];
  const prompt = operatorSessions({
    ...{ terminal, consoles: console, commands, permits, guestNames: guests },
    tellEvents: () => undefined,
    wakeBy: (ticks) => void wakes.push(ticks),
  });
  const type = (keys: string, alone = false): string => {
    const before = machine.output.length;
    machine.input.push(...Buffer.from(keys, "latin1"));
    prompt.serve(alone);
    return said(machine).slice(before).replaceAll("\r\n", "\n").replaceAll(cancel, "");
  };
  const guestSays = (words: string, guest = 0): void => {
    for (const byte of Buffer.from(words)) console.guestPut(guest, byte);
  };
  const taken = (guest = 0): string => {
    const bytes: number[] = [];
    for (let byte = console.guestGet(guest); byte >= 0; byte = console.guestGet(guest)) bytes.push(byte);
    return String.fromCharCode(...bytes);
  };
  return { machine, console, prompt, ran, type, guestSays, taken, saved, rest, wakes, ports };
}
/** Ctrl-]. */
export const escape = "\x1d";
/** Ends whatever escape sequence a guest has begun. */
export const cancel = "\x18";
/** Begins a program's line. */
export const separator = "\x1e";

/** A prompt on two ports, of which the first permits less; and what a guest does with one. */
export function portScene() {
  const s = scene(["linux", "bsd"], allPermits, 0, [["observe"], ["observe", "control"]]);
  const flags = (port: number, byte: number): void => void s.ports[port]!.sent.push([byte]);
  const told = (port: number): string => {
    const messages = s.ports[port]!.told.splice(0);
    const bytes = messages.filter((m) => m.length > 1).flatMap((m) => m.slice(0, -1));
    return String.fromCharCode(...bytes).replaceAll("\r", "");
  };
  return {
    ...s,
    told,
    flags,
    open: (port: number): void => flags(port, pipeFlag.open | pipeFlag.state),
    close: (port: number): void => flags(port, pipeFlag.state),
    /** Writes as the guest's driver does, and gives what it reads when the kernel's loop has gone round. */
    write(port: number, text: string, rounds = 20): string {
      const bytes = [...Buffer.from(text, "latin1")];
      for (let at = 0; at < bytes.length; at += pipeBytes)
        s.ports[port]!.sent.push([...bytes.slice(at, at + pipeBytes), 0]);
      for (let i = 0; i < rounds; i++) s.prompt.serve(false);
      return told(port);
    },
  };
}
