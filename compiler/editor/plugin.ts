/**
 * TypeScript's language service with the compiler's diagnostics: a plugin that tsserver loads. What is edited is checked in
 * another process; a keystroke costs the language service a comparison of texts and a message.
 */
import { fork, type ChildProcess } from "node:child_process";
import { dirname, join } from "node:path";
import type ts from "typescript";
import type { TextEdit } from "../diagnostics/edit.ts";
import type { CheckAnswer, EditorDiagnostic } from "./checking.ts";

/** Where numbers of TypeScript's own diagnostics end. */
const firstCode = 100_000;
const source = "typevisor";
/** Files that are compiled, or evaluated at build time. */
const checked = /\/(devices|images|kernel|platforms|dsl)\/(?!.*\.test\.ts$).*\.ts$/;

/** The plugin, as tsserver calls it. */
export function init({ typescript }: { readonly typescript: typeof ts }): ts.server.PluginModule {
  let checker: ChildProcess | undefined;
  let busy = false;
  const wanted = new Map<string, string>();
  const answers = new Map<string, CheckAnswer>();
  const refreshes = new Set<() => void>();

  function start(): ChildProcess {
    // Beside the folder `node_modules` that holds this package.
    const child = fork(join(dirname(__filename), "../../checker.mjs"), {
      stdio: "ignore",
      execArgv: ["--max-semi-space-size=32"],
    });
    child.on("message", (answer: CheckAnswer) => {
      answers.set(answer.file, answer);
      busy = false;
      next();
      for (const refresh of refreshes) refresh();
    });
    child.on("exit", () => {
      checker = undefined;
      busy = false;
    });
    child.unref();
    child.channel?.unref();
    return child;
  }
  /** Sends the newest text of one file; what is typed meanwhile waits, and of each file only the newest. */
  function next(): void {
    const [first] = wanted;
    if (busy || first === undefined) return;
    const [file, text] = first;
    wanted.delete(file);
    busy = true;
    (checker ??= start()).send({ file, text });
  }

  function ofText(file: string, text: string): readonly EditorDiagnostic[] {
    const answer = answers.get(file);
    if (answer?.text === text) return answer.diagnostics;
    wanted.set(file, text);
    next();
    return [];
  }

  function create(info: ts.server.PluginCreateInfo): ts.LanguageService {
    const service = info.languageService;
    refreshes.add(() => info.project.refreshDiagnostics());
    const own = (file: string): readonly [readonly EditorDiagnostic[], ts.SourceFile | undefined] => {
      const sourceFile = checked.test(file) ? service.getProgram()?.getSourceFile(file) : undefined;
      return [sourceFile === undefined ? [] : ofText(file, sourceFile.text), sourceFile];
    };
    const category = (severity: EditorDiagnostic["severity"]): ts.DiagnosticCategory =>
      severity === "error" ? typescript.DiagnosticCategory.Error : typescript.DiagnosticCategory.Warning;
    const told = (d: EditorDiagnostic, file: ts.SourceFile | undefined): ts.Diagnostic => ({
      file,
      start: d.start,
      length: d.end - d.start,
      code: firstCode + Number(d.code.slice(2)),
      category: category(d.severity),
      source,
      messageText: `${d.code}: ${d.message}${d.fix === undefined ? "" : `\nfix: ${d.fix}`}`,
    });
    const getSemanticDiagnostics: ts.LanguageService["getSemanticDiagnostics"] = (file) => {
      const [diagnostics, sourceFile] = own(file);
      return [...service.getSemanticDiagnostics(file), ...diagnostics.map((d) => told(d, sourceFile))];
    };
    const getCodeFixesAtPosition: ts.LanguageService["getCodeFixesAtPosition"] = (...args) => {
      const [file, start, end, codes] = args;
      const [diagnostics] = own(file);
      const fixes = diagnostics
        .filter((d) => d.start < end && d.end > start && codes.includes(firstCode + Number(d.code.slice(2))))
        .flatMap((d): ts.CodeFixAction[] => {
          if (d.edit === undefined) return [];
          const { start, end, text } = d.edit;
          const span = { start, length: end - start };
          return [
            {
              fixName: d.name,
              description: descriptionOf(d.edit),
              changes: [{ fileName: file, textChanges: [{ span, newText: text }] }],
            },
          ];
        });
      const others = codes.filter((code) => typeof code === "number" && code < firstCode);
      return [...service.getCodeFixesAtPosition(file, start, end, others, args[4], args[5]), ...fixes];
    };
    return Object.assign(Object.create(null) as ts.LanguageService, bound(service), {
      getSemanticDiagnostics,
      getCodeFixesAtPosition,
    });
  }
  return { create };
}

/** What an edit does, in a menu's words. */
function descriptionOf({ start, end, text }: TextEdit): string {
  const said = text.trim();
  return said === "" ? "remove it" : `${start === end ? "add" : "replace it with"} \`${said}\``;
}

/** All functions of a language service, to be called without it. */
function bound(service: ts.LanguageService): ts.LanguageService {
  const entries = Object.entries(service as unknown as Record<string, unknown>).map(([key, value]) => [
    key,
    typeof value === "function" ? (value.bind(service) as unknown) : value,
  ]);
  return Object.fromEntries(entries) as ts.LanguageService;
}
