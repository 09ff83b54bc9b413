// What can go wrong between a master and its nodes, besides what nodes refuse and what adapters meet.

export type BusErrorCode =
  | "no-slot"
  | "no-nodes"
  | "no-ids"
  | "no-answer"
  | "no-id"
  | "other-protocol"
  | "damaged-record"
  | "not-saved";

/** One sentence of what and where, and a remedy. */
export class BusError extends Error {
  override readonly name = "BusError";
  constructor(
    readonly code: BusErrorCode,
    message: string,
    readonly remedy: string,
    /** The node it is about. */
    readonly node?: number,
  ) {
    super(message);
  }
}

export function silent(node: number, where: string): BusError {
  const remedy = "look at its power and cable, and who is there: hsx scan";
  return new BusError("no-answer", `node ${node} does not answer on ${where}`, remedy, node);
}
