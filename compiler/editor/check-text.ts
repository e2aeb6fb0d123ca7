/** The compiler's diagnostics of one file that is being edited; TypeScript's own are the editor's business. */
import { checkDevices } from "../check.ts";
import { DiagnosticError } from "../diagnostics/diagnostic.ts";
import type { WarmCheck } from "../source/type-check.ts";
import type { CheckRequest, EditorDiagnostic } from "./checking.ts";

/** TypeScript's syntax and types, which the editor shows by itself. */
const shownByTypeScript = new Set(["TV1001", "TV1002"]);

/** Checks texts; what it learns of a file makes the file's next check quick. */
export function textChecker(): (request: CheckRequest) => readonly EditorDiagnostic[] {
  const warm = new Map<string, WarmCheck>();
  return ({ file, text }) => {
    const known = warm.get(file) ?? {};
    warm.set(file, known);
    try {
      checkDevices(file, { warm: known, overlay: new Map([[file, text]]) });
      return [];
    } catch (error) {
      if (!(error instanceof DiagnosticError)) throw error;
      return error.diagnostics.flatMap(({ code, name, severity, message, fix, edit, span }) =>
        span === undefined || span.source.fileName !== file || shownByTypeScript.has(code)
          ? []
          : [
              {
                code,
                name,
                severity,
                message,
                ...(fix !== undefined && { fix }),
                ...(edit !== undefined && { edit }),
                start: span.start,
                end: span.end,
              },
            ],
      );
    }
  };
}
