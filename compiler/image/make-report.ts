/** What a build tells of an image, gathered from the linked image and the manifest. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { exitKindPrefix, guestLandmark, kernelLandmark } from "../../dsl/core/landmark.ts";
import type { Manifest } from "../../dsl/image.ts";
import type { IrModule } from "../ir/ir.ts";
import type { EfiImage } from "../link/efi.ts";
import { ExitPaths, type ExitPath } from "../llvm/exit-path.ts";
import type { CheckedPayload } from "./payload-check.ts";
import type { BuildReport, LongestExitPath, MemoryRegion } from "./report.ts";

/** What a report is made from. */
export interface ReportInput {
  readonly manifest: Manifest;
  readonly payloads: readonly CheckedPayload[];
  readonly module: IrModule;
  readonly linked: EfiImage;
  /** Files that were written. */
  readonly files: readonly string[];
}

/** Gathers a build's report. */
export function makeReport(input: ReportInput): BuildReport {
  const { manifest, payloads, linked } = input;
  return {
    name: manifest.model.name,
    cpuCapacity: manifest.model.cpuCapacity,
    hypervisorBytes: linked.efi.length,
    payloadBytes: payloads.reduce((n, p) => n + p.bytes.length, 0),
    ledger: ledger(linked),
    memory: memory(input),
    sha256: Object.fromEntries([
      ...input.files.map((file): [string, string] => [
        basename(file),
        createHash("sha256").update(readFileSync(file)).digest("hex"),
      ]),
      ...payloads.map((p): [string, string] => [p.facts.name, p.facts.sha256]),
    ]),
    ...exitPaths(input),
  };
}

/** The feature that a source file belongs to: the concept under the stratum's folder. */
export function featureOf(file: string): string {
  const [top, second, third] = file.split("/");
  if (top === "platforms") return `${second}/${(third ?? "").replace(/\.ts$/, "")}`;
  return `${top}/${(second ?? "").replace(/\.ts$/, "")}`;
}

/** The file's bytes: symbols by where they are declared, and what is left over as the format's own. */
function ledger(linked: EfiImage): BuildReport["ledger"] {
  const byFile: Record<string, number> = {};
  const byFeature: Record<string, number> = {};
  let counted = 0;
  for (const symbol of linked.symbols) {
    const section = linked.sections.find((s) => s.name === symbol.section);
    if (section === undefined) continue;
    // What lies behind the section's file content is zeroes that cost no file bytes.
    const end = Math.min(symbol.rva + symbol.sizeBytes, section.rva + section.fileBytes);
    const bytes = end - symbol.rva;
    if (bytes <= 0) continue;
    const file = symbol.loc?.file ?? "(data and runtime)";
    byFile[file] = (byFile[file] ?? 0) + bytes;
    const feature = symbol.loc === undefined ? "data and runtime" : featureOf(file);
    byFeature[feature] = (byFeature[feature] ?? 0) + bytes;
    counted += bytes;
  }
  const rest = linked.efi.length - counted;
  byFile["(headers, relocations and padding)"] = rest;
  byFeature["headers, relocations and padding"] = rest;
  return { byFile, byFeature };
}

function memory({ manifest, linked, payloads }: ReportInput): MemoryRegion[] {
  return [
    ...linked.sections.map((s): MemoryRegion => ({
      name: `hypervisor ${s.name}`,
      sizeBytes: s.sizeBytes,
      note: [s.executable ? "executable" : "not executable", s.writable ? "writable" : "read-only"].join(
        ", ",
      ),
    })),
    ...payloads.map((p): MemoryRegion => ({
      name: `payload ${p.facts.name}`,
      sizeBytes: p.facts.sizeBytes,
      note: `kept for a reboot, ${p.model.placement}`,
    })),
    ...manifest.model.guests.flatMap((g) =>
      g.slots.map((s): MemoryRegion => ({
        name: `guest ${g.name}: ${s.name}`,
        base: s.gpa,
        sizeBytes: s.sizeBytes,
        note: `guest-physical, ${s.kind}`,
      })),
    ),
  ];
}

/** The longest path of all exits, and by kind, which only a program with landmarks tells. */
function exitPaths({ module, linked }: ReportInput): Pick<BuildReport, "longestExitPath" | "exitPath"> {
  const paths = new ExitPaths(linked.machineCode());
  const landmarks = paths.landmarks();
  if (landmarks.includes(guestLandmark)) {
    const turn = { from: guestLandmark, to: [guestLandmark, kernelLandmark] };
    const kinds = landmarks.filter((name) => name.startsWith(exitKindPrefix));
    const waits = paths.waits(turn);
    return {
      longestExitPath: { ...reported(paths.over(turn)), ...(waits.length > 0 && { waits }) },
      exitPath: Object.fromEntries(
        kinds.map((name) => [
          name.slice(exitKindPrefix.length),
          { least: paths.least(turn, name), ...reported(paths.over(turn, name)) },
        ]),
      ),
    };
  }
  const symbol = module.exitHandler;
  const longestExitPath: LongestExitPath =
    symbol === undefined
      ? { instructions: "unbounded", path: ["the program names no exit handler"] }
      : reported(paths.ofFunction(symbol));
  return { longestExitPath, exitPath: {} };
}

/** What adds less than this part of a path is left out of the report. */
const smallestShare = 1 / 64;

function reported({ instructions, path, reason, functions, loops }: ExitPath): LongestExitPath {
  if (instructions === "unbounded" || reason !== undefined)
    return { instructions, path: reason === undefined ? path : [...path, reason] };
  const isLarge = (part: { readonly instructions: number }): boolean =>
    part.instructions >= instructions * smallestShare;
  return { instructions, path, functions: functions.filter(isLarge), loops: loops.filter(isLarge) };
}
