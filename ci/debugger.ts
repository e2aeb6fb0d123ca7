/**
 * A debugger's view of a machine under QEMU: GDB's remote protocol (GDB manual, appendix "GDB Remote Serial Protocol")
 * over a socket that this process listens on and QEMU connects to. The machine stands still until it is told to go on.
 */
import { createServer, type Server, type Socket } from "node:net";

/** The general registers that a stop shows, in the protocol's order. */
const registerNames = [
  ...["rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"],
  ...["r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip"],
] as const;
const registerBytes = 8;
const flagsBytes = 4;
/** RFLAGS.IF (APM vol. 2 §3.1.6). */
const interruptFlag = 1 << 9;

/** The machine broke off, or its debug stub refused something. */
export class DebuggerFailure extends Error {
  override readonly name = "DebuggerFailure";
}

interface Waiting {
  readonly resolve: (packet: string) => void;
  readonly reject: (error: Error) => void;
}

/** A connection to the debug stub of one QEMU process. One command at a time. */
export class Debugger {
  private readonly server: Server;
  private readonly listening: Promise<void>;
  private readonly connected: Promise<Socket>;
  private socket: Socket | undefined;
  private received = "";
  private waiting: Waiting | undefined;
  private closed = false;

  /** Listens on a Unix socket; QEMU is then started with {@link arguments}. */
  constructor(private readonly path: string) {
    this.server = createServer();
    this.listening = new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(path, resolve);
    });
    this.connected = new Promise((resolve) => {
      this.server.once("connection", (socket) => {
        this.socket = socket.setEncoding("latin1");
        socket.on("data", (chunk: string) => this.receive(chunk));
        socket.on("error", () => undefined);
        socket.on("close", () => this.close());
        resolve(socket);
      });
    });
  }

  /** Resolves when QEMU can be started. */
  ready(): Promise<void> {
    return this.listening;
  }

  /** QEMU's arguments: it connects, and waits before the first instruction. */
  get arguments(): readonly string[] {
    return ["-S", "-gdb", `unix:${this.path}`];
  }

  /** Lets the machine run until it comes to one of some addresses. */
  async runTo(addresses: readonly number[]): Promise<Stop> {
    for (const address of addresses) await this.accepted(`Z0,${address.toString(16)},1`);
    await this.command("c");
    const stop = await this.stop();
    for (const address of addresses) await this.accepted(`z0,${address.toString(16)},1`);
    return stop;
  }

  /** Executes one instruction, and tells where the machine then stands. */
  async step(): Promise<Stop> {
    await this.command("s");
    return this.stop();
  }

  /** Keeps the CPU from taking interrupts, until it enables them by itself. */
  async maskInterrupts(): Promise<void> {
    // The stub writes as many registers as it is given; behind the general ones are the flags.
    const digits = 2 * registerBytes * registerNames.length;
    const all = await this.command("g");
    const flags = Buffer.from(all.slice(digits, digits + 2 * flagsBytes), "hex");
    flags.writeUInt32LE((flags.readUInt32LE() & ~interruptFlag) >>> 0);
    await this.accepted(`G${all.slice(0, digits)}${flags.toString("hex")}`);
  }

  /** Reads a little-endian word of memory as the CPU's address space has it. */
  async word(address: number): Promise<bigint> {
    return littleEndian(await this.command(`m${address.toString(16)},${registerBytes}`));
  }

  /** Ends the connection. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.server.close();
    this.socket?.destroy();
    this.waiting?.reject(new DebuggerFailure("the machine ended"));
  }

  private async stop(): Promise<Stop> {
    const text = await this.command("g");
    const value = (name: (typeof registerNames)[number]): bigint => {
      const at = 2 * registerBytes * registerNames.indexOf(name);
      return littleEndian(text.slice(at, at + 2 * registerBytes));
    };
    return {
      at: Number(value("rip")),
      stack: Number(value("rsp")),
      count: Number(value("rcx")),
    };
  }

  private async accepted(text: string): Promise<void> {
    const answer = await this.command(text);
    if (answer !== "OK") throw new DebuggerFailure(`the debug stub says to "${text}": "${answer}"`);
  }

  private async command(text: string): Promise<string> {
    const socket = await this.connected;
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new DebuggerFailure("the machine ended"));
        return;
      }
      this.waiting = { resolve, reject };
      socket.write(framed(text), "latin1");
    });
  }

  private receive(chunk: string): void {
    this.received += chunk;
    for (;;) {
      const packet = firstPacket(this.received);
      if (packet === undefined) return;
      this.received = packet.rest;
      this.socket?.write("+");
      const { waiting } = this;
      this.waiting = undefined;
      waiting?.resolve(packet.text);
    }
  }
}

/** Where a machine stands, and what is of use there. */
export interface Stop {
  readonly at: number;
  readonly stack: number;
  /** RCX, a string instruction's count. */
  readonly count: number;
}

/** A packet as it is sent: its text between `$` and `#`, and the sum of its bytes. */
export function framed(text: string): string {
  const sum = [...text].reduce((total, letter) => total + letter.charCodeAt(0), 0) & 0xff;
  return `$${text}#${sum.toString(16).padStart(2, "0")}`;
}

/** The first whole packet of what has come, and what follows; undefined where there is none yet. */
export function firstPacket(received: string): { readonly text: string; readonly rest: string } | undefined {
  const found = /\$([^#]*)#[0-9a-f]{2}/.exec(received);
  if (found === null) return undefined;
  return { text: found[1], rest: received.slice(found.index + found[0].length) };
}

function littleEndian(hex: string): bigint {
  return Buffer.from(hex, "hex").readBigUInt64LE();
}
