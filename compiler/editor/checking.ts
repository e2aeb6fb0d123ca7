/** What the editor's plugin and the process that checks for it say to each other. */
import type { TextEdit } from "../diagnostics/edit.ts";

/** A text to check, in place of its file. */
export interface CheckRequest {
  readonly file: string;
  readonly text: string;
}

/** One diagnostic in the file. */
export interface EditorDiagnostic {
  /** `TV2104` */
  readonly code: string;
  readonly name: string;
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly fix?: string;
  readonly edit?: TextEdit;
  /** UTF-16 offsets, the end exclusive. */
  readonly start: number;
  readonly end: number;
}

/** What a check has found in the very text that was asked for. */
export interface CheckAnswer extends CheckRequest {
  readonly diagnostics: readonly EditorDiagnostic[];
  /** How long it took. */
  readonly ms: number;
}
