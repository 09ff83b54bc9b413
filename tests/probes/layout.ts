// The places of linear memory that may differ between two nodes on which the same is loaded.

export {
  COUNTERS_BASE,
  COUNTERS_SIZE,
  EVENTS_BASE,
  EVENTS_SIZE,
  IO_BASE,
  IO_SIZE,
  RAM_END,
  REFUSAL_BASE,
  REFUSAL_SIZE,
} from "../../assembly/layout";
