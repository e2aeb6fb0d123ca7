/** Loads the sources of a program: one root file, everything it imports, and TypeScript's checker over it. Read-only. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { diagnostic, type Diagnostic } from "../diagnostics/diagnostic.ts";
import { InputFailure } from "../failure.ts";
import { repositoryRoot } from "../root.ts";
import { checkTypes, checkWarmTypes, incrementalOptions, setVersion, type WarmCheck } from "./type-check.ts";
import { ts } from "./ts.ts";

/** The loaded sources. */
export interface Sources {
  readonly program: ts.Program;
  readonly checker: ts.TypeChecker;
  /** Absolute path of the folder that holds the root file's `tsconfig.json`. */
  readonly projectRoot: string;
  readonly rootFiles: readonly string[];
  /** The project's own files (no libraries, no declaration files), sorted by path. */
  readonly files: readonly ts.SourceFile[];
  /** The file of an absolute path. */
  file(path: string): ts.SourceFile | undefined;
  /** A file's path relative to the repository if it lies there, else to the project, with `/`. Strata go by it. */
  displayPath(fileName: string): string;
  /** What TypeScript itself finds wrong in files (all where absent): syntax first, and if there is none, types. */
  typeErrors(of?: readonly ts.SourceFile[]): readonly Diagnostic[];
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

const coreFolder = join(repositoryRoot, "dsl/core");

/** Absolute path of a file of the language itself: `coreFile("layout")`. */
export function coreFile(name: string): string {
  return join(coreFolder, `${name}.ts`);
}
/** What the compiler reads from, so that it is part of every program. */
const coreFiles = ["int", "intrinsics", "layout", "storage", "binding", "memory"].map(coreFile);

const libraryFolder = dirname(createRequire(import.meta.url).resolve("typescript/lib/lib.es2022.d.ts"));
/** Comments of the form of JSDoc say nothing to the compiler. */
const parsing: ts.CreateSourceFileOptions = {
  languageVersion: ts.ScriptTarget.ES2022,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
};
// A file whose text is the same is parsed and bound once, however many programs of this process hold it.
const parsed = new Map<string, ts.SourceFile>();

/** How to load. */
export interface LoadOptions {
  /** Texts that take the place of files, by absolute path; for tests and for editors. */
  readonly overlay?: ReadonlyMap<string, string>;
  /** A file that remembers from build to build what was type-checked. */
  readonly typeCheckMemory?: string;
  /** What this process keeps from one load of the same roots to the next; takes the place of the file. */
  readonly warm?: WarmCheck;
}

function host(overlay: ReadonlyMap<string, string>): ts.CompilerHost {
  const read = (fileName: string): string | undefined => {
    const text = overlay.get(fileName);
    if (text !== undefined) return text;
    try {
      return readFileSync(fileName, "utf8");
    } catch {
      return undefined;
    }
  };
  return {
    getSourceFile(fileName) {
      const known = parsed.get(fileName);
      if (known !== undefined && fileName.startsWith(libraryFolder)) return known;
      const text = read(fileName);
      if (text === undefined || known?.text === text) return text === undefined ? undefined : known;
      const file = ts.createSourceFile(fileName, text, parsing, true);
      setVersion(file);
      parsed.set(fileName, file);
      return file;
    },
    getDefaultLibFileName: () => join(libraryFolder, "lib.es2022.d.ts"),
    getDefaultLibLocation: () => libraryFolder,
    writeFile: () => undefined,
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (name) => overlay.has(name) || statSync(name, { throwIfNoEntry: false })?.isFile() === true,
    readFile: read,
    directoryExists: (name) => statSync(name, { throwIfNoEntry: false })?.isDirectory() === true,
    getDirectories: () => [],
  };
}

/** Loads root files (paths) and what they import. Throws InputFailure where a root file does not exist. */
export function loadSources(rootFiles: readonly string[], options: LoadOptions = {}): Sources {
  const { overlay = new Map<string, string>(), typeCheckMemory, warm } = options;
  const roots = rootFiles.map((file) => resolve(file));
  for (const root of roots)
    if (!overlay.has(root) && !existsSync(root)) throw new InputFailure(`${root} does not exist`);
  const projectRoot = projectRootOf(roots[0] ?? process.cwd());
  const program = ts.createProgram({
    rootNames: [...roots, ...coreFiles],
    options:
      typeCheckMemory === undefined ? compilerOptions : incrementalOptions(compilerOptions, typeCheckMemory),
    host: host(overlay),
  });
  if (warm !== undefined) warm.program = program;
  const checker = program.getTypeChecker();
  const files = program
    .getSourceFiles()
    .filter((file) => !file.isDeclarationFile && !file.fileName.includes("/node_modules/"))
    .sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
  const displayPath = (fileName: string): string => {
    const root = fileName.startsWith(repositoryRoot + sep) ? repositoryRoot : projectRoot;
    return relative(root, fileName).replaceAll("\\", "/");
  };
  const semanticErrors = (of: readonly ts.SourceFile[]): readonly ts.Diagnostic[] => {
    if (of === files && warm !== undefined) return checkWarmTypes(program, warm);
    if (of === files && typeCheckMemory !== undefined) return checkTypes(program, typeCheckMemory);
    return of.flatMap((file) => program.getSemanticDiagnostics(file));
  };
  return {
    program,
    checker,
    projectRoot,
    rootFiles: roots,
    files,
    file: (path) => program.getSourceFile(path),
    displayPath,
    typeErrors(of = files) {
      const syntax = of.flatMap((file) => program.getSyntacticDiagnostics(file));
      if (syntax.length > 0) return syntax.map((d) => fromTypeScript("syntax", d));
      return [
        ...program.getOptionsDiagnostics(),
        ...program.getGlobalDiagnostics(),
        ...semanticErrors(of),
      ].map((d) => fromTypeScript("type", d));
    },
  };
}

function fromTypeScript(code: "syntax" | "type", d: ts.Diagnostic): Diagnostic {
  const at = ({ file, start, length }: ts.DiagnosticRelatedInformation) =>
    file && { source: file, start: start ?? 0, end: (start ?? 0) + (length ?? 0) };
  const message = ts.flattenDiagnosticMessageText(d.messageText, "\n");
  const missing = /^Cannot find module '(.+?)'/.exec(message);
  if (missing !== null) return diagnostic("no-such-module", at(d), { path: missing[1]! });
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
