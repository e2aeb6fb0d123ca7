/** Lines of devices, ours counted now, the peers' as they are kept in `lines/peers.json`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../compiler/root.ts";
import type { Measurement, Outcome } from "./figure.ts";
import { countLines } from "./lines/count.ts";
import { countedDevices, linePeers, type CountedDevice, type LinePeer } from "./lines/devices.ts";
import { readPeerCounts, type PeerCounts } from "./lines/peers.ts";

/** Counts every device that others have too. */
export const lines: Measurement = {
  name: "lines",
  brings: ["lines"],
  what: "counting the lines of devices",
  measure: () => {
    const counts = readPeerCounts();
    return Promise.resolve(countedDevices.flatMap((device) => linesOf(device, counts)));
  },
};

/** A device's lines, ours first. */
export function linesOf(
  { name, own, peers }: CountedDevice,
  counts: Readonly<Partial<Record<LinePeer, PeerCounts>>>,
): Outcome[] {
  const dsl = own
    .map((file) => countLines(readFileSync(join(repositoryRoot, file), "utf8")))
    .reduce((sum, count) => sum + count, 0);
  const others = linePeers.map((peer): Outcome => {
    const figure = `lines.${name}.${peer}`;
    const files = peers[peer];
    if (typeof files === "string") return { name: figure, reason: `${peer}: ${files}` };
    const value = files.reduce((sum, file) => sum + countOf(file, counts[peer]), 0);
    return { name: figure, value, unit: "lines" };
  });
  return [{ name: `lines.${name}.dsl`, value: dsl, unit: "lines" }, ...others];
}

function countOf(file: string, counts: PeerCounts | undefined): number {
  const count = counts?.files[file];
  if (count === undefined) throw new Error(`${file} has not been counted: run ci/measure/lines/recount.ts`);
  return count;
}
