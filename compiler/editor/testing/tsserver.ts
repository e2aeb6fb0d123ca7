/** A tsserver with the plugin, over its protocol: JSON lines in, headed JSON out. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";

/** A message of the server, of which tests read the body. */
interface Message {
  readonly type: "response" | "event";
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: unknown;
}

/** A running server. */
export interface TsServer {
  /** Sends a request and gives the body of its answer. */
  request<T>(command: string, args: object): Promise<T>;
  /** Sends what has no answer. */
  tell(command: string, args: object): void;
  /** Waits for an event that comes after the last one that was waited for. */
  event(name: string): Promise<void>;
  end(): void;
}

/** Starts TypeScript's server with the plugin that lies in a folder. */
export function startTsServer(pluginFolder: string, project: string): TsServer {
  const program = createRequire(import.meta.url).resolve("typescript/lib/tsserver.js");
  const args = [program, "--pluginProbeLocations", pluginFolder, "--disableAutomaticTypingAcquisition"];
  const child = spawn(process.execPath, args, { cwd: project, stdio: ["pipe", "pipe", "inherit"] });
  const messages: Message[] = [];
  let [sequence, taken, rest] = [0, 0, ""];
  let wake = (): void => undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    rest += text;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      const line = rest.slice(0, end).trim();
      rest = rest.slice(end + 1);
      if (line.startsWith("{")) messages.push(JSON.parse(line) as Message);
    }
    wake();
  });
  const find = async (wanted: (m: Message) => boolean, from: () => number): Promise<number> => {
    for (;;) {
      const at = messages.findIndex((m, i) => i >= from() && wanted(m));
      if (at >= 0) return at;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const send = (command: string, body: object): number => {
    child.stdin.write(`${JSON.stringify({ seq: ++sequence, type: "request", command, arguments: body })}\n`);
    return sequence;
  };
  return {
    async request<T>(command: string, body: object): Promise<T> {
      const number = send(command, body);
      const answer =
        messages[
          await find(
            (m) => m.request_seq === number,
            () => 0,
          )
        ]!;
      if (answer.success !== true) throw new Error(`${command}: ${answer.message}`);
      return answer.body as T;
    },
    tell: (command, body) => void send(command, body),
    async event(name) {
      taken =
        (await find(
          (m) => m.event === name,
          () => taken,
        )) + 1;
    },
    end: () => void child.kill(),
  };
}
