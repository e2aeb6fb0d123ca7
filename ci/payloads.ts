/**
 * The guests that tests and examples run: Debian's own kernels, busybox, memtest86+ and SeaBIOS, taken once out of Debian's
 * packages (which are downloaded and unpacked, never installed) into `.cache/payloads`, and an initramfs built here.
 *
 * `payloads.json` beside them records the name, version and SHA-256 of each; a file that no longer matches is made again.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { repositoryRoot } from "../compiler/root.ts";
import { buildInitramfs, type InitramfsOptions } from "./initramfs.ts";
import { runStep, StepFailure } from "./progress.mjs";

/** The name of a payload: its file in {@link payloadFolder}. */
export type PayloadName =
  | "vmlinuz-cloud"
  | "vmlinuz-amd64"
  | "busybox"
  | "memtest86+x64.bin"
  | "memtest86+x64.efi"
  | "bios-256k.bin"
  | "OVMF_CODE_4M.fd"
  | "OVMF_VARS_4M.fd"
  | "initramfs.gz";

/** One payload as `payloads.json` records it. */
export interface PayloadRecord {
  /** The Debian package that it was taken from; this repository's name for what is built here. */
  readonly package: string;
  /** That package's version. */
  readonly version: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

interface DebianSource {
  readonly payloads: readonly { readonly name: PayloadName; readonly member: string }[];
  readonly package: string;
  /** A meta package names the concrete one in its first dependency. */
  readonly meta: boolean;
}

interface DebianPackageFile {
  readonly file: string;
  readonly version: string;
  readonly concrete: string;
}

const sources: readonly DebianSource[] = [
  {
    package: "linux-image-cloud-amd64",
    meta: true,
    payloads: [{ name: "vmlinuz-cloud", member: "./boot/vmlinuz-*" }],
  },
  {
    package: "linux-image-amd64",
    meta: true,
    payloads: [{ name: "vmlinuz-amd64", member: "./boot/vmlinuz-*" }],
  },
  { package: "busybox-static", meta: false, payloads: [{ name: "busybox", member: "./bin/busybox" }] },
  {
    package: "memtest86+",
    meta: false,
    payloads: [
      { name: "memtest86+x64.bin", member: "./boot/memtest86+x64.bin" },
      { name: "memtest86+x64.efi", member: "./boot/memtest86+x64.efi" },
    ],
  },
  {
    package: "seabios",
    meta: false,
    payloads: [{ name: "bios-256k.bin", member: "./usr/share/seabios/bios-256k.bin" }],
  },
  {
    package: "ovmf",
    meta: false,
    payloads: [
      { name: "OVMF_CODE_4M.fd", member: "./usr/share/OVMF/OVMF_CODE_4M.fd" },
      { name: "OVMF_VARS_4M.fd", member: "./usr/share/OVMF/OVMF_VARS_4M.fd" },
    ],
  },
];

/** The payloads, in the order in which they are made. */
export const payloadNames: readonly PayloadName[] = [
  ...sources.flatMap((source) => source.payloads.map((payload) => payload.name)),
  "initramfs.gz",
];

/** The folder that holds the payloads. */
export const payloadFolder = join(repositoryRoot, ".cache/payloads");

const packageFolder = join(payloadFolder, "packages");
const recordFile = join(payloadFolder, "payloads.json");

/** The machine cannot get a payload: the message says what to do. */
export class PayloadLack extends Error {
  override readonly name = "PayloadLack";
}

/** The file of a payload; {@link preparePayloads} makes it. */
export function payloadFile(name: PayloadName): string {
  return join(payloadFolder, name);
}

/** What is recorded of the payloads that are there. */
export function payloadRecords(): Partial<Record<PayloadName, PayloadRecord>> {
  if (!existsSync(recordFile)) return {};
  return JSON.parse(readFileSync(recordFile, "utf8")) as Partial<Record<PayloadName, PayloadRecord>>;
}

/** The payloads that are missing, or no longer what `payloads.json` says. */
export function missingPayloads(): PayloadName[] {
  const records = payloadRecords();
  return payloadNames.filter((name) => {
    const file = payloadFile(name);
    return (
      !existsSync(file) || records[name]?.sha256 !== sha256(readFileSync(file)) || isOutdated(name, records)
    );
  });
}

/** Gets every payload that is missing. */
export async function preparePayloads(): Promise<void> {
  const missing = new Set(missingPayloads());
  if (missing.size === 0) return;
  mkdirSync(packageFolder, { recursive: true });
  for (const source of sources) {
    if (source.payloads.some((payload) => missing.has(payload.name))) await unpack(source);
  }
  if (missing.has("initramfs.gz") || missing.has("busybox")) {
    const data = buildInitramfs({ busybox: payloadFile("busybox") });
    record("initramfs.gz", data, { package: "typevisor", version: recipeVersion() });
  }
}

/** Writes an initramfs with more in it than the usual one, for a test, and gives its file. */
export function writeInitramfs(file: string, options: Omit<InitramfsOptions, "busybox">): string {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, buildInitramfs({ busybox: payloadFile("busybox"), ...options }));
  return file;
}

/**
 * Unpacks one file (such as a kernel module) out of a downloaded Debian package.
 * @param packageName the package or meta package, as in `linux-image-cloud-amd64`
 * @param member the file's path in the package as a shell pattern: "./lib/modules/*\/virtio_blk.ko"
 */
export async function unpackMember(packageName: string, member: string): Promise<Buffer> {
  return readMember((await download(sourceOf(packageName))).file, member);
}

/**
 * Unpacks kernel modules out of a downloaded Debian package of a kernel, going through it once.
 * @param names the modules' names, as in "virtio_blk"
 * @returns what they hold, by their names
 */
export async function unpackModules(
  packageName: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const { file } = await download(sourceOf(packageName));
  const folder = mkdtempSync(join(packageFolder, "unpack-"));
  try {
    // Without their folders, so that each is found by its name.
    const script =
      'set -e; deb="$1"; shift; dpkg-deb --fsys-tarfile "$deb" | tar --extract --wildcards --transform "s,.*/,," "$@"';
    const patterns = names.map((name) => `./lib/modules/*/${name}.ko`);
    await runStep(
      `unpacking ${names.length} modules from ${basename(file)}`,
      ["sh", "-c", script, "sh", file, ...patterns],
      { log: join(repositoryRoot, ".cache/logs/unpack.log"), cwd: folder },
    );
    return new Map(names.map((name) => [name, readFileSync(join(folder, `${name}.ko`))]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function sourceOf(packageName: string): DebianSource {
  const source = sources.find((candidate) => candidate.package === packageName);
  if (source === undefined) throw new PayloadLack(`no payload comes from a package named ${packageName}`);
  return source;
}

/**
 * Downloads a Debian package and unpacks it whole, without installing it.
 * @returns the folder that stands for `/`
 */
export async function unpackedPackage(name: string): Promise<string> {
  mkdirSync(packageFolder, { recursive: true });
  const { file } = await download({ package: name, meta: false, payloads: [] });
  const folder = file.replace(/\.deb$/, "");
  if (existsSync(folder)) return folder;
  const fresh = mkdtempSync(join(packageFolder, "unpack-"));
  try {
    await runStep(`unpacking ${basename(file)}`, ["dpkg-deb", "--extract", file, fresh], {
      log: join(repositoryRoot, ".cache/logs/unpack.log"),
    });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

// What the initramfs is made of beside busybox is in these two files: a change of either makes it anew.
function recipeVersion(): string {
  const recipe = ["ci/initramfs.ts", "ci/cpio.ts"].map((file) => readFileSync(join(repositoryRoot, file)));
  return sha256(Buffer.concat(recipe)).slice(0, 16);
}

function isOutdated(name: PayloadName, records: Partial<Record<PayloadName, PayloadRecord>>): boolean {
  return name === "initramfs.gz" && records[name]?.version !== recipeVersion();
}

async function unpack(source: DebianSource): Promise<void> {
  const { file, version, concrete } = await download(source);
  for (const payload of source.payloads) {
    record(payload.name, await readMember(file, payload.member), { package: concrete, version });
  }
}

async function download(source: DebianSource): Promise<DebianPackageFile> {
  const kept = keptPackage(source);
  if (kept !== undefined) return kept;
  await refreshPackageLists(source.package);
  const concrete = source.meta ? firstDependency(source.package) : source.package;
  const version = candidateVersion(concrete);
  const file = packageFile(concrete, version);
  if (!existsSync(file)) {
    const folder = mkdtempSync(join(packageFolder, "download-"));
    // apt drops its privileges to a user that cannot write here, and warns; as root it may keep them.
    const sandbox = process.getuid?.() === 0 ? ["-o", "APT::Sandbox::User=root"] : [];
    await runStep(
      `downloading Debian's ${concrete}`,
      ["apt-get", ...sandbox, "download", `${concrete}=${version}`],
      {
        log: join(repositoryRoot, ".cache/logs", `download-${concrete}.log`),
        cwd: folder,
      },
    );
    const [downloaded] = readdirSync(folder).filter((name) => name.endsWith(".deb"));
    if (downloaded === undefined)
      throw new PayloadLack(`apt-get download brought no package for ${concrete}`);
    renameSync(join(folder, downloaded), file);
    rmSync(folder, { recursive: true, force: true });
  }
  return { file, version, concrete };
}

/** The downloaded package that the recorded payloads came from, so that all of them stay of one version. */
function keptPackage(source: DebianSource): DebianPackageFile | undefined {
  const records = payloadRecords();
  for (const { name } of source.payloads) {
    const found = records[name];
    if (found === undefined) continue;
    const file = packageFile(found.package, found.version);
    if (existsSync(file)) return { file, version: found.version, concrete: found.package };
  }
  return undefined;
}

function packageFile(name: string, version: string): string {
  return join(packageFolder, `${name}_${version.replaceAll(":", "%3a")}_amd64.deb`);
}

async function refreshPackageLists(name: string): Promise<void> {
  if (knownToApt(name)) return;
  if (process.getuid?.() !== 0) {
    throw new PayloadLack(
      `Debian's package lists do not name ${name}; run this, then try again:\n  sudo apt-get update`,
    );
  }
  const log = join(repositoryRoot, ".cache/logs/apt-update.log");
  await runStep("reading Debian's package lists", ["apt-get", "-o", "DPkg::Lock::Timeout=600", "update"], {
    log,
  });
  if (!knownToApt(name))
    throw new PayloadLack(`Debian's package lists do not name ${name} (is this Debian 12, amd64?)`);
}

function knownToApt(name: string): boolean {
  return /Candidate: (?!\(none\))\S/.test(execFileSync("apt-cache", ["policy", name], { encoding: "utf8" }));
}

function firstDependency(name: string): string {
  const text = execFileSync("apt-cache", ["depends", "--important", name], { encoding: "utf8" });
  const found = /^\s+Depends: (linux-image-\S+)$/m.exec(text)?.[1];
  if (found === undefined) throw new PayloadLack(`Debian's ${name} names no kernel that it depends on`);
  return found;
}

function candidateVersion(name: string): string {
  const text = execFileSync("apt-cache", ["policy", name], { encoding: "utf8" });
  const found = /Candidate: (\S+)/.exec(text)?.[1];
  if (found === undefined) throw new PayloadLack(`Debian's package lists do not name ${name}`);
  return found;
}

async function readMember(debFile: string, member: string): Promise<Buffer> {
  const folder = mkdtempSync(join(packageFolder, "unpack-"));
  try {
    const target = join(folder, "member");
    const script = 'set -e; dpkg-deb --fsys-tarfile "$1" | tar --extract --to-stdout --wildcards "$2" >"$3"';
    await runStep(
      `unpacking ${member} from ${basename(debFile)}`,
      ["sh", "-c", script, "sh", debFile, member, target],
      {
        log: join(repositoryRoot, ".cache/logs/unpack.log"),
      },
    );
    return readFileSync(target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function record(name: PayloadName, data: Buffer, origin: { package: string; version: string }): void {
  const file = payloadFile(name);
  writeFileSync(`${file}.new`, data, { mode: name === "busybox" ? 0o755 : 0o644 });
  renameSync(`${file}.new`, file);
  const records = {
    ...payloadRecords(),
    [name]: { ...origin, sizeBytes: data.length, sha256: sha256(data) },
  };
  writeFileSync(`${recordFile}.new`, `${JSON.stringify(records, undefined, 2)}\n`);
  renameSync(`${recordFile}.new`, recordFile);
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Gets every payload that is missing; where that cannot be, says why and ends this process with status 2. */
export async function preparePayloadsOrExplain(): Promise<void> {
  try {
    await preparePayloads();
  } catch (error) {
    if (!(error instanceof PayloadLack) && !(error instanceof StepFailure)) throw error;
    process.stderr.write(`error: ${error.message}\n${error instanceof StepFailure ? `${error.tail}\n` : ""}`);
    process.exit(2);
  }
}
