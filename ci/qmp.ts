/**
 * QEMU's machine protocol (QMP) over a socket that this process listens on and QEMU connects to, so that there is no
 * moment at which the socket does not exist yet.
 */
import { createServer, type Server, type Socket } from "node:net";

/** An event that QEMU reports, such as `SHUTDOWN` or `RESET`. */
export interface QmpEvent {
  readonly event: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Reply {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
  readonly data?: Record<string, unknown>;
}

interface Pending {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A QMP connection to one QEMU process. */
export class Qmp {
  /** The events that QEMU has reported so far, oldest first. */
  readonly events: QmpEvent[] = [];
  private readonly pending = new Map<number, Pending>();
  private readonly connected: Promise<Socket>;
  private readonly server: Server;
  private readonly listening: Promise<void>;
  private socket: Socket | undefined;
  private received = "";
  private nextId = 1;
  private closed: string | undefined;
  private refuse: (error: Error) => void = () => undefined;

  /** Listens on a Unix socket; QEMU is then started with {@link arguments}. */
  constructor(private readonly path: string) {
    this.server = createServer();
    this.listening = new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(path, resolve);
    });
    this.connected = new Promise((resolve, reject) => {
      this.refuse = reject;
      this.server.once("connection", (socket) => {
        this.server.close();
        this.socket = socket;
        socket.setEncoding("utf8");
        socket.on("data", (chunk: string) => this.receive(chunk));
        socket.on("error", () => this.close("QEMU closed its monitor"));
        socket.on("close", () => this.close("QEMU closed its monitor"));
        this.send(socket, "qmp_capabilities", {}).then(() => resolve(socket), reject);
      });
    });
    this.connected.catch(() => undefined);
  }

  /** The QEMU arguments that make it connect here. */
  get arguments(): string[] {
    return ["-chardev", `socket,id=qmp,path=${this.path}`, "-mon", "chardev=qmp,mode=control"];
  }

  /** Resolves once the socket exists and QEMU may be started. */
  ready(): Promise<void> {
    return this.listening;
  }

  /** Executes a QMP command and gives its result. */
  async execute(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.send(await this.connected, command, args);
  }

  /** Executes a line of QEMU's human monitor ("info registers") and gives what it prints. */
  async human(line: string): Promise<string> {
    return String(await this.execute("human-monitor-command", { "command-line": line })).replaceAll("\r", "");
  }

  /** Ends the connection; commands that wait for an answer fail with the reason. */
  close(reason: string): void {
    if (this.closed !== undefined) return;
    this.closed = reason;
    for (const { command, reject } of this.pending.values()) reject(new Error(`QMP ${command}: ${reason}`));
    this.pending.clear();
    this.refuse(new Error(`QMP: ${reason}`));
    this.socket?.destroy();
    this.server.close();
  }

  private send(socket: Socket, command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    if (this.closed !== undefined) return Promise.reject(new Error(`QMP ${command}: ${this.closed}`));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { command, resolve, reject });
      socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`);
    });
  }

  private receive(chunk: string): void {
    const lines = (this.received + chunk).split("\n");
    this.received = lines.pop() ?? "";
    for (const line of lines) {
      if (line.trim() !== "") this.handle(JSON.parse(line) as Reply);
    }
  }

  private handle(reply: Reply): void {
    if (reply.event !== undefined) {
      this.events.push({ event: reply.event, ...(reply.data === undefined ? {} : { data: reply.data }) });
      return;
    }
    const waiting = reply.id === undefined ? undefined : this.pending.get(reply.id);
    if (reply.id === undefined || waiting === undefined) return;
    this.pending.delete(reply.id);
    if (reply.error !== undefined) waiting.reject(new Error(`QMP ${waiting.command}: ${reply.error.desc}`));
    else waiting.resolve(reply.return);
  }
}
