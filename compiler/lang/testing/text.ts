/** Programs given as text, for tests of lowering. */
import type { Program } from "../../../dsl/core/program.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { createRealm } from "../../evaluate/realm.ts";
import { createFront } from "../../front-end.ts";
import type { IrModule } from "../../ir/ir.ts";
import { repositoryPath, virtualSources } from "../../source/virtual.ts";
import { lowerProgram, type LoweringOptions } from "../lower.ts";

/**
 * Lowers the `program` that a text exports, as if the text were the file `path`. TypeScript is not asked for errors: to
 * it, comparing two literals is one. Throws DiagnosticError where lowering refuses.
 */
export function lowerText(
  text: string,
  options: LoweringOptions = { debug: false },
  path = "compiler/text.ts",
): { readonly module: IrModule; readonly program: Program } {
  const sources = virtualSources({ [path]: text });
  const diagnostics = new Diagnostics();
  const realm = createRealm(sources);
  const root = realm.module(repositoryPath(path));
  const front = createFront(sources, realm, diagnostics);
  const program = root["program"] as Program;
  return { module: lowerProgram({ sources, realm, root, diagnostics, front }, program, options), program };
}
