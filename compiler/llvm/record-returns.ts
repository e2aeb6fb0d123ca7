import type { IrType } from "../ir/ir.ts";
import type { LlvmBlock, LlvmFunction, LlvmModule, LlvmType, LlvmValue } from "./binding.ts";

/**
 * The returns of a function that gives a record on several ways: its fields meet one by one in one block, since LLVM does not take apart a
 * record that is merged as a whole, and a caller that looks at a field would look at it again.
 */
export class RecordReturns {
  readonly #returns: { fields: LlvmValue[]; from: LlvmBlock }[] = [];
  #block: LlvmBlock | undefined;

  constructor(
    private readonly llvm: LlvmModule,
    private readonly fn: LlvmFunction,
    private readonly result: Extract<IrType, { kind: "record" }>,
  ) {}

  /** Ends the block that is being built. */
  add(value: LlvmValue, from: LlvmBlock): void {
    const { llvm } = this;
    this.#returns.push({ fields: this.result.fields.map((_, i) => llvm.extract(value, i)), from });
    llvm.jump((this.#block ??= llvm.block(this.fn, "return")));
  }

  /** Builds the block in which they meet. */
  finish(types: readonly LlvmType[], type: LlvmType): void {
    const { llvm } = this;
    if (this.#block === undefined) return;
    llvm.position(this.#block);
    const fields = types.map((field, i) =>
      llvm.phi(
        field,
        this.#returns.map(({ fields, from }) => ({ value: fields[i]!, from })),
      ),
    );
    llvm.return(fields.reduce((made, field, i) => llvm.insert(made, field, i), llvm.undef(type)));
  }
}
