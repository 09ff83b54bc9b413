// The places of linear memory that may differ between two nodes on which the same is loaded.

export {
  CELLS_BASE,
  CELLS_SIZE,
  COUNTERS_BASE,
  COUNTERS_SIZE,
  EVENTS_BASE,
  EVENTS_SIZE,
  HANDLES_BASE,
  HANDLES_SIZE,
  PROTOCOL_BASE,
  PROTOCOL_SIZE,
  FLAGS_BASE,
  FLAGS_SIZE,
  IO_BASE,
  IO_SIZE,
  RAM_END,
  REFUSAL_BASE,
  REFUSAL_SIZE,
  STORE_BASE,
  STORE_SIZE,
} from "../../assembly/layout";
