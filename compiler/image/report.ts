/**
 * The build report: what an image holds, where its memory goes and what its bytes are for, as `report.json` for
 * programs and `report.html` for people. Both hold the same figures and nothing of the machine that built them.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PathFunction, PathLoop } from "../llvm/way.ts";
import { reportPage } from "./report-page.ts";

/** A range of memory that the image uses; without `base` its place is chosen at boot. */
export interface MemoryRegion {
  readonly name: string;
  readonly base?: number;
  readonly sizeBytes: number;
  readonly note: string;
}

/**
 * The longest path from an exit of a guest to its next entry, or to the kernel's loop, counted in the optimised code.
 */
export interface LongestExitPath {
  /** Instructions, or "unbounded" where the compiler cannot know. */
  readonly instructions: number | "unbounded";
  /** The functions along the path, in the order in which it comes to them. */
  readonly path: readonly string[];
  /** What the CPU may wait for on the way, which is not in the instructions; nothing where absent. */
  readonly waits?: readonly string[];
  /** The functions that add most to it by their own instructions, the largest first. */
  readonly functions?: readonly PathFunction[];
  /** The loops that add most to it, the largest first. */
  readonly loops?: readonly PathLoop[];
}

/** The paths of one kind of exit. */
export interface ExitKindPath extends LongestExitPath {
  /** Instructions of the shortest path. */
  readonly least: number;
}

/** Everything that a build tells about an image. */
export interface BuildReport {
  readonly name: string;
  /** Most CPUs of the machine that it uses. */
  readonly cpuCapacity: number;
  /** The image without its payloads. */
  readonly hypervisorBytes: number;
  readonly payloadBytes: number;
  /** The hypervisor's bytes, once by the source file and once by the feature that they come from. */
  readonly ledger: {
    readonly byFile: Readonly<Record<string, number>>;
    readonly byFeature: Readonly<Record<string, number>>;
  };
  readonly memory: readonly MemoryRegion[];
  /** The SHA-256 of each file that the build wrote or put into the image. */
  readonly sha256: Readonly<Record<string, string>>;
  /** Over all kinds of exits. */
  readonly longestExitPath: LongestExitPath;
  /** By kind of exit, as the platform names them. */
  readonly exitPath: Readonly<Record<string, ExitKindPath>>;
}

/** The files of a written report. */
export interface ReportFiles {
  readonly json: string;
  readonly html: string;
}

/** Writes `report.json` and `report.html` into a folder. */
export async function writeReport(report: BuildReport, folder: string): Promise<ReportFiles> {
  const files = { json: join(folder, "report.json"), html: join(folder, "report.html") };
  await writeFile(files.json, reportJson(report));
  await writeFile(files.html, reportPage(report));
  return files;
}

/** The report as JSON text: records sorted by key, so that equal reports are equal bytes. */
export function reportJson(report: BuildReport): string {
  const ordered: BuildReport = {
    name: report.name,
    cpuCapacity: report.cpuCapacity,
    hypervisorBytes: report.hypervisorBytes,
    payloadBytes: report.payloadBytes,
    ledger: { byFile: sortedRecord(report.ledger.byFile), byFeature: sortedRecord(report.ledger.byFeature) },
    memory: report.memory,
    sha256: sortedRecord(report.sha256),
    longestExitPath: report.longestExitPath,
    exitPath: sortedRecord(report.exitPath),
  };
  return `${JSON.stringify(ordered, undefined, 2)}\n`;
}

function sortedRecord<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
