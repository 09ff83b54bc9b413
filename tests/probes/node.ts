// A whole node: the core as it is, or with a design fault in it.

export * from "../../assembly/index";
