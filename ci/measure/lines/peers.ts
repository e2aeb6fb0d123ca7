import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { LinePeer } from "./devices.ts";

/** Where the peers' counts are kept. */
export const countsFile = join(import.meta.dirname, "peers.json");

/** What was counted of one peer: lines of each file. */
export interface PeerCounts {
  readonly repository: string;
  /** Commit or tag of the repository; by file, where they are of several. */
  readonly revision: string | Readonly<Record<string, string>>;
  /** Debian's source package, which the files were counted in, where there is one. */
  readonly package?: string;
  readonly files: Readonly<Record<string, number>>;
}

/** Reads the peers' counts. */
export function readPeerCounts(): Readonly<Partial<Record<LinePeer, PeerCounts>>> {
  return JSON.parse(readFileSync(countsFile, "utf8")) as Partial<Record<LinePeer, PeerCounts>>;
}
