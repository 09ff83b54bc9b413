// What a verb says about one node of several: kept until its turn, with the node's id.

import type { Failure } from "../exit.ts";
import { Output, type SchemaName } from "../output.ts";

export class NodeOutput extends Output {
  private readonly kept: (() => void)[] = [];

  constructor(
    private readonly whole: Output,
    readonly node: number,
  ) {
    super(whole.terminal, whole.json);
  }

  /** Says everything so far. */
  flush(): void {
    for (const say of this.kept.splice(0)) say();
  }
  /** One line stands behind the id, several below it. */
  override result(schema: SchemaName, data: object, text: () => string): void {
    this.kept.push(() =>
      this.whole.result(schema, { node: this.node, ...data }, () => {
        const said = text().trimEnd();
        const heading = this.style("bold", `node ${this.node}`);
        return said.includes("\n") ? `${heading}\n${said}` : `${heading}  ${said}`;
      }),
    );
  }
  override note(text: string): void {
    this.kept.push(() => this.whole.note(`node ${this.node}: ${text}`));
  }
  override warn(message: string, remedy?: string): void {
    this.kept.push(() => this.whole.warn(`node ${this.node}: ${message}`, remedy));
  }
  override error(failure: Failure): void {
    this.kept.push(() => this.whole.error(failure, `node ${this.node}`));
  }
}
