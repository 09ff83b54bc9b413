// The programmatic compiler, as far as it is used here. The package's own types declare a global
// `console` and `performance` that clash with Node's; tsconfig.json puts this file in their place.

export interface CompilerHost {
  stdout?: MemoryStream;
  stderr?: MemoryStream;
  /** null: there is no such file. */
  readFile?: (name: string, folder: string) => string | null | Promise<string | null>;
  writeFile?: (name: string, contents: Uint8Array | string, folder: string) => void | Promise<void>;
  listFiles?: (folder: string, base: string) => string[] | null | Promise<string[] | null>;
}

export interface MemoryStream {
  write(chunk: Uint8Array | string): void;
  toString(): string;
}

export interface CompilerResult {
  error: Error | null;
  stdout: MemoryStream;
  stderr: MemoryStream;
}

declare const asc: {
  main(args: readonly string[], host?: CompilerHost): Promise<CompilerResult>;
  createMemoryStream(): MemoryStream;
};
export default asc;
