/** The fixes of the catalogue that are an edit, and not only a sentence. */
import type { EditorDiagnostic } from "./checking.ts";

/** What takes the place of the diagnostic's text. */
export interface QuickFix {
  readonly description: string;
  readonly text: string;
}

/** By the diagnostic's name: the new text, from the old one and the message. */
const edits: Readonly<Record<string, (old: string, message: string) => string | undefined>> = {
  "may-not-fit": (old, message) => {
    const type = /may not fit `([ui](?:8|16|32|64))`/.exec(message)?.[1];
    return type === undefined ? undefined : `${type}(${old})`;
  },
  "loose-equality": (old) => {
    const text = old.replace(/([^=!])([=!]=)(?!=)/, "$1$2=").replace(/^([=!]=)$/, "$1=");
    return text === old ? undefined : text;
  },
  var: (old) => (/^var\b/.test(old) ? old.replace(/^var\b/, "let") : undefined),
};

/** The edit that mends a diagnostic in a text, where there is one. */
export function quickFix(diagnostic: EditorDiagnostic, text: string): QuickFix | undefined {
  const { name, message, start, end } = diagnostic;
  const old = text.slice(start, end);
  const replaced = edits[name]?.(old, message);
  if (replaced === undefined || replaced === old) return undefined;
  return { description: `replace it with \`${replaced}\``, text: replaced };
}
