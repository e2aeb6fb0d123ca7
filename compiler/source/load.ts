/** Loads the sources of a program: one root file, everything it imports, and TypeScript's checker over it. Read-only. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { diagnostic, type Diagnostic } from "../diagnostics/diagnostic.ts";
import { ts } from "./ts.ts";

/** The loaded sources. */
export interface Sources {
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  /** Absolute path of the folder that holds `tsconfig.json`; strata and display paths are relative to it. */
  readonly projectRoot: string;
  readonly rootFiles: readonly string[];
  /** The project's own files (no libraries, no declaration files), sorted by path. */
  readonly files: readonly ts.SourceFile[];
  /** The file of an absolute path. */
  file(path: string): ts.SourceFile | undefined;
  /** A file's path relative to the project, with `/`. */
  displayPath(fileName: string): string;
  /** What TypeScript itself finds wrong: syntax first, and if there is none, types. */
  typeErrors(): readonly Diagnostic[];
}

/** What every image is checked with, whatever its `tsconfig.json` says: the rules cannot be switched off. */
const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ["lib.es2022.d.ts"],
  types: [],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  allowImportingTsExtensions: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  noEmit: true,
  strict: true,
  noImplicitOverride: true,
  noFallthroughCasesInSwitch: true,
  skipLibCheck: true,
  skipDefaultLibCheck: true,
};

/** The folder of the nearest `tsconfig.json` above a file; the file's own folder where there is none. */
export function projectRootOf(file: string): string {
  const start = dirname(resolve(file));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "tsconfig.json"))) return folder;
    if (dirname(folder) === folder) return start;
  }
}

const coreFolder = fileURLToPath(new URL("../../dsl/core/", import.meta.url));

/** Absolute path of a file of the language itself: `coreFile("layout")`. */
export function coreFile(name: string): string {
  return join(coreFolder, `${name}.ts`);
}
/** What the compiler reads from, so that it is part of every program. */
const coreFiles = ["int", "intrinsics", "layout", "storage", "binding", "memory"].map(coreFile);

const libraryFolder = dirname(createRequire(import.meta.url).resolve("typescript/lib/lib.es2022.d.ts"));
// The library's files never change while a process runs: parsed once, bound once, shared by every program.
const libraryFiles = new Map<string, ts.SourceFile | undefined>();

function host(): ts.CompilerHost {
  const parse = (fileName: string): ts.SourceFile | undefined => {
    let text: string;
    try {
      text = readFileSync(fileName, "utf8");
    } catch {
      return undefined;
    }
    return ts.createSourceFile(fileName, text, ts.ScriptTarget.ES2022, true);
  };
  return {
    getSourceFile(fileName) {
      if (!fileName.startsWith(libraryFolder)) return parse(fileName);
      if (!libraryFiles.has(fileName)) libraryFiles.set(fileName, parse(fileName));
      return libraryFiles.get(fileName);
    },
    getDefaultLibFileName: () => join(libraryFolder, "lib.es2022.d.ts"),
    getDefaultLibLocation: () => libraryFolder,
    writeFile: () => undefined,
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (name) => existsSync(name) && statSync(name).isFile(),
    readFile: (name) => (existsSync(name) ? readFileSync(name, "utf8") : undefined),
    directoryExists: (name) => existsSync(name) && statSync(name).isDirectory(),
    getDirectories: () => [],
  };
}

/** Loads root files (paths) and what they import. A root file that does not exist is an InputFailure of the caller's to report: it throws. */
export function loadSources(rootFiles: readonly string[]): Sources {
  const roots = rootFiles.map((file) => resolve(file));
  for (const root of roots) if (!existsSync(root)) throw new Error(`${root} does not exist`);
  const projectRoot = projectRootOf(roots[0] ?? process.cwd());
  const program = ts.createProgram({
    rootNames: [...roots, ...coreFiles],
    options: compilerOptions,
    host: host(),
  });
  const checker = program.getTypeChecker();
  const files = program
    .getSourceFiles()
    .filter((file) => !file.isDeclarationFile && !file.fileName.includes("/node_modules/"))
    .sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
  const displayPath = (fileName: string): string => relative(projectRoot, fileName).replaceAll("\\", "/");
  return {
    program,
    checker,
    projectRoot,
    rootFiles: roots,
    files,
    file: (path) => program.getSourceFile(path),
    displayPath,
    typeErrors() {
      const syntax = files.flatMap((file) => program.getSyntacticDiagnostics(file));
      if (syntax.length > 0) return syntax.map((d) => fromTypeScript("syntax", d));
      return [
        ...program.getOptionsDiagnostics(),
        ...program.getGlobalDiagnostics(),
        ...files.flatMap((file) => program.getSemanticDiagnostics(file)),
      ].map((d) => fromTypeScript("type", d));
    },
  };
}

function fromTypeScript(code: "syntax" | "type", d: ts.Diagnostic): Diagnostic {
  const at = ({ file, start, length }: ts.DiagnosticRelatedInformation) =>
    file && { source: file, start: start ?? 0, end: (start ?? 0) + (length ?? 0) };
  const message = ts.flattenDiagnosticMessageText(d.messageText, "\n");
  return diagnostic(
    code,
    at(d),
    { message: `${message} (ts${d.code})` },
    {
      related: (d.relatedInformation ?? []).map((info) => ({
        message: ts.flattenDiagnosticMessageText(info.messageText, "\n"),
        where: at(info),
      })),
    },
  );
}
