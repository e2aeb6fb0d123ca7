/**
 * `node --import=tsx ci/measure/lines/recount.ts qemu FOLDER xen FOLDER firecracker FOLDER`: counts the peers' files in
 * unpacked sources (`apt-get source qemu xen`; Firecracker's repository) and writes the counts, of which the benchmark
 * takes them, into `peers.json`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { countFile } from "./count.ts";
import { countedDevices, type LinePeer } from "./devices.ts";
import { countsFile, type PeerCounts } from "./peers.ts";

const counts = JSON.parse(readFileSync(countsFile, "utf8")) as Record<string, PeerCounts>;
const given = process.argv.slice(2);
for (let i = 0; i + 1 < given.length; i += 2) {
  const [peer, folder] = [given[i] as LinePeer, given[i + 1]];
  const known = counts[peer];
  if (known === undefined) throw new Error(`${peer} is not in ${countsFile}`);
  const paths = countedDevices.flatMap(({ peers }) => {
    const files = peers[peer];
    return typeof files === "string" ? [] : files;
  });
  const files = paths.map(
    (path) => [path, countFile(path, readFileSync(join(folder, path), "utf8"))] as const,
  );
  counts[peer] = { ...known, files: Object.fromEntries(files) };
}
writeFileSync(countsFile, `${JSON.stringify(counts, undefined, 2)}\n`);
