/** `typevisor ctl`: the operator's prompt of a running machine, from the development machine. */
import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { InputFailure } from "../failure.ts";
import { OperatorLine, recordText, type OperatorRecord } from "./operator-line.ts";

/** What is asked of which machine. */
export interface CtlOptions {
  /** The socket of the machine's serial line, or the one that `typevisor run` keeps beside it. */
  readonly socket: string;
  /** Its words; none: lines are read from the standard input. */
  readonly command: readonly string[];
  /** Records are printed as they are, and not as lines for people. */
  readonly json: boolean;
  /** How long nothing may be heard before it counts as nobody, in milliseconds. */
  readonly patienceMs?: number;
}

const usualPatienceMs = 10_000;

/** Asks, and prints what is answered. @throws InputFailure where nobody answers, or the answer is a refusal */
export async function control(options: CtlOptions, print: (text: string) => void): Promise<void> {
  const { socket: path, command, json, patienceMs = usualPatienceMs } = options;
  if (!existsSync(path))
    throw new InputFailure(
      `there is no socket ${path}: is the machine running, with an operator in its manifest?`,
    );
  const socket = await connected(path);
  const line = new OperatorLine(
    (bytes) => void socket.write(bytes),
    () => undefined,
  );
  let heard = false;
  socket.on("data", (chunk: Buffer) => line.receive(chunk));
  const lost = new Promise<never>((_, reject) => {
    const gone = (): void => reject(new InputFailure(`the machine behind ${path} has ended the connection`));
    socket.on("close", gone).on("error", gone);
  });
  lost.catch(() => undefined);
  const ask = async (words: string): Promise<OperatorRecord> => {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (!heard)
          reject(new InputFailure(`nobody answers at ${path}: does the image declare an operator?`));
      }, patienceMs);
    });
    try {
      const end = line.ask(words, (record) => {
        heard = true;
        print(`${json ? JSON.stringify(record) : recordText(record)}\n`);
      });
      return await Promise.race([end, lost, silence]);
    } finally {
      clearTimeout(timer);
    }
  };
  const interrupt = (): void => line.interrupt();
  process.on("SIGINT", interrupt);
  try {
    if (command.length > 0) {
      const end = await ask(command.join(" "));
      if (end["ok"] !== true) throw new InputFailure(String(end["error"]));
    } else {
      for await (const words of createInterface({ input: process.stdin, terminal: false })) {
        if (words.trim() === "") continue;
        const end = await ask(words);
        if (end["ok"] !== true) print(`${json ? JSON.stringify(end) : String(end["error"])}\n`);
      }
    }
  } finally {
    process.off("SIGINT", interrupt);
    socket.destroy();
  }
}

function connected(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error) => reject(new InputFailure(`${path} cannot be reached: ${error.message}`)));
  });
}
