// What modules 7 and 8 have in common: how an entry is named, and the statuses 0 to 5 they share.

import { Err } from "../spec/errors";
import { ValueStatus } from "../spec/svc";
import { Context, reg, setReg } from "../vm/context";
import { Svc } from "./guest";

/** The oid a caller means by R1 group and R2 id. */
export function pairedOid(c: Context): u32 {
  return ((reg(c, 1) & 0xff) << 8) | (reg(c, 2) & 0xff);
}

/** ENOENT, EPERM, ENOSPC, EEXIST, or EINVAL for what is none of them. */
export function entryStatus(err: i32): u32 {
  switch (err) {
    case Err.NOT_FOUND:
      return ValueStatus.ENOENT;
    case Err.NO_ACCESS:
    case Err.READ_ONLY:
      return ValueStatus.EPERM;
    case Err.FULL:
    case Err.NO_MEMORY:
      return ValueStatus.ENOSPC;
    case Err.EXISTS:
      return ValueStatus.EEXIST;
    default:
      return err < 0 ? ValueStatus.EINVAL : ValueStatus.OK;
  }
}

/** R0: `status`; R1: the number, when there is one. */
export function answerEntry(c: Context, status: u32, number: i32): Svc {
  if (number >= 0) setReg(c, 1, number);
  setReg(c, 0, status);
  return Svc.DONE;
}
