/** From an evaluated program to the IR: the entry of this stage. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "../../dsl/core/program.ts";
import { diagnostic, type Diagnostic } from "../diagnostics/diagnostic.ts";
import type { DiagnosticName } from "../diagnostics/catalogue.ts";
import { toSpan } from "../diagnostics/span.ts";
import type { Realm } from "../evaluate/realm.ts";
import type { IrModule } from "../ir/ir.ts";
import { stratumOf } from "../strata/stratum.ts";
import type { CoreModules, Front } from "./front.ts";
import { ProgramLowering } from "./program.ts";

/** A lowered program; the module is complete only where there are no diagnostics. */
export interface Lowered {
  readonly module: IrModule;
  readonly diagnostics: readonly Diagnostic[];
}

/** Lowers a program that was evaluated in a realm. `debug` keeps locals visible. */
export function lowerProgram(realm: Realm, program: Program, options: { readonly debug: boolean }): Lowered {
  const { sources } = realm;
  const found = new Map<string, Diagnostic>();
  const asmFile = join(sources.projectRoot, "platforms/asm.ts");
  const front: Front = {
    checker: sources.checker,
    core: {
      intrinsics: realm.core("intrinsics"),
      layout: realm.core("layout"),
      storage: realm.core("storage"),
      binding: realm.core("binding"),
      memory: realm.core("memory"),
      asm: existsSync(asmFile) && realm.has(asmFile) ? realm.module(asmFile) : undefined,
    } as unknown as CoreModules,
    site: (fn) => realm.site(fn),
    stratumOf: (fileName) => stratumOf(sources, fileName),
    displayPath: (fileName) => sources.displayPath(fileName),
    refuse(code, node, args, trail) {
      const entry = diagnostic(code as DiagnosticName, node, args as never, {
        trail: trail.slice(0, 8).map((call) => ({ name: undefined, span: toSpan(call) })),
      });
      const { span } = entry;
      const key = `${entry.code}@${span === undefined ? "" : `${span.source.fileName}:${span.start}`}`;
      if (!found.has(key)) found.set(key, entry);
    },
  };
  const lowering = new ProgramLowering(front, program.name, options.debug);
  const module = lowering.lower(program);
  return { module, diagnostics: [...found.values()] };
}
