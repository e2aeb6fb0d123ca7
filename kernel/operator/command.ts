/** What a command of the operator's is, and what it answers through. */
import { u32, u8 } from "../../dsl/core/int.ts";
import { struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { Permit } from "../../dsl/manifest/operator.ts";
import { writer, type Writer } from "../console.ts";
import { machine } from "../machine.ts";
import { answerTo, type Answer } from "./answer.ts";
import type { PromptPorts } from "./port.ts";

/** What has come of a step of a command's. */
export enum Step {
  /** The command has done what it does. */
  done = 0,
  /** The next step can be done at once. */
  more = 1,
  /** The next step has to wait for another round of the kernel's loop. */
  later = 2,
}

/**
 * A command of the operator's: steps, each of which says little and waits for nobody. A later round of the kernel's loop,
 * on whichever CPU, goes on with a command that is not done, and its channel takes no other one meanwhile.
 */
export interface OperatorCommand {
  readonly name: string;
  /** Goes on from the name in the list of commands. */
  readonly about: string;
  /** What a channel must permit. */
  readonly permit: Permit;
  /** What follows its name: a guest (the only one need not be named), a number (0 where none is given), or nothing. */
  readonly argument: "guest" | "number" | null;
  /** Only for who sits at the host's console. */
  readonly local?: boolean;
  /** Goes on until a key is pressed; one that takes a number, where a number is given. */
  readonly endless?: boolean;
  /** Does a step, `at` of which were done before, and answers at most `mostRecordBytes`; a `Step`. */
  readonly step: (guest: u32, number: u32, at: u32) => u32;
}

/** Bytes that one step of a command says at most. */
export const mostRecordBytes = 2048;

/** Who talks to the operator's prompt: dense numbers. */
export const channel = Object.freeze({
  /** Who sits at the host's console. */
  person: 0,
  /** Programs on the host's console. */
  program: 1,
  /** The first port of a guest; those that follow have the numbers that follow. */
  ports: 2,
} as const);

/** What an operator's channel is made of, and what the commands write to. */
export interface Terminal {
  readonly out: Writer;
  readonly answer: Answer;
  /** How many channels there are. */
  readonly channels: number;
  /** The guests' ports that have a prompt; null: there is none. */
  readonly ports: PromptPorts | null;
  put(byte: u8): void;
  /** The channel that is served, and makes it another. */
  channel(): u32;
  select(channel: u32): void;
}

/** Makes the terminal that commands write to. Build time. */
export function operatorTerminal(ports: PromptPorts | null = null): Terminal {
  const served = storage("operatorChannel", struct("OperatorChannel", { channel: u32 }));
  const put =
    ports === null
      ? (byte: u8): void => machine.consolePut(byte)
      : (byte: u8): void => {
          const at = served.channel;
          if (at < channel.ports) machine.consolePut(byte);
          else ports.put(u32(at - channel.ports), byte);
        };
  const out = writer(put);
  const channels = channel.ports + (ports?.permits.length ?? 0);
  return Object.freeze({
    ...{ out, answer: answerTo(put, out), put, channels, ports },
    channel: (): u32 => Math.min(served.channel, channels - 1),
    select(at: u32): void {
      served.channel = at;
    },
  });
}
