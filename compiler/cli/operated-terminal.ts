/**
 * A machine with an operator on the terminal: its serial line is the terminal's, with a line below that shows how the
 * guests stand, and a socket beside the image on which `typevisor ctl` asks meanwhile.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { copyOfVariables, qemuArguments, qemuProgram, type MachineOptions } from "../../ci/qemu-arguments.ts";
import { OperatorLine, type OperatorRecord } from "./operator-line.ts";
import { StatusLine } from "./status-line.ts";

const ctrlA = 0x01;
const separator = 0x1e;
const help = "\r\n[Ctrl-A X ends the machine, Ctrl-A Ctrl-A is Ctrl-A, Ctrl-] is the operator's]\r\n";
const pollMs = 1000;
/** Polls without an answer after which it is given up. */
const patience = 5;

/** Boots a machine on this terminal, which is one, and gives QEMU's exit status. `control` is the socket's path. */
export async function operatedTerminal(options: MachineOptions, control: string): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-run-"));
  const serial = join(folder, "serial");
  const variables = copyOfVariables();
  const { stdin, stdout } = process;
  const status = new StatusLine();
  const draw = (): void => void stdout.write(status.draw(stdout));
  let server: Server | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    const console = [
      "-chardev",
      `socket,id=console,path=${serial},server=on,wait=on`,
      "-serial",
      "chardev:console",
    ];
    const args = qemuArguments(options, {
      console: [...console, "-monitor", "none"],
      variables: variables.file,
    });
    const child = spawn(qemuProgram, args, { stdio: ["ignore", "inherit", "inherit"] });
    const end = new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve(code ?? 0));
    });
    const stop = (): boolean => child.kill();
    process.once("SIGTERM", stop).once("SIGHUP", stop);
    const line = await attach(serial, end, status);
    if (line === undefined) return await end;
    const { socket, operator, isUp } = line;
    stdin.setRawMode(true).resume();
    stdin.on("data", keyboard(socket, stop));
    server = serve(operator, control);
    stdout.on("resize", draw);
    let unanswered = 0;
    timer = setInterval(() => {
      if (operator.isAsking && ++unanswered >= patience) operator.giveUp();
      if (!isUp() || operator.isAsking) return;
      unanswered = 0;
      const guests: OperatorRecord[] = [];
      void operator
        .ask("list", (record) => guests.push(record))
        .then(({ ok }) => {
          if (ok !== true) return;
          status.tell(guests);
          draw();
        });
    }, pollMs);
    return await end;
  } finally {
    clearInterval(timer);
    server?.close();
    rmSync(control, { force: true });
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.removeAllListeners("data").pause();
    stdout.off("resize", draw).write(status.release());
    variables.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Attached {
  readonly socket: Socket;
  readonly operator: OperatorLine;
  /** Whether the hypervisor has said something: before, the firmware has the line. */
  readonly isUp: () => boolean;
}

async function attach(path: string, end: Promise<number>, status: StatusLine): Promise<Attached | undefined> {
  let ended = false;
  const over = (): void => {
    ended = true;
  };
  end.then(over, over);
  while (!existsSync(path)) {
    if (ended) return undefined;
    await delay(20);
  }
  const socket = connect(path);
  let tail = "";
  let up = false;
  const operator = new OperatorLine(
    (bytes) => void socket.write(bytes),
    (bytes) => {
      process.stdout.write(bytes);
      status.saw(bytes);
      if (up) return;
      tail = (tail + bytes.toString("latin1")).slice(-200);
      up = tail.includes("typevisor: ");
    },
  );
  socket.on("data", (chunk: Buffer) => operator.receive(chunk)).on("error", () => undefined);
  return { socket, operator, isUp: () => up };
}

function keyboard(socket: Socket, stop: () => void): (chunk: Buffer) => void {
  let prefixed = false;
  return (chunk) => {
    const typed: number[] = [];
    for (const byte of chunk) {
      const isPrefix = byte === ctrlA && !prefixed;
      if (prefixed && (byte === 0x78 || byte === 0x58)) stop();
      else if (prefixed && byte !== ctrlA) process.stdout.write(help);
      // A program's lines come by the socket alone.
      else if (!isPrefix && byte !== separator) typed.push(byte);
      prefixed = isPrefix;
    }
    if (typed.length > 0) socket.write(Buffer.from(typed));
  };
}

/** Passes on what programs ask by the socket, one after the other. */
function serve(operator: OperatorLine, path: string): Server {
  rmSync(path, { force: true });
  const server = createServer((client) => {
    let text = "";
    let asking = 0;
    const answer = (record: OperatorRecord): void => void client.write(`\x1e${JSON.stringify(record)}\n`);
    client.setEncoding("latin1").on("error", () => undefined);
    client.on("data", (chunk: string) => {
      text += chunk;
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n")) {
        const command = text.slice(text.lastIndexOf("\x1e", at) + 1, at);
        text = text.slice(at + 1);
        if (command === "") {
          if (asking > 0) operator.interrupt();
          continue;
        }
        asking++;
        void operator.ask(command, answer).then((end) => {
          asking--;
          answer(end);
        });
      }
    });
    client.on("close", () => {
      if (asking > 0) operator.interrupt();
    });
  });
  return server.listen(path);
}
