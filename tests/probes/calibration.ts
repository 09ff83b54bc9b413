// A whole node whose activation is played by a test: the exports of the core, and how an app is put in trial.

export * from "../../assembly/index";
export {
  shadowBegin,
  shadowDrop,
  shadowIsSettled,
  shadowMerge,
} from "../../assembly/registry/shadow";
