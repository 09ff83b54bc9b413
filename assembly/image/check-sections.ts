// The check of a section, by its type, once all its bytes are there.

import { refuse } from "../refusal";
import { Err } from "../spec/errors";
import { DATA_ORIGIN, MetaType, STACK_TOP } from "../spec/hxe";
import { checkEntries } from "./check-entries";
import { checkMailboxes } from "./check-mailboxes";
import { Check, Phase } from "./check-state";
import { imageBssSize, imageRodataSize, sectionOffset, sectionType } from "./metadata";
import { slotU32 } from "./slot";

function checkStack(c: Check): i32 {
  const place = sectionOffset(c.slot, c.section);
  const stack = slotU32(c.slot, place);
  const data = imageRodataSize(c.slot) + imageBssSize(c.slot);
  const most = STACK_TOP - DATA_ORIGIN;
  const room = data < most ? most - data : 0;
  if (stack == 0 || (stack & 3) != 0 || stack > room)
    return refuse(Err.HXE_STACK, place, stack, room);
  c.phase = <u8>Phase.PICK;
  return Err.BUSY;
}

/** Does a slice of the section under check. NO_DATA: its bytes are not all there. */
export function checkSection(c: Check): i32 {
  if (c.received < c.end) return Err.NO_DATA;
  switch (sectionType(c.slot, c.section)) {
    case MetaType.MAILBOX:
      return checkMailboxes(c);
    case MetaType.STACK:
      return checkStack(c);
  }
  return checkEntries(c);
}
