// Which memory the board's non-volatile bytes are in.
#pragma once

/** Looks for the FRAM; without one ever seen, the EEPROM serves. */
void nv_start(void);
