// Checks of sections of mailboxes: each entry, then its name against all mailboxes before.

import { DESCRIPTOR_MAX } from "../layout";
import { refuse, refuseFull } from "../refusal";
import { Err } from "../spec/errors";
import { Resource } from "../spec/node";
import { Check, Phase } from "./check-state";
import { isEarlier } from "./check-table";
import { CursorUse, isSameMailbox, mailboxCursorAt, mailboxNext, mailboxOpen } from "./mailboxes";
import { imageSections } from "./metadata";

enum MailboxStep {
  OPEN = 0,
  NEXT = 1,
  /** opens the next section with mailboxes that came before */
  OTHER = 2,
  COMPARE = 3,
}

function nextMailbox(c: Check): i32 {
  const next = mailboxNext(mailboxCursorAt(CursorUse.CHECK));
  if (next == Err.NO_DATA) {
    c.phase = <u8>Phase.PICK;
    return Err.BUSY;
  }
  if (next < 0) return next;
  if (c.mailboxes == DESCRIPTOR_MAX) {
    return refuseFull(Err.FULL, Resource.DESCRIPTORS, <u32>DESCRIPTOR_MAX + 1, <u32>DESCRIPTOR_MAX);
  }
  c.mailboxes += 1;
  c.other = 0;
  c.step = <u8>MailboxStep.OTHER;
  return Err.BUSY;
}

function openOther(c: Check): i32 {
  if (c.other == imageSections(c.slot)) {
    c.entry += 1;
    c.step = <u8>MailboxStep.NEXT;
    return Err.BUSY;
  }
  c.otherEntry = 0;
  if (isEarlier(c, c.other)) {
    mailboxOpen(mailboxCursorAt(CursorUse.EARLIER), c.slot, c.other);
    c.step = <u8>MailboxStep.COMPARE;
  } else c.other += 1;
  return Err.BUSY;
}

function closeOther(c: Check): i32 {
  c.other += 1;
  c.step = <u8>MailboxStep.OTHER;
  return Err.BUSY;
}

function compareMailbox(c: Check): i32 {
  if (c.other == c.section && c.otherEntry == c.entry) return closeOther(c);
  const earlier = mailboxCursorAt(CursorUse.EARLIER);
  const next = mailboxNext(earlier);
  if (next == Err.NO_DATA) return closeOther(c);
  if (next < 0) return next;
  c.otherEntry += 1;
  const present = mailboxCursorAt(CursorUse.CHECK);
  if (!isSameMailbox(present, earlier)) return Err.BUSY;
  return refuse(Err.HXE_DUPLICATE, present.target, 0, earlier.target);
}

/** Does a slice of a section of mailboxes. */
export function checkMailboxes(c: Check): i32 {
  switch (<i32>c.step) {
    case MailboxStep.OPEN:
      mailboxOpen(mailboxCursorAt(CursorUse.CHECK), c.slot, c.section);
      c.step = <u8>MailboxStep.NEXT;
      return Err.BUSY;
    case MailboxStep.NEXT:
      return nextMailbox(c);
    case MailboxStep.OTHER:
      return openOther(c);
  }
  return compareMailbox(c);
}
