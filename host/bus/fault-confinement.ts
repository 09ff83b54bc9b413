// Error counters of a CAN controller and the states they lead to (ISO 11898-1, fault confinement; Bosch CAN 2.0 B, chapter 8).

/** Why a frame did not go out. */
export type Failure = "bit" | "acknowledge";
/** Part a controller takes in the bus. */
export type ErrorState = "active" | "passive" | "off";

const PASSIVE_FROM = 128;
const OFF_FROM = 256;
const REC_MAX = 255;

export class FaultConfinement {
  /** Transmit error counter. */
  tec = 0;
  /** Receive error counter. */
  rec = 0;

  /** `relapse`: where a receive counter above 127 goes with the next good frame; the standard allows 119 to 127. */
  constructor(private readonly relapse = 127) {}

  get state(): ErrorState {
    if (this.tec >= OFF_FROM) return "off";
    return this.tec >= PASSIVE_FROM || this.rec >= PASSIVE_FROM ? "passive" : "active";
  }

  sent(): void {
    if (this.tec > 0) this.tec--;
  }
  /** A passive sender that is alone on the bus counts no further: it never goes off for that. */
  failed(why: Failure): void {
    if (why === "acknowledge" && this.tec >= PASSIVE_FROM) return;
    this.tec += 8;
  }
  received(): void {
    if (this.rec >= PASSIVE_FROM) this.rec = this.relapse;
    else if (this.rec > 0) this.rec--;
  }
  /** `penalty`: 1, or 9 for the receiver that noticed the error first. */
  disturbed(penalty: number): void {
    this.rec = Math.min(REC_MAX, this.rec + penalty);
  }
  reset(): void {
    this.tec = 0;
    this.rec = 0;
  }
}
