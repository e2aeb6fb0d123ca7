/**
 * A cpio archive in the "newc" format that Linux unpacks as its initramfs (Documentation/driver-api/early-userspace/
 * buffer-format.rst), written from data instead of from a folder: no root is needed for device nodes, and no owner,
 * inode number or time of the host gets in.
 */

/** A file, folder, symbolic link or character device of an archive. Paths have no leading slash. */
export type CpioEntry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly data: Uint8Array | string;
      readonly mode?: number;
    }
  | { readonly kind: "folder"; readonly path: string; readonly mode?: number }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "device";
      readonly path: string;
      readonly major: number;
      readonly minor: number;
      readonly mode?: number;
    };

const typeBits = { file: 0o100000, folder: 0o040000, link: 0o120000, device: 0o020000 } as const;
const defaultMode = { file: 0o644, folder: 0o755, link: 0o777, device: 0o600 } as const;
const blockBytes = 512;

/** The bytes of an archive. Folders that entries need and nobody listed are added; entries are sorted by path. */
export function cpioArchive(entries: readonly CpioEntry[], timeSeconds = 0): Buffer {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) {
    if (entry.path === "" || entry.path.startsWith("/") || entry.path.split("/").includes("..")) {
      throw new RangeError(`"${entry.path}" is not a path inside an archive`);
    }
    if (byPath.has(entry.path)) throw new RangeError(`"${entry.path}" is in the archive twice`);
    byPath.set(entry.path, entry);
  }
  for (const entry of entries) {
    const parts = entry.path.split("/").slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = parts.slice(0, depth).join("/");
      if (!byPath.has(path)) byPath.set(path, { kind: "folder", path });
    }
  }
  const sorted = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const records = sorted.map((entry, index) => record(entry, index + 1, timeSeconds));
  const archive = Buffer.concat([...records, trailer()]);
  return Buffer.concat([archive, Buffer.alloc(padding(archive.length, blockBytes))]);
}

function record(entry: CpioEntry, inode: number, timeSeconds: number): Buffer {
  const mode =
    typeBits[entry.kind] |
    ("mode" in entry && entry.mode !== undefined ? entry.mode : defaultMode[entry.kind]);
  const data = entry.kind === "file" ? entry.data : entry.kind === "link" ? entry.target : "";
  const links = entry.kind === "folder" ? 2 : 1;
  const [major, minor] = entry.kind === "device" ? [entry.major, entry.minor] : [0, 0];
  return encode(entry.path, Buffer.from(data), [inode, mode, 0, 0, links, timeSeconds], [major, minor]);
}

function trailer(): Buffer {
  return encode("TRAILER!!!", Buffer.alloc(0), [0, 0, 0, 0, 1, 0], [0, 0]);
}

function encode(path: string, data: Buffer, head: readonly number[], device: readonly number[]): Buffer {
  const name = Buffer.from(`${path}\0`);
  const fields = [...head, data.length, 0, 0, ...device, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  const nameEnd = header.length + name.length;
  return Buffer.concat([
    header,
    name,
    Buffer.alloc(padding(nameEnd, 4)),
    data,
    Buffer.alloc(padding(data.length, 4)),
  ]);
}

function padding(length: number, unit: number): number {
  return (unit - (length % unit)) % unit;
}
