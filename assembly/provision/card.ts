// The card at the start of a node, step by step: its manifest is checked and taken, what it sets is set (plan-apply.ts), and its apps have
// their turns (plan-apps.ts). Before another uses the bus for a load, and while an app is started, the card's memory is given back.

import { cardEnd, cardHasAnswered, cardIsOpen } from "../card/volume";
import { emit } from "../events";
import { APP_MAX, REFUSAL_BASE } from "../layout";
import { refuse } from "../refusal";
import { NodeWord, Source } from "../spec/boot";
import { Err } from "../spec/errors";
import { EventType, REFUSAL_OFFSET_OFF } from "../spec/node";
import { Provision, Step } from "./job";
import { loadAt, Phase } from "./load";
import { manifestBegin, manifestCheck } from "./manifest";
import { configWord } from "./node-config";
import { Plan, planAt, PlanFlag, planPassed, planStamp, PlanStep } from "./plan";
import { sourceChoose } from "./source";
import { awaitNote, awaitValue, note, readNode, setConfig, setValue } from "./plan-apply";
import { awaitStart, choose, decide, feed, open, startStored } from "./plan-apps";

/** Ms a card has to say its first block where the configuration says nothing: it may take a second to start. */
const CARD_WAIT_MS: u32 = 1500;
/** Ms between two looks at an app that is to become well. */
const LOOK_MS: u32 = 10;

// ---- The end ----

/** True while the boot is to ask here for what is next. */
export function planIsOn(): bool {
  const step: u32 = planAt().step;
  return step != PlanStep.NONE && step != PlanStep.DONE;
}
/** True once the configuration is as this start will have it. */
export function planKnowsConfig(): bool {
  return (planAt().flags & PlanFlag.KNOWN) != 0;
}
/** True once the boot has asked for a card, or need not. */
export function planHasBegun(): bool {
  return planIsOn() || planKnowsConfig();
}

/** The boot goes on: first a master has its time, later what is stored is started. */
function goOn(l: Plan, p: Provision): void {
  l.flags |= <u8>PlanFlag.KNOWN;
  const waits = (l.flags & PlanFlag.WAITED) == 0 && configWord(NodeWord.MASTER_WAIT) != 0;
  l.flags |= <u8>PlanFlag.WAITED;
  p.step = <u8>(waits ? Step.WAIT : Step.NEXT);
}

/** What went wrong is told, and counts less than what went wrong before. */
function tell(l: Plan, err: i32): void {
  if (l.err == 0) l.err = <u8>-err;
  emit(EventType.CARD, 0, -err, load<u32>(REFUSAL_BASE + REFUSAL_OFFSET_OFF));
}

/** Nothing more comes from the card; what is stored starts, unless it is to wait for an app that is not well. */
function finish(l: Plan, p: Provision, err: i32): void {
  cardEnd();
  l.step = <u8>PlanStep.DONE;
  if (err == Err.UNWELL) p.begun = 0xffff;
  if (err < 0) tell(l, err);
  goOn(l, p);
}

/** Begins with the card, if it is among the sources. */
export function planBegin(p: Provision): void {
  const l = planAt();
  if (sourceChoose(configWord(NodeWord.SOURCES), 1 << Source.SD) != Source.SD) return goOn(l, p);
  manifestBegin(l);
  planStamp(l);
  p.step = <u8>Step.CARD;
}

// ---- The manifest ----

/** The card has not said its first block yet. TIMEOUT: it had its time. */
function awaitCard(l: Plan, p: Provision, err: i32): i32 {
  if (err == Err.ABSENT) {
    l.step = <u8>PlanStep.DONE; // no card: nothing to tell
    cardEnd();
    goOn(l, p);
    return Err.OK;
  }
  const asked = configWord(NodeWord.CARD_WAIT);
  const limit = asked == 0 ? CARD_WAIT_MS : asked;
  return err != Err.BUSY || planPassed(l) < limit ? err : refuse(Err.TIMEOUT, 0, limit, 0);
}

function check(l: Plan, p: Provision): i32 {
  const err = manifestCheck(l);
  const isAgain = (l.flags & PlanFlag.TAKEN) != 0;
  if (err != Err.OK) return isAgain || cardHasAnswered() ? err : awaitCard(l, p, err);
  l.step = <u8>(isAgain ? PlanStep.CHOOSE : PlanStep.NODE);
  l.app = 0;
  return err;
}

/** The image of an app was refused: what is stored of it runs, and the next one's turn comes. */
function skip(l: Plan, p: Provision, err: i32): void {
  tell(l, err);
  cardEnd();
  l.step = <u8>PlanStep.CHOOSE;
  if (<u32>p.app < APP_MAX) startStored(p);
}

/** Looks for the app that is next; behind the last one the card has no more to say. */
function chooseNext(l: Plan, p: Provision): i32 {
  const err = choose(l);
  if (err != Err.NO_DATA) return err;
  finish(l, p, Err.OK);
  return Err.OK;
}

// ---- Step by step ----

function step(l: Plan, p: Provision): i32 {
  switch (<u32>l.step) {
    case PlanStep.CHECK:
      return check(l, p);
    case PlanStep.NODE:
      return readNode(l);
    case PlanStep.CONFIG:
      return setConfig(l, p);
    case PlanStep.VALUES:
      return setValue(l);
    case PlanStep.SAVING:
      return awaitValue(l);
    case PlanStep.NOTE:
      return note(l);
    case PlanStep.NOTING:
      return awaitNote(l);
    case PlanStep.CHOOSE:
      return chooseNext(l, p);
    case PlanStep.DELAY:
      return decide(l, p);
    case PlanStep.OPEN:
      return open(l);
    case PlanStep.FEED:
      return feed(l);
    default:
      return awaitStart(l, p);
  }
}

/** A step was refused by the card, the node or the store: what is left to do is done. */
function refused(l: Plan, p: Provision, err: i32): void {
  const before: u32 = l.step;
  if (before >= <u32>PlanStep.OPEN && err != Err.ABSENT) return skip(l, p, err);
  if (before < <u32>PlanStep.CONFIG || before > <u32>PlanStep.NOTING) return finish(l, p, err);
  tell(l, err); // not all is set: the next start tries again
  l.step = <u8>PlanStep.CHOOSE;
}

/** The manifest is taken: who waits for it goes on. */
function taken(l: Plan, p: Provision): void {
  l.flags |= <u8>PlanFlag.TAKEN;
  l.app = 0;
  emit(EventType.CARD, 0, 0, (<u32>l.plant) | ((<u32>l.version) << 16));
  goOn(l, p);
}

/** Makes a step of what the card says. */
export function planPoll(p: Provision): void {
  const l = planAt();
  const isChoosing = l.step >= <u8>PlanStep.CHOOSE && l.step <= <u8>PlanStep.OPEN;
  if (isChoosing && !makeWay(l)) return;
  const err = step(l, p);
  if (err < 0 && err != Err.BUSY) refused(l, p, err);
  if (l.step == <u8>PlanStep.CHOOSE && (l.flags & PlanFlag.TAKEN) == 0) taken(l, p);
}

/** While another loads, the card's memory is not held; then the manifest is opened again. False: nothing can be done now. */
function makeWay(l: Plan): bool {
  if (loadAt().phase != Phase.IDLE) {
    cardEnd();
    if (l.step == <u8>PlanStep.OPEN) l.done = <u16>((<u32>l.done) & ~(1 << (<u32>l.next)));
    l.step = <u8>PlanStep.CHOOSE;
    return false;
  }
  if (cardIsOpen() || (l.flags & PlanFlag.TAKEN) == 0) return true;
  manifestBegin(l);
  return false;
}

/** True while an app is waited for that is not well. */
export function planHolds(): bool {
  return planIsOn() && (planAt().flags & PlanFlag.HOLDING) != 0;
}
/** What waits for an app that is not well goes on. */
export function planGo(): void {
  planAt().flags |= <u8>PlanFlag.GO;
}
/** Ms the node may rest as far as the card goes. */
export function planRest(): u32 {
  return planHolds() && planAt().app == 0 ? LOOK_MS : 0;
}
