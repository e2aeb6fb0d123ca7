/** What TypeScript knows of the sources, asked once for each node. */
import { ts } from "ts-morph";
import type { Loc } from "../ir/ir.ts";
import { assignedSymbols } from "./assigned.ts";
import { declaredType, type Declared } from "./declared.ts";
import type { Front } from "./front.ts";

/** Remembers the answers of TypeScript's checker. */
export class SourceFacts {
  readonly front: Front;

  constructor(front: Front) {
    this.front = front;
  }

  /** Where a node begins. */
  locOf(node: ts.Node): Loc {
    let loc = this.#locs.get(node);
    if (loc === undefined) {
      const file = node.getSourceFile();
      const { line, character } = file.getLineAndCharacterOfPosition(node.getStart(file));
      this.#locs.set(
        node,
        (loc = { file: this.front.displayPath(file.fileName), line: line + 1, column: character + 1 }),
      );
    }
    return loc;
  }
  readonly #locs = new Map<ts.Node, Loc>();

  /** What an identifier names. */
  symbolOf(node: ts.Identifier): ts.Symbol | undefined {
    let symbol = this.#symbolsOfNames.get(node);
    if (symbol === undefined && !this.#symbolsOfNames.has(node)) {
      const { checker } = this.front;
      symbol = ts.isShorthandPropertyAssignment(node.parent)
        ? checker.getShorthandAssignmentValueSymbol(node.parent)
        : checker.getSymbolAtLocation(node);
      this.#symbolsOfNames.set(node, symbol);
    }
    return symbol;
  }
  readonly #symbolsOfNames = new Map<ts.Identifier, ts.Symbol | undefined>();

  /** Whether TypeScript knows nothing of an expression or a declaration. */
  isAny(node: ts.Node): boolean {
    let any = this.#any.get(node);
    if (any === undefined)
      this.#any.set(
        node,
        (any = (this.front.checker.getTypeAtLocation(node).flags & ts.TypeFlags.Any) !== 0),
      );
    return any;
  }
  readonly #any = new Map<ts.Node, boolean>();

  /** What a declared type says. */
  declaredOf(type: ts.Type): Declared {
    let declared = this.#declared.get(type);
    if (declared === undefined) this.#declared.set(type, (declared = declaredType(this.front.checker, type)));
    return declared;
  }
  readonly #declared = new Map<ts.Type, Declared>();

  /** The locals that a function assigns after their declaration. */
  assignedIn(node: ts.Node): ReadonlySet<ts.Symbol> {
    let set = this.#assigned.get(node);
    if (set === undefined) this.#assigned.set(node, (set = assignedSymbols(node, this.front.checker)));
    return set;
  }
  readonly #assigned = new Map<ts.Node, ReadonlySet<ts.Symbol>>();
}
