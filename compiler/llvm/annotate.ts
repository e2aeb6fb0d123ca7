/**
 * What LLVM's builder API cannot say about an instruction, put into the module's printed text: branch weights and
 * alignments of locals over 8 bytes. The names of blocks and locals carry the request (`w12.label`, `al64.name`).
 */

/** Requests of one module, by number. */
export class Annotations {
  readonly #weights: (readonly number[])[] = [];

  /** Name of a block whose terminator carries weights, one per successor in LLVM's order. */
  weightedBlock(label: string, weights: readonly number[]): string {
    this.#weights.push(weights.map((weight) => Math.max(0, Math.min(Math.round(weight), 0x7fff_ffff))));
    return `w${this.#weights.length - 1}.${label}`;
  }

  /** Name of a local with an alignment. */
  alignedLocal(name: string, align: number): string {
    return align > 8 ? `al${align}.${name}` : name;
  }

  /** The module's text with every request carried out. */
  apply(text: string): string {
    const lines = text.split("\n");
    let next = 0;
    for (const line of lines) {
      const number = line.startsWith("!") ? /^!(\d+) =/.exec(line) : null;
      if (number !== null) next = Math.max(next, Number(number[1]) + 1);
    }
    const nodes = new Map<string, number>();
    let pending: readonly number[] | undefined;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i]!;
      if (line.startsWith("w")) {
        const block = /^w(\d+)\..*:/.exec(line);
        if (block !== null) pending = this.#weights[Number(block[1])];
      } else if (line.startsWith("  %al")) {
        const local = /^ {2}%al(\d+)\..* = alloca /.exec(line);
        if (local !== null) lines[i] = line.replace(/, align \d+/, `, align ${local[1]}`);
      } else if (pending !== undefined && (line.startsWith("  br ") || line.startsWith("  ]"))) {
        const key = pending.map((weight) => `i32 ${weight}`).join(", ");
        const node = nodes.get(key) ?? next + nodes.size;
        nodes.set(key, node);
        lines[i] = `${line}, !prof !${node}`;
        pending = undefined;
      }
    }
    for (const [key, node] of nodes) lines.push(`!${node} = !{!"branch_weights", ${key}}`);
    return `${lines.join("\n")}\n`;
  }
}
