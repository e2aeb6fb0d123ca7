/**
 * TypeScript's own check of a program, remembered from build to build: a file is checked again only where it, or the
 * types that it sees, changed. It is the mechanism of `tsc --incremental`, on a file of our own.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ts } from "./ts.ts";

/** Options under which a program can be checked incrementally. */
export function incrementalOptions(options: ts.CompilerOptions, memory: string): ts.CompilerOptions {
  return { ...options, incremental: true, tsBuildInfoFile: memory };
}

/** A file's version, by which the next build tells whether it changed. */
export function setVersion(file: ts.SourceFile): void {
  (file as { version?: string }).version = createHash("sha256").update(file.text).digest("hex");
}

/** What one process keeps from check to check, so that the next looks only at what an edit concerns. */
export interface WarmCheck {
  /** What was loaded last. Files are parsed once anyway, and a program of TypeScript's would remember what was missing. */
  program?: ts.Program;
  builder?: ts.SemanticDiagnosticsBuilderProgram;
}

/** Semantic diagnostics of a whole program, those of files that nothing has changed for from the check before. */
export function checkWarmTypes(program: ts.Program, warm: WarmCheck): readonly ts.Diagnostic[] {
  const host = { createHash: (text: string) => createHash("sha256").update(text).digest("hex") };
  warm.builder = ts.createSemanticDiagnosticsBuilderProgram(program, host, warm.builder);
  return warm.builder.getSemanticDiagnostics();
}

/** Semantic diagnostics of a whole program; `memory` is the file that remembers them, which need not exist. */
export function checkTypes(program: ts.Program, memory: string): readonly ts.Diagnostic[] {
  const host = {
    useCaseSensitiveFileNames: () => true,
    getCurrentDirectory: () => "/",
    readFile: (name: string) => {
      try {
        return readFileSync(name, "utf8");
      } catch {
        return undefined;
      }
    },
    createHash: (text: string) => createHash("sha256").update(text).digest("hex"),
  };
  const before = ts.readBuilderProgram(program.getCompilerOptions(), host);
  const builder = ts.createSemanticDiagnosticsBuilderProgram(program, host, before);
  const diagnostics = builder.getSemanticDiagnostics();
  builder.emit(undefined, (name, text) => {
    if (name !== memory) return;
    mkdirSync(dirname(memory), { recursive: true });
    // Another build may read or write it at the same time: it appears as a whole.
    const draft = `${memory}.${process.pid}`;
    writeFileSync(draft, text);
    renameSync(draft, memory);
  });
  return diagnostics;
}
